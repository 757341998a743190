// SPDX-License-Identifier: Apache-2.0
#include "arithmetic/residual.h"

#include <algorithm>
#include <cmath>

namespace widthwise {

ResidualFormat derive_residual(const Quantization& a, const Quantization& b, const Quantization& sum,
                               const RequantFormat& output, RuntimeKernel kernel) {
    ResidualFormat format;
    format.output = output;
    format.output_scale = sum.scale;
    format.a = {a.zero_point, 0, a.scale, 0, a.scale / sum.scale};
    format.b = {b.zero_point, 0, b.scale, 0, b.scale / sum.scale};
    if (sum_mode(output.mode) == RequantMode::float32) {
        format.output.mode = RequantMode::float32;
        kernel = kernel_in(output.mode, kernel);
        format.sum = kernel == RuntimeKernel::reals ? AdditionSum::dequantized : AdditionSum::fused;
        format.a.relabelling = relabelling(kernel, a.is_signed);
        format.b.relabelling = relabelling(kernel, b.is_signed);
        format.relabelling = relabelling(kernel, sum.is_signed);
        // ONNX Runtime's kernel for AVX2, whose compiler fuses the first product with the sum of both.
        const auto zero_a = static_cast<float>(a.zero_point + format.a.relabelling);
        const auto zero_b = static_cast<float>(b.zero_point + format.b.relabelling);
        const float of_both = std::fma(format.a.ratio, zero_a, format.b.ratio * zero_b);
        format.offset = static_cast<float>(output.zero_point + format.relabelling) - of_both;
        return format;
    }
    format.output.mode = RequantMode::fixed_point;
    // The larger factor gets all of the multiplier's bits and decides the shift.
    const double of_a = static_cast<double>(a.scale) / sum.scale;
    const double of_b = static_cast<double>(b.scale) / sum.scale;
    format.shift = derive_requant_scale(std::max(of_a, of_b), format.output).shift;
    format.a.multiplier = std::llround(std::ldexp(of_a, format.shift));
    format.b.multiplier = std::llround(std::ldexp(of_b, format.shift));
    return format;
}

}  // namespace widthwise
