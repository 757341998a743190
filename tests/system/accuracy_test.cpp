// SPDX-License-Identifier: Apache-2.0
// What a width costs: the same images with accumulators that are wide enough and ones that are not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "system/simulation.h"

namespace widthwise::test {
namespace {

constexpr int kImages = 100;

struct Outcome {
    std::uint64_t correct = 0;
    std::uint64_t events = 0;
    std::uint64_t outputs = 0;
    std::uint64_t persistent = 0;
    std::uint64_t transient = 0;
};

Outcome classify(const std::string& file, int bits) {
    Workload workload(file);
    workload.hardware().accumulator.format.bits = bits;
    const Bytes bytes = in_child_process([&] {
        SystemcEngine engine(workload.network, workload.hardware());
        const Results results = run(engine, 0, kImages, workload.source());
        const bool is_signed =
            workload.network.tensors[static_cast<std::size_t>(workload.network.output)].quantization.is_signed;
        Outcome outcome;
        for (int i = 0; i < kImages; ++i) {
            const int guess = best_class(results.outputs[static_cast<std::size_t>(i)], is_signed);
            outcome.correct += guess == workload.dataset.label(i) ? 1 : 0;
        }
        for (const LayerRecord& layer : results.record.layers) {
            outcome.events += layer.overflow.events;
            outcome.outputs += layer.overflow.outputs;
            outcome.persistent += layer.overflow.persistent;
            outcome.transient += layer.overflow.transient;
        }
        const auto* raw = reinterpret_cast<const std::uint8_t*>(&outcome);
        return Bytes(raw, raw + sizeof outcome);
    });
    Outcome outcome;
    EXPECT_EQ(bytes.size(), sizeof outcome);
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(&outcome));
    return outcome;
}

TEST(Accuracy, EighteenBitsAreEnoughAndTwelveAreNot) {
    const Outcome wide = classify("widthwise-8x8.yaml", 18);
    const Outcome narrow = classify("widthwise-8x8.yaml", 12);
    const std::uint64_t outputs = kImages * (6 * 28 * 28 + 16 * 10 * 10 + 120 + 84 + 10);
    EXPECT_EQ(wide.outputs, outputs);
    EXPECT_EQ(narrow.outputs, outputs);
    EXPECT_GE(wide.correct, 99U);  // of 100; the shipped network gets 99.55 % of all images right
    // A few sums of the shipped network need a 19th bit; saturated, they stay the largest of their kind.
    EXPECT_LT(wide.persistent, outputs / 1000);
    EXPECT_LE(narrow.correct, wide.correct - 20);
    EXPECT_GT(narrow.persistent, 0U);
    EXPECT_GE(narrow.events, narrow.persistent + narrow.transient);
    RecordProperty("correct_at_18_bits", static_cast<int>(wide.correct));
    RecordProperty("correct_at_12_bits", static_cast<int>(narrow.correct));
}

}  // namespace
}  // namespace widthwise::test
