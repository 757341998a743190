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
    int zero_point = 0;
    int low = 0;
    int high = 0;
    bool is_signed = true;
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

std::string add_constant(Constants& constants, const std::string& base, ConstantTensor&& value) {
    std::string name = base;
    while (constants.count(name) != 0) name += '_';
    constants[name] = std::move(value);
    return name;
}

/// Scales as QuantizeLinear has them, in one row along an axis, where QONNX broadcasts them.
void read_scale(const onnx::NodeProto& node, Constants& constants, Quantizer& quantizer) {
    ConstantTensor scale = parameter(node, constants, 1, "scale");
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
    quantizer.scale = add_constant(constants, node.output(0) + "_scale", std::move(scale));
}

Quantizer read_quantizer(const onnx::NodeProto& node, Constants& constants) {
    if (node.input_size() != 4 || node.output_size() != 1) throw InputError("expected 4 inputs and one output");
    Quantizer quantizer;
    const double bits = one_value(parameter(node, constants, 3, "bit width"), "bit width");
    if (bits != std::floor(bits) || bits < 1 || bits > 8) {
        throw InputError(fmt::format("quantizes to {} bits, expected 1..8", bits));
    }
    const double zero_point = one_value(parameter(node, constants, 2, "zero point"), "zero point");
    quantizer.is_signed = integer_attribute(node, "signed", 1) != 0;
    const bool narrow = integer_attribute(node, "narrow", 0) != 0;
    const int values = 1 << static_cast<int>(bits);
    quantizer.low = quantizer.is_signed ? -values / 2 + (narrow ? 1 : 0) : 0;
    quantizer.high = quantizer.is_signed ? values / 2 - 1 : values - (narrow ? 2 : 1);
    if (zero_point != std::floor(zero_point) || zero_point < quantizer.low || zero_point > quantizer.high) {
        throw InputError(fmt::format("has the zero point {}, expected an integer of {}..{}", zero_point, quantizer.low,
                                     quantizer.high));
    }
    quantizer.zero_point = static_cast<int>(zero_point);
    if (quantizer.zero_point % 2 != 0) {
        throw InputError(
            fmt::format("has the odd zero point {}, with which it rounds ties up where integers round them "
                        "to even; expected an even one",
                        quantizer.zero_point));
    }
    const std::string rounding = text_attribute(node, "rounding_mode", "ROUND");
    if (rounding != "ROUND") throw InputError(fmt::format("rounds by {}, expected ROUND (half to even)", rounding));
    read_scale(node, constants, quantizer);
    return quantizer;
}

ConstantTensor integer(int data_type, int value, std::int64_t count = 0) {
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

std::vector<onnx::NodeProto> quantize(const onnx::NodeProto& node, Constants& constants) {
    const Quantizer quantizer = read_quantizer(node, constants);
    const int type = quantizer.is_signed ? Proto::INT8 : Proto::UINT8;
    const std::string& base = node.output(0);
    const ConstantTensor& scale = constants.at(quantizer.scale);
    const std::int64_t scales = scale.dimensions.empty() ? 0 : scale.elements();
    const std::string zero_point =
        add_constant(constants, base + "_zero_point", integer(type, quantizer.zero_point, scales));
    std::vector<onnx::NodeProto> nodes;
    nodes.push_back(
        make_node("QuantizeLinear", node, {node.input(0), quantizer.scale, zero_point}, base + "_quantized"));
    const bool is_whole = quantizer.low == (quantizer.is_signed ? -128 : 0) && quantizer.high - quantizer.low == 255;
    if (!is_whole) {
        const std::string low = add_constant(constants, base + "_low", integer(type, quantizer.low));
        const std::string high = add_constant(constants, base + "_high", integer(type, quantizer.high));
        nodes.push_back(make_node("Clip", node, {nodes.back().output(0), low, high}, base + "_clipped"));
    }
    nodes.push_back(
        make_node("DequantizeLinear", node, {nodes.back().output(0), quantizer.scale, zero_point}, node.output(0)));
    if (scales != 0) {
        set_axis(nodes.front(), quantizer.axis);
        set_axis(nodes.back(), quantizer.axis);
    }
    return nodes;
}

/// -scale below zero, else scale: of constants only, since the hardware's activations have no two values.
std::vector<onnx::NodeProto> quantize_to_signs(const onnx::NodeProto& node, Constants& constants) {
    if (node.input_size() < 2 || node.output_size() != 1) throw InputError("expected 2 inputs and one output");
    const auto values = constants.find(node.input(0));
    if (values == constants.end()) {
        throw InputError(
            "quantizes a feature map to -1 and 1, which the array's operands do not have; expected weights");
    }
    Quantizer quantizer;
    ConstantTensor signs = make_constant(Proto::INT8, values->second.dimensions);
    for (std::int64_t i = 0; i < signs.elements(); ++i) signs.set(i, values->second.at(i) < 0 ? -1 : 1);
    read_scale(node, constants, quantizer);
    const std::string name = add_constant(constants, node.output(0) + "_quantized", std::move(signs));
    std::vector<onnx::NodeProto> nodes;
    nodes.push_back(make_node("DequantizeLinear", node, {name, quantizer.scale}, node.output(0)));
    if (quantizer.axis != 0) set_axis(nodes.back(), quantizer.axis);
    return nodes;
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

std::optional<std::vector<onnx::NodeProto>> qonnx_as_integers(const onnx::NodeProto& node, Constants& constants,
                                                              std::string& why) {
    if (!is_qonnx(node)) return std::nullopt;
    try {
        if (node.op_type() == "Quant" || node.op_type() == "IntQuant") {
            return has_one_signed_bit(node, constants) ? quantize_to_signs(node, constants) : quantize(node, constants);
        }
        if (node.op_type() == "BipolarQuant") return quantize_to_signs(node, constants);
    } catch (const InputError& error) {
        why = error.what();
    }
    return std::nullopt;
}

}  // namespace widthwise
