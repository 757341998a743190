// SPDX-License-Identifier: Apache-2.0
// Requantization: from a wide sum to an 8-bit activation, y = clamp(zp + R((acc + bias) * M, S)).
// The four steps are the four pipeline stages of the RequantUnit; requantize() is their composition.
#pragma once

#include <cmath>
#include <cstdint>

#include "arithmetic/rounding.h"

namespace widthwise {

enum class RequantMode : std::uint8_t {
    fixed_point,  ///< integer multiplier and right shift
    shift,        ///< right shift only: the scale is the nearest power of two
    reciprocal,   ///< integer division by round(1 / scale)
    float32,      ///< float32 multiply, round half to even: bit-identical with ONNX Runtime's QLinearConv
    onnx,         ///< of sums, as float32; additions and averages as the ONNX operators are defined
};

/// How sums are requantized in a mode: onnx has no rule of its own for them.
constexpr RequantMode sum_mode(RequantMode mode) { return mode == RequantMode::onnx ? RequantMode::float32 : mode; }

/// How ONNX Runtime computes an addition or an average of stored integers, which its x86 build chooses by the types
/// around the node, with the session options that it starts with.
enum class RuntimeKernel : std::uint8_t {
    integers,           ///< its QLinear kernel: float32 inside, one rounding, after the zero point is added
    unsigned_integers,  ///< the same; int8 was made uint8 before, stored integers and zero points 128 more
    reals,              ///< dequantized operands, and a QuantizeLinear behind the sum: as ONNX defines the operator
};

/// What is added to stored integers, and to their zero point, before the kernel sees them.
constexpr int relabelling(RuntimeKernel kernel, bool is_signed) {
    return kernel == RuntimeKernel::unsigned_integers && is_signed ? 128 : 0;
}

/// The kernel whose values a mode has; `of_runtime` is the one that ONNX Runtime chooses. Integer modes have none.
constexpr RuntimeKernel kernel_in(RequantMode mode, RuntimeKernel of_runtime) {
    return mode == RequantMode::onnx ? RuntimeKernel::reals : of_runtime;
}

/// ONNX's QuantizeLinear: over the scale, half to even, plus the zero point.
inline int quantize_linear(float real, float scale, int zero_point, int low, int high) {
    const float limited =
        std::fmin(std::fmax(real / scale, static_cast<float>(low - zero_point)), static_cast<float>(high - zero_point));
    return static_cast<int>(std::nearbyint(limited)) + zero_point;
}

/// How sums of one output channel (or of the whole tensor) are scaled. Only the fields of the mode in use matter.
struct RequantScale {
    std::int64_t multiplier = 1;  ///< fixed_point: M, unsigned, `multiplier_bits` wide
    int shift = 0;                ///< fixed_point, shift: S in 0..62
    std::int64_t divisor = 1;     ///< reciprocal: round(1 / scale), 1..2^40 - 1
    float factor = 1.0F;          ///< float32: the scale itself
    /// float32: what the product with the factor is divided by. Stored values that are requantized once more: ONNX
    /// Runtime dequantizes them with one scale, and quantizes with the other.
    float real_divisor = 1.0F;
    friend bool operator==(const RequantScale&, const RequantScale&) = default;
};

/// What one layer's RequantUnit lanes are configured with.
struct RequantFormat {
    RequantMode mode = RequantMode::fixed_point;
    Rounding rounding = Rounding::half_even;
    int multiplier_bits = 16;  ///< 2..32
    int zero_point = 0;
    int clamp_low = 0;  ///< quantized; a ReLU raises it to the zero point
    int clamp_high = 255;
    friend bool operator==(const RequantFormat&, const RequantFormat&) = default;
};

/// A scaled sum between the multiplier stage and the rounding stage: an integer product, or a float.
struct ScaledSum {
    std::int64_t product = 0;
    float real = 0.0F;
    friend bool operator==(const ScaledSum&, const ScaledSum&) = default;
};

/// Turns the real-valued rescale factor s_in * s_w / s_out into the mode's integers (Jacob et al. 2018, section 2.2:
/// a normalised multiplier and a shift). `factor` must be finite and > 0. `mode` fixes which fields are set.
/// Throws InputError when the factor cannot be represented (too large for a right shift).
RequantScale derive_requant_scale(double factor, const RequantFormat& format);

/// Stage 1. The sum the accumulator delivered plus the bias (0 when it was preloaded).
constexpr std::int64_t requant_add_bias(std::int64_t accumulator, std::int64_t bias) { return accumulator + bias; }

/// Stage 2. The product register has 64 bits and saturates (no accumulator of up to 31 bits with a 32-bit
/// multiplier gets there).
constexpr ScaledSum requant_multiply(std::int64_t sum, const RequantScale& scale, const RequantFormat& format) {
    switch (format.mode) {
        case RequantMode::onnx:
        case RequantMode::float32: return {0, static_cast<float>(sum) * scale.factor / scale.real_divisor};
        case RequantMode::fixed_point: {
            const __int128 product = static_cast<__int128>(sum) * scale.multiplier;
            if (product > INT64_MAX) return {INT64_MAX, 0.0F};
            if (product < INT64_MIN) return {INT64_MIN, 0.0F};
            return {static_cast<std::int64_t>(product), 0.0F};
        }
        case RequantMode::shift:
        case RequantMode::reciprocal: break;
    }
    return {sum, 0.0F};
}

/// gemmlowp's fixed-point step (SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT), for a multiplier of
/// `multiplier_bits` bits where gemmlowp has 31: the first rounding drops those bits, ties up for positive and towards
/// zero for negative products; the second drops what is left of the shift, ties away from zero.
constexpr std::int64_t gemmlowp_round(std::int64_t product, int shift, int multiplier_bits) {
    const int first = shift < multiplier_bits ? shift : multiplier_bits;
    if (first == 0) return product;
    const __int128 half = __int128{1} << (first - 1);
    const __int128 nudged = product >= 0 ? product + half : static_cast<__int128>(product) + 1 - half;
    const auto high = static_cast<std::int64_t>(nudged / (__int128{1} << first));  // truncates, as gemmlowp's does
    return shift_right_rounded(high, shift - first, Rounding::half_away);
}

/// Stage 3. The rounded quotient, before zero point and clamp; limited to 32 bits.
inline std::int64_t requant_round(const ScaledSum& scaled, const RequantScale& scale, const RequantFormat& format) {
    constexpr std::int64_t kLimit = std::int64_t{1} << 31;
    if (format.mode == RequantMode::float32) {
        // Limiting before rounding gives the same clamped activation and keeps the conversion defined.
        const float limited =
            std::fmin(std::fmax(scaled.real, -static_cast<float>(kLimit)), static_cast<float>(kLimit));
        return static_cast<std::int64_t>(std::nearbyint(limited));
    }
    std::int64_t rounded = 0;
    if (format.mode == RequantMode::reciprocal) {
        rounded = static_cast<std::int64_t>(divide_rounded(scaled.product, scale.divisor, format.rounding));
    } else if (format.rounding == Rounding::gemmlowp && format.mode == RequantMode::fixed_point) {
        rounded = gemmlowp_round(scaled.product, scale.shift, format.multiplier_bits);
    } else {
        rounded = shift_right_rounded(scaled.product, scale.shift, format.rounding);
    }
    if (rounded > kLimit) return kLimit;
    if (rounded < -kLimit) return -kLimit;
    return rounded;
}

/// Stage 4.
constexpr int requant_clamp(std::int64_t rounded, const RequantFormat& format) {
    const std::int64_t shifted = rounded + format.zero_point;
    if (shifted < format.clamp_low) return format.clamp_low;
    if (shifted > format.clamp_high) return format.clamp_high;
    return static_cast<int>(shifted);
}

/// One output activation from one finished sum.
inline int requantize(std::int64_t accumulator, std::int64_t bias, const RequantScale& scale,
                      const RequantFormat& format) {
    const std::int64_t sum = requant_add_bias(accumulator, bias);
    return requant_clamp(requant_round(requant_multiply(sum, scale, format), scale, format), format);
}

}  // namespace widthwise
