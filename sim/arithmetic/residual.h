// SPDX-License-Identifier: Apache-2.0
// Addition of two quantized activations, as behind a residual connection:
// y = clamp(zp + R((a - zp_a) * M_a + (b - zp_b) * M_b, S)), where M / 2^S are the operands' scales over the output's.
#pragma once

#include <cmath>
#include <cstdint>

#include "arithmetic/requantize.h"

namespace widthwise {

/// One operand of the addition.
struct ResidualOperand {
    int zero_point = 0;
    std::int64_t multiplier = 0;  ///< integer modes: 0..2^multiplier_bits
    float ratio = 1.0F;           ///< float32: scale / output scale
    friend bool operator==(const ResidualOperand&, const ResidualOperand&) = default;
};

/// How a layer's addition is done. Both products have the same shift, so that they are added before the only rounding.
struct ResidualFormat {
    ResidualOperand a, b;
    int shift = 0;        ///< integer modes
    float offset = 0.0F;  ///< float32: what the zero points come to
    /// float32, or else fixed_point: there is no shift or reciprocal that would do for both operands.
    RequantFormat output;
    friend bool operator==(const ResidualFormat&, const ResidualFormat&) = default;
};

/// Scales and zero points of the operands and of the sum. `output.mode` other than float32 becomes fixed_point.
/// Throws InputError when a factor cannot be represented.
ResidualFormat derive_residual(float a_scale, int a_zero_point, float b_scale, int b_zero_point, float output_scale,
                               const RequantFormat& output);

/// First stage: both operands rescaled and added.
inline ScaledSum residual_sum(int a, int b, const ResidualFormat& format) {
    if (format.output.mode == RequantMode::float32) {
        // ONNX Runtime's QLinearAdd: two fused multiply-adds, the zero points folded into the start.
        const float start = std::fma(static_cast<float>(b), format.b.ratio, format.offset);
        return {0, std::fma(static_cast<float>(a), format.a.ratio, start)};
    }
    return {(a - format.a.zero_point) * format.a.multiplier + (b - format.b.zero_point) * format.b.multiplier, 0.0F};
}

/// Second stage: the rounded and clamped activation.
inline int residual_output(const ScaledSum& sum, const ResidualFormat& format) {
    if (format.output.mode == RequantMode::float32) {  // the zero point is in the sum already
        const float low = static_cast<float>(format.output.clamp_low);
        const float high = static_cast<float>(format.output.clamp_high);
        return static_cast<int>(std::nearbyint(std::fmin(std::fmax(sum.real, low), high)));
    }
    RequantScale scale;
    scale.shift = format.shift;
    return requant_clamp(requant_round(sum, scale, format.output), format.output);
}

inline int residual_add(int a, int b, const ResidualFormat& format) {
    return residual_output(residual_sum(a, b, format), format);
}

}  // namespace widthwise
