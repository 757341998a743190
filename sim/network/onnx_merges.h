// SPDX-License-Identifier: Apache-2.0
// What is merged into the operator before it, and what Pad and Clip nodes say.
#pragma once

#include <string>
#include <vector>

#include "network/onnx_operators.h"

namespace widthwise {

/// Merges Relu, Clip, an Add of a constant bias, or what follows ConvInteger and MatMulInteger (a Cast to float, a Mul
/// by the constant scale of the sums) into the operator before it.
void merge_relu(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending);
void merge_clip(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending);
void merge_add(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum, const FeatureView& view,
               float input_scale, PendingOperator& pending);
/// Refuses a Cast to anything but FLOAT.
void check_cast(const OnnxModel& model, const onnx::NodeProto& node);
void merge_cast(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending);
void merge_scale(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum, const FeatureView& view,
                 float input_scale, PendingOperator& pending);

ClipRange read_clip(const OnnxModel& model, const onnx::NodeProto& node);

/// Bounds of a Clip on integers of a quantized tensor.
struct IntegerRange {
    int low = 0;
    int high = 0;
};
IntegerRange read_integer_clip(const OnnxModel& model, const onnx::NodeProto& node, const Quantization& of);

/// What a Pad node adds to a map, its value left to the caller where the node has it as an input. Throws InputError
/// unless it pads height and width alone, with a constant.
Padding read_padding(const OnnxModel& model, const onnx::NodeProto& node, const FeatureView& view);

/// A constant per channel (or one for all) that an operand of this view is combined with, as ONNX broadcasts it; one
/// value, or as many as channels. T: float, int8_t or uint8_t. Throws InputError where it differs along another axis.
template <typename T = float>
std::vector<T> channel_values(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                              const FeatureView& view);

}  // namespace widthwise
