// SPDX-License-Identifier: Apache-2.0
// Weights and biases of convolutions and fully connected layers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/onnx_layout.h"
#include "network/onnx_model.h"

namespace widthwise {

/// Names of the tensors that a node takes weights from. In the QDQ form `values` is put out by a DequantizeLinear; an
/// operator on integers takes `values` with scale and zero point ("" where it has none).
struct WeightNames {
    std::string values;
    bool integers = false;
    std::string scale;
    std::string zero_point;
};
inline WeightNames dequantized_weights(const std::string& values) { return {values, false, "", ""}; }

/// Weights of a convolution, out x in x kernel; with one spatial axis the kernel's height is 1. Sets Weights::bits to the
/// fewest (2..9) that hold every value. They are integers of 4 or 8 bits, in the QDQ form behind a DequantizeLinear; a
/// zero point is taken off. Throws InputError naming the node.
Weights read_convolution_weights(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                                 int spatial_axes);

/// Weights of a fully connected layer, stored out x in (`transposed`) or in x out, behind dimensions of 1 or none.
Weights read_matrix_weights(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                            bool transposed);

/// Puts the weights of a fully connected layer into another order of its inputs: input i is input order[i] so far.
void reorder_inputs(Weights& weights, const std::vector<std::int32_t>& order);

/// Sets Weights::bias from an int32 initialiser in units of input scale * weight scale.
void read_integer_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, Weights& weights);

/// What a bias is added to.
struct BiasUse {
    float input_scale = 1.0F;
    float factor = 1.0F;                ///< Gemm's beta
    const FeatureView* view = nullptr;  ///< of the sums, for an Add behind the layer; null: one value per channel
    bool may_be_single = false;         ///< Gemm's C broadcasts
};

/// Sets Weights::bias from an int32 initialiser behind a DequantizeLinear whose scale is input scale * weight scale
/// (to 1e-4). Any other constant, real or dequantized, is quantized here with that scale, half to even.
void read_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, const BiasUse& use,
               Weights& weights);

}  // namespace widthwise
