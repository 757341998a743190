// SPDX-License-Identifier: Apache-2.0
// Nodes that compute on integers, and those that turn integer sums into numbers.
#include <utility>

#include "network/onnx_constants.h"
#include "network/onnx_graph.h"
#include "network/onnx_input.h"
#include "network/onnx_merges.h"
#include "network/onnx_quantization.h"

namespace widthwise {

GraphValue GraphImporter::integer_operand(const onnx::NodeProto& node, int index) {
    GraphValue value = operand(node, index);
    const Quantization found =
        activation_quantization(model_, node, input_name(node, index + 1), input_name(node, index + 2));
    take_input_quantization(value, node.input(index), found);
    if (value.form != Form::quantized) {
        model_.fail(node, "its input '{}' is not quantized, expected integers", node.input(index));
    }
    if (!same_parameters(found, tensor(value).quantization)) {
        model_.fail(node, "takes {}, but '{}' is {}", describe(found), tensor(value).name,
                    describe(tensor(value).quantization));
    }
    return value;
}

/// QLinearConv: x, its scale and zero point, w likewise, those of y, bias. QLinearMatMul: the same without a bias.
/// QGemm: with the bias before those of y, which it may leave out: then its sums are numbers.
void GraphImporter::integer_layer(const onnx::NodeProto& node) {
    const bool is_gemm = node.op_type() == "QGemm";
    const bool is_convolution = node.op_type() == "QLinearConv";
    check_arity(model_, node, is_gemm ? 6 : 8, is_gemm || is_convolution ? 9 : 8);
    const GraphValue value = integer_operand(node, 0);
    const WeightNames weights{input_name(node, 3), true, input_name(node, 4), input_name(node, 5)};
    if (!is_convolution) refuse_padding(node, value);
    check_zero_padding(node, value);
    const OperatorInput input{value.view, value.padding};
    PendingOperator pending = is_convolution ? read_convolution(model_, node, input, weights)
                                             : read_fully_connected(model_, node, input, weights);
    const std::string& bias = is_gemm ? input_name(node, 6) : input_name(node, 8);
    if (!bias.empty()) read_integer_bias(model_, node, bias, pending.op.weights);
    const int output = is_gemm ? 7 : 6;
    const FeatureView view = pending.output;
    if (is_gemm && input_name(node, output).empty()) return begin(node, std::move(pending), view, value.tensor);
    pending.op.input = value.tensor;
    finish(std::move(pending), node.output(0), view,
           activation_quantization(model_, node, input_name(node, output), input_name(node, output + 1)));
}

void GraphImporter::integer_pool(const onnx::NodeProto& node) {
    check_arity(model_, node, 4, 5);
    const GraphValue value = integer_operand(node, 0);
    check_zero_padding(node, value);
    PendingOperator pending = read_pool(model_, node, {value.view, value.padding});
    pending.op.input = value.tensor;
    const FeatureView view = pending.output;
    const Quantization found = activation_quantization(model_, node, input_name(node, 3), input_name(node, 4));
    const Quantization output = output_quantization(node, pending, found);
    finish(std::move(pending), node.output(0), view, output);
}

void GraphImporter::integer_addition(const onnx::NodeProto& node) {
    check_arity(model_, node, 7, 8);
    const bool constant_first = model_.is_constant(input_name(node, 0));
    const bool has_constant = constant_first || model_.is_constant(input_name(node, 3));
    const GraphValue a = integer_operand(node, constant_first ? 3 : 0);
    refuse_padding(node, a);
    PendingOperator pending;
    if (has_constant) {
        const int constant = constant_first ? 0 : 3;
        const Quantization quantization =
            activation_quantization(model_, node, input_name(node, constant + 1), input_name(node, constant + 2));
        pending =
            read_constant_addition(model_, node, input_name(node, constant), quantization, a.view, constant_first);
    } else {
        const GraphValue b = integer_operand(node, 3);
        refuse_padding(node, b);
        pending = read_addition(model_, node, a.view, b.view);
        pending.op.second_input = b.tensor;
    }
    pending.op.input = a.tensor;
    const FeatureView view = pending.output;
    finish(std::move(pending), node.output(0), view,
           activation_quantization(model_, node, input_name(node, 6), input_name(node, 7)));
}

void GraphImporter::sums_of_integers(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, 4);
    GraphValue value = operand(node, 0);
    std::int64_t zero_point = 0;
    const std::string& point = input_name(node, 2);
    if (!point.empty()) {
        const ConstantTensor& constant = required_constant(model_, node, point);
        if (constant.elements() != 1) {
            model_.fail(node, "constant '{}' has {} values, expected one", point, constant.elements());
        }
        zero_point = static_cast<std::int64_t>(constant.at(0));
    }
    Quantization found;  // the scale of its input is part of the one behind its sums
    found.zero_point = static_cast<int>(zero_point);
    take_input_quantization(value, node.input(0), found);
    if (value.form != Form::quantized) {
        model_.fail(node, "its input '{}' is not quantized, expected integers", node.input(0));
    }
    if (zero_point != tensor(value).quantization.zero_point) {
        model_.fail(node, "takes zero point {}, but '{}' is {}", zero_point, tensor(value).name,
                    describe(tensor(value).quantization));
    }
    const WeightNames weights{input_name(node, 1), true, "", input_name(node, 3)};
    const bool is_convolution = node.op_type() == "ConvInteger";
    if (!is_convolution) refuse_padding(node, value);
    check_zero_padding(node, value);
    const OperatorInput input{value.view, value.padding};
    PendingOperator pending = is_convolution ? read_convolution(model_, node, input, weights)
                                             : read_fully_connected(model_, node, input, weights);
    pending.sums = PendingOperator::Sums::integers;
    const FeatureView view = pending.output;
    begin(node, std::move(pending), view, value.tensor);
}

void GraphImporter::cast(const onnx::NodeProto& node) {
    GraphValue value = values_.count(input_name(node, 0)) != 0 ? values_.at(node.input(0)) : operand(node, 0);
    if (value.form == Form::pending) {
        merge_cast(model_, node, pending_before(node));
        return pass_on(node);
    }
    if (value.form == Form::scores) return pass_value(node, value);
    check_cast(model_, node);
    if (value.form == Form::quantized) {
        model_.fail(node, "casts the integers of '{}', expected a DequantizeLinear", tensor(value).name);
    }
    if (value.form == Form::integer_input) {  // pixels, taken as numbers
        value.form = Form::real_input;
        network_.input_is_bytes = true;
    }
    pass_value(node, value);
}

void GraphImporter::scale(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, 2);
    const int index = values_.count(node.input(0)) != 0 ? 0 : 1;
    const GraphValue value = operand(node, index);
    if (value.form == Form::real_input) return arithmetic(node);
    if (value.form == Form::real || value.form == Form::quantized) {
        model_.fail(node,
                    "multiplies a quantized map, which needs hardware that is not modelled yet; expected the factor in "
                    "the scales of the layer before");
    }
    PendingOperator& pending = pending_before(node);
    merge_scale(model_, node, node.input(index), value.view, input_scale(pending), pending);
    pass_on(node);
}

}  // namespace widthwise
