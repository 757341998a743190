// SPDX-License-Identifier: Apache-2.0
// Max and average pooling on quantized activations.
#pragma once

#include <cstdint>

#include "arithmetic/requantize.h"

namespace widthwise {

/// One pooling window while its pixels arrive, row by row and left to right.
struct PoolPartial {
    std::int32_t pixels = 0;  ///< taken in
    std::int32_t maximum = 0;
    std::int64_t sum = 0;   ///< of (q - zero point)
    float real_sum = 0.0F;  ///< of (q - zero point) * scale, in float32 and in arrival order
    friend bool operator==(const PoolPartial&, const PoolPartial&) = default;
};

inline void pool_add(PoolPartial& partial, int value, int zero_point, float scale) {
    partial.maximum = partial.pixels == 0 || value > partial.maximum ? value : partial.maximum;
    partial.sum += value - zero_point;
    partial.real_sum += static_cast<float>(value - zero_point) * scale;
    ++partial.pixels;
}

/// The maximum, clamped to the output's range.
inline int pool_maximum(const PoolPartial& partial, const RequantFormat& format) {
    return requant_clamp(partial.maximum - format.zero_point, format);
}

/// What an average is computed from.
enum class AverageSum : std::uint8_t {
    integers,  ///< the sum of stored integers, requantized: integer modes, and ONNX Runtime's QLinearGlobalAveragePool
    reals,     ///< float32 from the first pixel on, the zero point added before the rounding: its QLinearAveragePool
    dequantized,  ///< float32 from the first pixel on, then QuantizeLinear: the definition of AveragePool
};

/// How averages are taken.
struct AverageRule {
    AverageSum sum = AverageSum::integers;
    int relabelling = 0;  ///< reals: of the stored average (see RuntimeKernel)
    [[nodiscard]] bool of_integers() const { return sum == AverageSum::integers; }
    friend bool operator==(const AverageRule&, const AverageRule&) = default;
};

/// `kernel`: what ONNX Runtime chooses; is_signed: of the stored average. Its kernels on integers take an average over the
/// whole map (`global`) from the sum of integers, in which relabelling cancels out.
constexpr AverageRule average_rule(RequantMode mode, bool global, RuntimeKernel kernel, bool is_signed) {
    if (sum_mode(mode) != RequantMode::float32) return {};
    kernel = kernel_in(mode, kernel);
    if (kernel == RuntimeKernel::reals) return {AverageSum::dequantized};
    if (global) return {};
    return {AverageSum::reals, relabelling(kernel, is_signed)};
}

/// The average over `divisor` pixels. Of integers: their sum is requantized with scale_in / (scale_out * divisor).
/// Otherwise every step is in float32, in the order in which pixels arrived.
inline int pool_average(const PoolPartial& partial, int divisor, const RequantScale& scale, const RequantFormat& format,
                        float output_scale, const AverageRule& rule) {
    if (rule.of_integers()) return requantize(partial.sum, 0, scale, format);
    const float average = partial.real_sum / static_cast<float>(divisor);
    if (rule.sum == AverageSum::dequantized)
        return quantize_linear(average, output_scale, format.zero_point, format.clamp_low, format.clamp_high);
    const float stored = average / output_scale + static_cast<float>(format.zero_point + rule.relabelling);
    const float limited = std::fmin(std::fmax(stored, static_cast<float>(format.clamp_low + rule.relabelling)),
                                    static_cast<float>(format.clamp_high + rule.relabelling));
    return static_cast<int>(std::nearbyint(limited)) - rule.relabelling;
}

}  // namespace widthwise
