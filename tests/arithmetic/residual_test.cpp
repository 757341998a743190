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

Quantization stored(float scale, int zero_point = 0, bool is_signed = true) {
    return {is_signed, 8, zero_point, scale};
}

ResidualFormat format_of(RequantFormat output) {
    return derive_residual(stored(0.02F, 3), stored(0.05F, -8), stored(0.06F, output.zero_point), output);
}

TEST(Residual, IsTheNearestIntegerButForTheFactorsRounding) {
    for (const RequantMode mode : {RequantMode::fixed_point, RequantMode::float32, RequantMode::onnx}) {
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
        return residual_add(a, b, derive_residual(stored(0.5F), stored(0.25F), stored(1.0F), output));
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
    const ResidualFormat format = derive_residual(stored(1.0F), stored(1.0F), stored(1.0F, 10), output);
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
    EXPECT_THROW(derive_residual(stored(1e9F), stored(1.0F), stored(1e-3F, -5), kInt8), InputError);
}

/// (1 + 2) / 2 = 1.5 above a zero point of 3, as an Add of ONNX Runtime's has it with and without a kernel on integers.
TEST(Residual, TiesAreEvenBeforeTheZeroPointByDefinitionAndAfterItInTheKernel) {
    const auto sum = [](RequantMode mode, RuntimeKernel kernel) {
        const RequantFormat output{mode, Rounding::half_even, 16, 3, 0, 255};
        const auto format =
            derive_residual(stored(1.0F, 0, false), stored(1.0F, 0, false), stored(2.0F, 3, false), output, kernel);
        return residual_add(1, 2, format);
    };
    EXPECT_EQ(sum(RequantMode::float32, RuntimeKernel::integers), 4);
    EXPECT_EQ(sum(RequantMode::float32, RuntimeKernel::unsigned_integers), 4);
    EXPECT_EQ(sum(RequantMode::float32, RuntimeKernel::reals), 5);
    EXPECT_EQ(sum(RequantMode::onnx, RuntimeKernel::integers), 5);
    EXPECT_EQ(sum(RequantMode::onnx, RuntimeKernel::reals), 5);
}

/// Only what is signed is raised, and what the zero points come to is of the raised ones.
TEST(Residual, RelabelsSignedIntegersOnly) {
    const RequantFormat output{RequantMode::float32, Rounding::half_even, 16, -5, -128, 127};
    const auto format = derive_residual(stored(0.02F, 3), stored(0.05F, 8, false), stored(0.06F, -5), output,
                                        RuntimeKernel::unsigned_integers);
    EXPECT_EQ(format.a.relabelling, 128);
    EXPECT_EQ(format.b.relabelling, 0);
    EXPECT_EQ(format.relabelling, 128);
    for (int a = -128; a <= 127; a += 5) {
        for (int b = 0; b <= 255; b += 3) {
            const double exact = std::fmin(std::fmax(((a - 3) * 0.02 + (b - 8) * 0.05) / 0.06 - 5, -128), 127);
            ASSERT_NEAR(residual_add(a, b, format), exact, 0.51) << a << " + " << b;
        }
    }
    EXPECT_EQ(format_of(output).relabelling, 0);
}

}  // namespace
}  // namespace widthwise
