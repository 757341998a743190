// SPDX-License-Identifier: Apache-2.0
// Addition of two quantized activations, as behind a residual connection:
// y = clamp(zp + R((a - zp_a) * M_a + (b - zp_b) * M_b, S)), where M / 2^S are the operands' scales over the output's.
#pragma once

#include <cmath>
#include <cstdint>

#include "arithmetic/quantization.h"
#include "arithmetic/requantize.h"

namespace widthwise {

/// One operand of the addition.
struct ResidualOperand {
    int zero_point = 0;
    std::int64_t multiplier = 0;  ///< integer modes: 0..2^multiplier_bits
    float scale = 1.0F;           ///< of stored integers
    int relabelling = 0;          ///< fused: of stored integers (see RuntimeKernel)
    float ratio = 1.0F;           ///< fused: scale / output scale
    friend bool operator==(const ResidualOperand&, const ResidualOperand&) = default;
};

/// What an addition is computed from.
enum class AdditionSum : std::uint8_t {
    products,  ///< integer modes: stored integers times their multipliers
    fused,     ///< ONNX Runtime's QLinearAdd: fused multiply-adds in float32, the zero point added before the rounding
    dequantized,  ///< float32 products, then QuantizeLinear: the definition of Add
};

/// How a layer's addition is done. Both products have the same shift, so that they are added before the only rounding.
struct ResidualFormat {
    AdditionSum sum = AdditionSum::products;
    ResidualOperand a, b;
    int shift = 0;        ///< integer modes
    int relabelling = 0;  ///< fused: of the stored sum
    float offset = 0.0F;  ///< fused: what the zero points come to, relabelled
    float output_scale = 1.0F;
    /// float32, or else fixed_point: there is no shift or reciprocal that would do for both operands.
    RequantFormat output;
    friend bool operator==(const ResidualFormat&, const ResidualFormat&) = default;
};

/// Of operands and sum so quantized. `kernel`: what ONNX Runtime chooses, followed in the float32 mode. `output.mode`
/// becomes float32 or fixed_point. Throws InputError when a factor cannot be represented.
ResidualFormat derive_residual(const Quantization& a, const Quantization& b, const Quantization& sum,
                               const RequantFormat& output, RuntimeKernel kernel = RuntimeKernel::integers);

/// First stage: both operands rescaled and added.
inline ScaledSum residual_sum(int a, int b, const ResidualFormat& format) {
    const ResidualOperand& of_a = format.a;
    const ResidualOperand& of_b = format.b;
    switch (format.sum) {
        case AdditionSum::dequantized: {
            const float real_a = static_cast<float>(a - of_a.zero_point) * of_a.scale;
            return {0, real_a + static_cast<float>(b - of_b.zero_point) * of_b.scale};
        }
        case AdditionSum::fused: {
            const float start = std::fma(static_cast<float>(b + of_b.relabelling), of_b.ratio, format.offset);
            return {0, std::fma(static_cast<float>(a + of_a.relabelling), of_a.ratio, start)};
        }
        case AdditionSum::products: break;
    }
    return {(a - of_a.zero_point) * of_a.multiplier + (b - of_b.zero_point) * of_b.multiplier, 0.0F};
}

/// Second stage: the rounded and clamped activation.
inline int residual_output(const ScaledSum& sum, const ResidualFormat& format) {
    const RequantFormat& output = format.output;
    switch (format.sum) {
        case AdditionSum::dequantized:
            return quantize_linear(sum.real, format.output_scale, output.zero_point, output.clamp_low,
                                   output.clamp_high);
        case AdditionSum::fused: {  // the zero point is in the sum already
            const auto low = static_cast<float>(output.clamp_low + format.relabelling);
            const auto high = static_cast<float>(output.clamp_high + format.relabelling);
            return static_cast<int>(std::nearbyint(std::fmin(std::fmax(sum.real, low), high))) - format.relabelling;
        }
        case AdditionSum::products: break;
    }
    RequantScale scale;
    scale.shift = format.shift;
    return requant_clamp(requant_round(sum, scale, output), output);
}

inline int residual_add(int a, int b, const ResidualFormat& format) {
    return residual_output(residual_sum(a, b, format), format);
}

}  // namespace widthwise
