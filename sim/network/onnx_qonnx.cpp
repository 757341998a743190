// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_qonnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "common/error.h"
#include "network/onnx_fold.h"
#include "text/letter_case.h"

namespace widthwise {
namespace {

using Proto = onnx::TensorProto;

/// What a Quant node says.
struct Quantizer {
    std::string scale;       ///< name of the constant
    std::int64_t axis = -1;  ///< of several scales
    double zero_point = 0;
    double low = 0;
    double high = 0;
    int bits = 8;
    bool is_signed = true;
    std::string rounding = "ROUND";
};

const ConstantTensor& parameter(const onnx::NodeProto& node, const Constants& constants, int index, const char* what) {
    const auto found = index < node.input_size() ? constants.find(node.input(index)) : constants.end();
    if (found != constants.end()) return found->second;
    throw InputError(fmt::format("its {} is not a constant", what));
}

double one_value(const ConstantTensor& tensor, const char* what) {
    const double value = tensor.elements() < 1 ? NAN : tensor.at(0);
    for (std::int64_t i = 0; i < tensor.elements(); ++i) {
        if (tensor.at(i) != value) throw InputError(fmt::format("has several values as its {}, expected one", what));
    }
    if (!std::isfinite(value)) throw InputError(fmt::format("its {} is not a finite number", what));
    return value;
}

std::string text_attribute(const onnx::NodeProto& node, const std::string& name, const std::string& fallback) {
    const onnx::AttributeProto* attribute = find_attribute(node, name);
    return upper_case(attribute == nullptr ? fallback : attribute->s());
}

std::string add_constant(const QonnxContext& context, const std::string& base, ConstantTensor&& value) {
    if (!context.budget.take(value)) throw InputError("computes constants of more bytes than are evaluated");
    std::string name = context.unused_name(base);
    context.constants[name] = std::move(value);
    return name;
}

/// Scales as QuantizeLinear has them, in one row along an axis, where QONNX broadcasts them.
void read_scale(const onnx::NodeProto& node, const QonnxContext& context, Quantizer& quantizer) {
    ConstantTensor scale = parameter(node, context.constants, 1, "scale");
    if (scale.data_type != Proto::FLOAT) throw InputError("its scale is not FLOAT");
    std::int64_t from_end = 0;
    for (std::size_t i = 0; i < scale.dimensions.size(); ++i) {
        if (scale.dimensions[i] == 1) continue;
        if (from_end != 0) throw InputError("has scales along two axes, expected one, or one per channel");
        from_end = static_cast<std::int64_t>(scale.dimensions.size() - i);
    }
    quantizer.axis = -from_end;  // as broadcasting aligns it
    if (from_end == 0) scale.dimensions.clear();
    else scale.dimensions = {scale.elements()};
    quantizer.scale = add_constant(context, node.output(0) + "_scale", std::move(scale));
}

Quantizer read_quantizer(const onnx::NodeProto& node, const QonnxContext& context, int most_bits) {
    const Constants& constants = context.constants;
    if (node.input_size() != 4 || node.output_size() != 1) throw InputError("expected 4 inputs and one output");
    Quantizer quantizer;
    const double bits = one_value(parameter(node, constants, 3, "bit width"), "bit width");
    if (bits != std::floor(bits) || bits < 1 || bits > most_bits) {
        throw InputError(fmt::format("quantizes to {} bits, expected 1..{}", bits, most_bits));
    }
    quantizer.bits = static_cast<int>(bits);
    quantizer.zero_point = one_value(parameter(node, constants, 2, "zero point"), "zero point");
    quantizer.is_signed = integer_attribute(node, "signed", 1) != 0;
    const bool narrow = integer_attribute(node, "narrow", 0) != 0;
    const double values = std::exp2(bits);
    quantizer.low = quantizer.is_signed ? -values / 2 + (narrow ? 1 : 0) : 0;
    quantizer.high = quantizer.is_signed ? values / 2 - 1 : values - (narrow ? 2 : 1);
    const double zero_point = quantizer.zero_point;
    if (zero_point != std::floor(zero_point) || zero_point < quantizer.low || zero_point > quantizer.high) {
        throw InputError(fmt::format("has the zero point {}, expected an integer of {}..{}", zero_point, quantizer.low,
                                     quantizer.high));
    }
    quantizer.rounding = text_attribute(node, "rounding_mode", "ROUND");
    read_scale(node, context, quantizer);
    return quantizer;
}

/// Of feature maps, which QuantizeLinear quantizes.
void check_rounding(const Quantizer& quantizer) {
    if (std::fmod(quantizer.zero_point, 2) != 0) {
        throw InputError(
            fmt::format("has the odd zero point {}, with which it rounds ties up where integers round them "
                        "to even; expected an even one",
                        quantizer.zero_point));
    }
    if (quantizer.rounding != "ROUND") {
        throw InputError(fmt::format("rounds by {}, expected ROUND (half to even)", quantizer.rounding));
    }
}

float rounded(float value, const std::string& mode) {
    const float size = std::fabs(value);
    if (mode == "ROUND") return std::nearbyint(value);
    if (mode == "FLOOR") return std::floor(value);
    if (mode == "CEIL") return std::ceil(value);
    if (mode == "DOWN") return std::trunc(value);
    if (mode == "UP") return std::copysign(std::ceil(size), value);
    if (mode == "HALF_UP") return std::copysign(std::floor(size + 0.5F), value);
    if (mode == "HALF_DOWN") return std::copysign(std::ceil(size - 0.5F), value);
    throw InputError(fmt::format("rounds by {}, expected ROUND, FLOOR, CEIL, DOWN, UP, HALF_UP or HALF_DOWN", mode));
}

ConstantTensor integer(int data_type, double value, std::int64_t count = 0) {
    ConstantTensor tensor = make_constant(data_type, count == 0 ? std::vector<std::int64_t>{} : std::vector{count});
    for (std::int64_t i = 0; i < tensor.elements(); ++i) tensor.set(i, value);
    return tensor;
}

onnx::NodeProto make_node(const char* type, const onnx::NodeProto& source, std::vector<std::string> inputs,
                          const std::string& output) {
    onnx::NodeProto node;
    node.set_op_type(type);
    node.set_name(source.name());
    for (std::string& name : inputs) node.add_input(std::move(name));
    node.add_output(output);
    return node;
}

void set_axis(onnx::NodeProto& node, std::int64_t axis) {
    onnx::AttributeProto* attribute = node.add_attribute();
    attribute->set_name("axis");
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(axis);
}

onnx::NodeProto dequantizer_of(const onnx::NodeProto& node, const Quantizer& quantizer,
                               std::vector<std::string> inputs) {
    onnx::NodeProto dequantizer = make_node("DequantizeLinear", node, std::move(inputs), node.output(0));
    if (quantizer.axis != 0) set_axis(dequantizer, quantizer.axis);
    return dequantizer;
}

std::string zero_point_constant(const onnx::NodeProto& node, const QonnxContext& context, const Quantizer& quantizer) {
    const ConstantTensor& scale = context.constants.at(quantizer.scale);
    const std::int64_t scales = scale.dimensions.empty() ? 0 : scale.elements();
    const int type = quantizer.is_signed ? Proto::INT8 : Proto::UINT8;
    return add_constant(context, node.output(0) + "_zero_point", integer(type, quantizer.zero_point, scales));
}

std::vector<onnx::NodeProto> quantize_map(const onnx::NodeProto& node, const QonnxContext& context) {
    const Quantizer quantizer = read_quantizer(node, context, 8);
    check_rounding(quantizer);
    const int type = quantizer.is_signed ? Proto::INT8 : Proto::UINT8;
    const std::string& base = node.output(0);
    const std::string zero_point = zero_point_constant(node, context, quantizer);
    std::vector<onnx::NodeProto> nodes;
    nodes.push_back(make_node("QuantizeLinear", node, {node.input(0), quantizer.scale, zero_point},
                              context.unused_name(base + "_quantized")));
    if (quantizer.axis != 0) set_axis(nodes.back(), quantizer.axis);
    const bool is_whole = quantizer.low == (quantizer.is_signed ? -128 : 0) && quantizer.high - quantizer.low == 255;
    if (!is_whole) {
        const std::string low = add_constant(context, base + "_low", integer(type, quantizer.low));
        const std::string high = add_constant(context, base + "_high", integer(type, quantizer.high));
        nodes.push_back(
            make_node("Clip", node, {nodes.back().output(0), low, high}, context.unused_name(base + "_clipped")));
    }
    nodes.push_back(dequantizer_of(node, quantizer, {nodes.back().output(0), quantizer.scale, zero_point}));
    return nodes;
}

/// The scale of each element.
class ScaleOf {
public:
    ScaleOf(const ConstantTensor& scale, const Quantizer& quantizer, const std::vector<std::int64_t>& extents)
        : scale_(scale) {
        if (quantizer.axis == 0) return;
        const std::size_t from_end = static_cast<std::size_t>(-quantizer.axis);
        if (from_end > extents.size() || extents[extents.size() - from_end] != scale.elements()) {
            throw InputError(fmt::format("has {} scales, expected one, or one per channel", scale.elements()));
        }
        for (std::size_t i = extents.size() - from_end + 1; i < extents.size(); ++i) inner_ *= extents[i];
    }
    [[nodiscard]] float at(std::int64_t element) const {
        const std::int64_t slice = scale_.elements() == 1 ? 0 : element / inner_ % scale_.elements();
        const auto scale = static_cast<float>(scale_.at(slice));
        if (!std::isfinite(scale) || !(scale > 0.0F)) {
            throw InputError(fmt::format("has the scale {}, expected a finite value above zero", scale));
        }
        return scale;
    }

private:
    const ConstantTensor& scale_;
    std::int64_t inner_ = 1;
};

/// Weights, whose integers are known here; and a bias, which may have more than 8 bits.
std::vector<onnx::NodeProto> quantize_constant(const onnx::NodeProto& node, const ConstantTensor& real,
                                               const QonnxContext& context) {
    if (real.data_type != Proto::FLOAT) throw InputError("quantizes a constant that is not FLOAT");
    const Quantizer quantizer = read_quantizer(node, context, 32);
    const bool is_byte = quantizer.bits <= 8;
    const int type = !is_byte ? Proto::FLOAT : quantizer.is_signed ? Proto::INT8 : Proto::UINT8;
    ConstantTensor result = make_constant(type, real.dimensions);
    const ConstantTensor& scales = context.constants.at(quantizer.scale);
    const ScaleOf scale(scales, quantizer, real.dimensions);
    const auto zero_point = static_cast<float>(quantizer.zero_point);
    for (std::int64_t i = 0; i < real.elements(); ++i) {
        const auto value = static_cast<float>(real.at(i));
        if (!std::isfinite(value)) throw InputError(fmt::format("quantizes {}, expected finite values", value));
        const float stored = value / scale.at(i) + zero_point;
        const float limited =
            std::fmin(std::fmax(stored, static_cast<float>(quantizer.low)), static_cast<float>(quantizer.high));
        const float whole = rounded(limited, quantizer.rounding);
        result.set(i, is_byte ? whole : (whole - zero_point) * scale.at(i));
    }
    if (!is_byte) {
        if (!context.budget.take(result)) throw InputError("computes constants of more bytes than are evaluated");
        context.constants[node.output(0)] = std::move(result);
        return {};
    }
    const std::string zero = zero_point_constant(node, context, quantizer);
    const std::string name = add_constant(context, node.output(0) + "_quantized", std::move(result));
    return {dequantizer_of(node, quantizer, {name, quantizer.scale, zero})};
}

/// -scale below zero, else scale: of constants only, since the hardware's activations have no two values.
std::vector<onnx::NodeProto> quantize_to_signs(const onnx::NodeProto& node, const QonnxContext& context) {
    if (node.input_size() < 2 || node.output_size() != 1) throw InputError("expected 2 inputs and one output");
    const auto values = context.constants.find(node.input(0));
    if (values == context.constants.end()) {
        throw InputError(
            "quantizes a feature map to -1 and 1, which the array's operands do not have; expected weights");
    }
    Quantizer quantizer;
    ConstantTensor signs = make_constant(Proto::INT8, values->second.dimensions);
    for (std::int64_t i = 0; i < signs.elements(); ++i) signs.set(i, values->second.at(i) < 0 ? -1 : 1);
    read_scale(node, context, quantizer);
    const std::string name = add_constant(context, node.output(0) + "_quantized", std::move(signs));
    return {dequantizer_of(node, quantizer, {name, quantizer.scale})};
}

/// One bit with a sign stands for -1 and 1, not for -1 and 0.
bool has_one_signed_bit(const onnx::NodeProto& node, const Constants& constants) {
    return integer_attribute(node, "signed", 1) != 0 &&
           one_value(parameter(node, constants, 3, "bit width"), "bit width") == 1 &&
           one_value(parameter(node, constants, 2, "zero point"), "zero point") == 0;
}

}  // namespace

bool is_qonnx(const onnx::NodeProto& node) {
    static const std::set<std::string> kDomains = {"qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas",
                                                   "qonnx"};
    return kDomains.count(node.domain()) != 0;
}

std::optional<std::vector<onnx::NodeProto>> qonnx_as_integers(const onnx::NodeProto& node, const QonnxContext& context,
                                                              std::string& why) {
    if (!is_qonnx(node)) return std::nullopt;
    try {
        if (node.op_type() == "Quant" || node.op_type() == "IntQuant") {
            if (has_one_signed_bit(node, context.constants)) return quantize_to_signs(node, context);
            if (node.input_size() == 0) throw InputError("has no inputs, expected 4");
            const auto constant = context.constants.find(node.input(0));
            if (constant == context.constants.end()) return quantize_map(node, context);
            return quantize_constant(node, constant->second, context);
        }
        if (node.op_type() == "BipolarQuant") return quantize_to_signs(node, context);
    } catch (const InputError& error) {
        why = error.what();
    }
    return std::nullopt;
}

}  // namespace widthwise
