// SPDX-License-Identifier: Apache-2.0
// QONNX's Trunc behind an average pool, as Brevitas writes its quantized average pools.
#pragma once

#include "network/network.h"
#include "network/onnx_operators.h"

namespace widthwise {

/// How the sums of a pool become integers.
struct Truncation {
    SumShift shift;
    Quantization output;
    int low = 0;  ///< of the integers, within output.low()..output.high()
    int high = 0;
};

/// Trunc of a pool's averages times their number of pixels, that is, of its sum of integers. Both forms are read: with
/// the widths before and behind (which drops their difference of bits, keeps the scale and does not limit), and with
/// scale, zero point and width of the output (which drops log2 of the scales' ratio and limits). `input` is the format
/// of the pool's input. Formula: QONNX's reference implementation of Trunc. Throws InputError where the value is not a
/// shifted sum in 2 to 8 bits.
Truncation read_truncation(const OnnxModel& model, const onnx::NodeProto& node, const PendingOperator& pool,
                           const Quantization& input);

}  // namespace widthwise
