// SPDX-License-Identifier: Apache-2.0
// A network computed from its definition: loops over output channel, pixel and tap, one sum at a time, straight from
// the layer graph. No schedule, no tiles, no buffers. Sums are those of arithmetic/reference.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arithmetic/pooling.h"
#include "arithmetic/reference.h"
#include "config/hardware.h"
#include "network/network.h"
#include "record/record.h"

namespace widthwise::test {

class ReferenceNetwork {
public:
    ReferenceNetwork(const Network& network, const HardwareParams& hardware)
        : overflow(network.operators.size()), psums(network.operators.size()), network_(network), hardware_(hardware) {}

    /// The values of each operator's result for one image; overflow and psums go on counting.
    std::vector<std::vector<int>> run(const std::vector<std::uint8_t>& image) {
        const bool is_signed = tensor(network_.input).quantization.is_signed;
        std::vector<int> values;
        for (const std::uint8_t byte : image) values.push_back(is_signed ? static_cast<std::int8_t>(byte) : int{byte});
        std::vector<std::vector<int>> all;
        for (std::size_t i = 0; i < network_.operators.size(); ++i) {
            const Operator& op = network_.operators[i];
            values = op.has_weights() ? sums(op, i, values) : pooled(op, values);
            all.push_back(values);
        }
        return all;
    }

    std::vector<OverflowCounts> overflow;  ///< of each operator
    std::vector<PsumStats> psums;

private:
    [[nodiscard]] const Tensor& tensor(int index) const { return network_.tensors[static_cast<std::size_t>(index)]; }

    static std::size_t offset(const Shape& shape, int channel, int y, int x) {
        return static_cast<std::size_t>((channel * shape.height + y) * shape.width + x);
    }

    std::vector<int> sums(const Operator& op, std::size_t index, const std::vector<int>& input) {
        const Shape& out = tensor(op.output).shape;
        std::vector<int> output;
        for (int m = 0; m < out.channels; ++m) {
            for (int y = 0; y < out.height; ++y) {
                for (int x = 0; x < out.width; ++x) {
                    output.push_back(result(op, index, m, products(op, m, y, x, input)));
                }
            }
        }
        return output;
    }

    /// Activation times weight in the order that the configuration asks for; padding reads as the zero point.
    std::vector<std::int64_t> products(const Operator& op, int m, int y, int x, const std::vector<int>& input) const {
        const Weights& w = op.weights;
        const std::int16_t* weights = w.values.data() + m * w.per_channel();
        std::vector<std::int64_t> list;
        if (op.kind == OperatorKind::fully_connected) {
            for (std::size_t i = 0; i < input.size(); ++i) list.push_back(std::int64_t{input[i]} * weights[i]);
            return list;
        }
        const Shape& in = tensor(op.input).shape;
        const int zero_point = tensor(op.input).quantization.zero_point;
        const auto extent = [&](TapLoop loop) {
            if (loop == TapLoop::channel) return w.input_channels;
            return loop == TapLoop::row ? w.kernel_height : w.kernel_width;
        };
        const TapOrder& order = hardware_.accumulator.order;
        int at[3] = {};  // by TapLoop
        const auto index_of = [&](std::size_t loop) -> int& { return at[static_cast<std::size_t>(order[loop])]; };
        for (index_of(0) = 0; index_of(0) < extent(order[0]); ++index_of(0)) {
            for (index_of(1) = 0; index_of(1) < extent(order[1]); ++index_of(1)) {
                for (index_of(2) = 0; index_of(2) < extent(order[2]); ++index_of(2)) {
                    const int c = at[static_cast<std::size_t>(TapLoop::channel)];
                    const int r = at[static_cast<std::size_t>(TapLoop::row)];
                    const int s = at[static_cast<std::size_t>(TapLoop::column)];
                    const int in_y = y * op.window.stride_height - op.window.pad_top + r;
                    const int in_x = x * op.window.stride_width - op.window.pad_left + s;
                    const bool inside = in_y >= 0 && in_y < in.height && in_x >= 0 && in_x < in.width;
                    const std::int64_t activation = inside ? input[offset(in, c, in_y, in_x)] : zero_point;
                    list.push_back(activation * weights[(c * w.kernel_height + r) * w.kernel_width + s]);
                }
            }
        }
        return list;
    }

    int result(const Operator& op, std::size_t index, int m, const std::vector<std::int64_t>& list) {
        const Quantization& in = tensor(op.input).quantization;
        const Quantization& out = tensor(op.output).quantization;
        std::int64_t bias = op.weights.bias.empty() ? 0 : op.weights.bias[static_cast<std::size_t>(m)];
        for (std::int64_t i = 0; i < op.weights.per_channel(); ++i) {
            bias -= in.zero_point * op.weights.values[static_cast<std::size_t>(m * op.weights.per_channel() + i)];
        }
        const bool preload = hardware_.accumulator.bias == BiasMode::preload;
        AccumulatorFormat format = hardware_.accumulator.format;
        const auto& widths = hardware_.accumulator.layer_bits;  // of layers whose names are lower case already
        if (const auto it = widths.find(op.name); it != widths.end()) format.bits = it->second;
        const ReferenceSum sum = accumulate(format, preload ? bias : 0, list);
        const auto exact = static_cast<std::int64_t>(sum.exact);
        ++overflow[index].outputs;
        overflow[index].events += sum.events;
        if (sum.events > 0) {
            const bool fits = exact >= lowest(format.bits) && exact <= highest(format.bits);
            ++(fits ? overflow[index].transient : overflow[index].persistent);
        }
        psums[index].add(exact);
        const RequantFormat requant = format_of(op, out, hardware_.requant.rounding);
        const double factor = double{in.scale} * double{op.weights.scale(m)} / double{out.scale};
        return requantize(static_cast<std::int64_t>(sum.value), preload ? 0 : bias,
                          derive_requant_scale(factor, requant), requant);
    }

    std::vector<int> pooled(const Operator& op, const std::vector<int>& input) const {
        const Shape& in = tensor(op.input).shape;
        const Shape& out = tensor(op.output).shape;
        const Window& w = op.window;
        std::vector<int> output;
        for (int c = 0; c < out.channels; ++c) {
            for (int y = 0; y < out.height; ++y) {
                for (int x = 0; x < out.width; ++x) {
                    std::vector<int> pixels;
                    for (int i = 0; i < w.kernel_height * w.kernel_width; ++i) {
                        const int in_y = y * w.stride_height - w.pad_top + i / w.kernel_width;
                        const int in_x = x * w.stride_width - w.pad_left + i % w.kernel_width;
                        if (in_y < 0 || in_y >= in.height || in_x < 0 || in_x >= in.width) continue;
                        pixels.push_back(input[offset(in, c, in_y, in_x)]);
                    }
                    output.push_back(pool(op, pixels));
                }
            }
        }
        return output;
    }

    [[nodiscard]] int pool(const Operator& op, const std::vector<int>& pixels) const {
        const Quantization& in = tensor(op.input).quantization;
        const Quantization& out = tensor(op.output).quantization;
        PoolPartial partial;
        for (const int pixel : pixels) pool_add(partial, pixel, in.zero_point, in.scale);
        const RequantFormat format = format_of(op, out, hardware_.pool.rounding);
        if (op.kind == OperatorKind::max_pool) return pool_maximum(partial, format);
        const int divisor =
            op.average_counts_padding ? op.window.kernel_height * op.window.kernel_width : partial.pixels;
        const double factor = double{in.scale} / (double{out.scale} * divisor);
        return pool_average(partial, divisor, derive_requant_scale(factor, format), format, out.scale,
                            average_rule(format.mode, op.global_average, op.runtime_kernel, out.is_signed));
    }

    [[nodiscard]] RequantFormat format_of(const Operator& op, const Quantization& out, Rounding rounding) const {
        return {hardware_.requant.mode, rounding,     hardware_.requant.multiplier_bits,
                out.zero_point,         op.clamp_low, op.clamp_high};
    }

    const Network& network_;
    const HardwareParams& hardware_;
};

}  // namespace widthwise::test
