// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_operators.h"

#include <algorithm>
#include <cmath>

#include "network/onnx_attributes.h"
#include "network/onnx_constants.h"
#include "network/onnx_fold.h"
#include "network/onnx_limits.h"
#include "network/onnx_merges.h"

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

void check_is_map(const OnnxModel& model, const onnx::NodeProto& node, const FeatureView& view) {
    if (view.is_map()) return;
    model.fail(node, "its input is {}, expected N x channels x height x width",
               view.is_vector() ? "N x features" : view.text());
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

/// The map with what a Pad node adds to it.
WindowUse window_over(const OnnxModel& model, const onnx::NodeProto& node, const OperatorInput& input) {
    WindowUse use;
    use.input = input.view.shape;
    use.input.height += input.padding.top + input.padding.bottom;
    use.input.width += input.padding.left + input.padding.right;
    if (use.input.height > kMaxExtent || use.input.width > kMaxExtent) {
        model.fail(node, "its padded input is {} x {} pixels, expected at most {} each way", use.input.height,
                   use.input.width, kMaxExtent);
    }
    use.spatial_axes = input.view.dimensions.size() == 3 ? 1 : 2;
    return use;
}

void add_padding(const Padding& padding, Window& window) {
    window.pad_top += padding.top;
    window.pad_left += padding.left;
    window.pad_bottom += padding.bottom;
    window.pad_right += padding.right;
}

/// The map that a window makes, laid out as its input is.
FeatureView windowed(const OnnxModel& model, const onnx::NodeProto& node, const FeatureView& input, int channels,
                     const Window& window) {
    FeatureView output = input;
    output.shape = checked_output(
        model, node, {channels, window.output_height(input.shape.height), window.output_width(input.shape.width)});
    output.dimensions = FeatureView::map(output.shape, input.batch).dimensions;
    if (input.dimensions.size() == 3) output.dimensions.erase(output.dimensions.begin() + 2);
    return output;
}

/// ReduceMean over the whole of the map's height and width.
FeatureView read_reduced(const OnnxModel& model, const onnx::NodeProto& node, OnnxAttributes& attributes,
                         const FeatureView& input) {
    check_arity(model, node, 1, 2);
    const std::string& name = input_name(node, 1);
    const bool keeps = attributes.integer("keepdims", 1) != 0;
    attributes.integer("noop_with_empty_axes", 0);
    attributes.integers("axes", {});
    const auto axes = axes_of(node, name.empty() ? nullptr : &required_constant(model, node, name));
    std::vector<bool> reduced(input.dimensions.size(), false);
    for (const std::int64_t axis : axes.value_or(std::vector<std::int64_t>{})) {
        reduced[axis_within(axis, reduced.size())] = true;
    }
    FeatureView output = input;
    output.dimensions.clear();
    for (std::size_t i = 0; i < reduced.size(); ++i) {
        for (const Axis axis : input.dimensions[i]) {
            const bool is_pixel = axis == Axis::height || axis == Axis::width;
            if (is_pixel == reduced[i] || input.extent(axis) == 1) continue;
            model.fail(node, "averages {} over the axes [{}], expected height and width", input.text(),
                       fmt::join(axes.value_or(std::vector<std::int64_t>{}), ", "));
        }
        if (reduced[i] && keeps) output.dimensions.emplace_back();
        if (!reduced[i]) output.dimensions.push_back(input.dimensions[i]);
    }
    output.shape.height = output.shape.width = 1;
    return output;
}

void read_global_pool(const OnnxModel& model, const onnx::NodeProto& node, OnnxAttributes& attributes,
                      const OperatorInput& input, PendingOperator& pending) {
    const Shape& shape = input.view.shape;
    if (input.padding.any()) model.fail(node, "averages over a padded map, expected a map without a Pad before it");
    pending.op.global_average = true;
    pending.op.window.kernel_height = shape.height;
    pending.op.window.kernel_width = shape.width;
    if (node.op_type() == "ReduceMean") {
        pending.output = read_reduced(model, node, attributes, input.view);
        return;
    }
    check_is_map(model, node, input.view);
    pending.output = windowed(model, node, input.view, shape.channels, pending.op.window);
}

void read_window_pool(const OnnxModel& model, const onnx::NodeProto& node, OnnxAttributes& attributes,
                      const OperatorInput& input, PendingOperator& pending) {
    check_is_map(model, node, input.view);
    Operator& op = pending.op;
    if (!attributes.has("kernel_shape")) model.fail(node, "has no attribute kernel_shape");
    const bool is_max = op.kind == OperatorKind::max_pool;
    if (is_max) attributes.require("storage_order", std::int64_t{0});
    else op.average_counts_padding = attributes.integer("count_include_pad", 0) != 0;
    WindowUse use = window_over(model, node, input);
    use.may_round_up = true;
    op.window = read_window(model, node, attributes, use);
    const Window& window = op.window;
    const bool pads = window.pad_top + window.pad_left + window.pad_bottom + window.pad_right != 0;
    if (op.average_counts_padding && attributes.integer("ceil_mode", 0) != 0 && pads) {
        model.fail(node, "counts padding (count_include_pad) in windows that ceil_mode adds, expected one of the two");
    }
    if (!is_max && input.padding.any()) {
        if (pads && !op.average_counts_padding) {
            model.fail(node, "averages without its padding over a map that is padded before, expected one of them");
        }
        op.average_counts_padding = true;
    }
    add_padding(input.padding, op.window);
    check_pool_padding(model, node, op.window);
    pending.output = windowed(model, node, input.view, input.view.shape.channels, op.window);
    // ONNX Runtime takes its global kernel then.
    op.global_average = !is_max && op.window == Window{input.view.shape.height, input.view.shape.width,
                                                       op.window.stride_height, op.window.stride_width};
}

/// Neighbouring values are of neighbouring channels.
bool channels_are_innermost(const FeatureView& view) {
    const FeatureView::Extents extents = view.extents();
    for (std::size_t d = view.dimensions.size(); d-- > 0;) {
        if (view.dimensions[d] == std::vector<Axis>{Axis::channel}) return true;
        if (extents[d] != 1) return false;
    }
    return false;
}

}  // namespace

void check_arity(const OnnxModel& model, const onnx::NodeProto& node, int least, int most) {
    if (node.input_size() < least || node.input_size() > most) {
        model.fail(node, "has {} inputs, expected {}..{}", node.input_size(), least, most);
    }
    if (node.output_size() != 1) model.fail(node, "has {} outputs, only one is supported", node.output_size());
}

PendingOperator read_convolution(const OnnxModel& model, const onnx::NodeProto& node, const OperatorInput& input,
                                 const WeightNames& weights) {
    check_is_map(model, node, input.view);
    PendingOperator pending = begin(node, OperatorKind::convolution);
    Operator& op = pending.op;
    const Shape& shape = input.view.shape;
    OnnxAttributes attributes(model, node);
    const std::int64_t groups = attributes.integer("group", 1);
    WindowUse use = window_over(model, node, input);
    op.weights = read_convolution_weights(model, node, weights, use.spatial_axes);
    const Weights& w = op.weights;
    check_weight_extents(model, node, w);
    use.kernel_height = w.kernel_height;
    use.kernel_width = w.kernel_width;
    use.may_dilate = true;
    op.window = read_window(model, node, attributes, use);
    add_padding(input.padding, op.window);
    attributes.finish();
    if (op.window.kernel_height != w.kernel_height || op.window.kernel_width != w.kernel_width) {
        model.fail(node, "attribute kernel_shape is {} {}, but its weights are {}x{}", op.window.kernel_height,
                   op.window.kernel_width, w.kernel_height, w.kernel_width);
    }
    if (groups < 1 || shape.channels % groups != 0 || w.output_channels % groups != 0) {
        model.fail(node, "attribute group is {}, expected a divisor of its {} input and {} output channels", groups,
                   shape.channels, w.output_channels);
    }
    op.groups = static_cast<int>(groups);
    check_channels(model, node, w, shape.channels / groups,
                   groups == 1 ? "channels" : fmt::format("channels (group {})", groups));
    pending.output = windowed(model, node, input.view, w.output_channels, op.window);
    return pending;
}

PendingOperator read_fully_connected(const OnnxModel& model, const onnx::NodeProto& node, const OperatorInput& input,
                                     const WeightNames& weights) {
    const FeatureView& view = input.view;
    const std::int64_t features = view.shape.elements();
    if (!view.is_vector() || view.extents().back() != features) {
        model.fail(node, "its input is {}, expected N x features (a Flatten or Reshape before it)",
                   view.is_map() ? "N x C x H x W" : view.text());
    }
    PendingOperator pending = begin(node, OperatorKind::fully_connected);
    Weights& w = pending.op.weights;
    OnnxAttributes attributes(model, node);
    bool transposed = false;
    float alpha = 1.0F;
    if (node.op_type() == "Gemm" || node.op_type() == "QGemm") {
        alpha = attributes.real("alpha", 1.0F);
        attributes.real("beta", 1.0F);
        attributes.require("transA", std::int64_t{0});
        transposed = attributes.integer("transB", 0) != 0;
    }
    attributes.finish();
    if (!std::isfinite(alpha) || !(alpha > 0.0F)) {
        model.fail(node, "attribute alpha is {}, expected a finite value above 0", alpha);
    }
    w = read_matrix_weights(model, node, weights, transposed);
    check_weight_extents(model, node, w);
    check_channels(model, node, w, features, "features");
    if (!view.is_in_order()) reorder_inputs(w, view.features_in_order());
    if (alpha != 1.0F) {
        for (float& scale : w.scales) scale *= alpha;
    }
    pending.output = FeatureView::vector(w.output_channels, view.batch);
    while (pending.output.dimensions.size() < view.dimensions.size()) {
        pending.output.dimensions.insert(pending.output.dimensions.begin() + 1, std::vector<Axis>{});
    }
    return pending;
}

float bias_factor(const OnnxModel& model, const onnx::NodeProto& node) {
    const float beta = node.op_type() == "Gemm" ? OnnxAttributes(model, node).real("beta", 1.0F) : 1.0F;
    if (!std::isfinite(beta)) model.fail(node, "attribute beta is {}, expected a finite value", beta);
    return beta;
}

PendingOperator read_pool(const OnnxModel& model, const onnx::NodeProto& node, const OperatorInput& input) {
    const std::string& type = node.op_type();
    const bool is_max = type == "MaxPool";
    const bool is_global = type == "GlobalAveragePool" || type == "QLinearGlobalAveragePool" || type == "ReduceMean";
    PendingOperator pending = begin(node, is_max ? OperatorKind::max_pool : OperatorKind::average_pool);
    OnnxAttributes attributes(model, node);
    attributes.require("channels_last", std::int64_t{0});
    if (is_global) read_global_pool(model, node, attributes, input, pending);
    else read_window_pool(model, node, attributes, input, pending);
    attributes.finish();
    return pending;
}

PendingOperator read_addition(const OnnxModel& model, const onnx::NodeProto& node, const FeatureView& a,
                              const FeatureView& b) {
    OnnxAttributes(model, node).finish();
    if (a.extents() != b.extents() || a.shape != b.shape) {
        model.fail(node, "adds {}x{}x{} and {}x{}x{}, expected equal shapes", a.shape.channels, a.shape.height,
                   a.shape.width, b.shape.channels, b.shape.height, b.shape.width);
    }
    if (a.dimensions != b.dimensions && !(a.is_map() && b.is_map())) {
        model.fail(node, "adds {} and {}, expected maps in one order", a.text(), b.text());
    }
    PendingOperator pending = begin(node, OperatorKind::addition);
    pending.output = a;
    return pending;
}

PendingOperator read_constant_addition(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                                       const Quantization& quantization, const FeatureView& view, bool first) {
    OnnxAttributes(model, node).finish();
    PendingOperator pending = begin(node, OperatorKind::addition);
    AddedConstant& constant = pending.op.constant.emplace();
    constant.quantization = quantization;
    const auto take = [&](const auto& values) { constant.values.assign(values.begin(), values.end()); };
    if (quantization.is_signed) take(channel_values<std::int8_t>(model, node, name, view));
    else take(channel_values<std::uint8_t>(model, node, name, view));
    // ONNX Runtime's kernel takes a first operand that is one value, or one over a run of the map's values, as second.
    constant.is_first = first && constant.values.size() > 1 && channels_are_innermost(view);
    if (constant.values.size() == 1) constant.values.resize(view.shape.channels, constant.values.front());
    pending.output = view;
    return pending;
}

}  // namespace widthwise
