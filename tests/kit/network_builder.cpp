// SPDX-License-Identifier: Apache-2.0
#include "kit/network_builder.h"

#include <cmath>
#include <cstddef>

namespace widthwise::test {

Window square_window(int kernel, int stride, int pad) { return {kernel, kernel, stride, stride, pad, pad, pad, pad}; }

NetworkBuilder::NetworkBuilder(const Shape& input, const Quantization& quantization, std::uint64_t seed)
    : quantization_(quantization), random_(seed, "network") {
    network_.name = "built";
    network_.tensors.push_back({"image", input, quantization});
}

NetworkBuilder& NetworkBuilder::quantization(const Quantization& quantization) {
    quantization_ = quantization;
    return *this;
}

NetworkBuilder& NetworkBuilder::append(const std::string& name, OperatorKind kind, const Window& window,
                                       const Shape& shape, const Quantization& quantization) {
    Operator op;
    op.kind = kind;
    op.name = name;
    op.window = window;
    op.input = static_cast<int>(network_.tensors.size()) - 1;
    op.output = op.input + 1;
    op.clamp_low = quantization.low();
    op.clamp_high = quantization.high();
    network_.output = op.output;
    network_.tensors.push_back({name + "_q", shape, quantization});
    network_.operators.push_back(std::move(op));
    return *this;
}

/// Weights of the operator added last, `kernel` of each output channel.
NetworkBuilder& NetworkBuilder::fill(const Shape& kernel, const Quantization& input, bool bias) {
    Quantization& made = output().quantization;
    Weights& w = op().weights;
    w.output_channels = output().shape.channels;
    w.input_channels = kernel.channels;
    w.kernel_height = kernel.height;
    w.kernel_width = kernel.width;
    w.bits = 8;
    const auto n = static_cast<std::size_t>(w.output_channels * w.per_channel());
    for (std::size_t i = 0; i < n; ++i) w.values.push_back(static_cast<std::int8_t>(random_.in(-128, 127)));
    // A random sum deviates by about 75 * 75 * sqrt(taps); three deviations shall fill half of the output's range.
    const double spread = 3 * 75.0 * 75.0 * std::sqrt(static_cast<double>(w.per_channel()));
    const double range = (made.high() - made.low()) / 2.0;
    for (int m = 0; m < w.output_channels; ++m) w.scales.push_back(0.01F + 0.001F * static_cast<float>(m));
    made.scale = static_cast<float>(0.02 * input.scale * spread / range);
    for (int m = 0; bias && m < w.output_channels; ++m) {
        w.bias.push_back(random_.in(-static_cast<int>(spread), static_cast<int>(spread)) / 4);
    }
    return *this;
}

NetworkBuilder& NetworkBuilder::convolution(const std::string& name, int channels, const Window& window, bool bias) {
    const Tensor in = last();
    const Shape shape{channels, window.output_height(in.shape.height), window.output_width(in.shape.width)};
    append(name, OperatorKind::convolution, window, shape, quantization_);
    return fill({in.shape.channels, window.kernel_height, window.kernel_width}, in.quantization, bias);
}

NetworkBuilder& NetworkBuilder::convolution(int channels, const Window& window, bool bias) {
    return convolution(next_name(), channels, window, bias);
}

NetworkBuilder& NetworkBuilder::fully_connected(const std::string& name, int outputs, bool bias) {
    const Tensor in = last();
    append(name, OperatorKind::fully_connected, Window{}, {outputs, 1, 1}, quantization_);
    return fill({static_cast<int>(in.shape.elements()), 1, 1}, in.quantization, bias);
}

NetworkBuilder& NetworkBuilder::fully_connected(int outputs, bool bias) {
    return fully_connected(next_name(), outputs, bias);
}

NetworkBuilder& NetworkBuilder::pool(const std::string& name, OperatorKind kind, const Window& window) {
    const Tensor in = last();
    const Shape shape{in.shape.channels, window.output_height(in.shape.height), window.output_width(in.shape.width)};
    return append(name, kind, window, shape, in.quantization);
}

NetworkBuilder& NetworkBuilder::max_pool(const Window& window) {
    return pool(next_name(), OperatorKind::max_pool, window);
}

NetworkBuilder& NetworkBuilder::average_pool(const Window& window, bool counts_padding) {
    pool(next_name(), OperatorKind::average_pool, window);
    op().average_counts_padding = counts_padding;
    return *this;
}

NetworkBuilder& NetworkBuilder::addition(const std::string& name, int other) {
    append(name, OperatorKind::addition, Window{}, Shape{last().shape}, quantization_);
    op().second_input = other;
    return *this;
}

NetworkBuilder& NetworkBuilder::constant_addition(const std::string& name, const AddedConstant& constant) {
    append(name, OperatorKind::addition, Window{}, Shape{last().shape}, quantization_);
    op().constant = constant;
    return *this;
}

NetworkBuilder& NetworkBuilder::requantization(const std::string& name) {
    return append(name, OperatorKind::requantization, Window{}, Shape{last().shape}, quantization_);
}

}  // namespace widthwise::test
