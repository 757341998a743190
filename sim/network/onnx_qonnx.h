// SPDX-License-Identifier: Apache-2.0
// QONNX, the dialect of Brevitas and FINN that quantizes in one node and keeps numbers real.
#pragma once

#include <onnx/onnx_pb.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "network/onnx_cleanup.h"

namespace widthwise {

/// A node of one of QONNX's domains.
bool is_qonnx(const onnx::NodeProto& node);

/// Where what is made of a node is put.
struct QonnxContext {
    Constants& constants;
    FoldBudget& budget;
    /// A name for a tensor that nothing else has; the argument itself where it is free.
    std::function<std::string(const std::string&)> unused_name;
};

/// Nodes of the QDQ form that compute what a Quant or BipolarQuant does, on integers: QuantizeLinear, a Clip where the
/// integers have fewer than 8 bits or the range is narrow, DequantizeLinear. Constants (weights, a bias) are quantized
/// here, with any rounding and zero point; those of more than 8 bits (a bias) become real constants again, without a
/// node. Their constants are added. Nothing for other nodes, and with `why` (a sentence without the node's name) where a
/// node does not map onto integers of up to 8 bits.
/// Formulas: QONNX's README of each operator; of feature maps a zero point is added before rounding there, behind it
/// here, which differs for ties at an odd zero point.
std::optional<std::vector<onnx::NodeProto>> qonnx_as_integers(const onnx::NodeProto& node, const QonnxContext& context,
                                                              std::string& why);

}  // namespace widthwise
