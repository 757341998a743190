// SPDX-License-Identifier: Apache-2.0
// Nodes that compute nothing: they order values anew, ask for their number, surround them, or end the network.
#include <algorithm>
#include <cmath>
#include <utility>

#include "network/onnx_attributes.h"
#include "network/onnx_constants.h"
#include "network/onnx_fold.h"
#include "network/onnx_graph.h"
#include "network/onnx_input.h"
#include "network/onnx_limits.h"
#include "network/onnx_merges.h"
#include "network/onnx_quantization.h"

namespace widthwise {
namespace {

using Extents = FeatureView::Extents;

std::int64_t product(const Extents& extents) {
    std::int64_t count = 1;
    for (const std::int64_t extent : extents) count *= extent;
    return count;
}

bool are_extents(const Extents& extents) {
    return std::all_of(extents.begin() + 1, extents.end(),
                       [](std::int64_t extent) { return extent >= 1 && extent <= kMaxExtent; });
}

/// Maps N x C x H x W that vectors are reshaped to.
bool is_image(const Extents& extents) { return extents.size() == 4 && are_extents(extents); }
/// Maps of one row, N x C x W or N x W x C.
bool is_line(const Extents& extents) { return extents.size() == 3 && are_extents(extents); }

}  // namespace

GraphValue GraphImporter::any_operand(const onnx::NodeProto& node) {
    const auto found = values_.find(input_name(node, 0));
    if (found != values_.end() && found->second.form == Form::scores) return found->second;
    GraphValue value = operand(node, 0);
    if (value.form != Form::pending) refuse_padding(node, value);
    return value;
}

void GraphImporter::identity(const onnx::NodeProto& node) {
    const auto found = values_.find(input_name(node, 0));
    pass_value(node, found != values_.end() ? found->second : operand(node, 0));
}

void GraphImporter::reshape_to(const onnx::NodeProto& node, GraphValue value, const Extents& target) {
    if (value.form == Form::scores) return pass_value(node, value);
    const std::int64_t features = value.view.shape.elements();
    const bool is_input = value.form == Form::real_input || value.form == Form::integer_input ||
                          (value.tensor == network_.input && network_.operators.empty() && pending_.empty());
    if (is_input && value.view.is_vector() && is_line(target) && product(target) == features * value.view.batch) {
        if (const auto view = view_as_read(model_, node.output(0), {target[1], target[2]}, value.view.batch)) {
            value.view = *view;
            if (value.tensor >= 0) network_.tensors[static_cast<std::size_t>(value.tensor)].shape = view->shape;
            return pass_value(node, value);
        }
    }
    if (const auto view = value.view.reshaped(target)) {
        value.view = *view;
        return pass_value(node, value);
    }
    if (!is_input || !value.view.is_in_order() || !is_image(target) || product(target) != features * value.view.batch) {
        model_.fail(
            node,
            "reshapes {} of [{}] to [{}], which divides the values of an axis; expected [N, {}] (one vector per "
            "image) or the like",
            value.view.text(), fmt::join(value.view.extents(), ", "), fmt::join(target, ", "), features);
    }
    // Vectors that are images: the network's input is one from the start.
    const bool last = has_channels_last(model_, node.output(0));
    const auto extent = [&target](int axis) { return static_cast<int>(target[static_cast<std::size_t>(axis)]); };
    value.view = FeatureView::map(
        last ? Shape{extent(3), extent(1), extent(2)} : Shape{extent(1), extent(2), extent(3)}, value.view.batch);
    if (last) value.view = value.view.transposed({0, 2, 3, 1});
    if (value.tensor >= 0) network_.tensors[static_cast<std::size_t>(value.tensor)].shape = value.view.shape;
    pass_value(node, value);
}

void GraphImporter::reshape(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, 2);
    OnnxAttributes attributes(model_, node);
    const bool allow_zero = attributes.integer("allowzero", 0) != 0;
    attributes.finish();
    const GraphValue value = any_operand(node);
    Extents target = integers_of(required_constant(model_, node, node.input(1)));
    if (value.form == Form::scores) return pass_value(node, value);
    if (batch_is_open_ && target.size() > 1 && target[0] > 1) {  // as traced with that many images
        if (product({target.begin() + 1, target.end()}) == value.view.shape.elements()) target[0] = 1;
    }
    reshape_to(node, value, reshaped_extents(value.view.extents(), target, allow_zero));
}

void GraphImporter::flatten(const onnx::NodeProto& node) {
    check_arity(model_, node, 1, 1);
    OnnxAttributes attributes(model_, node);
    const std::int64_t axis = attributes.integer("axis", 1);
    attributes.finish();
    const GraphValue value = any_operand(node);
    const Extents extents = value.view.extents();
    const std::size_t split =
        axis == static_cast<std::int64_t>(extents.size()) ? extents.size() : axis_within(axis, extents.size());
    const auto border = extents.begin() + static_cast<std::ptrdiff_t>(split);
    reshape_to(node, value, {product({extents.begin(), border}), product({border, extents.end()})});
}

void GraphImporter::squeeze(const onnx::NodeProto& node) {
    check_arity(model_, node, 1, 2);
    GraphValue value = any_operand(node);
    const std::string& name = input_name(node, 1);
    const auto axes = axes_of(node, name.empty() ? nullptr : &required_constant(model_, node, name));
    if (value.form == Form::scores) return pass_value(node, value);
    const auto view = value.view.squeezed(axes);
    if (!view) {
        model_.fail(node, "squeezes [{}] along [{}], expected axes of 1", fmt::join(value.view.extents(), ", "),
                    fmt::join(axes.value_or(Extents{}), ", "));
    }
    value.view = *view;
    pass_value(node, value);
}

void GraphImporter::unsqueeze(const onnx::NodeProto& node) {
    check_arity(model_, node, 1, 2);
    GraphValue value = any_operand(node);
    const std::string& name = input_name(node, 1);
    const auto axes = axes_of(node, name.empty() ? nullptr : &required_constant(model_, node, name));
    if (value.form == Form::scores) return pass_value(node, value);
    const auto view = value.view.unsqueezed(axes.value_or(Extents{}));
    if (!view) model_.fail(node, "inserts the axes [{}]", fmt::join(axes.value_or(Extents{}), ", "));
    value.view = *view;
    pass_value(node, value);
}

void GraphImporter::transpose(const onnx::NodeProto& node) {
    check_arity(model_, node, 1, 1);
    OnnxAttributes attributes(model_, node);
    attributes.integers("perm", {});
    attributes.finish();
    const auto found = values_.find(input_name(node, 0));
    GraphValue value = found != values_.end() ? found->second : operand(node, 0);  // a Pad before it stays
    if (value.form == Form::scores) return pass_value(node, value);
    value.view = value.view.transposed(permutation_of(node, value.view.dimensions.size()));
    pass_value(node, value);
}

void GraphImporter::shape(const onnx::NodeProto& node) {
    OnnxAttributes attributes(model_, node);
    const std::int64_t start = attributes.integer("start", 0);
    const std::int64_t end = attributes.integer("end", std::numeric_limits<std::int64_t>::max());
    attributes.finish();
    const GraphValue value = operand(node, 0);
    refuse_padding(node, value);
    const Extents extents = value.view.extents();
    const auto rank = static_cast<std::int64_t>(extents.size());
    const auto within = [rank](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank); };
    Extents found;
    for (std::int64_t i = within(start); i < within(end); ++i) found.push_back(extents[static_cast<std::size_t>(i)]);
    model_.define(node, make_integers(found));
}

void GraphImporter::pad(const onnx::NodeProto& node) {
    GraphValue value = operand(node, 0);
    if (value.form == Form::pending) {
        model_.fail(node, "follows {} directly, expected QuantizeLinear and DequantizeLinear in between",
                    OnnxModel::label(*pending_.at(node.input(0)).node));
    }
    if (value.form == Form::integer_input) model_.fail(node, "pads a graph input of integers, expected float");
    Padding padding = read_padding(model_, node, value.view);
    if (!padding.any()) return pass_value(node, value);
    if (value.padding.any()) model_.fail(node, "pads a map that a Pad has enlarged, expected one of them");
    const std::string& name = input_name(node, 2);
    const bool on_integers = value.form == Form::quantized;
    if (on_integers) {
        const ConstantTensor* constant = name.empty() ? nullptr : &required_constant(model_, node, name);
        const double integer = constant == nullptr ? 0.0 : constant->at(0);
        const Quantization& of = tensor(value).quantization;
        padding.value = of.scale * static_cast<float>(integer - of.zero_point);
    } else if (!name.empty()) {
        padding.value = read_scalar<float>(model_, node, name);
        if (std::isnan(padding.value)) model_.fail(node, "pads with a value that is not a number");
    }
    if (value.clip.limits()) {
        const float limited = std::clamp(padding.value, value.clip.low, value.clip.high);
        if (value.form == Form::real) settle_clip(node, value, false);
        else if (limited != padding.value) model_.fail(node, "pads behind a Clip, expected the Clip behind it");
    }
    value.padding = padding;
    value.unnamed = false;
    pass_value(node, value);
}

void GraphImporter::arithmetic(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, 2);
    OnnxAttributes(model_, node).finish();
    const int index = values_.count(node.input(0)) != 0 ? 0 : 1;
    GraphValue value = operand(node, index);
    if (value.form != Form::real_input) {
        model_.fail(node,
                    "computes on a feature map, which needs hardware that is not modelled yet; expected it in front of "
                    "the first QuantizeLinear only");
    }
    const std::string& type = node.op_type();
    if (index == 1 && (type == "Sub" || type == "Div")) {
        model_.fail(node, "has the constant on its left, expected it on its right");
    }
    if (value.clip.limits() || value.padding.any() || value.steps != network_.input_steps.size()) {
        model_.fail(node,
                    "computes on the graph input beside or behind other nodes, expected a chain of arithmetic before a "
                    "Clip or Pad");
    }
    InputStep step;
    step.kind = type == "Add"   ? InputStep::Kind::add
                : type == "Sub" ? InputStep::Kind::subtract
                : type == "Mul" ? InputStep::Kind::multiply
                                : InputStep::Kind::divide;
    step.values = channel_values(model_, node, node.input(1 - index), value.view);
    for (const float number : step.values) {
        const bool divides_by_zero = step.kind == InputStep::Kind::divide && number == 0.0F;
        if (!std::isfinite(number) || divides_by_zero) model_.fail(node, "computes with {}", number);
    }
    network_.input_steps.push_back(std::move(step));
    network_.notes.push_back(
        fmt::format("{} computes on images before they are quantized: preprocessing must give what it "
                    "expects.",
                    OnnxModel::label(node)));
    value.steps = network_.input_steps.size();
    pass_value(node, value);
}

void GraphImporter::classes(const onnx::NodeProto& node) {
    const std::string& type = node.op_type();
    const bool on_integers = type == "QLinearSigmoid" || type == "QLinearSoftmax";
    check_arity(model_, node, on_integers ? 5 : 1, on_integers ? 5 : 1);
    const bool is_argmax = type == "ArgMax", over_axis = type != "Sigmoid" && type != "QLinearSigmoid";
    OnnxAttributes attributes(model_, node);
    const bool was_old = type == "QLinearSoftmax" ? attributes.integer("opset", 13) < 13 : model_.operator_set() < 13;
    const std::int64_t fallback = is_argmax ? 0 : was_old ? 1 : -1;
    const std::int64_t class_axis = over_axis ? attributes.integer("axis", fallback) : 0;
    if (is_argmax) {
        attributes.integer("keepdims", 1);
        attributes.require("select_last_index", std::int64_t{0});
    }
    attributes.finish();
    const auto found = values_.find(input_name(node, 0));
    GraphValue value = found != values_.end() ? found->second : operand(node, 0);
    if (value.form == Form::quantized && (is_argmax || on_integers)) value.form = Form::real;
    if (value.form != Form::scores && value.form != Form::real && value.form != Form::pending) {
        model_.fail(node, "does not follow a layer, expected it at the end of the network");
    }
    if (value.form != Form::scores) refuse_padding(node, value);
    const Extents extents = value.view.extents();
    const std::size_t axis = over_axis ? axis_within(class_axis, extents.size()) : 0;
    if (!value.view.is_vector() || (over_axis && extents[axis] != value.view.shape.elements())) {
        model_.fail(node, "makes classes of {} of [{}], expected one class for each image{}", value.view.text(),
                    fmt::join(extents, ", "),
                    over_axis ? "" : " (inside of a network only Relu and Clip are modelled as activations)");
    }
    if (value.form == Form::pending) value.pending_by = node.input(0);
    else if (value.form == Form::real) settle_clip(node, value, false);
    const char* doubt =
        over_axis ? "" : ", but where several round to 1 in float32, of which a runtime takes the first";
    network_.notes.push_back(fmt::format("{} at the end is left out: it does not change which class is largest{}.",
                                         OnnxModel::label(node), doubt));
    value.form = Form::scores;
    values_[node.output(0)] = value;
}

void GraphImporter::constant(const onnx::NodeProto& node) { value_of_constant(node); }

}  // namespace widthwise
