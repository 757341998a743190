// SPDX-License-Identifier: Apache-2.0
#include "engine/real_networks.h"

#include <fmt/format.h>

#include <cmath>
#include <random>

namespace widthwise::test {
namespace {

class Builder {
public:
    Builder(const std::string& name, int side) {
        network_.name = name;
        network_.tensors.push_back({"image", {3, side, side}, {true, 8, 0, 0.02F}});
    }

    [[nodiscard]] const Shape& shape(int tensor) const { return network_.tensors[tensor].shape; }

    int convolution(int input, int channels, int kernel, int stride, int groups = 1, bool relu = true) {
        Operator op = make("conv", OperatorKind::convolution, input);
        const int pad = kernel / 2;
        op.window = {kernel, kernel, stride, stride, pad, pad, pad, pad};
        op.groups = groups;
        const Shape& in = shape(input);
        fill(op.weights, channels, in.channels / groups, kernel);
        const Shape out{channels, op.window.output_height(in.height), op.window.output_width(in.width)};
        return append(std::move(op), out, relu);
    }

    int fully_connected(int input, int outputs, bool relu = true) {
        Operator op = make("fc", OperatorKind::fully_connected, input);
        fill(op.weights, outputs, static_cast<int>(shape(input).elements()), 1);
        return append(std::move(op), {outputs, 1, 1}, relu);
    }

    int addition(int a, int b, bool relu = true) {
        Operator op = make("add", OperatorKind::addition, a);
        op.second_input = b;
        return append(std::move(op), shape(a), relu);
    }

    int max_pool(int input, int kernel, int stride, int pad) {
        Operator op = make("pool", OperatorKind::max_pool, input);
        op.window = {kernel, kernel, stride, stride, pad, pad, pad, pad};
        const Shape& in = shape(input);
        const Shape out{in.channels, op.window.output_height(in.height), op.window.output_width(in.width)};
        return append(std::move(op), out, true, network_.tensors[input].quantization);
    }

    int global_average(int input) {
        Operator op = make("average", OperatorKind::average_pool, input);
        const Shape& in = shape(input);
        op.window = {in.height, in.width, 1, 1, 0, 0, 0, 0};
        op.global_average = true;
        return append(std::move(op), {in.channels, 1, 1}, true);
    }

    Network finish() {
        network_.output = static_cast<int>(network_.tensors.size()) - 1;
        return std::move(network_);
    }

private:
    Operator make(const char* kind, OperatorKind what, int input) const {
        Operator op;
        op.name = fmt::format("{}{}", kind, network_.operators.size());
        op.kind = what;
        op.input = input;
        op.output = static_cast<int>(network_.tensors.size());
        return op;
    }

    /// Sums of so many products have about the deviation of one output step of 1.
    void fill(Weights& w, int outputs, int inputs, int kernel) {
        w.output_channels = outputs;
        w.input_channels = inputs;
        w.kernel_height = w.kernel_width = kernel;
        w.bits = 8;
        const std::int64_t taps = w.per_channel();
        w.scales = {static_cast<float>(1.0 / (73.0 * std::sqrt(static_cast<double>(taps))))};
        w.values.resize(static_cast<std::size_t>(outputs * taps));
        for (auto& value : w.values) value = static_cast<std::int16_t>(static_cast<int>(random_() % 255) - 127);
        for (int m = 0; m < outputs; ++m) w.bias.push_back(static_cast<int>(random_() % 2001) - 1000);
    }

    int append(Operator op, const Shape& out, bool relu, const Quantization& quantization = {true, 8, 0, 0.02F}) {
        op.clamp_low = relu ? 0 : -128;
        op.clamp_high = 127;
        network_.tensors.push_back({op.name + "_q", out, quantization});
        network_.operators.push_back(std::move(op));
        return network_.operators.back().output;
    }

    Network network_;
    std::mt19937 random_{1};
};

}  // namespace

Network resnet18(int side) {
    Builder net("resnet18", side);
    int x = net.max_pool(net.convolution(0, 64, 7, 2), 3, 2, 1);
    for (const int channels : {64, 128, 256, 512}) {
        for (int block = 0; block < 2; ++block) {
            const int stride = block == 0 && channels > 64 ? 2 : 1;
            const int around = stride == 1 ? x : net.convolution(x, channels, 1, 2, 1, false);
            const int inside = net.convolution(x, channels, 3, stride);
            x = net.addition(net.convolution(inside, channels, 3, 1, 1, false), around);
        }
    }
    net.fully_connected(net.global_average(x), 1000, false);
    return net.finish();
}

Network vgg16(int side) {
    Builder net("vgg16", side);
    int x = 0;
    for (const auto& [channels, layers] : {std::pair{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}}) {
        for (int i = 0; i < layers; ++i) x = net.convolution(x, channels, 3, 1);
        x = net.max_pool(x, 2, 2, 0);
    }
    x = net.fully_connected(net.fully_connected(x, 4096), 4096);
    net.fully_connected(x, 1000, false);
    return net.finish();
}

Network mobilenet_v2(int side) {
    struct Stage {
        int expansion, channels, blocks, stride;
    };
    Builder net("mobilenet_v2", side);
    int x = net.convolution(0, 32, 3, 2);
    for (const Stage& stage : {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2}, Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
                               Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}}) {
        for (int block = 0; block < stage.blocks; ++block) {
            const int stride = block == 0 ? stage.stride : 1;
            const int wide = net.shape(x).channels * stage.expansion;
            int inside = stage.expansion == 1 ? x : net.convolution(x, wide, 1, 1);
            inside = net.convolution(inside, wide, 3, stride, wide);
            inside = net.convolution(inside, stage.channels, 1, 1, 1, false);
            x = stride == 1 && net.shape(x).channels == stage.channels ? net.addition(inside, x, false) : inside;
        }
    }
    net.fully_connected(net.global_average(net.convolution(x, 1280, 1, 1)), 1000, false);
    return net.finish();
}

}  // namespace widthwise::test
