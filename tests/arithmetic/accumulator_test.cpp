// SPDX-License-Identifier: Apache-2.0
#include "arithmetic/accumulator.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "arithmetic/reference.h"

namespace widthwise::test {
namespace {

AccumulatorFormat saturating(int bits) { return {bits, Overflow::saturate, OverflowCheck::per_add}; }
AccumulatorFormat wrapping(int bits) { return {bits, Overflow::wrap, OverflowCheck::per_add}; }

Accumulator sum_of(const AccumulatorFormat& format, std::int64_t initial, const std::vector<std::int64_t>& products) {
    Accumulator accumulator(format);
    accumulator.start(initial);
    for (const std::int64_t product : products) accumulator.add(product);
    accumulator.finish();
    return accumulator;
}

void expect_like_reference(const AccumulatorFormat& format, std::int64_t initial,
                           const std::vector<std::int64_t>& products) {
    const Accumulator actual = sum_of(format, initial, products);
    const ReferenceSum expected = accumulate(format, initial, products);
    ASSERT_EQ(actual.value(), static_cast<std::int64_t>(expected.value)) << describe(format);
    ASSERT_EQ(actual.exact(), static_cast<std::int64_t>(expected.exact)) << describe(format);
    ASSERT_EQ(actual.overflow_events(), expected.events) << describe(format);
}

TEST(AccumulatorFormat, RangeIsTwosComplement) {
    EXPECT_EQ(saturating(2).min(), -2);
    EXPECT_EQ(saturating(2).max(), 1);
    EXPECT_EQ(saturating(18).min(), -131072);
    EXPECT_EQ(saturating(18).max(), 131071);
    EXPECT_EQ(saturating(48).min(), -140737488355328);
    EXPECT_EQ(saturating(48).max(), 140737488355327);
    for (int bits = kMinAccumulatorBits; bits <= kMaxAccumulatorBits; ++bits) {
        const AccumulatorFormat format = saturating(bits);
        EXPECT_EQ(format.min(), static_cast<std::int64_t>(lowest(bits)));
        EXPECT_EQ(format.max(), static_cast<std::int64_t>(highest(bits)));
        EXPECT_TRUE(format.fits(format.min()) && format.fits(format.max()));
        EXPECT_FALSE(format.fits(format.min() - 1) || format.fits(format.max() + 1));
    }
}

TEST(Accumulator, StepsOverTheEdgesOfEveryWidth) {
    for (int bits = kMinAccumulatorBits; bits <= kMaxAccumulatorBits; ++bits) {
        const std::int64_t low = saturating(bits).min();
        const std::int64_t high = saturating(bits).max();
        // On the edge nothing happens yet; one further saturates or comes out at the other end.
        EXPECT_EQ(sum_of(saturating(bits), high - 1, {1}).value(), high);
        EXPECT_EQ(sum_of(saturating(bits), high - 1, {1}).overflow_events(), 0U);
        EXPECT_EQ(sum_of(saturating(bits), high, {1}).value(), high);
        EXPECT_EQ(sum_of(saturating(bits), high, {1}).overflow_events(), 1U);
        EXPECT_EQ(sum_of(saturating(bits), low + 1, {-1}).value(), low);
        EXPECT_EQ(sum_of(saturating(bits), low + 1, {-1}).overflow_events(), 0U);
        EXPECT_EQ(sum_of(saturating(bits), low, {-1}).value(), low);
        EXPECT_EQ(sum_of(saturating(bits), low, {-1}).overflow_events(), 1U);
        EXPECT_EQ(sum_of(wrapping(bits), high, {1}).value(), low);
        EXPECT_EQ(sum_of(wrapping(bits), high, {1}).overflow_events(), 1U);
        EXPECT_EQ(sum_of(wrapping(bits), low, {-1}).value(), high);
        EXPECT_EQ(sum_of(wrapping(bits), low, {-1}).overflow_events(), 1U);
    }
}

TEST(Accumulator, MinimumTimesMinimum) {
    constexpr std::int64_t kProduct = 128 * 128;  // -128 x -128, the largest product of signed bytes
    EXPECT_EQ(sum_of(saturating(16), 0, {kProduct}).value(), 16384);
    EXPECT_EQ(sum_of(saturating(16), 0, {kProduct, kProduct}).value(), 32767);
    EXPECT_EQ(sum_of(wrapping(16), 0, {kProduct, kProduct}).value(), -32768);
    EXPECT_EQ(sum_of(saturating(15), 0, {kProduct}).value(), 16383);
    EXPECT_EQ(sum_of(wrapping(15), 0, {kProduct}).value(), -16384);
    EXPECT_EQ(sum_of(saturating(16), 0, {255 * -128}).value(), -32640);
    EXPECT_EQ(sum_of(saturating(15), 0, {255 * -128}).value(), -16384);
    EXPECT_EQ(sum_of(wrapping(15), 0, {255 * -128}).value(), 128);
}

TEST(Accumulator, WrappingUndoesItselfAndSaturatingDoesNot) {
    const std::vector<std::int64_t> there_and_back = {100, 100, -100, -100};
    EXPECT_EQ(sum_of(wrapping(8), 0, there_and_back).value(), 0);
    EXPECT_EQ(sum_of(wrapping(8), 0, there_and_back).overflow_events(), 2U);  // 200 to -56, and -156 back to 100
    EXPECT_EQ(sum_of(saturating(8), 0, there_and_back).value(), -73);
    EXPECT_EQ(sum_of(saturating(8), 0, there_and_back).overflow_events(), 1U);
    EXPECT_EQ(sum_of(saturating(8), 0, there_and_back).exact(), 0);
}

TEST(Accumulator, PerOutputLooksAtTheFinishedSumOnly) {
    const AccumulatorFormat format{8, Overflow::saturate, OverflowCheck::per_output};
    EXPECT_EQ(sum_of(format, 0, {100, 100, -100}).value(), 100);
    EXPECT_EQ(sum_of(format, 0, {100, 100, -100}).overflow_events(), 0U);
    EXPECT_EQ(sum_of(format, 0, {100, 100, 100}).value(), 127);
    EXPECT_EQ(sum_of(format, 0, {100, 100, 100}).overflow_events(), 1U);
    const AccumulatorFormat wrap{8, Overflow::wrap, OverflowCheck::per_output};
    EXPECT_EQ(sum_of(wrap, 0, {100, 100, 100}).value(), 44);
    EXPECT_EQ(sum_of(wrap, 0, {100, 100, 100}).overflow_events(), 1U);
}

TEST(Accumulator, PreloadedBiasIsBroughtIntoRangeAndCounted) {
    EXPECT_EQ(sum_of(saturating(8), 1000, {-27}).value(), 100);
    EXPECT_EQ(sum_of(saturating(8), 1000, {-27}).exact(), 973);
    EXPECT_EQ(sum_of(saturating(8), 1000, {-27}).overflow_events(), 1U);
    EXPECT_EQ(sum_of(wrapping(8), 1000, {}).value(), -24);
    EXPECT_EQ(sum_of(wrapping(8), -1000, {}).value(), 24);
    const AccumulatorFormat late{8, Overflow::saturate, OverflowCheck::per_output};
    EXPECT_EQ(sum_of(late, 1000, {-990}).value(), 10);
    EXPECT_EQ(sum_of(late, 1000, {-990}).overflow_events(), 0U);
    // A 32-bit bias meets the narrowest register.
    EXPECT_EQ(sum_of(saturating(2), INT32_MIN, {}).value(), -2);
    EXPECT_EQ(sum_of(saturating(2), INT32_MAX, {}).value(), 1);
    EXPECT_EQ(sum_of(wrapping(2), INT32_MIN, {}).value(), 0);
    EXPECT_EQ(sum_of(wrapping(2), INT32_MAX, {}).value(), -1);
}

TEST(Accumulator, StartForgetsTheSumBefore) {
    Accumulator accumulator(saturating(8));
    accumulator.start(1000);
    accumulator.add(1000);
    EXPECT_EQ(accumulator.overflow_events(), 2U);
    accumulator.start(5);
    EXPECT_EQ(accumulator.value(), 5);
    EXPECT_EQ(accumulator.exact(), 5);
    EXPECT_EQ(accumulator.overflow_events(), 0U);
}

TEST(Accumulator, ExhaustiveForNarrowRegisters) {
    // Every start and every pair of products that can carry the sum several times around the range.
    for (int bits = 2; bits <= 5; ++bits) {
        const auto reach = static_cast<std::int64_t>(3 * power_of_two(bits - 1));
        for (const AccumulatorFormat& format : formats_of(bits)) {
            for (std::int64_t start = -reach; start <= reach; ++start) {
                for (std::int64_t a = -reach; a <= reach; ++a) {
                    for (std::int64_t b = -reach; b <= reach; b += bits > 3 ? 3 : 1) {
                        ASSERT_NO_FATAL_FAILURE(expect_like_reference(format, start, {a, b}));
                    }
                }
            }
        }
    }
}

TEST(Accumulator, RandomSumsOfEveryWidth) {
    std::mt19937_64 random(20240517);
    for (int bits = kMinAccumulatorBits; bits <= kMaxAccumulatorBits; ++bits) {
        // Products of bytes, and for wide registers ones large enough to overflow them.
        const std::int64_t reach = bits <= 20 ? 32640 : saturating(bits).max() / 4;
        std::uniform_int_distribution<std::int64_t> product(-reach, reach);
        for (const AccumulatorFormat& format : formats_of(bits)) {
            for (int round = 0; round < 40; ++round) {
                std::vector<std::int64_t> products(static_cast<std::size_t>(round * 2));
                for (std::int64_t& p : products) p = product(random);
                ASSERT_NO_FATAL_FAILURE(expect_like_reference(format, round % 3 == 0 ? 0 : product(random), products));
            }
        }
    }
}

TEST(WrapToBits, AgreesInEveryIntegerWidth) {
    std::mt19937_64 random(7);
    std::uniform_int_distribution<std::int32_t> any(-(1 << 29), (1 << 29));
    for (int bits = 2; bits <= 30; ++bits) {
        for (int i = 0; i < 200; ++i) {
            const std::int32_t sum = any(random);
            const Wide expected = in_register(sum, bits, Overflow::wrap);
            ASSERT_EQ(wrap_to_bits<std::int32_t>(sum, bits), static_cast<std::int32_t>(expected)) << sum << ' ' << bits;
            ASSERT_EQ(wrap_to_bits<std::int64_t>(sum, bits), static_cast<std::int64_t>(expected)) << sum << ' ' << bits;
        }
    }
}

TEST(BitsForRange, FewestBitsThatHoldBothEnds) {
    EXPECT_EQ(bits_for_range(0, 0), 1);
    EXPECT_EQ(bits_for_range(-1, 0), 1);
    EXPECT_EQ(bits_for_range(0, 1), 2);
    EXPECT_EQ(bits_for_range(-2, 0), 2);
    EXPECT_EQ(bits_for_range(-128, 127), 8);
    EXPECT_EQ(bits_for_range(-129, 0), 9);
    EXPECT_EQ(bits_for_range(0, 128), 9);
    for (int bits = 2; bits <= kMaxAccumulatorBits; ++bits) {
        const auto low = static_cast<std::int64_t>(lowest(bits));
        const auto high = static_cast<std::int64_t>(highest(bits));
        EXPECT_EQ(bits_for_range(low, high), bits);
        EXPECT_EQ(bits_for_range(low - 1, 0), bits + 1);
        EXPECT_EQ(bits_for_range(0, high + 1), bits + 1);
    }
}

}  // namespace
}  // namespace widthwise::test
