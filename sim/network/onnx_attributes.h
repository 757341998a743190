// SPDX-License-Identifier: Apache-2.0
// A node's attributes: each is asked for by name, and one that nobody asks for is refused.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/onnx_model.h"

namespace widthwise {

class OnnxAttributes {
public:
    /// Throws InputError when an attribute is there twice.
    OnnxAttributes(const OnnxModel& model, const onnx::NodeProto& node);

    std::int64_t integer(const std::string& name, std::int64_t fallback);
    float real(const std::string& name, float fallback);
    std::string text(const std::string& name, const std::string& fallback);
    std::vector<std::int64_t> integers(const std::string& name, const std::vector<std::int64_t>& fallback);
    [[nodiscard]] bool has(const std::string& name) const { return find(name) != nullptr; }

    /// Refuses any value but this one, which is also the default.
    void require(const std::string& name, std::int64_t value);
    void require(const std::string& name, float value);
    void require_all(const std::string& name, std::int64_t value);

    /// Call last: refuses attributes that were not asked for.
    void finish() const;

private:
    [[nodiscard]] const onnx::AttributeProto* find(const std::string& name) const;
    const onnx::AttributeProto* take(const std::string& name, onnx::AttributeProto::AttributeType type);

    const OnnxModel& model_;
    const onnx::NodeProto& node_;
    std::set<std::string> asked_;
};

/// What a window's attributes are read for.
struct WindowUse {
    Shape input;            ///< with what a Pad before it adds
    int spatial_axes = 2;   ///< 1: a map of height 1 whose attributes have one axis less
    int kernel_height = 1;  ///< where the node does not say
    int kernel_width = 1;
    bool may_dilate = false;
    bool may_round_up = false;  ///< ceil_mode: becomes padding behind the map
};

/// Kernel, strides, dilations and pads (explicit or auto_pad) of a convolution or pooling node. Throws InputError for
/// values out of range, for dilated pooling and for a kernel larger than the padded input.
Window read_window(const OnnxModel& model, const onnx::NodeProto& node, OnnxAttributes& attributes,
                   const WindowUse& use);

}  // namespace widthwise
