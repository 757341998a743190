// SPDX-License-Identifier: Apache-2.0
// One ONNX node with arithmetic into one Operator, and the shape it produces. No knowledge of the graph around it.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/onnx_layout.h"
#include "network/onnx_model.h"
#include "network/onnx_weights.h"

namespace widthwise {

/// Pixels around a feature map that a Pad node adds, as the operator behind it sees them.
struct Padding {
    int top = 0;
    int left = 0;
    int bottom = 0;
    int right = 0;
    float value = 0.0F;  ///< real
    [[nodiscard]] bool any() const { return top != 0 || left != 0 || bottom != 0 || right != 0; }
    friend bool operator==(const Padding&, const Padding&) = default;
};

/// What an operator reads.
struct OperatorInput {
    FeatureView view;
    Padding padding;
};

/// An operator whose sums have not been quantized yet.
struct PendingOperator {
    Operator op;
    const onnx::NodeProto* node = nullptr;
    FeatureView output;
    /// The operator whose sums a MaxPool reads directly: rounding keeps their order, so they are quantized first.
    std::unique_ptr<PendingOperator> before;
    /// ConvInteger and MatMulInteger put out integers, which Cast and Mul turn into numbers.
    enum class Sums : std::uint8_t { real, integers, cast } sums = Sums::real;
    float factor = 1.0F;             ///< of an average pool: what its averages are multiplied by
    std::int64_t counted_bytes = 0;  ///< of its parameters, counted against the most that a network may have
    // Real-valued bounds of the activations merged so far.
    float low = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();
};

/// Conv, QLinearConv, ConvInteger: its attributes and weights; a bias is up to the caller.
PendingOperator read_convolution(const OnnxModel& model, const onnx::NodeProto& node, const OperatorInput& input,
                                 const WeightNames& weights);
/// Gemm, QGemm, and the MatMul family. A factor alpha goes into the weights' scales.
PendingOperator read_fully_connected(const OnnxModel& model, const onnx::NodeProto& node, const OperatorInput& input,
                                     const WeightNames& weights);
/// The factor beta of a Gemm's bias.
float bias_factor(const OnnxModel& model, const onnx::NodeProto& node);
/// MaxPool, AveragePool, GlobalAveragePool, ReduceMean over the map, and the forms on integers. ceil_mode becomes padding.
PendingOperator read_pool(const OnnxModel& model, const onnx::NodeProto& node, const OperatorInput& input);
/// Add of two feature maps of equal shape, and QLinearAdd.
/// An addition of a map and the constant `name`, integers of 8 bits, one for all channels or one for each; `first`: it
/// is the node's first operand.
PendingOperator read_constant_addition(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                                       const Quantization& quantization, const FeatureView& view, bool first);
PendingOperator read_addition(const OnnxModel& model, const onnx::NodeProto& node, const FeatureView& a,
                              const FeatureView& b);

void check_arity(const OnnxModel& model, const onnx::NodeProto& node, int least, int most);

/// The bounds of a Clip node.
struct ClipRange {
    float low = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();
    [[nodiscard]] bool limits() const {
        return low > -std::numeric_limits<float>::infinity() || high < std::numeric_limits<float>::infinity();
    }
    [[nodiscard]] bool is_relu() const { return low == 0.0F && !std::isfinite(high); }
    /// This range within another, as if limited to it next.
    [[nodiscard]] ClipRange then(const ClipRange& next) const {
        return {std::clamp(low, next.low, next.high), std::clamp(high, next.low, next.high)};
    }
    friend bool operator==(const ClipRange&, const ClipRange&) = default;
};

}  // namespace widthwise
