// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_merges.h"

#include <algorithm>
#include <cmath>

#include "network/onnx_attributes.h"
#include "network/onnx_constants.h"
#include "network/onnx_fold.h"
#include "network/onnx_limits.h"

namespace widthwise {
namespace {

float clip_bound(const OnnxModel& model, const onnx::NodeProto& node, int index, float fallback) {
    const std::string& name = input_name(node, index);
    const float bound = name.empty() ? fallback : read_scalar<float>(model, node, name);
    if (std::isnan(bound)) model.fail(node, "a bound is not a number");
    return bound;
}

/// The dimension that values of these extents differ along, aligned at the end as ONNX broadcasts: none if all are 1,
/// the rank if there are several.
std::size_t varying_dimension(const std::vector<std::int64_t>& extents, std::size_t rank) {
    std::size_t found = rank;
    for (std::size_t i = 0; i < extents.size(); ++i) {
        if (extents[i] == 1) continue;
        if (found != rank || extents.size() > rank) return rank;
        found = rank - extents.size() + i;
    }
    return found;
}

/// The number of pixels, as Brevitas puts it between an average and its Trunc.
void merge_factor(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum,
                  PendingOperator& pending) {
    if (pending.op.activation != Activation::none) {
        model.fail(node, "follows a Relu or Clip behind {}, expected it directly behind the pool",
                   OnnxModel::label(*pending.node));
    }
    const float factor = read_scalar<float>(model, node, input_name(node, input_name(node, 0) == sum ? 1 : 0));
    if (!std::isfinite(factor) || !(factor > 0.0F)) {
        model.fail(node, "multiplies by {}, expected a finite factor above zero", factor);
    }
    pending.factor *= factor;
}

}  // namespace

template <typename T>
std::vector<T> channel_values(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                              const FeatureView& view) {
    const auto array = read_constant<T>(model, node, name);
    if (array.values.size() == 1) return array.values;
    const std::size_t dimension = varying_dimension(array.dimensions, view.dimensions.size());
    const bool along_channels = dimension < view.dimensions.size() &&
                                view.dimensions[dimension] == std::vector<Axis>{Axis::channel} &&
                                static_cast<int>(array.values.size()) == view.shape.channels;
    if (!along_channels) {
        model.fail(node, "its constant '{}' has the shape [{}], expected one value, or one per channel ({})", name,
                   fmt::join(array.dimensions, ", "), view.shape.channels);
    }
    return array.values;
}

template std::vector<float> channel_values(const OnnxModel&, const onnx::NodeProto&, const std::string&,
                                           const FeatureView&);
template std::vector<std::int8_t> channel_values(const OnnxModel&, const onnx::NodeProto&, const std::string&,
                                                 const FeatureView&);
template std::vector<std::uint8_t> channel_values(const OnnxModel&, const onnx::NodeProto&, const std::string&,
                                                  const FeatureView&);

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

IntegerRange read_integer_clip(const OnnxModel& model, const onnx::NodeProto& node, const Quantization& of) {
    check_arity(model, node, 1, 3);
    OnnxAttributes(model, node).finish();
    const auto bound = [&](int index, int fallback) {
        const std::string& name = input_name(node, index);
        if (name.empty()) return fallback;
        return of.is_signed ? int{read_scalar<std::int8_t>(model, node, name)}
                            : int{read_scalar<std::uint8_t>(model, node, name)};
    };
    const IntegerRange range{bound(1, of.low()), bound(2, of.high())};
    if (range.low > range.high) model.fail(node, "its minimum {} is above its maximum {}", range.low, range.high);
    return range;
}

void merge_clip(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending) {
    const ClipRange range = ClipRange{pending.low, pending.high}.then(read_clip(model, node));
    pending.low = range.low;
    pending.high = range.high;
    pending.op.activation = Activation::clip;
}

void merge_add(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum, const FeatureView& view,
               float input_scale, PendingOperator& pending) {
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
    read_bias(model, node, input_name(node, input_name(node, 0) == sum ? 1 : 0), {input_scale, 1.0F, &view},
              pending.op.weights);
}

void merge_cast(const OnnxModel& model, const onnx::NodeProto& node, PendingOperator& pending) {
    if (pending.sums == PendingOperator::Sums::integers) pending.sums = PendingOperator::Sums::cast;
    check_cast(model, node);
}

void check_cast(const OnnxModel& model, const onnx::NodeProto& node) {
    check_arity(model, node, 1, 1);
    OnnxAttributes attributes(model, node);
    const std::int64_t to = attributes.integer("to", 0);
    attributes.integer("saturate", 1);  // concerns 8-bit floats only
    attributes.finish();
    if (to == onnx::TensorProto::FLOAT) return;
    model.fail(node, "casts to {}, only FLOAT is supported", type_name(static_cast<int>(to)));
}

void merge_scale(const OnnxModel& model, const onnx::NodeProto& node, const std::string& sum, const FeatureView& view,
                 float input_scale, PendingOperator& pending) {
    check_arity(model, node, 2, 2);
    OnnxAttributes(model, node).finish();
    if (pending.op.kind == OperatorKind::average_pool) return merge_factor(model, node, sum, pending);
    if (pending.sums == PendingOperator::Sums::real) {
        model.fail(node, "multiplies the sums of {}, expected the factor in the scales of its weights",
                   OnnxModel::label(*pending.node));
    }
    if (pending.sums != PendingOperator::Sums::cast) {
        model.fail(node, "follows {}, expected it after the Cast behind a ConvInteger or MatMulInteger",
                   OnnxModel::label(*pending.node));
    }
    Weights& weights = pending.op.weights;
    weights.scales.clear();
    for (const float value : channel_values(model, node, input_name(node, input_name(node, 0) == sum ? 1 : 0), view)) {
        if (!std::isfinite(value) || !(value > 0.0F)) {
            model.fail(node, "multiplies by {}, expected a finite scale above zero", value);
        }
        weights.scales.push_back(value / input_scale);
    }
    pending.sums = PendingOperator::Sums::real;
}

Padding read_padding(const OnnxModel& model, const onnx::NodeProto& node, const FeatureView& view) {
    check_arity(model, node, 1, 4);
    OnnxAttributes attributes(model, node);  // pads and value were attributes before operator set 11
    const std::string mode = attributes.text("mode", "constant");
    if (mode != "constant") model.fail(node, "attribute mode is '{}', only 'constant' is supported", mode);
    std::vector<std::int64_t> pads = attributes.integers("pads", {});
    Padding padding;
    padding.value = attributes.real("value", 0.0F);
    attributes.finish();
    if (!input_name(node, 1).empty()) pads = read_constant<std::int64_t>(model, node, input_name(node, 1)).values;
    std::vector<std::int64_t> axes(view.dimensions.size());
    for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::int64_t>(i);
    if (!input_name(node, 3).empty()) axes = read_constant<std::int64_t>(model, node, input_name(node, 3)).values;
    if (pads.size() != 2 * axes.size()) {
        model.fail(node, "has {} pads, expected {}, two for each axis", pads.size(), 2 * axes.size());
    }
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const std::int64_t before = pads[i], after = pads[i + axes.size()];
        if (before == 0 && after == 0) continue;
        if (before < 0 || after < 0 || before > kMaxExtent || after > kMaxExtent) {
            model.fail(node, "pads by {} and {} pixels, expected 0..{}", before, after, kMaxExtent);
        }
        const std::vector<Axis>& dimension = view.dimensions[axis_within(axes[i], view.dimensions.size())];
        if (dimension == std::vector<Axis>{Axis::height}) {
            padding.top = static_cast<int>(before);
            padding.bottom = static_cast<int>(after);
        } else if (dimension == std::vector<Axis>{Axis::width}) {
            padding.left = static_cast<int>(before);
            padding.right = static_cast<int>(after);
        } else {
            model.fail(node, "pads axis {} of {}, expected height and width alone", axes[i], view.text());
        }
    }
    return padding;
}

}  // namespace widthwise
