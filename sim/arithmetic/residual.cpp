// SPDX-License-Identifier: Apache-2.0
#include "arithmetic/residual.h"

#include <algorithm>
#include <cmath>

namespace widthwise {

ResidualFormat derive_residual(float a_scale, int a_zero_point, float b_scale, int b_zero_point, float output_scale,
                               const RequantFormat& output) {
    ResidualFormat format;
    format.output = output;
    format.a.zero_point = a_zero_point;
    format.b.zero_point = b_zero_point;
    format.a.ratio = a_scale / output_scale;
    format.b.ratio = b_scale / output_scale;
    // ONNX Runtime's kernel for AVX2, whose compiler fuses the first product with the sum of both.
    const float of_b = format.b.ratio * static_cast<float>(b_zero_point);
    format.offset =
        static_cast<float>(output.zero_point) - std::fma(format.a.ratio, static_cast<float>(a_zero_point), of_b);
    if (output.mode == RequantMode::float32) return format;
    format.output.mode = RequantMode::fixed_point;
    // The larger factor gets all of the multiplier's bits and decides the shift.
    const double a = static_cast<double>(a_scale) / output_scale;
    const double b = static_cast<double>(b_scale) / output_scale;
    format.shift = derive_requant_scale(std::max(a, b), format.output).shift;
    format.a.multiplier = std::llround(std::ldexp(a, format.shift));
    format.b.multiplier = std::llround(std::ldexp(b, format.shift));
    return format;
}

}  // namespace widthwise
