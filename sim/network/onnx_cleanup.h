// SPDX-License-Identifier: Apache-2.0
// What exporters write around a network's arithmetic, taken away before the import looks at the graph.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "network/onnx_tensor.h"

namespace widthwise {

using Constants = std::unordered_map<std::string, ConstantTensor>;

/// How many bytes of constants may be computed from those of a file: as many again as it has, and kMaxFoldedBytes.
class FoldBudget {
public:
    FoldBudget() = default;
    explicit FoldBudget(const Constants& of_file);
    /// False, and nothing is taken, when it is too much; nothing more is then.
    bool take(const ConstantTensor& value);
    /// Something was too much: evaluating more is in vain.
    [[nodiscard]] bool is_spent() const { return is_spent_; }

private:
    std::int64_t left_ = 0;
    bool is_spent_ = false;
};

/// Rewrites the graph, without changing what its output is; nodes keep their names and their order:
///   - nodes that the output does not need are dropped;
///   - Constant nodes become constants (any of the value attributes with numbers);
///   - Identity, Dropout (of inference) and QuantizeLinear or DequantizeLinear that is there twice leave no trace;
///   - nodes of constants are evaluated (onnx_fold.h), but not a DequantizeLinear, whose scale the import reads;
///   - Transpose, Reshape, Squeeze, Unsqueeze and Flatten behind the DequantizeLinear of a constant move in front of it;
///   - QONNX's Quant and BipolarQuant become QuantizeLinear, Clip and DequantizeLinear, or constants (onnx_qonnx.h);
///   - a Cast of dequantized constants to float leaves no trace.
/// What does not fold, because its operands do not fit or for its size, stays as it is: the import says why it cannot
/// be read. `constants` holds the initialisers, and then those that remain.
void clean_up(onnx::GraphProto& graph, Constants& constants, const std::string& output, FoldBudget& budget);

/// The values of a Constant node; throws InputError, its text without the node's name, when it has none.
ConstantTensor value_of_constant(const onnx::NodeProto& node);

/// The node's inputs among the constants, null where one is left out; nothing if an input is no constant.
std::optional<std::vector<const ConstantTensor*>> constant_inputs(const onnx::NodeProto& node,
                                                                  const Constants& constants);

}  // namespace widthwise
