// SPDX-License-Identifier: Apache-2.0
// What the blocks and threads of the measurement come to, against whole runs compared value by value in double.
#include "explore/measure_quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "common/error.h"
#include "explore/explore_case.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Everything that a run stores, as real numbers: by layer, -1 the output, image after image.
struct Values {
    std::map<int, std::vector<double>> reals;
    std::vector<int> classes;
};

Values values_of(const Network& network, const HardwareParams& hardware, const std::vector<Bytes>& images) {
    const Schedule schedule = compile(network, hardware, hardware.batch);
    FastEngine engine(network, schedule, 1);
    std::vector<int> layers;
    for (std::size_t l = 0; l + 1 < schedule.layers.size(); ++l) layers.push_back(static_cast<int>(l));
    Values values;
    engine.report_maps(layers, [&](int layer, int, std::span<const std::uint8_t> bytes) {
        const int op = schedule.layers[static_cast<std::size_t>(layer)].last_operator();
        const Quantization& q =
            network.tensors[static_cast<std::size_t>(network.operators[static_cast<std::size_t>(op)].output)]
                .quantization;
        for (const std::uint8_t byte : bytes) {
            const int stored = q.is_signed ? static_cast<std::int8_t>(byte) : byte;
            values.reals[layer].push_back(double{q.scale} * (stored - q.zero_point));
        }
    });
    const Classifier classify(network);
    const OutputValues output(network);
    engine.run(
        0, static_cast<int>(images.size()), [&](int i) { return images[static_cast<std::size_t>(i)]; },
        [&](int, std::span<const std::uint8_t> bytes) {
            values.classes.push_back(classify(bytes));
            const std::vector<std::int64_t> numbers = output.numbers(bytes);
            for (std::size_t i = 0; i < numbers.size(); ++i)
                values.reals[-1].push_back(static_cast<double>(numbers[i]) * output.scales()[output.scale_of(i)]);
        });
    return values;
}

void expect_map(const MapQuality& found, const std::vector<double>& reference, const std::vector<double>& values) {
    SCOPED_TRACE(found.name);
    double signal = 0, noise = 0, largest = 0;
    std::uint64_t different = 0;
    ASSERT_EQ(reference.size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double error = values[i] - reference[i];
        signal += reference[i] * reference[i];
        noise += error * error;
        largest = std::max(largest, std::abs(error));
        different += error != 0 ? 1U : 0U;
    }
    EXPECT_EQ(found.values, values.size());
    EXPECT_EQ(found.different, different);
    EXPECT_NEAR(found.largest_error, largest, 1e-9 * (1 + largest));
    EXPECT_NEAR(found.mean_squared_error, noise / static_cast<double>(values.size()), 1e-9 * (1 + noise));
    ASSERT_EQ(found.sqnr_db.has_value(), noise > 0);
    if (noise > 0 && signal > 0) {
        EXPECT_NEAR(*found.sqnr_db, 10 * std::log10(signal / noise), 1e-6);
    }
}

bool compiles(const Network& network, const HardwareParams& hardware) {
    try {
        compile(network, hardware, hardware.batch);
        return true;
    } catch (const InputError&) {
        return false;
    }
}

TEST(MeasuredQuality, IsThatOfWholeRuns) {
    int differing = 0, sums = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        const test::ExploreCase explored(seed, 70);
        const Network& network = explored.random.network;
        const std::vector<Bytes>& images = explored.random.images;
        const HardwareParams reference = test::with_width(explored.random.hardware, 48);
        const std::vector<HardwareParams> variants = {test::with_width(explored.random.hardware, 8), reference,
                                                      test::with_width(explored.random.hardware, 13)};
        if (!compiles(network, reference)) continue;  // sums of 48 bits that leave need more room
        const auto source = [&](int i) { return images[static_cast<std::size_t>(i)]; };
        int reported = 0;
        const auto measured = [&](int threads, std::int64_t block_bytes) {
            return measure_quality(
                network, reference, variants, 0, static_cast<int>(images.size()), threads, source,
                [&reported](int count) { reported += count; }, block_bytes);
        };
        const std::vector<Quality> found = measured(2, kQualityBlockBytes);
        EXPECT_EQ(reported, 4 * static_cast<int>(images.size()));
        const Values exact = values_of(network, reference, images);
        for (std::size_t v = 0; v < variants.size(); ++v) {
            const Values values = values_of(network, variants[v], images);
            expect_map(found[v].output, exact.reals.at(-1), values.reals.at(-1));
            for (std::size_t l = 0; l < found[v].layers.size(); ++l) {
                const auto layer = static_cast<int>(l);
                expect_map(found[v].layers[l], exact.reals.at(layer), values.reals.at(layer));
            }
            std::uint64_t agreeing = 0;
            for (std::size_t i = 0; i < images.size(); ++i) agreeing += exact.classes[i] == values.classes[i] ? 1U : 0U;
            EXPECT_EQ(found[v].agreeing, agreeing);
            EXPECT_EQ(found[v].images, images.size());
            EXPECT_EQ(found[v].reference_bits, 48);
            differing += found[v].output.different > 0 ? 1 : 0;
        }
        EXPECT_EQ(found[1].output.different, 0U) << "the reference itself";
        sums += network.operators.back().sums_leave ? 1 : 0;
        // Blocks of one batch, and one thread: the same to the last digit.
        const std::vector<Quality> in_pieces = measured(1, 1);
        for (std::size_t v = 0; v < variants.size(); ++v)
            EXPECT_EQ(quality_json(in_pieces[v]).dump(), quality_json(found[v]).dump());
    }
    EXPECT_GT(differing, 40);
    EXPECT_GT(sums, 5);
}

}  // namespace
}  // namespace widthwise
