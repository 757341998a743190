// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_fold_numbers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "network/onnx_limits.h"

namespace widthwise {
namespace {

using Extents = std::vector<std::int64_t>;
using Proto = onnx::TensorProto;

bool has_arithmetic(const ConstantTensor& tensor) {
    return tensor.is_integer() || tensor.data_type == Proto::FLOAT || tensor.data_type == Proto::DOUBLE;
}

/// The extents that two operands broadcast to.
Extents broadcast(const Extents& a, const Extents& b, std::int64_t input_bytes) {
    const std::size_t rank = std::max(a.size(), b.size());
    const auto extent = [rank](const Extents& extents, std::size_t axis) {
        return axis < rank - extents.size() ? 1 : extents[axis - (rank - extents.size())];
    };
    Extents result(rank);
    std::int64_t elements = 1;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        const std::int64_t x = extent(a, axis), y = extent(b, axis);
        if (x != y && x != 1 && y != 1) {
            throw InputError(fmt::format("joins constants of [{}] and [{}]", fmt::join(a, ", "), fmt::join(b, ", ")));
        }
        result[axis] = x == 1 ? y : x;
        if (result[axis] != 0 && elements > (kMaxFoldedBytes + input_bytes) / 8 / result[axis]) {
            throw InputError("makes a constant that is too large");
        }
        elements *= result[axis];
    }
    return result;
}

/// The element of an operand that element i of the result of these extents comes from.
std::int64_t source_of(std::int64_t i, const Extents& result, const Extents& operand) {
    std::int64_t index = 0, stride = 1;
    for (std::size_t axis = result.size(); axis-- > 0;) {
        const std::int64_t at = i % result[axis];
        i /= result[axis];
        const std::size_t missing = result.size() - operand.size();
        if (axis < missing) continue;
        const std::int64_t extent = operand[axis - missing];
        if (extent != 1) index += at * stride;
        stride *= extent;
    }
    return index;
}

double compute(const std::string& type, double a, double b, bool integers) {
    if (type == "Add") return a + b;
    if (type == "Sub") return a - b;
    if (type == "Mul") return a * b;
    if (!integers) return a / b;
    if (b == 0) throw InputError("divides by 0");
    return std::trunc(a / b);
}

std::optional<ConstantTensor> binary(const onnx::NodeProto& node, const ConstantTensor& a, const ConstantTensor& b) {
    if (a.data_type != b.data_type || !has_arithmetic(a)) return std::nullopt;
    const Extents extents =
        broadcast(a.dimensions, b.dimensions, static_cast<std::int64_t>(a.bytes.size() + b.bytes.size()));
    ConstantTensor result = make_constant(a.data_type, extents);
    const std::int64_t count = result.elements();
    for (std::int64_t i = 0; i < count; ++i) {
        const double x = a.at(source_of(i, extents, a.dimensions)), y = b.at(source_of(i, extents, b.dimensions));
        result.set(i, compute(node.op_type(), x, y, a.is_integer()));
    }
    return result;
}

std::optional<ConstantTensor> negate(const ConstantTensor& a) {
    if (!has_arithmetic(a)) return std::nullopt;
    ConstantTensor result = a;
    for (std::int64_t i = 0; i < a.elements(); ++i) result.set(i, -a.at(i));
    return result;
}

/// Bounds were attributes before operator set 11.
std::optional<ConstantTensor> clip(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    const ConstantTensor& a = *inputs[0];
    if (!has_arithmetic(a)) return std::nullopt;
    const auto bound = [&](std::size_t index, const char* name, double fallback) {
        if (index < inputs.size() && inputs[index] != nullptr) {
            if (inputs[index]->elements() != 1) throw InputError("has a bound of more than one value");
            return inputs[index]->at(0);
        }
        const onnx::AttributeProto* attribute = find_attribute(node, name);
        return attribute == nullptr ? fallback : double{attribute->f()};
    };
    const double low = bound(1, "min", -HUGE_VAL), high = bound(2, "max", HUGE_VAL);
    if (!(low <= high)) throw InputError(fmt::format("its minimum {} is above its maximum {}", low, high));
    ConstantTensor result = a;
    for (std::int64_t i = 0; i < a.elements(); ++i) result.set(i, std::clamp(a.at(i), low, high));
    return result;
}

std::optional<ConstantTensor> cast(const onnx::NodeProto& node, const ConstantTensor& a) {
    const auto type = static_cast<int>(integer_attribute(node, "to", 0));
    const bool is_half = a.data_type == Proto::FLOAT16 || a.data_type == Proto::BFLOAT16;
    if (element_bytes(type) == 0 || (!is_half && !has_arithmetic(a))) return std::nullopt;
    ConstantTensor result;
    result.data_type = type;
    if (!has_arithmetic(result)) return std::nullopt;
    result = make_constant(type, a.dimensions);
    for (std::int64_t i = 0; i < a.elements(); ++i) {
        const double value = a.at(i);
        result.set(i, type == Proto::BOOL ? static_cast<double>(value != 0) : value);
    }
    return result;
}

/// Slice along `axis` that element `index` belongs to.
std::int64_t slice_of(const Extents& extents, std::size_t axis, std::int64_t index) {
    std::int64_t inner = 1;
    for (std::size_t i = axis + 1; i < extents.size(); ++i) inner *= extents[i];
    return index / inner % extents[axis];
}

/// Of weights or a bias: y = saturate(round half even(x / scale) + zero point) in float32, one scale or one per slice.
std::optional<ConstantTensor> quantize(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    const ConstantTensor& real = *inputs[0];
    const ConstantTensor& scale = *inputs[1];
    const ConstantTensor* zero_point = inputs.size() > 2 ? inputs[2] : nullptr;
    if (real.data_type != Proto::FLOAT || scale.data_type != Proto::FLOAT) return std::nullopt;
    if (integer_attribute(node, "block_size", 0) != 0) return std::nullopt;
    const auto asked = static_cast<int>(integer_attribute(node, "output_dtype", 0));
    const int type = zero_point != nullptr ? zero_point->data_type : asked != 0 ? asked : int{Proto::UINT8};
    ConstantTensor result;
    result.data_type = type;
    if (!result.is_integer() || result.element_bytes() > 2) return std::nullopt;
    const bool single = scale.elements() == 1;
    const std::size_t axis = single ? 0 : axis_within(integer_attribute(node, "axis", 1), real.dimensions.size());
    if (!single && scale.elements() != real.dimensions[axis]) {
        throw InputError(fmt::format("has {} scales for {} slices", scale.elements(), real.dimensions[axis]));
    }
    if (zero_point != nullptr && zero_point->elements() != scale.elements()) {
        throw InputError(fmt::format("has {} zero points, expected {} as there are scales", zero_point->elements(),
                                     scale.elements()));
    }
    result = make_constant(type, real.dimensions);
    for (std::int64_t i = 0; i < real.elements(); ++i) {
        const std::int64_t slice = single ? 0 : slice_of(real.dimensions, axis, i);
        const auto value = static_cast<float>(real.at(i)), unit = static_cast<float>(scale.at(slice));
        if (!std::isfinite(unit) || !(unit > 0.0F)) {
            throw InputError(fmt::format("has the scale {}, expected a finite value above zero", unit));
        }
        if (!std::isfinite(value)) throw InputError(fmt::format("quantizes {}, expected finite values", value));
        const double zero = zero_point == nullptr ? 0 : zero_point->at(slice);
        result.set(i, std::clamp(double{std::nearbyint(value / unit)} + zero, result.lowest(), result.highest()));
    }
    return result;
}

bool has_inputs(const ConstantInputs& inputs, std::size_t count) {
    return inputs.size() >= count && std::none_of(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(count),
                                                  [](const ConstantTensor* input) { return input == nullptr; });
}

}  // namespace

std::optional<ConstantTensor> fold_numbers(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    const std::string& type = node.op_type();
    const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
    if (type == "QuantizeLinear" && (standard || node.domain() == "com.microsoft")) {
        return has_inputs(inputs, 2) ? quantize(node, inputs) : std::nullopt;
    }
    if (!standard || !has_inputs(inputs, 1)) return std::nullopt;
    if (type == "Clip") return clip(node, inputs);
    if (type == "Cast") return cast(node, *inputs[0]);
    if (type == "Neg") return negate(*inputs[0]);
    const bool is_binary = type == "Add" || type == "Sub" || type == "Mul" || type == "Div";
    return is_binary && has_inputs(inputs, 2) ? binary(node, *inputs[0], *inputs[1]) : std::nullopt;
}

}  // namespace widthwise
