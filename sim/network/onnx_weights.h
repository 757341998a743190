// SPDX-License-Identifier: Apache-2.0
// Weights and biases of Conv, Gemm, MatMul and Add.
#pragma once

#include <string>

#include "network/network.h"
#include "network/onnx_model.h"

namespace widthwise {

/// Weights of a Conv, out x in x kernel. Sets Weights::bits to the fewest (2..8) that hold every value.
/// They are int8 initialisers behind a DequantizeLinear, or float ones behind QuantizeLinear and DequantizeLinear
/// (quantized here), zero point 0. Throws InputError naming the node.
Weights read_convolution_weights(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name);

/// Weights of a fully connected layer, stored out x in (`transposed`) or in x out.
Weights read_matrix_weights(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                            bool transposed);

/// Sets Weights::bias from an int32 initialiser behind a DequantizeLinear whose scale is input scale * weight scale
/// (to 1e-4), or from a float initialiser, quantized here with that scale, half to even.
void read_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, float input_scale,
               Weights& weights);

}  // namespace widthwise
