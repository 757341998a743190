// SPDX-License-Identifier: Apache-2.0
// QONNX, the dialect of Brevitas and FINN that quantizes in one node and keeps numbers real.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <vector>

#include "network/onnx_cleanup.h"

namespace widthwise {

/// A node of one of QONNX's domains.
bool is_qonnx(const onnx::NodeProto& node);

/// Nodes of the QDQ form that compute what a Quant or BipolarQuant does, on integers: QuantizeLinear, a Clip where the
/// integers have fewer than 8 bits or the range is narrow, DequantizeLinear; of BipolarQuant, constants of -1 and 1.
/// Their constants are added to `constants`. Nothing for other nodes, and with `why` (a sentence without the node's name)
/// where it does not map onto integers of up to 8 bits.
/// Formulas: QONNX's README of each operator; a zero point is added before rounding there, behind it here, which
/// differs for ties at an odd zero point.
std::optional<std::vector<onnx::NodeProto>> qonnx_as_integers(const onnx::NodeProto& node, Constants& constants,
                                                              std::string& why);

}  // namespace widthwise
