// SPDX-License-Identifier: Apache-2.0
// One ONNX node with arithmetic into one Operator, and the shape it produces. No knowledge of the chain around it.
#pragma once

#include <limits>

#include "network/network.h"
#include "network/onnx_model.h"

namespace widthwise {

/// C x H x W of an image, or a vector; a flattened feature map is a vector that remembers its C x H x W.
struct FeatureShape {
    Shape shape;
    bool is_vector = false;
};

/// An operator whose sums have not been quantized yet.
struct PendingOperator {
    Operator op;
    const onnx::NodeProto* node = nullptr;
    Shape output_shape;
    // Real-valued bounds of the activations merged so far.
    float low = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();
};

/// C x H x W of the graph input. Throws InputError unless it is float, N x C x H x W or N x features, with all but N
/// known and positive.
FeatureShape input_shape(const OnnxModel& model);

PendingOperator read_convolution(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input,
                                 float input_scale);
/// Gemm and MatMul.
PendingOperator read_fully_connected(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input,
                                     float input_scale);
/// MaxPool and AveragePool.
PendingOperator read_pool(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input);

/// Merges Relu, Clip, or an Add of a constant bias into the operator before it.
void merge_relu(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending);
void merge_clip(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending);
void merge_add(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum, float input_scale,
               PendingOperator& pending);

/// Flatten or Reshape: checks that it makes vectors of C * H * W features, one per image.
void check_flattening(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input);

}  // namespace widthwise
