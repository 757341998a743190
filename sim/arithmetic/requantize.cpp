// SPDX-License-Identifier: Apache-2.0
#include "arithmetic/requantize.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.h"

namespace widthwise {

namespace {
constexpr int kMaxShift = 62;
constexpr int kDivisorBits = 40;
}  // namespace

RequantScale derive_requant_scale(double factor, const RequantFormat& format) {
    if (!std::isfinite(factor) || factor <= 0.0) {
        throw InputError(fmt::format("rescale factor {} is not a positive finite number", factor));
    }
    RequantScale scale;
    scale.factor = static_cast<float>(factor);
    switch (format.mode) {
        case RequantMode::onnx:
        case RequantMode::float32: break;
        case RequantMode::fixed_point: {
            int exponent = 0;
            const double mantissa = std::frexp(factor, &exponent);  // [0.5, 1) * 2^exponent
            scale.shift = format.multiplier_bits - exponent;
            if (scale.shift < 0) {
                throw InputError(fmt::format("rescale factor {} needs more than the multiplier's {} bits", factor,
                                             format.multiplier_bits));
            }
            double scaled = std::ldexp(mantissa, format.multiplier_bits);
            if (scale.shift > kMaxShift) {  // so small that the multiplier gives up bits instead
                scaled = std::ldexp(factor, kMaxShift);
                scale.shift = kMaxShift;
            }
            scale.multiplier = std::llround(scaled);
            if (scale.multiplier == std::int64_t{1} << format.multiplier_bits) {  // rounded up out of its bits
                scale.multiplier >>= 1;
                scale.shift -= 1;
                if (scale.shift < 0) {
                    throw InputError(fmt::format("rescale factor {} needs more than the multiplier's {} bits", factor,
                                                 format.multiplier_bits));
                }
            }
            break;
        }
        case RequantMode::shift: {
            const auto shift = static_cast<int>(std::lround(-std::log2(factor)));
            if (shift < 0)
                throw InputError(fmt::format("rescale factor {} is above 1: a right shift cannot do it", factor));
            scale.shift = std::min(shift, kMaxShift);
            break;
        }
        case RequantMode::reciprocal: {
            const double inverse = std::min(1.0 / factor, std::ldexp(1.0, kDivisorBits) - 1.0);
            scale.divisor = std::llround(inverse);
            if (scale.divisor < 1) {
                throw InputError(
                    fmt::format("rescale factor {} is above 2: a division by round(1 / factor) cannot do it", factor));
            }
            break;
        }
    }
    return scale;
}

}  // namespace widthwise
