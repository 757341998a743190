// SPDX-License-Identifier: Apache-2.0
#include "arithmetic/pooling.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "arithmetic/reference.h"

namespace widthwise::test {
namespace {

PoolPartial pooled(const std::vector<int>& values, int zero_point = 0, float scale = 1.0F) {
    PoolPartial partial;
    for (const int value : values) pool_add(partial, value, zero_point, scale);
    return partial;
}

constexpr AverageRule kIntegers{};
constexpr AverageRule kReals{AverageSum::reals};

RequantFormat format_of(RequantMode mode, Rounding rounding, int zero_point, int low = 0, int high = 255) {
    return {mode, rounding, 16, zero_point, low, high};
}

TEST(MaxPool, TakesTheLargestWhateverTheOrder) {
    const RequantFormat format = format_of(RequantMode::fixed_point, Rounding::floor, 0, -128, 127);
    EXPECT_EQ(pool_maximum(pooled({-128, -3, -77}), format), -3);
    EXPECT_EQ(pool_maximum(pooled({-3, -128, -77}), format), -3);
    EXPECT_EQ(pool_maximum(pooled({-128}), format), -128);  // no 0 that came from nowhere
    EXPECT_EQ(pool_maximum(pooled({127, 127}), format), 127);
}

TEST(MaxPool, IgnoresZeroPointsAndKeepsTheClamp) {
    for (const RequantMode mode : {RequantMode::fixed_point, RequantMode::float32}) {
        RequantFormat format = format_of(mode, Rounding::half_even, 33);
        EXPECT_EQ(pool_maximum(pooled({7, 200, 9}, 33, 0.5F), format), 200);
        format.clamp_low = 33;
        format.clamp_high = 100;
        EXPECT_EQ(pool_maximum(pooled({7, 200, 9}, 33, 0.5F), format), 100);
        EXPECT_EQ(pool_maximum(pooled({7, 20, 9}, 33, 0.5F), format), 33);
    }
}

TEST(AveragePool, CountsPixelsAndSumsDifferencesFromTheZeroPoint) {
    const PoolPartial partial = pooled({10, 250, 3}, 17, 0.25F);
    EXPECT_EQ(partial.pixels, 3);
    EXPECT_EQ(partial.sum, 10 + 250 + 3 - 3 * 17);
    EXPECT_EQ(partial.real_sum, -1.75F + 58.25F - 3.5F);
    EXPECT_EQ(partial.maximum, 250);
}

TEST(AveragePool, IntegerModesRoundTheSumLikeAnyOther) {
    std::mt19937 random(1);
    std::uniform_int_distribution<int> byte(-128, 127);
    for (const Rounding rounding : all_roundings()) {
        const RequantFormat format = format_of(RequantMode::reciprocal, rounding, 5, -128, 127);
        RequantScale quarter;
        quarter.divisor = 4;
        for (int i = 0; i < 2000; ++i) {
            const std::vector<int> values = {byte(random), byte(random), byte(random), byte(random)};
            const Wide sum = values[0] + values[1] + values[2] + values[3] - 4 * 9;
            const Wide expected = rounded_quotient(sum, 4, rounding) + 5;
            ASSERT_EQ(pool_average(pooled(values, 9), 4, quarter, format, 1.0F, kIntegers),
                      static_cast<int>(expected < -128  ? -128
                                       : expected > 127 ? 127
                                                        : expected));
        }
    }
}

TEST(AveragePool, FixedPointUsesTheScaleGiven) {
    const RequantFormat format = format_of(RequantMode::fixed_point, Rounding::half_even, 0);
    const RequantScale quarter = derive_requant_scale(0.25, format);
    EXPECT_EQ(pool_average(pooled({1, 2, 3, 4}), 4, quarter, format, 1.0F, kIntegers), 2);  // 2.5, to even
    EXPECT_EQ(pool_average(pooled({2, 2, 3, 4}), 4, quarter, format, 1.0F, kIntegers), 3);
    EXPECT_EQ(pool_average(pooled({3, 3, 4, 4}), 4, quarter, format, 1.0F, kIntegers), 4);  // 3.5, to even
}

TEST(AveragePool, FloatTiesGoToTheEvenStoredValue) {
    const RequantScale unused;
    for (const int zero_point : {16, 17}) {
        const RequantFormat format = format_of(RequantMode::float32, Rounding::half_even, zero_point);
        for (int sum = -40; sum <= 40; ++sum) {
            // Two pixels whose differences from the zero point add up to `sum`; scales of 1/32 are exact.
            const int first = zero_point + sum / 2;
            const std::vector<int> values = {first, 2 * zero_point + sum - first};
            const Wide stored = rounded_quotient(sum + 2 * zero_point, 2, Rounding::half_even);
            const Wide expected = stored < 0 ? 0 : stored;
            ASSERT_EQ(pool_average(pooled(values, zero_point, 1.0F / 32), 2, unused, format, 1.0F / 32, kReals),
                      static_cast<int>(expected))
                << sum << ", zero point " << zero_point;
        }
    }
    // In the integer modes the same tie is even before the zero point is added.
    const RequantFormat integer = format_of(RequantMode::fixed_point, Rounding::half_even, 17);
    EXPECT_EQ(pool_average(pooled({17, 18}, 17), 2, derive_requant_scale(0.5, integer), integer, 1.0F, kIntegers), 17);
    const RequantFormat real = format_of(RequantMode::float32, Rounding::half_even, 17);
    EXPECT_EQ(pool_average(pooled({17, 18}, 17, 1.0F), 2, unused, real, 1.0F, kReals), 18);
}

TEST(AveragePool, FloatSumKeepsTheOrderOfArrival) {
    // 2^24 swallows single ones that come after it, but not their sum when they come first.
    const float scale = 16777216.0F / 255.0F;
    PoolPartial large_first;
    PoolPartial large_last;
    pool_add(large_first, 255, 0, scale);
    for (int i = 0; i < 3; ++i) {
        pool_add(large_first, 1, 0, 1.0F);
        pool_add(large_last, 1, 0, 1.0F);
    }
    pool_add(large_last, 255, 0, scale);
    EXPECT_EQ(large_first.real_sum, 16777216.0F);
    EXPECT_EQ(large_last.real_sum, 16777220.0F);  // 16777219 is not a float; the tie goes to the even neighbour
}

TEST(AveragePool, FloatStepsAreRoundedOneByOne) {
    std::mt19937 random(2);
    std::uniform_int_distribution<int> byte(0, 255);
    const RequantScale unused;
    const RequantFormat format = format_of(RequantMode::float32, Rounding::half_even, 9);
    int unlike_exact = 0;
    for (int i = 0; i < 20000; ++i) {
        const std::vector<int> values = {byte(random), byte(random), byte(random), byte(random)};
        // volatile: each intermediate result is a float32, whatever the compiler would like to keep.
        volatile float sum = 0.0F;
        for (const int value : values) {
            volatile float term = static_cast<float>(value - 9) * 0.0237F;
            sum = sum + term;
        }
        volatile float average = sum / 4.0F;
        volatile float quotient = average / 0.0237F;
        volatile float stored = quotient + 9.0F;
        const int actual = pool_average(pooled(values, 9, 0.0237F), 4, unused, format, 0.0237F, kReals);
        ASSERT_EQ(actual, static_cast<int>(std::nearbyint(stored)));
        const int exact =
            static_cast<int>(rounded_quotient(values[0] + values[1] + values[2] + values[3], 4, Rounding::half_even));
        if (actual != exact) ++unlike_exact;
    }
    EXPECT_GT(unlike_exact, 0);  // so that the order of the steps is visible at all
}

TEST(AveragePool, FloatClampsBeforeItRounds) {
    const RequantScale unused;
    const RequantFormat format = format_of(RequantMode::float32, Rounding::half_even, 0, 0, 100);
    EXPECT_EQ(pool_average(pooled({255, 255}, 0, 1.0F), 2, unused, format, 1e-30F, kReals), 100);
    EXPECT_EQ(pool_average(pooled({0, 0}, 255, 1.0F), 2, unused, format, 1e-30F, kReals), 0);
}

TEST(AveragePool, RuleFollowsModeAndKernel) {
    const auto rule = [](RequantMode mode, bool global, RuntimeKernel kernel) {
        return average_rule(mode, global, kernel, true);
    };
    constexpr AverageRule kDequantized{AverageSum::dequantized};
    for (const RuntimeKernel kernel :
         {RuntimeKernel::integers, RuntimeKernel::unsigned_integers, RuntimeKernel::reals}) {
        for (const bool global : {false, true}) {
            EXPECT_EQ(rule(RequantMode::fixed_point, global, kernel), kIntegers);
            EXPECT_EQ(rule(RequantMode::onnx, global, kernel), kDequantized);
        }
    }
    EXPECT_EQ(rule(RequantMode::float32, false, RuntimeKernel::reals), kDequantized);
    EXPECT_EQ(rule(RequantMode::float32, true, RuntimeKernel::reals), kDequantized);
    EXPECT_EQ(rule(RequantMode::float32, false, RuntimeKernel::integers), kReals);
    EXPECT_EQ(rule(RequantMode::float32, true, RuntimeKernel::integers), kIntegers);
    EXPECT_EQ(rule(RequantMode::float32, true, RuntimeKernel::unsigned_integers), kIntegers);
    EXPECT_EQ(rule(RequantMode::float32, false, RuntimeKernel::unsigned_integers),
              (AverageRule{AverageSum::reals, 128}));
    EXPECT_EQ(average_rule(RequantMode::float32, false, RuntimeKernel::unsigned_integers, false), kReals);
}

/// 1.5 above a zero point of 3: to the even difference by the definition, to the even stored value by the kernel.
TEST(AveragePool, DefinitionRoundsBeforeTheZeroPoint) {
    const RequantScale unused;
    const RequantFormat format = format_of(RequantMode::float32, Rounding::half_even, 3);
    const PoolPartial pair = pooled({4, 5}, 3, 1.0F);
    EXPECT_EQ(pool_average(pair, 2, unused, format, 1.0F, {AverageSum::dequantized}), 5);
    EXPECT_EQ(pool_average(pair, 2, unused, format, 1.0F, kReals), 4);
    const RequantFormat narrow = format_of(RequantMode::float32, Rounding::half_even, 3, 3, 4);
    EXPECT_EQ(pool_average(pair, 2, unused, narrow, 1.0F, {AverageSum::dequantized}), 4);
}

/// 3.5 - 2^-22: seven bits more before the point, and the float32 of stored + 128 is the tie itself.
TEST(AveragePool, RelabellingCostsBitsBehindThePoint) {
    const RequantScale unused;
    const RequantFormat format = format_of(RequantMode::float32, Rounding::half_even, 0, -128, 127);
    PoolPartial sum;
    sum.pixels = 1;
    sum.real_sum = 3.5F - 0x1p-22F;
    EXPECT_EQ(pool_average(sum, 1, unused, format, 1.0F, kReals), 3);
    EXPECT_EQ(pool_average(sum, 1, unused, format, 1.0F, {AverageSum::reals, 128}), 4);  // 131.5 to 132
    sum.real_sum = 300.0F;
    EXPECT_EQ(pool_average(sum, 1, unused, format, 1.0F, {AverageSum::reals, 128}), 127);
    sum.real_sum = -300.0F;
    EXPECT_EQ(pool_average(sum, 1, unused, format, 1.0F, {AverageSum::reals, 128}), -128);
}

}  // namespace
}  // namespace widthwise::test
