// SPDX-License-Identifier: Apache-2.0
// derive_requant_scale(): the integers that stand for a rescale factor.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "arithmetic/requantize.h"
#include "common/error.h"
#include "kit/refusal.h"

namespace widthwise::test {
namespace {

RequantFormat fixed_point(int multiplier_bits) {
    RequantFormat format;
    format.multiplier_bits = multiplier_bits;
    return format;
}

RequantFormat in_mode(RequantMode mode) {
    RequantFormat format;
    format.mode = mode;
    return format;
}

std::string refusal(double factor, const RequantFormat& format) {
    SCOPED_TRACE(factor);
    return test::refusal([&] { derive_requant_scale(factor, format); });
}

void expect_fixed_point(double factor, int bits, std::int64_t multiplier, int shift) {
    const RequantScale scale = derive_requant_scale(factor, fixed_point(bits));
    EXPECT_EQ(scale.multiplier, multiplier) << factor << ", " << bits << " bits";
    EXPECT_EQ(scale.shift, shift) << factor << ", " << bits << " bits";
}

TEST(FixedPointScale, MultiplierFillsItsBits) {
    expect_fixed_point(0.5, 16, 32768, 16);
    expect_fixed_point(0.25, 16, 32768, 17);
    expect_fixed_point(1.0, 16, 32768, 15);
    expect_fixed_point(0.75, 2, 3, 2);
    expect_fixed_point(0.7, 8, 179, 8);  // 179.2
    expect_fixed_point(1.0 / 3.0, 31, 1431655765, 32);
    expect_fixed_point(0.5, 32, 2147483648, 32);
}

TEST(FixedPointScale, RoundingUpOutOfTheBitsCostsOneShift) {
    expect_fixed_point(std::nextafter(1.0, 0.0), 16, 32768, 15);
    expect_fixed_point(0.9, 2, 2, 1);  // 3.6 rounds to 4, which is 2 with a shift less
    expect_fixed_point(std::nextafter(0.5, 0.0), 32, 2147483648, 32);
}

TEST(FixedPointScale, NearestForRandomFactorsAndWidths) {
    std::mt19937_64 random(3);
    std::uniform_real_distribution<double> mantissa(0.5, 1.0);
    for (int bits = 2; bits <= 32; ++bits) {
        for (int i = 0; i < 400; ++i) {
            const double factor = std::ldexp(mantissa(random), i % 32 - 30);  // 2^-31 .. 2^1
            const RequantScale scale = derive_requant_scale(factor, fixed_point(bits));
            ASSERT_GE(scale.multiplier, std::int64_t{1} << (bits - 1));
            ASSERT_LT(scale.multiplier, std::int64_t{1} << bits);
            ASSERT_GE(scale.shift, 0);
            ASSERT_LE(scale.shift, 62);
            const double meant = std::ldexp(static_cast<double>(scale.multiplier), -scale.shift);
            ASSERT_LE(std::fabs(meant - factor), std::ldexp(factor, -bits)) << factor << ", " << bits << " bits";
        }
    }
}

TEST(FixedPointScale, TinyFactorsGiveUpBitsOfTheMultiplier) {
    expect_fixed_point(std::ldexp(1.0, -46), 16, 65536 / 2, 61);
    expect_fixed_point(std::ldexp(1.0, -47), 16, 65536 / 2, 62);
    expect_fixed_point(std::ldexp(1.0, -48), 16, 65536 / 4, 62);  // from here on the shift is at its end
    expect_fixed_point(std::ldexp(1.0, -62), 16, 1, 62);
    expect_fixed_point(std::ldexp(1.0, -70), 16, 0, 62);
    expect_fixed_point(std::numeric_limits<double>::denorm_min(), 16, 0, 62);
}

TEST(FixedPointScale, LargestFactorsAndTheFirstOnesRefused) {
    expect_fixed_point(65535.0, 16, 65535, 0);
    expect_fixed_point(3.0, 2, 3, 0);
    for (const double factor : {65535.7, 65536.0, 1e30, std::numeric_limits<double>::max()}) {
        EXPECT_NE(refusal(factor, fixed_point(16)).find("16 bits"), std::string::npos);
    }
    refusal(3.6, fixed_point(2));
    refusal(4.0, fixed_point(2));
}

TEST(RequantScale, NotAPositiveFiniteFactorIsRefusedInEveryMode) {
    for (const RequantMode mode :
         {RequantMode::fixed_point, RequantMode::shift, RequantMode::reciprocal, RequantMode::float32}) {
        for (const double factor : {0.0, -0.0, -0.5, std::numeric_limits<double>::infinity(),
                                    -std::numeric_limits<double>::infinity(), std::nan("")}) {
            EXPECT_NE(refusal(factor, in_mode(mode)).find("positive finite"), std::string::npos);
        }
    }
}

TEST(ShiftScale, NearestPowerOfTwo) {
    const RequantFormat format = in_mode(RequantMode::shift);
    EXPECT_EQ(derive_requant_scale(1.0, format).shift, 0);
    EXPECT_EQ(derive_requant_scale(1.41, format).shift, 0);
    EXPECT_EQ(derive_requant_scale(0.71, format).shift, 0);
    EXPECT_EQ(derive_requant_scale(0.70, format).shift, 1);
    EXPECT_EQ(derive_requant_scale(0.0039, format).shift, 8);
    EXPECT_EQ(derive_requant_scale(std::ldexp(1.0, -62), format).shift, 62);
    EXPECT_EQ(derive_requant_scale(1e-300, format).shift, 62);
    EXPECT_NE(refusal(1.42, format).find("right shift"), std::string::npos);
    refusal(1e300, format);
}

TEST(ReciprocalScale, RoundedInverse) {
    const RequantFormat format = in_mode(RequantMode::reciprocal);
    EXPECT_EQ(derive_requant_scale(1.0, format).divisor, 1);
    EXPECT_EQ(derive_requant_scale(0.3, format).divisor, 3);
    EXPECT_EQ(derive_requant_scale(0.4, format).divisor, 3);  // 2.5 goes away from zero
    EXPECT_EQ(derive_requant_scale(0.0039, format).divisor, 256);
    EXPECT_EQ(derive_requant_scale(1e-300, format).divisor, (std::int64_t{1} << 40) - 1);
    EXPECT_EQ(derive_requant_scale(2.0, format).divisor, 1);  // 0.5 goes away from zero
    EXPECT_NE(refusal(2.001, format).find("above 2"), std::string::npos);
}

TEST(FloatScale, KeepsTheFactor) {
    const float factor = 0.00123F;
    EXPECT_EQ(derive_requant_scale(static_cast<double>(factor), in_mode(RequantMode::float32)).factor, factor);
}

}  // namespace
}  // namespace widthwise::test
