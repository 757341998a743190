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

/// Whether averages are taken in float32 from the first pixel on; otherwise a sum of integers is requantized.
constexpr bool averages_reals(RequantMode mode, bool global) { return mode == RequantMode::float32 && !global; }

/// The average over `divisor` pixels. Integer modes: the sum is requantized with scale_in / (scale_out * divisor).
/// float32: as ONNX Runtime's QLinearAveragePool, every step in float32 in this order, the zero point added before the
/// rounding (so that a tie goes to the even stored value); of the whole map (`global`) as its QLinearGlobalAveragePool,
/// which requantizes the integer sum.
inline int pool_average(const PoolPartial& partial, int divisor, const RequantScale& scale, const RequantFormat& format,
                        float output_scale, bool global = false) {
    if (!averages_reals(format.mode, global)) return requantize(partial.sum, 0, scale, format);
    const float average = partial.real_sum / static_cast<float>(divisor);
    const float stored = average / output_scale + static_cast<float>(format.zero_point);
    const float limited =
        std::fmin(std::fmax(stored, static_cast<float>(format.clamp_low)), static_cast<float>(format.clamp_high));
    return static_cast<int>(std::nearbyint(limited));
}

}  // namespace widthwise
