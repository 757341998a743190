// SPDX-License-Identifier: Apache-2.0
// The arithmetic of onnx_fold.h.
#pragma once

#include "network/onnx_fold.h"

namespace widthwise {

/// Add, Sub, Mul, Div, Neg, Clip, Cast and QuantizeLinear; nothing for other operators.
std::optional<ConstantTensor> fold_numbers(const onnx::NodeProto& node, const ConstantInputs& inputs);

}  // namespace widthwise
