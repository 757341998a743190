// SPDX-License-Identifier: Apache-2.0
// requantize() in each of its modes, against definitions of their own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "arithmetic/reference.h"
#include "arithmetic/requantize.h"

namespace widthwise::test {
namespace {

RequantFormat format_of(RequantMode mode, Rounding rounding, int zero_point, int low, int high, int bits = 16) {
    return {mode, rounding, bits, zero_point, low, high};
}

int clamped(Wide value, const RequantFormat& format) {
    return static_cast<int>(std::clamp<Wide>(value + format.zero_point, format.clamp_low, format.clamp_high));
}

RequantScale multiply_and_shift(std::int64_t multiplier, int shift) {
    RequantScale scale;
    scale.multiplier = multiplier;
    scale.shift = shift;
    return scale;
}

/// Sums around zero, around ties, around the clamp and at the ends of 48 bits.
std::vector<std::int64_t> interesting_sums(std::mt19937_64& random) {
    std::vector<std::int64_t> sums = {
        0, 1, -1, INT32_MIN, INT32_MAX, static_cast<std::int64_t>(lowest(48)), static_cast<std::int64_t>(highest(48))};
    for (int i = 0; i < 60; ++i) sums.push_back(static_cast<std::int64_t>(random()) >> (16 + random() % 47));
    return sums;
}

TEST(FixedPoint, EqualsTheRationalDefinition) {
    std::mt19937_64 random(1);
    for (const Rounding rounding : all_roundings()) {
        if (rounding == Rounding::gemmlowp) continue;  // two roundings: tested below
        for (int bits = 2; bits <= 32; bits += 5) {
            const RequantFormat format = format_of(RequantMode::fixed_point, rounding, 7, -128, 127, bits);
            for (int shift = 0; shift <= 62; ++shift) {
                const auto multiplier = static_cast<std::int64_t>(random() % (1ULL << bits));
                for (const std::int64_t sum : interesting_sums(random)) {
                    const Wide product = std::clamp<Wide>(Wide{sum} * multiplier, INT64_MIN, INT64_MAX);
                    const int expected = clamped(rounded_quotient(product, power_of_two(shift), rounding), format);
                    ASSERT_EQ(requantize(sum, 0, multiply_and_shift(multiplier, shift), format), expected)
                        << sum << " * " << multiplier << " >> " << shift;
                }
            }
        }
    }
}

TEST(FixedPoint, TiesOnEitherSideOfZero) {
    // 3/2 and its like: sum * 1 >> 1.
    const auto at = [](std::int64_t sum, Rounding rounding) {
        return requantize(sum, 0, multiply_and_shift(1, 1),
                          format_of(RequantMode::fixed_point, rounding, 0, -128, 127));
    };
    EXPECT_EQ(at(3, Rounding::floor), 1);
    EXPECT_EQ(at(-3, Rounding::floor), -2);
    EXPECT_EQ(at(3, Rounding::toward_zero), 1);
    EXPECT_EQ(at(-3, Rounding::toward_zero), -1);
    EXPECT_EQ(at(3, Rounding::half_up), 2);
    EXPECT_EQ(at(-3, Rounding::half_up), -1);
    EXPECT_EQ(at(3, Rounding::half_away), 2);
    EXPECT_EQ(at(-3, Rounding::half_away), -2);
    EXPECT_EQ(at(1, Rounding::half_even), 0);
    EXPECT_EQ(at(-1, Rounding::half_even), 0);
    EXPECT_EQ(at(3, Rounding::half_even), 2);
    EXPECT_EQ(at(-3, Rounding::half_even), -2);
}

TEST(FixedPoint, RoundsBeforeTheZeroPointIsAdded) {
    // -0.5 and 0.5 go to 0, so to the zero point, odd or even.
    for (const int zero_point : {16, 17}) {
        const RequantFormat format = format_of(RequantMode::fixed_point, Rounding::half_even, zero_point, 0, 255);
        EXPECT_EQ(requantize(1, 0, multiply_and_shift(1, 1), format), zero_point);
        EXPECT_EQ(requantize(-1, 0, multiply_and_shift(1, 1), format), zero_point);
    }
}

TEST(FixedPoint, BiasIsPartOfTheSum) {
    const RequantFormat format = format_of(RequantMode::fixed_point, Rounding::half_up, 0, -128, 127);
    EXPECT_EQ(requantize(10, 22, multiply_and_shift(1, 3), format), 4);
    EXPECT_EQ(requantize(131071, INT32_MIN, multiply_and_shift(1, 24), format), -128);
    EXPECT_EQ(requantize(131071, INT32_MIN, multiply_and_shift(1, 25), format), -64);
}

TEST(FixedPoint, ClampIsInclusiveAndCarriesTheActivation) {
    const RequantFormat relu = format_of(RequantMode::fixed_point, Rounding::floor, 40, 40, 255);
    EXPECT_EQ(requantize(-1, 0, multiply_and_shift(1, 0), relu), 40);
    EXPECT_EQ(requantize(1, 0, multiply_and_shift(1, 0), relu), 41);
    EXPECT_EQ(requantize(215, 0, multiply_and_shift(1, 0), relu), 255);
    EXPECT_EQ(requantize(216, 0, multiply_and_shift(1, 0), relu), 255);
}

TEST(FixedPoint, ProductSaturatesAtSixtyFourBits) {
    const RequantFormat format = format_of(RequantMode::fixed_point, Rounding::floor, 0, -128, 127, 32);
    const RequantScale widest = multiply_and_shift(4294967295, 62);
    const std::int64_t top = std::int64_t{1} << 47;
    EXPECT_EQ(requant_multiply(top - 1, widest, format).product, INT64_MAX);
    EXPECT_EQ(requant_multiply(-top, widest, format).product, INT64_MIN);
    EXPECT_EQ(requant_multiply((std::int64_t{1} << 31) - 1, widest, format).product, 2147483647LL * 4294967295LL);
    EXPECT_EQ(requantize(top - 1, 0, widest, format), 1);  // (2^63 - 1) >> 62
    EXPECT_EQ(requantize(-top, 0, widest, format), -2);
    // What a product of half a bit more than 64 bits would wrap to is negative.
    EXPECT_EQ(requantize(std::int64_t{1} << 32, 0, multiply_and_shift(std::int64_t{1} << 31, 40), format), 127);
}

// gemmlowp, transcribed from the definitions in its fixedpoint/fixedpoint.h.

std::int32_t saturating_rounding_doubling_high_mul(std::int32_t a, std::int32_t b) {
    const bool overflow = a == b && a == std::numeric_limits<std::int32_t>::min();
    const std::int64_t ab = static_cast<std::int64_t>(a) * static_cast<std::int64_t>(b);
    const std::int32_t nudge = ab >= 0 ? (1 << 30) : (1 - (1 << 30));
    const auto high = static_cast<std::int32_t>((ab + nudge) / (std::int64_t{1} << 31));
    return overflow ? std::numeric_limits<std::int32_t>::max() : high;
}

std::int32_t rounding_divide_by_pot(std::int32_t x, int exponent) {
    const auto mask = static_cast<std::int32_t>((std::int64_t{1} << exponent) - 1);
    const std::int32_t remainder = x & mask;
    const std::int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

void expect_gemmlowp(std::int32_t sum, std::int32_t multiplier, int right_shift) {
    RequantFormat format = format_of(RequantMode::fixed_point, Rounding::gemmlowp, 0, INT32_MIN, INT32_MAX, 31);
    const std::int32_t expected =
        rounding_divide_by_pot(saturating_rounding_doubling_high_mul(sum, multiplier), right_shift);
    ASSERT_EQ(requantize(sum, 0, multiply_and_shift(multiplier, 31 + right_shift), format), expected)
        << sum << " * " << multiplier << ", right shift " << right_shift;
}

TEST(Gemmlowp, EqualsTheReferenceForRandomSums) {
    std::mt19937_64 random(5);
    for (int i = 0; i < 200000; ++i) {
        const auto sum = static_cast<std::int32_t>(static_cast<std::int64_t>(random()) >> (32 + random() % 32));
        const auto multiplier = static_cast<std::int32_t>((1U << 30) + random() % (1U << 30));
        ASSERT_NO_FATAL_FAILURE(expect_gemmlowp(sum, multiplier, static_cast<int>(random() % 31)));
    }
}

TEST(Gemmlowp, EqualsTheReferenceAtTiesOfBothRoundings) {
    // With a multiplier of 2^30 the first rounding halves the sum: odd sums are its ties.
    for (int right_shift = 0; right_shift <= 12; ++right_shift) {
        for (std::int32_t sum = -9000; sum <= 9000; ++sum) {
            ASSERT_NO_FATAL_FAILURE(expect_gemmlowp(sum, 1 << 30, right_shift));
        }
        for (const std::int32_t off : {0, 1, 2, 3}) {
            ASSERT_NO_FATAL_FAILURE(expect_gemmlowp(INT32_MAX - off, 1 << 30, right_shift));
            ASSERT_NO_FATAL_FAILURE(expect_gemmlowp(INT32_MIN + off, INT32_MAX, right_shift));
        }
    }
}

TEST(Gemmlowp, RoundsTwiceWhereOthersRoundOnce) {
    // 5 / 4 through halves: 2.5 rounds up to 3, then 1.5 away to 2; in one step 1.25 is 1.
    RequantFormat format = format_of(RequantMode::fixed_point, Rounding::gemmlowp, 0, -128, 127, 31);
    EXPECT_EQ(requantize(5, 0, multiply_and_shift(1 << 30, 32), format), 2);
    // The first rounding takes ties towards zero below it (-2.5 to -2), the second away from zero (-1).
    EXPECT_EQ(requantize(-5, 0, multiply_and_shift(1 << 30, 32), format), -1);
    EXPECT_EQ(requantize(-6, 0, multiply_and_shift(1 << 30, 32), format), -2);
    format.rounding = Rounding::half_away;
    EXPECT_EQ(requantize(5, 0, multiply_and_shift(1 << 30, 32), format), 1);
}

TEST(Gemmlowp, NarrowMultipliersDropTheirOwnBitsFirst) {
    std::mt19937_64 random(6);
    for (int bits = 2; bits <= 32; ++bits) {
        const RequantFormat format =
            format_of(RequantMode::fixed_point, Rounding::gemmlowp, 0, INT32_MIN, INT32_MAX, bits);
        for (int i = 0; i < 2000; ++i) {
            const auto sum = static_cast<std::int64_t>(random()) >> (40 + random() % 24);
            const auto multiplier = static_cast<std::int64_t>((1ULL << (bits - 1)) + random() % (1ULL << (bits - 1)));
            const int extra = static_cast<int>(random() % 12);
            // First step: nearest, ties up for products >= 0 and towards zero below, which is up as well.
            const Wide high = rounded_quotient(Wide{sum} * multiplier, power_of_two(bits), Rounding::half_up);
            const Wide expected = rounded_quotient(high, power_of_two(extra), Rounding::half_away);
            ASSERT_EQ(requantize(sum, 0, multiply_and_shift(multiplier, bits + extra), format),
                      static_cast<std::int64_t>(std::clamp<Wide>(expected, INT32_MIN, INT32_MAX)));
        }
    }
}

TEST(Shift, DividesByAPowerOfTwo) {
    std::mt19937_64 random(8);
    for (const Rounding rounding : all_roundings()) {
        const RequantFormat format = format_of(RequantMode::shift, rounding, -3, -128, 127);
        for (int shift = 0; shift <= 62; ++shift) {
            RequantScale scale = multiply_and_shift(12345, shift);  // the multiplier is not used
            for (const std::int64_t sum : interesting_sums(random)) {
                const int expected = clamped(rounded_quotient(Wide{sum} + 100, power_of_two(shift), rounding), format);
                ASSERT_EQ(requantize(sum, 100, scale, format), expected) << sum << " >> " << shift;
            }
        }
    }
}

TEST(Reciprocal, DividesByAnInteger) {
    std::mt19937_64 random(9);
    for (const Rounding rounding : all_roundings()) {
        const RequantFormat format = format_of(RequantMode::reciprocal, rounding, 100, 0, 255);
        for (int i = 0; i < 60; ++i) {
            RequantScale scale;
            scale.divisor = static_cast<std::int64_t>(random() >> (2 + random() % 62)) + 1;
            for (std::int64_t sum : interesting_sums(random)) {
                const int halves = scale.divisor < 1'000'000'000 ? 512 : 3;
                if (i % 2 == 0) sum = scale.divisor / 2 * (sum % halves);  // ties, or next to them
                const int expected = clamped(rounded_quotient(sum, scale.divisor, rounding), format);
                ASSERT_EQ(requantize(sum, 0, scale, format), expected) << sum << " / " << scale.divisor;
            }
        }
    }
}

/// float32 product, then the integer neighbours compared in double (exact for these magnitudes).
Wide half_even_of(float real) {
    const double below = std::floor(static_cast<double>(real));
    const double rest = static_cast<double>(real) - below;
    const auto integer = static_cast<Wide>(below);
    if (rest == 0.5) return integer % 2 == 0 ? integer : integer + 1;
    return rest < 0.5 ? integer : integer + 1;
}

TEST(Float32, EqualsPlainFloatArithmetic) {
    std::mt19937_64 random(10);
    const RequantFormat format = format_of(RequantMode::float32, Rounding::half_even, 3, -128, 127);
    for (int i = 0; i < 100000; ++i) {
        RequantScale scale;
        scale.factor = std::ldexp(static_cast<float>(1.0 + static_cast<double>(random() % 1000) / 1000.0),
                                  -static_cast<int>(random() % 20));
        const auto sum = static_cast<std::int32_t>(static_cast<std::int64_t>(random()) >> (32 + random() % 32));
        const float product = static_cast<float>(sum) * scale.factor;
        ASSERT_EQ(requantize(sum, 0, scale, format), clamped(half_even_of(product), format)) << sum;
    }
}

TEST(Float32, TiesGoToTheEvenDifferenceFromTheZeroPoint) {
    RequantScale half;
    half.factor = 0.5F;
    const RequantFormat format = format_of(RequantMode::float32, Rounding::half_even, 17, 0, 255);
    const int expected[] = {15, 15, 16, 17, 17, 17, 18, 19, 19};  // of sums -4..4
    for (int sum = -4; sum <= 4; ++sum) EXPECT_EQ(requantize(sum, 0, half, format), expected[sum + 4]) << sum;
}

TEST(Float32, SumsBeyondTheMantissaLoseTheirLowBits) {
    // 2^24 + 1 is not a float: it becomes 2^24 before the multiplication, as in ONNX Runtime.
    RequantScale scale;
    scale.factor = std::ldexp(1.0F, -18);
    const RequantFormat format = format_of(RequantMode::float32, Rounding::half_even, 0, -128, 127);
    EXPECT_EQ(requantize((1 << 24) + 1, 0, scale, format), 64);
    EXPECT_EQ(requantize((1 << 24) + (1 << 17), 0, scale, format), 64);      // 64.5, a tie
    EXPECT_EQ(requantize((1 << 24) + (1 << 17) + 1, 0, scale, format), 64);  // seen as the same float
    EXPECT_EQ(requantize((1 << 24) + (1 << 17) + 2, 0, scale, format), 65);
}

TEST(Float32, HugeProductsAreClamped) {
    RequantScale scale;
    scale.factor = std::numeric_limits<float>::max();
    const RequantFormat format = format_of(RequantMode::float32, Rounding::half_even, 5, -128, 127);
    EXPECT_EQ(requantize(std::int64_t{1} << 47, 0, scale, format), 127);
    EXPECT_EQ(requantize(-(std::int64_t{1} << 47), 0, scale, format), -128);
    EXPECT_EQ(requantize(0, 0, scale, format), 5);
}

}  // namespace
}  // namespace widthwise::test
