// SPDX-License-Identifier: Apache-2.0
// Small networks made by hand, a chain of operators with weights that differ from one another.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "network/network.h"
#include "schedule/schedule.h"

namespace widthwise::test {

inline Window square_window(int kernel, int stride = 1, int pad = 0) {
    return {kernel, kernel, stride, stride, pad, pad, pad, pad};
}

class NetworkBuilder {
public:
    explicit NetworkBuilder(const Shape& input, const Quantization& quantization = {false, 8, 0, 0.01F}) {
        network_.name = "built";
        network_.tensors.push_back({"image", input, quantization});
    }

    NetworkBuilder& convolution(const std::string& name, int channels, const Window& window) {
        const Shape in = last().shape;
        Operator op = make(name, OperatorKind::convolution, window);
        op.weights = weights(channels, in.channels, window.kernel_height, window.kernel_width);
        return append(std::move(op), {channels, window.output_height(in.height), window.output_width(in.width)});
    }

    NetworkBuilder& fully_connected(const std::string& name, int outputs) {
        Operator op = make(name, OperatorKind::fully_connected, Window{});
        op.weights = weights(outputs, static_cast<int>(last().shape.elements()), 1, 1);
        return append(std::move(op), {outputs, 1, 1});
    }

    NetworkBuilder& pool(const std::string& name, OperatorKind kind, const Window& window) {
        const Shape in = last().shape;
        return append(make(name, kind, window),
                      {in.channels, window.output_height(in.height), window.output_width(in.width)});
    }

    /// The output so far and an earlier tensor of its shape.
    NetworkBuilder& addition(const std::string& name, int other) {
        Operator op = make(name, OperatorKind::addition, Window{});
        op.second_input = other;
        return append(std::move(op), last().shape);
    }

    /// The operator added last, to change what the defaults do not suit.
    Operator& op() { return network_.operators.back(); }
    Tensor& output() { return network_.tensors.back(); }

    [[nodiscard]] const Network& network() const { return network_; }

private:
    [[nodiscard]] const Tensor& last() const { return network_.tensors.back(); }

    [[nodiscard]] Operator make(const std::string& name, OperatorKind kind, const Window& window) const {
        Operator op;
        op.name = name;
        op.kind = kind;
        op.window = window;
        op.input = static_cast<int>(network_.tensors.size()) - 1;
        op.output = op.input + 1;
        return op;
    }

    Weights weights(int outputs, int inputs, int height, int width) {
        Weights w;
        w.output_channels = outputs;
        w.input_channels = inputs;
        w.kernel_height = height;
        w.kernel_width = width;
        w.scales = {0.01F};
        w.values.resize(static_cast<std::size_t>(outputs * w.per_channel()));
        for (auto& value : w.values) value = static_cast<std::int8_t>(next_++ * 37 % 255 - 127);
        return w;
    }

    NetworkBuilder& append(Operator op, const Shape& shape) {
        network_.tensors.push_back({op.name + "_q", shape, {false, 8, 0, 0.1F}});
        network_.operators.push_back(std::move(op));
        network_.output = static_cast<int>(network_.tensors.size()) - 1;
        return *this;
    }

    Network network_;
    int next_ = 0;
};

}  // namespace widthwise::test
