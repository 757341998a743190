// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_input.h"

#include <algorithm>
#include <optional>
#include <set>

#include "network/onnx_fold.h"
#include "network/onnx_limits.h"

namespace widthwise {
namespace {

/// Extents of the graph input after the batch.
std::vector<std::int64_t> input_extents(const OnnxModel& model) {
    const std::string& name = model.input().name();
    const auto& type = model.input().type().tensor_type();
    if (!type.has_shape()) model.fail("graph input '{}' has no shape, expected N x C x H x W", name);
    const auto& shape = type.shape();
    if (shape.dim_size() < 2 || shape.dim_size() > 4) {
        model.fail("graph input '{}' has {} dimensions, expected 4 (N x C x H x W), 3 (N x H x W) or 2 (N x features)",
                   name, shape.dim_size());
    }
    std::vector<std::int64_t> extents;
    std::int64_t values = 1;
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
        values *= extent.dim_value();
        if (values > kMaxMapValues) {
            model.fail("graph input '{}' has {} values or more, expected at most {}", name, values, kMaxMapValues);
        }
    }
    return extents;
}

bool reshapes(const onnx::NodeProto& node) {
    static const std::set<std::string> kTypes = {"Flatten", "Reshape", "Squeeze", "Unsqueeze"};
    return kTypes.count(node.op_type()) != 0;
}

/// The first node behind the tensor that `matches`, through nodes that compute each value alone and those that
/// `passes`, or null.
template <typename Matches, typename Passes>
const onnx::NodeProto* first_behind(const OnnxModel& model, const std::string& tensor, Matches&& matches,
                                    Passes&& passes) {
    static const std::set<std::string> kIndifferent = {
        "QuantizeLinear", "DequantizeLinear", "Cast", "Sub", "Div", "Mul", "Add", "Clip", "Pad",
        "Identity",       "Dropout",          "Relu"};
    std::vector<std::string> wanted = {tensor};
    std::set<std::string> seen;
    while (!wanted.empty()) {
        const std::string name = wanted.back();
        wanted.pop_back();
        if (!seen.insert(name).second) continue;
        for (const onnx::NodeProto* node : model.consumers(name)) {
            if (matches(*node)) return node;
            const bool goes_on = kIndifferent.count(node->op_type()) != 0 || passes(*node);
            if (goes_on && node->output_size() == 1) wanted.push_back(node->output(0));
        }
    }
    return nullptr;
}

bool is_permutation(const onnx::NodeProto& node, const std::vector<std::int64_t>& expected) {
    const onnx::AttributeProto* attribute = find_attribute(node, "perm");
    return node.op_type() == "Transpose" && attribute != nullptr &&
           std::equal(attribute->ints().begin(), attribute->ints().end(), expected.begin(), expected.end());
}

bool has_window(const onnx::NodeProto& node) {
    static const std::set<std::string> kTypes = {"Conv",        "QLinearConv",        "ConvInteger",      "MaxPool",
                                                 "AveragePool", "QLinearAveragePool", "GlobalAveragePool"};
    return kTypes.count(node.op_type()) != 0;
}

/// The graph input, or a reshaped one, where no node tells what its dimensions stand for.
FeatureView untold_view(const OnnxModel& model, const std::vector<std::int64_t>& extents, std::int64_t batch) {
    const auto at = [&](std::size_t i) { return static_cast<int>(extents[i]); };
    if (extents.size() == 1) return FeatureView::vector(at(0), batch);
    if (extents.size() == 2) {
        return {{1, at(0), at(1)}, batch, {{Axis::batch}, {Axis::height}, {Axis::width}}};
    }
    // The map is flattened at once: square images with one or three values a pixel have them last.
    const bool looks_so = extents[0] == extents[1] && extents[0] > 3 && (extents[2] == 1 || extents[2] == 3);
    if (!looks_so && !has_channels_last(model, model.input().name())) {
        return FeatureView::map({at(0), at(1), at(2)}, batch);
    }
    return {{at(2), at(0), at(1)}, batch, {{Axis::batch}, {Axis::height}, {Axis::width}, {Axis::channel}}};
}

/// Of an image N x C x W: its view without the axes that the node inserts.
std::optional<FeatureView> view_before(const OnnxModel& model, const onnx::NodeProto& unsqueeze,
                                       const std::vector<std::int64_t>& extents, std::int64_t batch) {
    const std::string& name = input_name(unsqueeze, 1);
    const ConstantTensor* constant = name.empty() ? nullptr : model.constant(unsqueeze, name);
    if (!name.empty() && constant == nullptr) return std::nullopt;
    const auto axes = axes_of(unsqueeze, constant);
    if (!axes || unsqueeze.output_size() != 1) return std::nullopt;
    const std::size_t rank = 1 + extents.size() + axes->size();
    std::vector<bool> inserted(rank, false);
    for (const std::int64_t axis : *axes) inserted[axis_within(axis, rank)] = true;
    if (rank > 4 || inserted[0] ||
        static_cast<std::size_t>(std::count(inserted.begin(), inserted.end(), true)) != axes->size()) {
        return std::nullopt;
    }
    std::vector<std::int64_t> enlarged;
    auto next = extents.begin();
    for (std::size_t i = 1; i < rank; ++i) enlarged.push_back(inserted[i] ? 1 : *next++);
    const auto view = view_as_read(model, unsqueeze.output(0), enlarged, batch);
    return view ? view->squeezed(axes) : std::nullopt;
}

}  // namespace

std::optional<FeatureView> view_as_read(const OnnxModel& model, const std::string& tensor,
                                        const std::vector<std::int64_t>& extents, std::int64_t batch) {
    const auto at = [&](std::size_t i) { return static_cast<int>(extents[i]); };
    const onnx::NodeProto* node = first_behind(
        model, tensor,
        [](const onnx::NodeProto& each) {
            return has_window(each) || each.op_type() == "Transpose" || each.op_type() == "Unsqueeze";
        },
        [](const onnx::NodeProto&) { return false; });
    if (node == nullptr) return std::nullopt;
    if (node->op_type() == "Unsqueeze") return view_before(model, *node, extents, batch);
    if (extents.size() == 2) {
        if (has_window(*node)) {  // N x C x W
            return FeatureView{{at(0), 1, at(1)}, batch, {{Axis::batch}, {Axis::channel}, {Axis::width}}};
        }
        if (is_permutation(*node, {0, 2, 1})) {
            return FeatureView{{at(1), 1, at(0)}, batch, {{Axis::batch}, {Axis::width}, {Axis::channel}}};
        }
    }
    if (extents.size() != 3) return std::nullopt;
    if (!is_permutation(*node, {0, 3, 1, 2})) return FeatureView::map({at(0), at(1), at(2)}, batch);
    return FeatureView{{at(2), at(0), at(1)}, batch, {{Axis::batch}, {Axis::height}, {Axis::width}, {Axis::channel}}};
}

bool has_channels_last(const OnnxModel& model, const std::string& tensor) {
    return first_behind(
               model, tensor,
               [](const onnx::NodeProto& node) {
                   return is_permutation(node, {0, 3, 1, 2});
               },
               [](const onnx::NodeProto& node) { return reshapes(node); }) != nullptr;
}

GraphInput read_graph_input(const OnnxModel& model) {
    const auto& type = model.input().type();
    const int element = type.has_tensor_type() ? type.tensor_type().elem_type() : int{onnx::TensorProto::UNDEFINED};
    GraphInput input;
    input.is_signed = element == onnx::TensorProto::INT8;
    input.is_integer = input.is_signed || element == onnx::TensorProto::UINT8;
    if (!input.is_integer && element != onnx::TensorProto::FLOAT) {
        model.fail(
            "graph input '{}' is not a tensor of FLOAT, expected one (quantized by a QuantizeLinear), or INT8 or "
            "UINT8",
            model.input().name());
    }
    const std::vector<std::int64_t> extents = input_extents(model);
    const std::int64_t batch = type.tensor_type().shape().dim(0).dim_value();
    input.batch_is_open = batch < 1;
    const std::int64_t images = std::max<std::int64_t>(batch, 1);
    const auto told = view_as_read(model, model.input().name(), extents, images);
    input.view = told ? *told : untold_view(model, extents, images);
    return input;
}

}  // namespace widthwise
