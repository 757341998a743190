// SPDX-License-Identifier: Apache-2.0
// What each kind of node does in the walk through the graph.
#include <algorithm>

#include "network/onnx_attributes.h"
#include "network/onnx_constants.h"
#include "network/onnx_graph.h"
#include "network/onnx_quantization.h"

namespace widthwise {

// ---------------------------------------------------------------------------------------------------------- QDQ form

void GraphImporter::quantize(const onnx::NodeProto& node) {
    const GraphValue source = operand(node, 0);
    const Quantization found = activation_quantization(model_, node, onnx::TensorProto::UINT8);
    const std::string& input = node.input(0);
    if (source.form == Form::quantized) model_.fail(node, "its input '{}' is quantized already", input);
    GraphValue value;
    value.features = source.features;
    value.tensor = source.tensor;
    if (source.form == Form::real_input) {
        if (network_.tensors.size() > 0) model_.fail(node, "quantizes the graph input a second time");
        Quantization quantization = found;
        const int low = quantize_value(source.input_range.low, found);
        const int high = quantize_value(source.input_range.high, found);
        narrow(quantization, low, high);
        if (low > quantization.low() || high < quantization.high()) {
            model_.fail(node,
                        "quantizes an input that was clipped to {}..{} in integers; expected the range of an integer "
                        "of 2 to 8 bits, such as {}..{}",
                        low, high, quantization.low(), quantization.high());
        }
        value.tensor = network_.input = add_tensor(node.output(0), source.features.shape, quantization);
    } else if (source.form == Form::pending) {
        PendingOperator pending = std::move(pending_.at(input));
        pending_.erase(input);
        const Quantization quantization = output_quantization(node, pending, found);
        return finish(std::move(pending), node.output(0), quantization);
    } else if (!same_parameters(found, tensor(source).quantization)) {
        model_.fail(node, "quantizes to {}, but '{}' is {}: nothing in between can requantize", describe(found),
                    tensor(source).name, describe(tensor(source).quantization));
    }
    values_[node.output(0)] = value;
}

void GraphImporter::dequantize(const onnx::NodeProto& node) {
    GraphValue value = operand(node, 0);
    if (value.form != Form::quantized) {
        model_.fail(node, "its input '{}' is not quantized, expected a QuantizeLinear before", node.input(0));
    }
    const Quantization& expected = tensor(value).quantization;
    const int type = expected.is_signed ? onnx::TensorProto::INT8 : onnx::TensorProto::UINT8;
    const Quantization found = activation_quantization(model_, node, type);
    if (!same_parameters(found, expected)) {
        model_.fail(node, "dequantizes {}, but '{}' is {}", describe(found), tensor(value).name, describe(expected));
    }
    value.form = Form::real;
    values_[node.output(0)] = value;
}

const GraphValue& GraphImporter::dequantized_operand(const onnx::NodeProto& node, int index) const {
    const GraphValue& value = operand(node, index);
    const std::string& name = node.input(index);
    if (value.form == Form::real_input) {
        model_.fail(node, "its input '{}' is not quantized, expected QuantizeLinear and DequantizeLinear before", name);
    }
    if (value.form == Form::quantized) {
        model_.fail(node, "its input '{}' is quantized, expected a DequantizeLinear before", name);
    }
    if (value.form == Form::pending) {
        model_.fail(node, "follows {} directly, expected QuantizeLinear and DequantizeLinear in between",
                    OnnxModel::label(*pending_.at(name).node));
    }
    return value;
}

void GraphImporter::convolution(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, 3);
    const GraphValue value = dequantized_operand(node, 0);
    PendingOperator pending = read_convolution(model_, node, value.features, dequantized_weights(input_name(node, 1)));
    if (!input_name(node, 2).empty()) {
        read_bias(model_, node, input_name(node, 2), tensor(value).quantization.scale, pending.op.weights);
    }
    begin(node, std::move(pending), value.tensor);
}

void GraphImporter::fully_connected(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, node.op_type() == "Gemm" ? 3 : 2);
    const GraphValue value = dequantized_operand(node, 0);
    PendingOperator pending =
        read_fully_connected(model_, node, value.features, dequantized_weights(input_name(node, 1)));
    if (!input_name(node, 2).empty()) {
        read_bias(model_, node, input_name(node, 2), tensor(value).quantization.scale, pending.op.weights);
    }
    begin(node, std::move(pending), value.tensor);
}

void GraphImporter::max_pool(const onnx::NodeProto& node) {
    check_arity(model_, node, 1, 1);
    const bool on_integers = operand(node, 0).form == Form::quantized;
    const GraphValue value = on_integers ? operand(node, 0) : dequantized_operand(node, 0);
    PendingOperator pending = read_pool(model_, node, value.features);
    if (!on_integers) return begin(node, std::move(pending), value.tensor);
    // As they are; then nothing else may be merged into it.
    pending.op.input = value.tensor;
    finish(std::move(pending), node.output(0), tensor(value).quantization);
}

void GraphImporter::average_pool(const onnx::NodeProto& node) {
    check_arity(model_, node, 1, 1);
    const GraphValue value = dequantized_operand(node, 0);
    begin(node, read_pool(model_, node, value.features), value.tensor);
}

void GraphImporter::add(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, 2);
    const bool has_constant = std::any_of(node.input().begin(), node.input().end(), [this](const std::string& name) {
        return model_.constant(name) != nullptr || of_constants_.count(name) != 0;
    });
    if (has_constant) {  // a bias
        PendingOperator& pending = pending_before(node);
        const float scale = network_.tensors[static_cast<std::size_t>(pending.op.input)].quantization.scale;
        const std::string& sum = input_name(node, values_.count(input_name(node, 0)) != 0 ? 0 : 1);
        merge_add(model_, node, sum, scale, pending);
        return pass_on(node);
    }
    const GraphValue a = dequantized_operand(node, 0);
    const GraphValue b = dequantized_operand(node, 1);
    PendingOperator pending = read_addition(model_, node, a.features, b.features);
    pending.op.second_input = b.tensor;
    begin(node, std::move(pending), a.tensor);
}

void GraphImporter::relu(const onnx::NodeProto& node) {
    merge_relu(model_, node, pending_before(node));
    pass_on(node);
}

void GraphImporter::clip(const onnx::NodeProto& node) {
    GraphValue value = operand(node, 0);
    if (value.form == Form::real_input) {  // declares a narrow input
        const ClipRange range = read_clip(model_, node);
        value.input_range.low = std::clamp(value.input_range.low, range.low, range.high);
        value.input_range.high = std::clamp(value.input_range.high, range.low, range.high);
        values_[node.output(0)] = value;
        return;
    }
    if (value.form != Form::pending) pending_before(node);  // says what is wrong
    merge_clip(model_, node, pending_before(node));
    pass_on(node);
}

void GraphImporter::flatten(const onnx::NodeProto& node) {
    GraphValue value = operand(node, 0);
    check_flattening(model_, node, value.features);
    value.features.is_vector = true;
    if (value.form == Form::pending) {
        model_.fail(node, "follows {} directly, expected QuantizeLinear and DequantizeLinear in between",
                    OnnxModel::label(*pending_.at(node.input(0)).node));
    }
    values_[node.output(0)] = value;
}

void GraphImporter::batch_normalization(const onnx::NodeProto& node) {
    model_.fail(node, "is not folded: fold it into the weights and bias of the layer before it, then quantize");
}

// ---------------------------------------------------------------------------------------------- operators on integers

const GraphValue& GraphImporter::integer_operand(const onnx::NodeProto& node, int index) const {
    const GraphValue& value = operand(node, index);
    if (value.form != Form::quantized) {
        model_.fail(node, "its input '{}' is not quantized, expected integers", node.input(index));
    }
    const Quantization found =
        activation_quantization(model_, node, input_name(node, index + 1), input_name(node, index + 2));
    if (!same_parameters(found, tensor(value).quantization)) {
        model_.fail(node, "takes {}, but '{}' is {}", describe(found), tensor(value).name,
                    describe(tensor(value).quantization));
    }
    return value;
}

/// QLinearConv: x, its scale and zero point, w likewise, those of y, bias. QLinearMatMul: the same without a bias.
/// QGemm: with the bias before those of y.
void GraphImporter::integer_layer(const onnx::NodeProto& node) {
    const bool is_gemm = node.op_type() == "QGemm";
    const bool is_convolution = node.op_type() == "QLinearConv";
    check_arity(model_, node, is_gemm ? 9 : 8, is_gemm || is_convolution ? 9 : 8);
    const GraphValue value = integer_operand(node, 0);
    const WeightNames weights{input_name(node, 3), true, input_name(node, 4), input_name(node, 5)};
    PendingOperator pending = is_convolution ? read_convolution(model_, node, value.features, weights)
                                             : read_fully_connected(model_, node, value.features, weights);
    const std::string& bias = is_gemm ? input_name(node, 6) : input_name(node, 8);
    if (!bias.empty()) read_integer_bias(model_, node, bias, pending.op.weights);
    const int output = is_gemm ? 7 : 6;
    pending.op.input = value.tensor;
    finish(std::move(pending), node.output(0),
           activation_quantization(model_, node, input_name(node, output), input_name(node, output + 1)));
}

void GraphImporter::integer_pool(const onnx::NodeProto& node) {
    check_arity(model_, node, 4, 5);
    const GraphValue value = integer_operand(node, 0);
    PendingOperator pending = read_pool(model_, node, value.features);
    pending.op.input = value.tensor;
    const Quantization found = activation_quantization(model_, node, input_name(node, 3), input_name(node, 4));
    const Quantization output = output_quantization(node, pending, found);
    finish(std::move(pending), node.output(0), output);
}

void GraphImporter::integer_addition(const onnx::NodeProto& node) {
    check_arity(model_, node, 7, 8);
    const GraphValue a = integer_operand(node, 0);
    const GraphValue b = integer_operand(node, 3);
    PendingOperator pending = read_addition(model_, node, a.features, b.features);
    pending.op.input = a.tensor;
    pending.op.second_input = b.tensor;
    finish(std::move(pending), node.output(0),
           activation_quantization(model_, node, input_name(node, 6), input_name(node, 7)));
}

// --------------------------------------------------------------------------------------------- from integers to sums

void GraphImporter::sums_of_integers(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, 4);
    const GraphValue value = operand(node, 0);
    if (value.form != Form::quantized) {
        model_.fail(node, "its input '{}' is not quantized, expected integers", node.input(0));
    }
    std::int64_t zero_point = 0;
    const bool is_signed = tensor(value).quantization.is_signed;
    if (const std::string& name = input_name(node, 2); !name.empty()) {
        zero_point = is_signed ? std::int64_t{read_scalar<std::int8_t>(model_, node, name)}
                               : std::int64_t{read_scalar<std::uint8_t>(model_, node, name)};
    }
    if (zero_point != tensor(value).quantization.zero_point) {
        model_.fail(node, "takes zero point {}, but '{}' is {}", zero_point, tensor(value).name,
                    describe(tensor(value).quantization));
    }
    const WeightNames weights{input_name(node, 1), true, "", input_name(node, 3)};
    PendingOperator pending = node.op_type() == "ConvInteger"
                                  ? read_convolution(model_, node, value.features, weights)
                                  : read_fully_connected(model_, node, value.features, weights);
    pending.sums = PendingOperator::Sums::integers;
    begin(node, std::move(pending), value.tensor);
}

void GraphImporter::cast(const onnx::NodeProto& node) {
    merge_cast(model_, node, pending_before(node));
    pass_on(node);
}

void GraphImporter::scale(const onnx::NodeProto& node) {
    PendingOperator& pending = pending_before(node);
    const float scale = network_.tensors[static_cast<std::size_t>(pending.op.input)].quantization.scale;
    const std::string& sum = input_name(node, pending_.count(input_name(node, 0)) != 0 ? 0 : 1);
    merge_scale(model_, node, sum, scale, pending);
    pass_on(node);
}

}  // namespace widthwise
