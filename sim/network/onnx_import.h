// SPDX-License-Identifier: Apache-2.0
// An ONNX file as the typed layer graph.
#pragma once

#include <string>

#include "network/network.h"

namespace widthwise {

/// Reads a quantized ONNX network as far as `output` ("": its only one) needs it: in the QDQ form (QuantizeLinear ->
/// DequantizeLinear -> operator -> QuantizeLinear ...), of operators on integers (QLinearConv and its like), of
/// ConvInteger and MatMulInteger with a constant scale behind them, or in QONNX. Each image is computed alone, whatever
/// the batch that the file declares. What moves values about leaves no trace: all feature maps are C x H x W here, and
/// weights of fully connected layers lie in the order of the map before them. Quantization::bits of a layer's output is
/// the fewest (2..8) that hold its clamp range and zero point, so that Clip declares activations narrower than 8 bits.
/// models/README.md lists the forms that are read. Throws InputError naming the file, and every node that cannot be read.
Network import_onnx(const std::string& path, const std::string& output = "");

}  // namespace widthwise
