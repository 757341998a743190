// SPDX-License-Identifier: Apache-2.0
// Nodes whose inputs are all constants: what they compute.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "network/onnx_tensor.h"

namespace widthwise {

/// Inputs of a node, null where one is left out.
using ConstantInputs = std::vector<const ConstantTensor*>;

/// What the node computes of constants: shape arithmetic and the moving about of values (Gather, Concat, Slice, Squeeze,
/// Unsqueeze, Reshape, Flatten, Transpose, Identity, Shape, Size, ConstantOfShape), arithmetic (Add, Sub, Mul, Div, Neg,
/// Clip, Cast) and QuantizeLinear, as the ONNX operators define them; nothing for other operators, and for types without
/// arithmetic here. Throws InputError, its text without the node's name, where the operands do not fit one another, and
/// where the result has more than kMaxFoldedBytes beyond the operands' bytes.
std::optional<ConstantTensor> fold(const onnx::NodeProto& node, const ConstantInputs& inputs);

/// Extents that a Reshape to `target` gives `elements` values; 0 takes the extent of `source` at its place (unless
/// `allow_zero`), one -1 what remains. Throws InputError where they do not fit.
std::vector<std::int64_t> reshaped_extents(const std::vector<std::int64_t>& source,
                                           const std::vector<std::int64_t>& target, bool allow_zero);

/// Values in the order of permuted axes: axis i of the result is axis permutation[i] of the tensor.
ConstantTensor transposed(const ConstantTensor& tensor, const std::vector<std::int64_t>& permutation);

/// The permutation that a Transpose of `rank` axes names, checked; the reverse order without an attribute.
std::vector<std::int64_t> permutation_of(const onnx::NodeProto& node, std::size_t rank);

/// Axes of a Squeeze, Unsqueeze or ReduceMean, from its second input or its attribute; nothing where it has none.
std::optional<std::vector<std::int64_t>> axes_of(const onnx::NodeProto& node, const ConstantTensor* input);

/// An axis as a number from 0 of `rank` axes; negative ones count from the end. Throws InputError beyond them.
std::size_t axis_within(std::int64_t axis, std::size_t rank);

/// The attribute of a node, or null. The first, where a file has several of one name.
const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, const std::string& name);
std::int64_t integer_attribute(const onnx::NodeProto& node, const std::string& name, std::int64_t fallback);

/// The values of an integer constant.
std::vector<std::int64_t> integers_of(const ConstantTensor& tensor);

}  // namespace widthwise
