// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_operators.h"

#include <algorithm>
#include <cmath>

#include "network/onnx_attributes.h"
#include "network/onnx_constants.h"
#include "network/onnx_limits.h"

namespace widthwise {
namespace {

Shape checked_output(const OnnxModel& model, const onnx::NodeProto& node, const Shape& shape) {
    if (shape.height > kMaxExtent || shape.width > kMaxExtent) {
        model.fail(node, "its output is {} x {} pixels, expected at most {} each way", shape.height, shape.width,
                   kMaxExtent);
    }
    if (shape.elements() > kMaxMapValues) {  // cannot overflow: the channels are those of a map or of weights
        model.fail(node, "its output {}x{}x{} has {} values, expected at most {}", shape.channels, shape.height,
                   shape.width, shape.elements(), kMaxMapValues);
    }
    return shape;
}

/// Of a layer with weights, before anything is made of them.
void check_weight_extents(const OnnxModel& model, const onnx::NodeProto& node, const Weights& weights) {
    if (weights.output_channels > kMaxExtent) {
        model.fail(node, "has {} output channels, expected at most {}", weights.output_channels, kMaxExtent);
    }
    if (weights.per_channel() > kMaxTaps) {
        model.fail(node, "adds up {} products for each output, expected at most {}", weights.per_channel(), kMaxTaps);
    }
}

PendingOperator begin(const onnx::NodeProto& node, OperatorKind kind) {
    PendingOperator pending;
    pending.node = &node;
    pending.op.kind = kind;
    return pending;
}

void check_is_image(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input) {
    if (input.is_vector) model.fail(node, "its input is N x features, expected N x channels x height x width");
}

void check_channels(const OnnxModel& model, const onnx::NodeProto& node, const Weights& weights, std::int64_t found,
                    std::string_view what) {
    if (weights.input_channels == found) return;
    model.fail(node, "its weights take {} {}, but its input has {}", weights.input_channels, what, found);
}

void check_pool_padding(const OnnxModel& model, const onnx::NodeProto& node, const Window& window) {
    // A window that saw nothing but padding would have no maximum and no average.
    if (std::max(window.pad_top, window.pad_bottom) < window.kernel_height &&
        std::max(window.pad_left, window.pad_right) < window.kernel_width) {
        return;
    }
    model.fail(node, "pads {} {} {} {} are as large as the kernel {}x{}, expected smaller ones", window.pad_top,
               window.pad_left, window.pad_bottom, window.pad_right, window.kernel_height, window.kernel_width);
}

/// Extents of the graph input after the batch, which may be anything.
std::vector<std::int64_t> input_dimensions(const OnnxModel& model) {
    const std::string& name = model.input().name();
    const auto& type = model.input().type();
    if (!type.has_tensor_type() || type.tensor_type().elem_type() != onnx::TensorProto::FLOAT) {
        model.fail("graph input '{}' is not a tensor of FLOAT, expected one (quantized by a QuantizeLinear)", name);
    }
    if (!type.tensor_type().has_shape()) model.fail("graph input '{}' has no shape, expected N x C x H x W", name);
    const auto& shape = type.tensor_type().shape();
    if (shape.dim_size() != 4 && shape.dim_size() != 2) {
        model.fail("graph input '{}' has {} dimensions, expected 4 (N x C x H x W) or 2 (N x features)", name,
                   shape.dim_size());
    }
    std::vector<std::int64_t> extents;
    for (int axis = 1; axis < shape.dim_size(); ++axis) {
        const auto& extent = shape.dim(axis);
        if (!extent.has_dim_value()) {
            model.fail("graph input '{}': dimension {} is not a number, expected a fixed size", name, axis);
        }
        const std::int64_t most = axis == 1 ? kMaxMapValues : kMaxExtent;
        if (extent.dim_value() < 1 || extent.dim_value() > most) {
            model.fail("graph input '{}': dimension {} is {}, expected 1..{}", name, axis, extent.dim_value(), most);
        }
        extents.push_back(extent.dim_value());
    }
    return extents;
}

float clip_bound(const OnnxModel& model, const onnx::NodeProto& node, int index, float fallback) {
    const std::string& name = input_name(node, index);
    const float bound = name.empty() ? fallback : read_scalar<float>(model, node, name);
    if (std::isnan(bound)) model.fail(node, "a bound is not a number");
    return bound;
}

/// The batch size that the graph input declares, or 0.
std::int64_t declared_batch(const OnnxModel& model) {
    return std::max<std::int64_t>(model.input().type().tensor_type().shape().dim(0).dim_value(), 0);
}

bool flattens(const std::vector<std::int64_t>& target, std::int64_t features, std::int64_t batch) {
    if (target.size() != 2) return false;
    const bool batch_fits = target[0] == 0 || target[0] == -1 || (target[0] > 0 && (batch == 0 || target[0] == batch));
    return batch_fits && (target[1] == features || (target[1] == -1 && target[0] != -1));
}

}  // namespace

void check_arity(const OnnxModel& model, const onnx::NodeProto& node, int least, int most) {
    if (node.input_size() < least || node.input_size() > most) {
        model.fail(node, "has {} inputs, expected {}..{}", node.input_size(), least, most);
    }
    if (node.output_size() != 1) model.fail(node, "has {} outputs, only one is supported", node.output_size());
}

FeatureShape input_shape(const OnnxModel& model) {
    const std::vector<std::int64_t> extents = input_dimensions(model);
    FeatureShape input;
    input.is_vector = extents.size() == 1;
    std::int64_t elements = 1;
    for (const std::int64_t extent : extents) {
        elements *= extent;
        if (elements > kMaxMapValues) {
            model.fail("graph input '{}' has {} values or more, expected at most {}", model.input().name(), elements,
                       kMaxMapValues);
        }
    }
    input.shape.channels = static_cast<int>(extents[0]);
    input.shape.height = input.is_vector ? 1 : static_cast<int>(extents[1]);
    input.shape.width = input.is_vector ? 1 : static_cast<int>(extents[2]);
    return input;
}

PendingOperator read_convolution(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input,
                                 const WeightNames& weights) {
    check_is_image(model, node, input);
    PendingOperator pending = begin(node, OperatorKind::convolution);
    Operator& op = pending.op;
    OnnxAttributes attributes(model, node);
    const std::int64_t groups = attributes.integer("group", 1);
    op.weights = read_convolution_weights(model, node, weights);
    const Weights& w = op.weights;
    check_weight_extents(model, node, w);
    op.window = read_window(model, node, attributes, input.shape, {w.kernel_height, w.kernel_width}, true);
    attributes.finish();
    if (op.window.kernel_height != w.kernel_height || op.window.kernel_width != w.kernel_width) {
        model.fail(node, "attribute kernel_shape is {} {}, but its weights are {}x{}", op.window.kernel_height,
                   op.window.kernel_width, w.kernel_height, w.kernel_width);
    }
    if (groups < 1 || input.shape.channels % groups != 0 || w.output_channels % groups != 0) {
        model.fail(node, "attribute group is {}, expected a divisor of its {} input and {} output channels", groups,
                   input.shape.channels, w.output_channels);
    }
    op.groups = static_cast<int>(groups);
    check_channels(model, node, w, input.shape.channels / groups,
                   groups == 1 ? "channels" : fmt::format("channels (group {})", groups));
    pending.output_shape = checked_output(
        model, node,
        {w.output_channels, op.window.output_height(input.shape.height), op.window.output_width(input.shape.width)});
    return pending;
}

PendingOperator read_fully_connected(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input,
                                     const WeightNames& weights) {
    if (!input.is_vector) {
        model.fail(node, "its input is N x C x H x W, expected N x features (a Flatten or Reshape before it)");
    }
    PendingOperator pending = begin(node, OperatorKind::fully_connected);
    OnnxAttributes attributes(model, node);
    bool transposed = false;
    if (node.op_type() == "Gemm" || node.op_type() == "QGemm") {
        attributes.require("alpha", 1.0F);
        attributes.require("beta", 1.0F);
        attributes.require("transA", std::int64_t{0});
        transposed = attributes.integer("transB", 0) != 0;
    }
    attributes.finish();
    pending.op.weights = read_matrix_weights(model, node, weights, transposed);
    check_weight_extents(model, node, pending.op.weights);
    check_channels(model, node, pending.op.weights, input.shape.elements(), "features");
    pending.output_shape = {pending.op.weights.output_channels, 1, 1};
    pending.is_vector = true;
    return pending;
}

PendingOperator read_pool(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input) {
    check_is_image(model, node, input);
    const std::string& type = node.op_type();
    const bool is_max = type == "MaxPool";
    const bool is_global = type == "GlobalAveragePool" || type == "QLinearGlobalAveragePool";
    PendingOperator pending = begin(node, is_max ? OperatorKind::max_pool : OperatorKind::average_pool);
    Operator& op = pending.op;
    OnnxAttributes attributes(model, node);
    attributes.require("channels_last", std::int64_t{0});
    if (is_global) {
        op.global_average = true;
        op.window.kernel_height = input.shape.height;
        op.window.kernel_width = input.shape.width;
    } else {
        if (!attributes.has("kernel_shape")) model.fail(node, "has no attribute kernel_shape");
        attributes.require("ceil_mode", std::int64_t{0});
        if (is_max) attributes.require("storage_order", std::int64_t{0});
        else op.average_counts_padding = attributes.integer("count_include_pad", 0) != 0;
        op.window = read_window(model, node, attributes, input.shape, {1, 1}, false);
    }
    attributes.finish();
    check_pool_padding(model, node, op.window);
    pending.output_shape = checked_output(
        model, node,
        {input.shape.channels, op.window.output_height(input.shape.height), op.window.output_width(input.shape.width)});
    return pending;
}

PendingOperator read_addition(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& a,
                              const FeatureShape& b) {
    OnnxAttributes(model, node).finish();
    if (a.is_vector != b.is_vector || a.shape != b.shape) {
        model.fail(node, "adds {}x{}x{} and {}x{}x{}, expected equal shapes", a.shape.channels, a.shape.height,
                   a.shape.width, b.shape.channels, b.shape.height, b.shape.width);
    }
    PendingOperator pending = begin(node, OperatorKind::addition);
    pending.output_shape = a.shape;
    pending.is_vector = a.is_vector;
    return pending;
}

void merge_relu(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending) {
    check_arity(model, node, 1, 1);
    OnnxAttributes(model, node).finish();
    pending.low = std::max(pending.low, 0.0F);
    pending.high = std::max(pending.high, 0.0F);
    if (pending.op.activation == Activation::none) pending.op.activation = Activation::relu;
}

ClipRange read_clip(const OnnxModel& model, const onnx::NodeProto& node) {
    check_arity(model, node, 1, 3);
    OnnxAttributes attributes(model, node);  // min and max were attributes before operator set 11
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const float low = clip_bound(model, node, 1, attributes.real("min", -kInfinity));
    const float high = clip_bound(model, node, 2, attributes.real("max", kInfinity));
    attributes.finish();
    if (!(low <= high)) model.fail(node, "its minimum {} is above its maximum {}", low, high);
    return {low, high};
}

void merge_clip(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending) {
    const ClipRange range = read_clip(model, node);
    pending.low = std::clamp(pending.low, range.low, range.high);
    pending.high = std::clamp(pending.high, range.low, range.high);
    pending.op.activation = Activation::clip;
}

void merge_add(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum, float input_scale,
               PendingOperator& pending) {
    check_arity(model, node, 2, 2);
    OnnxAttributes(model, node).finish();
    const bool plain = pending.op.has_weights() && pending.op.weights.bias.empty() &&
                       pending.op.activation == Activation::none && pending.sums == PendingOperator::Sums::real;
    if (!plain) {
        model.fail(node,
                   "is only supported as the bias directly behind a layer without one, or between two dequantized "
                   "feature maps, not after {}",
                   OnnxModel::label(*pending.node));
    }
    const std::string& bias = input_name(node, input_name(node, 0) == sum ? 1 : 0);
    const onnx::TensorProto* constant = model.constant(bias);
    if (pending.op.kind == OperatorKind::convolution && constant != nullptr && constant->dims_size() < 3) {
        model.fail(node, "adds '{}' along the width, expected one value per channel: [{}, 1, 1]", bias,
                   pending.op.weights.output_channels);
    }
    read_bias(model, node, bias, input_scale, pending.op.weights);
}

void merge_cast(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending) {
    check_arity(model, node, 1, 1);
    OnnxAttributes attributes(model, node);
    attributes.require("to", std::int64_t{onnx::TensorProto::FLOAT});
    attributes.integer("saturate", 1);  // concerns 8-bit floats only
    attributes.finish();
    if (pending.sums != PendingOperator::Sums::integers) {
        model.fail(node, "follows {}, expected it directly after a ConvInteger or MatMulInteger",
                   OnnxModel::label(*pending.node));
    }
    pending.sums = PendingOperator::Sums::cast;
}

void merge_scale(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum, float input_scale,
                 PendingOperator& pending) {
    check_arity(model, node, 2, 2);
    OnnxAttributes(model, node).finish();
    if (pending.sums != PendingOperator::Sums::cast) {
        model.fail(node, "follows {}, expected it after the Cast behind a ConvInteger or MatMulInteger",
                   OnnxModel::label(*pending.node));
    }
    Weights& weights = pending.op.weights;
    const auto scale = read_constant<float>(model, node, input_name(node, input_name(node, 0) == sum ? 1 : 0));
    const std::int64_t out = weights.output_channels;
    const bool per_map = pending.op.kind == OperatorKind::convolution;
    const std::vector<std::int64_t> vectors[] = {{out}, {1, out}};
    const std::vector<std::int64_t> maps[] = {{out, 1, 1}, {1, out, 1, 1}};
    const auto& allowed = per_map ? maps : vectors;
    const bool per_channel = std::find(std::begin(allowed), std::end(allowed), scale.dimensions) != std::end(allowed);
    if (scale.values.size() != 1 && !per_channel) {
        model.fail(node, "multiplies by the shape [{}], expected one scale, or one per output channel ({})",
                   fmt::join(scale.dimensions, ", "), out);
    }
    weights.scales.clear();
    for (const float value : scale.values) {
        if (!std::isfinite(value) || !(value > 0.0F)) {
            model.fail(node, "multiplies by {}, expected a finite scale above zero", value);
        }
        weights.scales.push_back(value / input_scale);
    }
    pending.sums = PendingOperator::Sums::real;
}

void check_flattening(const OnnxModel& model, const onnx::NodeProto& node, const FeatureShape& input) {
    const std::int64_t features = input.shape.elements();
    OnnxAttributes attributes(model, node);
    if (node.op_type() == "Flatten") {
        check_arity(model, node, 1, 1);
        const std::int64_t axis = attributes.integer("axis", 1);
        const std::int64_t rank = input.is_vector ? 2 : 4;
        if (axis != 1 && axis != 1 - rank) model.fail(node, "attribute axis is {}, only 1 is supported", axis);
    } else {
        check_arity(model, node, 2, 2);
        attributes.require("allowzero", std::int64_t{0});
        const auto target = read_constant<std::int64_t>(model, node, node.input(1)).values;
        if (!flattens(target, features, declared_batch(model))) {
            model.fail(node, "reshapes to [{}], only [N, {}] (one vector per image) is supported",
                       fmt::join(target, ", "), features);
        }
    }
    attributes.finish();
}

}  // namespace widthwise
