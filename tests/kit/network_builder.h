// SPDX-License-Identifier: Apache-2.0
// Small networks made by hand: operators in a chain, with random weights and scales such that results use most of their
// range.
#pragma once

#include <cstdint>
#include <string>

#include "kit/random.h"
#include "network/network.h"

namespace widthwise::test {

Window square_window(int kernel, int stride = 1, int pad = 0);

class NetworkBuilder {
public:
    explicit NetworkBuilder(const Shape& input, const Quantization& quantization = {false, 8, 0, 0.01F},
                            std::uint64_t seed = 1);

    // Each reads what the operator before makes. Without a name of its own an operator is "op0", "op1", ...
    NetworkBuilder& convolution(const std::string& name, int channels, const Window& window, bool bias = false);
    NetworkBuilder& convolution(int channels, const Window& window, bool bias = false);
    NetworkBuilder& fully_connected(const std::string& name, int outputs, bool bias = false);
    NetworkBuilder& fully_connected(int outputs, bool bias = false);
    /// Its output has its input's quantization.
    NetworkBuilder& pool(const std::string& name, OperatorKind kind, const Window& window);
    NetworkBuilder& max_pool(const Window& window);
    NetworkBuilder& average_pool(const Window& window, bool counts_padding = false);
    /// The output so far and an earlier tensor of its shape.
    NetworkBuilder& addition(const std::string& name, int other);
    /// The output so far and a constant, one value per channel.
    NetworkBuilder& constant_addition(const std::string& name, const AddedConstant& constant);
    /// Of the output so far, to the quantization that is set, its scale included.
    NetworkBuilder& requantization(const std::string& name);

    /// Of the tensors made from here on, but for their scales.
    NetworkBuilder& quantization(const Quantization& quantization);
    /// The operator added last, to change what the defaults do not suit.
    Operator& op() { return network_.operators.back(); }
    Tensor& output() { return network_.tensors.back(); }

    [[nodiscard]] const Network& network() const { return network_; }

private:
    [[nodiscard]] std::string next_name() const { return "op" + std::to_string(network_.operators.size()); }
    [[nodiscard]] const Tensor& last() const { return network_.tensors.back(); }
    NetworkBuilder& append(const std::string& name, OperatorKind kind, const Window& window, const Shape& shape,
                           const Quantization& quantization);
    NetworkBuilder& fill(const Shape& kernel, const Quantization& input, bool bias);

    Network network_;
    Quantization quantization_;
    Random random_;
};

}  // namespace widthwise::test
