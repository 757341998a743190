// SPDX-License-Identifier: Apache-2.0
// Weights and biases of convolutions and fully connected layers.
#pragma once

#include <string>

#include "network/network.h"
#include "network/onnx_model.h"

namespace widthwise {

/// Names of the tensors that a node takes weights from. In the QDQ form `values` is put out by a DequantizeLinear; an
/// operator on integers takes int8 `values` with scale and zero point ("" where it has none).
struct WeightNames {
    std::string values;
    bool integers = false;
    std::string scale;
    std::string zero_point;
};
inline WeightNames dequantized_weights(const std::string& values) { return {values, false, "", ""}; }

/// Weights of a convolution, out x in x kernel. Sets Weights::bits to the fewest (2..8) that hold every value.
/// In the QDQ form they are int8 initialisers behind a DequantizeLinear, or float ones behind QuantizeLinear and
/// DequantizeLinear (quantized here); zero point 0. Throws InputError naming the node.
Weights read_convolution_weights(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names);

/// Weights of a fully connected layer, stored out x in (`transposed`) or in x out.
Weights read_matrix_weights(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                            bool transposed);

/// Sets Weights::bias from an int32 initialiser in units of input scale * weight scale.
void read_integer_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, Weights& weights);

/// Sets Weights::bias from an int32 initialiser behind a DequantizeLinear whose scale is input scale * weight scale
/// (to 1e-4), or from a float initialiser, quantized here with that scale, half to even.
void read_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, float input_scale,
               Weights& weights);

}  // namespace widthwise
