// SPDX-License-Identifier: Apache-2.0
#include "arithmetic/rounding.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

#include "arithmetic/reference.h"

namespace widthwise::test {
namespace {

/// Both integer types, the division by the same power of two, and the rational definition give one answer.
void expect_shift(std::int64_t value, int shift, Rounding rounding) {
    const auto expected = static_cast<std::int64_t>(rounded_quotient(value, power_of_two(shift), rounding));
    const auto where = [&] {
        return std::to_string(value) + " >> " + std::to_string(shift) + ", rounding " +
               std::to_string(static_cast<int>(rounding));
    };
    ASSERT_EQ(shift_right_rounded<std::int64_t>(value, shift, rounding), expected) << where();
    ASSERT_EQ(static_cast<std::int64_t>(shift_right_rounded<Wide>(value, shift, rounding)), expected) << where();
    const Wide quotient = divide_rounded(value, std::int64_t{1} << shift, rounding);
    ASSERT_EQ(static_cast<std::int64_t>(quotient), expected) << where();
}

TEST(Rounding, QuartersByHand) {
    struct Row {
        Rounding rounding;
        std::int64_t at[17];  // of -8/4 .. 8/4
    };
    constexpr Row kRows[] = {
        {Rounding::floor, {-2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2}},
        {Rounding::toward_zero, {-2, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2}},
        {Rounding::half_up, {-2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2}},
        {Rounding::half_away, {-2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2}},
        {Rounding::half_even, {-2, -2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2}},
        {Rounding::gemmlowp, {-2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2}},
    };
    for (const Row& row : kRows) {
        for (int i = 0; i < 17; ++i) {
            EXPECT_EQ(shift_right_rounded<std::int64_t>(i - 8, 2, row.rounding), row.at[i])
                << i - 8 << "/4, rounding " << static_cast<int>(row.rounding);
        }
    }
}

TEST(Rounding, ThirdsByHandHaveNoTies) {
    const std::int64_t nearest[] = {-2, -2, -1, -1, -1, 0, 0, 0, 1, 1, 1, 2, 2};  // of -6/3 .. 6/3
    for (const Rounding rounding : {Rounding::half_up, Rounding::half_away, Rounding::half_even}) {
        for (int i = 0; i < 13; ++i) {
            EXPECT_EQ(static_cast<std::int64_t>(divide_rounded(i - 6, 3, rounding)), nearest[i]) << i - 6;
        }
    }
}

TEST(Rounding, ExhaustiveForSmallValues) {
    for (const Rounding rounding : all_roundings()) {
        for (int shift = 0; shift <= 9; ++shift) {
            for (std::int64_t value = -1100; value <= 1100; ++value) {
                ASSERT_NO_FATAL_FAILURE(expect_shift(value, shift, rounding));
            }
        }
        for (std::int64_t divisor = 1; divisor <= 40; ++divisor) {
            for (std::int64_t value = -200; value <= 200; ++value) {
                ASSERT_EQ(static_cast<std::int64_t>(divide_rounded(value, divisor, rounding)),
                          static_cast<std::int64_t>(rounded_quotient(value, divisor, rounding)))
                    << value << '/' << divisor << ", rounding " << static_cast<int>(rounding);
            }
        }
    }
}

TEST(Rounding, EveryTieOfEveryShiftAndItsNeighbours) {
    for (const Rounding rounding : all_roundings()) {
        for (int shift = 1; shift <= 62; ++shift) {
            const std::int64_t half = std::int64_t{1} << (shift - 1);
            for (std::int64_t odd = -5; odd <= 5; odd += 2) {
                if (shift > 60 && (odd < -1 || odd > 1)) continue;  // beyond 64 bits
                for (const std::int64_t off : {-1, 0, 1}) {
                    ASSERT_NO_FATAL_FAILURE(expect_shift(odd * half + off, shift, rounding));
                }
            }
        }
    }
}

TEST(Rounding, ShiftByZeroChangesNothing) {
    for (const Rounding rounding : all_roundings()) {
        for (const std::int64_t value : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, INT64_MAX}) {
            EXPECT_EQ(shift_right_rounded(value, 0, rounding), value);
            EXPECT_EQ(static_cast<std::int64_t>(divide_rounded(value, 1, rounding)), value);
        }
    }
}

TEST(Rounding, ExtremesOfSixtyFourBits) {
    for (const Rounding rounding : all_roundings()) {
        for (int shift = 1; shift <= 62; ++shift) {
            for (const std::int64_t off : {0, 1, 2}) {
                ASSERT_NO_FATAL_FAILURE(expect_shift(INT64_MAX - off, shift, rounding));
                ASSERT_NO_FATAL_FAILURE(expect_shift(INT64_MIN + off, shift, rounding));
            }
        }
    }
}

TEST(Rounding, RandomValues) {
    std::mt19937_64 random(11);
    for (int i = 0; i < 20000; ++i) {
        const auto value = static_cast<std::int64_t>(random()) >> (random() % 63);
        const auto shift = static_cast<int>(random() % 63);
        const auto divisor = static_cast<std::int64_t>(random() >> (1 + random() % 62)) + 1;
        for (const Rounding rounding : all_roundings()) {
            ASSERT_NO_FATAL_FAILURE(expect_shift(value, shift, rounding));
            ASSERT_EQ(static_cast<std::int64_t>(divide_rounded(value, divisor, rounding)),
                      static_cast<std::int64_t>(rounded_quotient(value, divisor, rounding)))
                << value << '/' << divisor << ", rounding " << static_cast<int>(rounding);
        }
    }
}

}  // namespace
}  // namespace widthwise::test
