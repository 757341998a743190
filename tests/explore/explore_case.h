// SPDX-License-Identifier: Apache-2.0
// Random networks with labels, evaluated freshly by the fast engine: what the shortcuts of sim/explore are held to.
#pragma once

#include <random>
#include <vector>

#include "engine/fast/fast_engine.h"
#include "engine/random_case.h"
#include "explore/image_blocks.h"
#include "results/classifier.h"
#include "results/run_report.h"

namespace widthwise::test {

/// What a fresh engine finds.
struct FreshRun {
    RunRecord record;
    std::vector<int> classes;  ///< of each image
    [[nodiscard]] std::uint64_t correct(const std::vector<int>& labels) const {
        std::uint64_t count = 0;
        for (std::size_t i = 0; i < labels.size(); ++i) count += labels[i] >= 0 && labels[i] == classes[i] ? 1U : 0U;
        return count;
    }
};

struct ExploreCase {
    /// `images`: their number; those of the random case are repeated with changes.
    ExploreCase(std::uint64_t seed, int images) : random(test::make_random_case(seed)) {
        std::mt19937_64 generate(seed);
        const std::size_t given = random.images.size();
        const Quantization& q = random.network.tensors[static_cast<std::size_t>(random.network.input)].quantization;
        while (random.images.size() < static_cast<std::size_t>(images)) {
            std::vector<std::uint8_t> image = random.images[generate() % given];
            for (std::uint8_t& value : image) {
                if (generate() % 3 == 0) {
                    value = static_cast<std::uint8_t>(
                        q.low() + static_cast<int>(generate() % static_cast<std::uint64_t>(q.high() - q.low() + 1)));
                }
            }
            random.images.push_back(std::move(image));
        }
        labels.assign(random.images.size(), -1);
    }

    [[nodiscard]] int size() const { return static_cast<int>(random.images.size()); }
    /// The case must outlive it.
    [[nodiscard]] ImageSource source() const {
        return [this](int image) { return random.images[static_cast<std::size_t>(image)]; };
    }

    [[nodiscard]] FreshRun fresh(const HardwareParams& hardware) const {
        const Classifier classify(random.network);
        FastEngine engine(random.network, hardware, 1);
        FreshRun run;
        run.record = engine.run(0, size(), source(), [&](int, std::span<const std::uint8_t> values) {
            run.classes.push_back(classify(values));
        });
        return run;
    }

    /// Most images get the class that the network gives them at this width.
    void label_like(const HardwareParams& hardware, std::uint64_t seed) {
        const FreshRun run = fresh(hardware);
        std::mt19937_64 generate(seed);
        for (std::size_t i = 0; i < labels.size(); ++i) {
            const std::uint64_t die = generate() % 20;
            labels[i] = die == 0 ? -1 : die == 1 ? 0 : run.classes[i];
        }
    }

    [[nodiscard]] std::vector<ImageBlock> blocks() const {
        std::vector<int> numbers(random.images.size());
        for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int>(i);
        return make_image_blocks(
            numbers, source(), [this](int i) { return labels[static_cast<std::size_t>(i)]; }, 1);
    }

    test::RandomCase random;
    std::vector<int> labels;
};

inline HardwareParams with_width(HardwareParams hardware, int bits) {
    hardware.accumulator.format.bits = bits;
    hardware.accumulator.layer_bits.clear();
    return hardware;
}

}  // namespace widthwise::test
