// SPDX-License-Identifier: Apache-2.0
// Residual additions against real arithmetic.
#include "arithmetic/residual.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/error.h"

namespace widthwise {
namespace {

constexpr RequantFormat kInt8{RequantMode::fixed_point, Rounding::half_even, 16, -5, -128, 127};

double real_sum(int a, int b) { return ((a - 3) * 0.02 + (b + 8) * 0.05) / 0.06 - 5; }

ResidualFormat format_of(RequantFormat output) { return derive_residual(0.02F, 3, 0.05F, -8, 0.06F, output); }

TEST(Residual, IsTheNearestIntegerButForTheFactorsRounding) {
    for (const RequantMode mode : {RequantMode::fixed_point, RequantMode::float32}) {
        RequantFormat output = kInt8;
        output.mode = mode;
        const ResidualFormat format = format_of(output);
        for (int a = 0; a <= 255; a += 5) {
            for (int b = -128; b <= 127; b += 3) {
                const double exact = std::fmin(std::fmax(real_sum(a, b), -128), 127);
                EXPECT_NEAR(residual_add(a, b, format), exact, 0.51) << a << " + " << b;
            }
        }
    }
}

TEST(Residual, RoundsOnceAndAsAsked) {
    // Factors 1/2 and 1/4 are exact, so ties are.
    const auto sum = [](int a, int b, Rounding rounding) {
        RequantFormat output{RequantMode::fixed_point, rounding, 8, 0, -128, 127};
        return residual_add(a, b, derive_residual(0.5F, 0, 0.25F, 0, 1.0F, output));
    };
    EXPECT_EQ(sum(1, 1, Rounding::floor), 0);
    EXPECT_EQ(sum(1, 2, Rounding::floor), 1);  // each operand's half alone would be lost
    EXPECT_EQ(sum(-1, 0, Rounding::floor), -1);
    EXPECT_EQ(sum(-1, 0, Rounding::toward_zero), 0);
    EXPECT_EQ(sum(1, 0, Rounding::half_up), 1);
    EXPECT_EQ(sum(-1, 0, Rounding::half_up), 0);
    EXPECT_EQ(sum(-1, 0, Rounding::half_away), -1);
    EXPECT_EQ(sum(1, 0, Rounding::half_even), 0);
    EXPECT_EQ(sum(3, 0, Rounding::half_even), 2);
}

TEST(Residual, ClampsAfterTheZeroPoint) {
    RequantFormat output{RequantMode::fixed_point, Rounding::floor, 8, 10, 10, 200};  // ReLU: low is the zero point
    const ResidualFormat format = derive_residual(1.0F, 0, 1.0F, 0, 1.0F, output);
    EXPECT_EQ(residual_add(-50, 20, format), 10);
    EXPECT_EQ(residual_add(50, 20, format), 80);
    EXPECT_EQ(residual_add(150, 120, format), 200);
}

TEST(Residual, LargerFactorFillsTheMultiplier) {
    const ResidualFormat format = format_of(kInt8);
    EXPECT_GE(format.b.multiplier, 1 << 15);
    EXPECT_LT(format.b.multiplier, 1 << 16);
    EXPECT_NEAR(static_cast<double>(format.a.multiplier) / static_cast<double>(format.b.multiplier), 0.4, 1e-4);
    for (const RequantMode mode : {RequantMode::shift, RequantMode::reciprocal}) {
        RequantFormat output = kInt8;
        output.mode = mode;
        EXPECT_EQ(format_of(output), format) << "no shift or reciprocal does for both operands";
    }
}

TEST(Residual, RefusesFactorsBeyondTheMultiplier) {
    EXPECT_THROW(derive_residual(1e9F, 0, 1.0F, 0, 1e-3F, kInt8), InputError);
}

}  // namespace
}  // namespace widthwise
