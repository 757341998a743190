// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_attributes.h"

#include <algorithm>

#include "network/onnx_limits.h"

namespace widthwise {
namespace {

/// Attributes of a window that are small integers: one for each axis of the map (or `ends` of them, first those before
/// and then those behind), or none. A map with one axis gets `missing` for its height.
std::vector<std::int64_t> small_integers(const OnnxModel& model, const onnx::NodeProto& node,
                                         OnnxAttributes& attributes, const std::string& name,
                                         const std::vector<std::int64_t>& fallback, int axes, std::int64_t least) {
    const bool is_there = attributes.has(name);
    std::vector<std::int64_t> values = attributes.integers(name, fallback);
    if (!is_there) return fallback;
    const std::size_t expected = fallback.size() / 2 * static_cast<std::size_t>(axes);
    if (values.size() != expected) {
        model.fail(node, "attribute {} has {} values, expected {} ({})", name, values.size(), expected,
                   axes == 2 ? "two spatial dimensions" : "one spatial dimension");
    }
    for (const std::int64_t value : values) {
        if (value < least || value > kMaxExtent) {
            model.fail(node, "attribute {} is {}, expected values of {}..{}", name, fmt::join(values, " "), least,
                       kMaxExtent);
        }
    }
    if (axes == 2) return values;
    const std::int64_t missing = least;  // a kernel, stride or dilation of 1, a pad of 0
    if (values.size() == 1) return {missing, values[0]};
    return {missing, values[0], missing, values[1]};
}

struct PadPair {
    int before = 0;
    int after = 0;
};

/// auto_pad SAME: as many outputs as ceil(input / stride); an odd pixel goes after (UPPER) or before (LOWER).
PadPair same_padding(int input, int kernel, int stride, bool upper) {
    const int outputs = (input + stride - 1) / stride;
    const int total = std::max((outputs - 1) * stride + kernel - input, 0);
    const int smaller = total / 2;
    return upper ? PadPair{smaller, total - smaller} : PadPair{total - smaller, smaller};
}

void set_pads(const OnnxModel& model, const onnx::NodeProto& node, OnnxAttributes& attributes, const WindowUse& use,
              Window& window) {
    const Shape& input = use.input;
    const std::string automatic = attributes.text("auto_pad", "NOTSET");
    const auto pads = small_integers(model, node, attributes, "pads", {0, 0, 0, 0}, use.spatial_axes, 0);
    if (automatic == "NOTSET") {
        window.pad_top = static_cast<int>(pads[0]);
        window.pad_left = static_cast<int>(pads[1]);
        window.pad_bottom = static_cast<int>(pads[2]);
        window.pad_right = static_cast<int>(pads[3]);
        return;
    }
    if (automatic != "VALID" && automatic != "SAME_UPPER" && automatic != "SAME_LOWER") {
        model.fail(node, "attribute auto_pad is '{}', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER", automatic);
    }
    if (std::any_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad != 0; })) {
        model.fail(node, "has attribute pads beside auto_pad {}, expected one of them", automatic);
    }
    if (automatic == "VALID") return;
    const bool upper = automatic == "SAME_UPPER";
    const PadPair vertical = same_padding(input.height, window.span_height(), window.stride_height, upper);
    const PadPair horizontal = same_padding(input.width, window.span_width(), window.stride_width, upper);
    window.pad_top = vertical.before;
    window.pad_bottom = vertical.after;
    window.pad_left = horizontal.before;
    window.pad_right = horizontal.after;
}

/// What ceil_mode adds behind the map, so that a window that begins within the map (or the padding before it) but does
/// not fit counts as well: padding that no window's result depends on.
int behind(int extent, int before, int after, int span, int stride) {
    const int rest = (extent + before + after - span) % stride;
    const int outputs = (extent + before + after - span) / stride + 1;
    const bool begins_within = outputs * stride < extent + before;
    return rest != 0 && begins_within ? stride - rest : 0;
}

void round_up(const Shape& input, Window& window) {
    window.pad_bottom +=
        behind(input.height, window.pad_top, window.pad_bottom, window.span_height(), window.stride_height);
    window.pad_right +=
        behind(input.width, window.pad_left, window.pad_right, window.span_width(), window.stride_width);
}

}  // namespace

OnnxAttributes::OnnxAttributes(const OnnxModel& model, const onnx::NodeProto& node) : model_(model), node_(node) {
    std::set<std::string> names;
    for (const onnx::AttributeProto& attribute : node.attribute()) {
        if (!names.insert(attribute.name()).second) model.fail(node, "attribute {} is there twice", attribute.name());
    }
}

const onnx::AttributeProto* OnnxAttributes::find(const std::string& name) const {
    for (const onnx::AttributeProto& attribute : node_.attribute()) {
        if (attribute.name() == name) return &attribute;
    }
    return nullptr;
}

const onnx::AttributeProto* OnnxAttributes::take(const std::string& name, onnx::AttributeProto::AttributeType type) {
    asked_.insert(name);
    const onnx::AttributeProto* attribute = find(name);
    if (attribute != nullptr && attribute->type() != type) {
        model_.fail(node_, "attribute {} is of type {}, expected {}", name,
                    onnx::AttributeProto::AttributeType_Name(attribute->type()),
                    onnx::AttributeProto::AttributeType_Name(type));
    }
    return attribute;
}

std::int64_t OnnxAttributes::integer(const std::string& name, std::int64_t fallback) {
    const onnx::AttributeProto* attribute = take(name, onnx::AttributeProto::INT);
    return attribute == nullptr ? fallback : attribute->i();
}

float OnnxAttributes::real(const std::string& name, float fallback) {
    const onnx::AttributeProto* attribute = take(name, onnx::AttributeProto::FLOAT);
    return attribute == nullptr ? fallback : attribute->f();
}

std::string OnnxAttributes::text(const std::string& name, const std::string& fallback) {
    const onnx::AttributeProto* attribute = take(name, onnx::AttributeProto::STRING);
    return attribute == nullptr ? fallback : attribute->s();
}

std::vector<std::int64_t> OnnxAttributes::integers(const std::string& name, const std::vector<std::int64_t>& fallback) {
    const onnx::AttributeProto* attribute = take(name, onnx::AttributeProto::INTS);
    if (attribute == nullptr) return fallback;
    return {attribute->ints().begin(), attribute->ints().end()};
}

void OnnxAttributes::require(const std::string& name, std::int64_t value) {
    const std::int64_t found = integer(name, value);
    if (found != value) model_.fail(node_, "attribute {} is {}, only {} is supported", name, found, value);
}

void OnnxAttributes::require(const std::string& name, float value) {
    const float found = real(name, value);
    if (found != value) model_.fail(node_, "attribute {} is {}, only {} is supported", name, found, value);
}

void OnnxAttributes::require_all(const std::string& name, std::int64_t value) {
    for (const std::int64_t found : integers(name, {})) {
        if (found != value) model_.fail(node_, "attribute {} has {}, only {} is supported", name, found, value);
    }
}

void OnnxAttributes::finish() const {
    for (const onnx::AttributeProto& attribute : node_.attribute()) {
        if (asked_.count(attribute.name()) != 0) continue;
        model_.fail(node_, "attribute {} is not supported, expected {}", attribute.name(),
                    asked_.empty() ? "none" : fmt::format("{}", fmt::join(asked_, ", ")));
    }
}

Window read_window(const OnnxModel& model, const onnx::NodeProto& node, OnnxAttributes& attributes,
                   const WindowUse& use) {
    const Shape& input = use.input;
    const int axes = use.spatial_axes;
    if (!use.may_dilate) attributes.require_all("dilations", 1);
    const auto dilations = small_integers(model, node, attributes, "dilations", {1, 1}, axes, 1);
    const auto kernel =
        small_integers(model, node, attributes, "kernel_shape", {use.kernel_height, use.kernel_width}, axes, 1);
    const auto strides = small_integers(model, node, attributes, "strides", {1, 1}, axes, 1);
    Window window;
    window.kernel_height = static_cast<int>(kernel[0]);
    window.kernel_width = static_cast<int>(kernel[1]);
    window.stride_height = static_cast<int>(strides[0]);
    window.stride_width = static_cast<int>(strides[1]);
    window.dilation_height = static_cast<int>(dilations[0]);
    window.dilation_width = static_cast<int>(dilations[1]);
    const std::int64_t span = std::max(std::int64_t{window.kernel_height - 1} * window.dilation_height,
                                       std::int64_t{window.kernel_width - 1} * window.dilation_width);
    if (span >= kMaxExtent) {
        model.fail(node, "attribute dilations makes its kernel span {} pixels, expected at most {}", span + 1,
                   kMaxExtent);
    }
    set_pads(model, node, attributes, use, window);
    const int height = input.height + window.pad_top + window.pad_bottom;
    const int width = input.width + window.pad_left + window.pad_right;
    if (window.span_height() > height || window.span_width() > width) {
        const bool dilated = window.dilation_height != 1 || window.dilation_width != 1;
        model.fail(node, "kernel {}x{}{} is larger than its padded input {}x{}", window.span_height(),
                   window.span_width(), dilated ? " (with dilations)" : "", height, width);
    }
    if (use.may_round_up && attributes.integer("ceil_mode", 0) != 0) round_up(input, window);
    return window;
}

}  // namespace widthwise
