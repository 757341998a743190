// SPDX-License-Identifier: Apache-2.0
// Which kernel ONNX Runtime computes an addition or an average with.
#pragma once

#include "arithmetic/requantize.h"
#include "network/onnx_model.h"

namespace widthwise {

/// Of an Add, AveragePool, GlobalAveragePool or ReduceMean between Q/DQ pairs, as ONNX Runtime 1.30 chooses on x86 with
/// all optimisations and the session options that it starts with. Its rules, seen in its optimised graphs:
///   - the kernel on integers needs every operand dequantized from 8 bits and the result quantized to 8 bits, all of one
///     type, with nothing in between but a Relu or Clip that the quantizer's range implies, and operators that move
///     values (MaxPool among them), past which it shifts the pair;
///   - before that, a pair of int8 becomes one of uint8 where the quantizer has a single reader;
///   - there is no such kernel for ReduceMean.
/// What it sees and this does not: readers that lead to another output of the file only, quantizers of one map that are
/// equal, and Transposes that it moves before it counts readers.
RuntimeKernel runtime_kernel(const OnnxModel& model, const onnx::NodeProto& node);

}  // namespace widthwise
