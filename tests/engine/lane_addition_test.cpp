// SPDX-License-Identifier: Apache-2.0
// The addition in vector lanes against its definition: every pair of bytes, in every mode and rounding.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/fast/stages/addition.h"
#include "kit/random.h"

namespace widthwise::fast {
namespace {

/// Every pair of bytes, and a few values more, so that the last chunk is not whole.
constexpr int kValues = 65536 + 7;
constexpr Shape kShape{1, 1, kValues};

struct Pairs {
    BlockMap values, operands;
    Pairs(bool values_are_signed, bool operands_are_signed) {
        values.reshape(kShape, 1, values_are_signed);
        operands.reshape(kShape, 1, operands_are_signed);
        for (int i = 0; i < kValues; ++i) {
            values[values.at(0, i, 0)] = static_cast<std::uint8_t>(i >> 8);
            operands[operands.at(0, i, 0)] = static_cast<std::uint8_t>(i);
        }
    }
};

struct Drawn {
    LayerSchedule layer;
    StoredRange values;
};

Drawn draw(RequantMode mode, Rounding rounding, int multiplier_bits, RuntimeKernel kernel, test::Random& random) {
    const auto quantization = [&] {
        Quantization q;
        q.is_signed = random.percent(50);
        q.zero_point = random.one_of({q.low(), q.high(), 0, random.in(q.low(), q.high())});
        q.scale = static_cast<float>(random.in(70, 1000)) / 10000.0F;
        return q;
    };
    const Quantization a = quantization(), b = quantization(), sum = quantization();
    Drawn drawn;
    drawn.layer.sums = kShape;
    Addition& stage = drawn.layer.addition.emplace();
    stage.operator_index = 3;
    stage.operand_is_first = random.percent(50);
    stage.operand_is_signed = (stage.operand_is_first ? a : b).is_signed;
    drawn.values.is_signed = (stage.operand_is_first ? b : a).is_signed;
    const int low = random.percent(30) ? sum.zero_point : sum.low();
    stage.format =
        derive_residual(a, b, sum, {mode, rounding, multiplier_bits, sum.zero_point, low, sum.high()}, kernel);
    return drawn;
}

class LaneAdditions : public ::testing::TestWithParam<std::tuple<int, Rounding, int>> {};

TEST_P(LaneAdditions, AreTheDefinitionForEveryPairOfBytes) {
    const auto& [multiplier_bits, rounding, dispatch] = GetParam();
    test::Random random(static_cast<std::uint64_t>(multiplier_bits), "lane addition");
    for (int n = 0; n < 6; ++n) {
        const RequantMode mode = multiplier_bits == 0 ? RequantMode::float32 : RequantMode::fixed_point;
        const auto kernel = static_cast<RuntimeKernel>(n % 3);
        const Drawn drawn = draw(mode, rounding, std::max(4, multiplier_bits), kernel, random);
        const Addition& stage = *drawn.layer.addition;
        const LaneAddition lanes(drawn.layer, drawn.values, dispatch == 0 ? portable_kernels() : best_kernels());
        const Pairs pairs(drawn.values.is_signed, stage.operand_is_signed);
        BlockMap output;
        lanes.run(pairs.values, &pairs.operands, output);
        ASSERT_EQ(output.shape(), kShape);
        const StoredRange of_operands{stage.operand_is_signed}, of_results = range_of(stage.format.output);
        int different = 0;
        for (int i = 0; i < kValues; ++i) {
            const std::size_t at = output.at(0, i, 0);
            const int expected =
                added(stage, drawn.values.value(pairs.values[at]), of_operands.value(pairs.operands[at]));
            different += of_results.value(output[at]) == expected ? 0 : 1;
        }
        EXPECT_EQ(different, 0) << "addition " << n;
    }
}

/// A multiplier of 0 bits stands for float32, which has one rounding.
INSTANTIATE_TEST_SUITE_P(Reals, LaneAdditions,
                         ::testing::Combine(::testing::Values(0), ::testing::Values(Rounding::half_even),
                                            ::testing::Values(0, 1)));
INSTANTIATE_TEST_SUITE_P(Integers, LaneAdditions,
                         ::testing::Combine(::testing::Values(4, 8, 16, 20, 21, 32),
                                            ::testing::Values(Rounding::floor, Rounding::toward_zero, Rounding::half_up,
                                                              Rounding::half_away, Rounding::half_even,
                                                              Rounding::gemmlowp),
                                            ::testing::Values(0, 1)));

}  // namespace
}  // namespace widthwise::fast
