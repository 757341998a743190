// SPDX-License-Identifier: Apache-2.0
// One ONNX node with arithmetic into one Operator, and the shape it produces. No knowledge of the graph around it.
#pragma once

#include <limits>

#include "network/network.h"
#include "network/onnx_model.h"
#include "network/onnx_weights.h"

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
    bool is_vector = false;  ///< its output is one, as FeatureShape has it
    /// ConvInteger and MatMulInteger put out integers, which Cast and Mul turn into numbers.
    enum class Sums : std::uint8_t { real, integers, cast } sums = Sums::real;
    std::int64_t counted_bytes = 0;  ///< of its parameters, counted against the most that a network may have
    // Real-valued bounds of the activations merged so far.
    float low = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();
};

/// C x H x W of the graph input. Throws InputError unless it is float, N x C x H x W or N x features, with all but N
/// known and positive.
FeatureShape input_shape(const OnnxModel& model);

/// Conv, QLinearConv, ConvInteger: its attributes and weights; a bias is up to the caller.
PendingOperator read_convolution(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input,
                                 const WeightNames& weights);
/// Gemm, QGemm, and the MatMul family.
PendingOperator read_fully_connected(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input,
                                     const WeightNames& weights);
/// MaxPool, AveragePool, GlobalAveragePool and the latter two's forms on integers.
PendingOperator read_pool(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input);
/// Add of two feature maps of equal shape, and QLinearAdd.
PendingOperator read_addition(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& a,
                              const FeatureShape& b);

void check_arity(const OnnxModel& model, const onnx::NodeProto& node, int least, int most);

/// Merges Relu, Clip, an Add of a constant bias, or what follows ConvInteger and MatMulInteger (a Cast to float, a Mul
/// by the constant scale of the sums) into the operator before it.
void merge_relu(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending);
void merge_clip(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending);
void merge_add(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum, float input_scale,
               PendingOperator& pending);
void merge_cast(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending);
void merge_scale(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum, float input_scale,
                 PendingOperator& pending);

/// The bounds of a Clip node.
struct ClipRange {
    float low = 0;
    float high = 0;
};
ClipRange read_clip(const OnnxModel& model, const onnx::NodeProto& node);

/// Flatten or Reshape: checks that it makes vectors of C * H * W features, one per image.
void check_flattening(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input);

}  // namespace widthwise
