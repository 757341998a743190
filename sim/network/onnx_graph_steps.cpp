// SPDX-License-Identifier: Apache-2.0
// What each kind of node of the QDQ form does in the walk through the graph.
#include <algorithm>
#include <utility>

#include "network/onnx_attributes.h"
#include "network/onnx_constants.h"
#include "network/onnx_graph.h"
#include "network/onnx_input.h"
#include "network/onnx_kernels.h"
#include "network/onnx_merges.h"
#include "network/onnx_quantization.h"
#include "network/onnx_truncation.h"

namespace widthwise {

void GraphImporter::quantize_input(const onnx::NodeProto& node, GraphValue value, const Quantization& found) {
    if (network_.tensors.size() > 0) model_.fail(node, "quantizes the graph input a second time");
    if (value.steps != network_.input_steps.size()) {
        model_.fail(node, "quantizes the graph input before all of the arithmetic on it");
    }
    Quantization quantization = found;
    const int low = quantize_value(value.clip.low, found);
    const int high = quantize_value(value.clip.high, found);
    narrow(quantization, low, high);
    if (low > quantization.low() || high < quantization.high()) {
        model_.fail(node,
                    "quantizes an input that was clipped to {}..{} in integers; expected the range of an integer "
                    "of 2 to 8 bits, such as {}..{}",
                    low, high, quantization.low(), quantization.high());
    }
    if (value.padding.any() && quantize_value(value.padding.value, found) != found.zero_point) {
        model_.fail(node, "quantizes a map that was padded with {}, expected 0", value.padding.value);
    }
    value.padding.value = 0.0F;
    value.form = Form::quantized;
    value.clip = {};
    value.tensor = network_.input = add_tensor(node.output(0), value.view.shape, quantization);
    values_[node.output(0)] = value;
}

void GraphImporter::quantize(const onnx::NodeProto& node) {
    const std::string& input = node.input(0);
    const auto scores = values_.find(input);
    if (scores != values_.end() && scores->second.form == Form::scores) {
        values_[node.output(0)] = scores->second;  // of classes: their order stays
        return;
    }
    GraphValue value = operand(node, 0);
    const Quantization found = activation_quantization(model_, node, onnx::TensorProto::UINT8);
    switch (value.form) {
        case Form::real_input: return quantize_input(node, value, found);
        case Form::pending: {
            PendingOperator pending = std::move(pending_.at(input));
            pending_.erase(input);
            const Quantization quantization = output_quantization(node, pending, found);
            return finish(std::move(pending), node.output(0), value.view, quantization);
        }
        case Form::real: break;
        default: model_.fail(node, "its input '{}' is quantized already", input);
    }
    if (!same_parameters(found, tensor(value).quantization)) return requantize(node, value, found);
    settle_clip(node, value, true);
    Tensor& source = network_.tensors[static_cast<std::size_t>(value.tensor)];
    if (value.unnamed) source.name = node.output(0);
    value.unnamed = false;
    value.form = Form::quantized;
    if (found.bits < source.quantization.bits) {
        limit(node, value, found.low(), found.high(), Activation::clip);
    }
    values_[node.output(0)] = value;
}

/// Of a dequantized map, to other parameters: an operator of its own, which takes a Relu or Clip in between as well.
void GraphImporter::requantize(const onnx::NodeProto& node, const GraphValue& value, const Quantization& found) {
    refuse_padding(node, value);
    if (tensor(value).shape != value.view.shape) {
        model_.fail(node, "reads the graph input in another shape than nodes before it");
    }
    PendingOperator pending;
    pending.node = &node;
    pending.output = value.view;
    pending.low = value.clip.low;
    pending.high = value.clip.high;
    Operator& op = pending.op;
    op.kind = OperatorKind::requantization;
    op.input = value.tensor;
    if (value.clip.is_relu()) op.activation = Activation::relu;
    else if (value.clip.limits()) op.activation = Activation::clip;
    finish(std::move(pending), node.output(0), value.view, found);
}

void GraphImporter::take_input_quantization(GraphValue& value, const std::string& name, const Quantization& found) {
    if (value.form != Form::integer_input) return;
    if (network_.tensors.empty()) {
        Quantization quantization = found;
        quantization.is_signed = input_is_signed_;
        network_.input = add_tensor(name, value.view.shape, quantization);
        network_.input_is_integer = true;
    }
    value.form = Form::quantized;
    value.tensor = network_.input;
    for (auto& [other, known] : values_) {
        if (known.form != Form::integer_input) continue;
        known.form = Form::quantized;
        known.tensor = network_.input;
    }
}

void GraphImporter::dequantize(const onnx::NodeProto& node) {
    const auto scores = values_.find(node.input(0));
    if (scores != values_.end() && scores->second.form == Form::scores) {
        values_[node.output(0)] = scores->second;
        return;
    }
    GraphValue value = operand(node, 0);
    if (value.form == Form::integer_input) {
        const int type = input_is_signed_ ? onnx::TensorProto::INT8 : onnx::TensorProto::UINT8;
        take_input_quantization(value, node.input(0), activation_quantization(model_, node, type));
    }
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

GraphValue GraphImporter::dequantized_operand(const onnx::NodeProto& node, int index) {
    const GraphValue& value = operand(node, index);
    const std::string& name = node.input(index);
    if (value.form == Form::real_input) {
        model_.fail(node, "its input '{}' is not quantized, expected QuantizeLinear and DequantizeLinear before", name);
    }
    if (value.form == Form::quantized || value.form == Form::integer_input) {
        model_.fail(node, "its input '{}' is quantized, expected a DequantizeLinear before", name);
    }
    if (value.form == Form::pending) {
        model_.fail(node, "follows {} directly, expected QuantizeLinear and DequantizeLinear in between",
                    OnnxModel::label(*pending_.at(name).node));
    }
    GraphValue settled = value;
    settle_clip(node, settled, false);
    values_[name] = settled;
    if (tensor(settled).shape != settled.view.shape) {
        model_.fail(node, "reads the graph input in another shape than nodes before it");
    }
    return settled;
}

void GraphImporter::refuse_padding(const onnx::NodeProto& node, const GraphValue& value) const {
    if (!value.padding.any()) return;
    model_.fail(node, "reads a map that a Pad has enlarged, expected a convolution or a pool behind the Pad");
}

void GraphImporter::check_zero_padding(const onnx::NodeProto& node, const GraphValue& value) const {
    if (!value.padding.any() || value.padding.value == 0.0F) return;
    model_.fail(node, "reads a map padded with {}, expected 0", value.padding.value);
}

void GraphImporter::convolution(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, 3);
    const GraphValue value = dequantized_operand(node, 0);
    check_zero_padding(node, value);
    PendingOperator pending =
        read_convolution(model_, node, {value.view, value.padding}, dequantized_weights(input_name(node, 1)));
    if (!input_name(node, 2).empty()) {
        read_bias(model_, node, input_name(node, 2), {tensor(value).quantization.scale}, pending.op.weights);
    }
    const FeatureView view = pending.output;
    begin(node, std::move(pending), view, value.tensor);
}

void GraphImporter::fully_connected(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, node.op_type() == "Gemm" ? 3 : 2);
    const GraphValue value = dequantized_operand(node, 0);
    refuse_padding(node, value);
    PendingOperator pending =
        read_fully_connected(model_, node, {value.view, {}}, dequantized_weights(input_name(node, 1)));
    if (!input_name(node, 2).empty()) {
        const BiasUse use{tensor(value).quantization.scale, bias_factor(model_, node), nullptr, true};
        read_bias(model_, node, input_name(node, 2), use, pending.op.weights);
    }
    const FeatureView view = pending.output;
    begin(node, std::move(pending), view, value.tensor);
}

void GraphImporter::max_pool(const onnx::NodeProto& node) {
    check_arity(model_, node, 1, 1);
    const GraphValue read = operand(node, 0);
    if (read.form == Form::pending) {  // quantized before the pool, which keeps the order of values
        check_readers(node);
        PendingOperator before = std::move(pending_.at(node.input(0)));
        PendingOperator pending = read_pool(model_, node, {read.view, {}});
        if (before.sums != PendingOperator::Sums::real) {
            pending_[node.input(0)] = std::move(before);
            model_.fail(node, "reads integer sums, expected Cast and Mul behind {}",
                        OnnxModel::label(*pending_.at(node.input(0)).node));
        }
        pending_.erase(node.input(0));
        pending.before = std::make_unique<PendingOperator>(std::move(before));
        const FeatureView view = pending.output;
        return begin(node, std::move(pending), view, read.tensor);
    }
    const bool on_integers = read.form == Form::quantized;
    const ClipRange clip = read.clip;  // limits of real values hold behind the pool as well
    if (read.form == Form::real) values_[node.input(0)].clip = {};
    const GraphValue value = on_integers ? read : dequantized_operand(node, 0);
    if (read.form == Form::real) values_[node.input(0)].clip = clip;
    const Quantization& quantization = tensor(value).quantization;
    if (value.padding.any() && !is_at_most(value.padding.value, value.tensor)) {
        model_.fail(node,
                    "reads a map padded with {}, which can be larger than its values, expected padding of its own",
                    value.padding.value);
    }
    PendingOperator pending = read_pool(model_, node, {value.view, value.padding});
    pending.op.input = value.tensor;
    const FeatureView view = pending.output;
    finish(std::move(pending), node.output(0), view, quantization);
    GraphValue& result = values_[node.output(0)];
    result.form = value.form;
    result.unnamed = value.form == Form::real && !clip.limits();
    result.clip = value.form == Form::real ? clip : ClipRange{};
}

/// Whether no value of the tensor is below `real`.
bool GraphImporter::is_at_most(float real, int tensor) const {
    const Quantization& quantization = network_.tensors[static_cast<std::size_t>(tensor)].quantization;
    int low = quantization.low();
    for (const Operator& op : network_.operators) {
        if (op.output == tensor) low = std::max(low, op.clamp_low);
    }
    return real <= quantization.scale * static_cast<float>(low - quantization.zero_point);
}

void GraphImporter::average_pool(const onnx::NodeProto& node) {
    check_arity(model_, node, 1, node.op_type() == "ReduceMean" ? 2 : 1);
    const GraphValue value = dequantized_operand(node, 0);
    check_zero_padding(node, value);
    PendingOperator pending = read_pool(model_, node, {value.view, value.padding});
    pending.op.runtime_kernel = runtime_kernel(model_, node);
    const FeatureView view = pending.output;
    begin(node, std::move(pending), view, value.tensor);
}

/// The pool's sum shifted instead of divided; its output is dequantized, as a Quant's.
void GraphImporter::truncate(const onnx::NodeProto& node) {
    const GraphValue value = operand(node, 0);
    if (value.form != Form::pending) {
        model_.fail(node, "reads '{}', expected an AveragePool and a Mul by its number of pixels before it",
                    node.input(0));
    }
    const int input = pending_.at(node.input(0)).op.input;
    const Quantization& format = network_.tensors[static_cast<std::size_t>(input)].quantization;
    const Truncation found = read_truncation(model_, node, pending_.at(node.input(0)), format);
    PendingOperator pending = std::move(pending_.at(node.input(0)));
    pending_.erase(node.input(0));
    pending.op.sum_shift = found.shift;
    pending.low = found.output.scale * static_cast<float>(found.low);
    pending.high = found.output.scale * static_cast<float>(found.high);
    finish(std::move(pending), node.output(0), value.view, found.output);
    values_[node.output(0)].form = Form::real;
}

void GraphImporter::add(const onnx::NodeProto& node) {
    check_arity(model_, node, 2, 2);
    const auto is_constant = [this](const std::string& name) {
        return model_.is_constant(name) || of_constants_.count(name) != 0;
    };
    if (!is_constant(node.input(0)) && !is_constant(node.input(1))) {
        const GraphValue a = dequantized_operand(node, 0);
        const GraphValue b = dequantized_operand(node, 1);
        refuse_padding(node, a);
        refuse_padding(node, b);
        PendingOperator pending = read_addition(model_, node, a.view, b.view);
        pending.op.second_input = b.tensor;
        pending.op.runtime_kernel = runtime_kernel(model_, node);
        const FeatureView view = pending.output;
        return begin(node, std::move(pending), view, a.tensor);
    }
    const int index = is_constant(node.input(0)) ? 1 : 0;
    const GraphValue value = operand(node, index);
    if (value.form == Form::real_input) return arithmetic(node);
    if (value.form == Form::real) return add_constant(node, 1 - index);
    PendingOperator& pending = pending_before(node);
    merge_add(model_, node, node.input(index), value.view, input_scale(pending), pending);
    pass_on(node);
}

void GraphImporter::add_constant(const onnx::NodeProto& node, int constant) {
    const std::string& name = node.input(constant);
    if (of_constants_.count(name) == 0) {
        model_.fail(node,
                    "adds the real constant '{}' to a quantized map, expected it quantized to 8 bits, behind a "
                    "DequantizeLinear",
                    name);
    }
    const onnx::NodeProto& source = *model_.producer(name);
    const int type = required_constant(model_, source, input_name(source, 0)).data_type;
    const Quantization quantization = activation_quantization(model_, source, type);
    const GraphValue value = dequantized_operand(node, 1 - constant);
    refuse_padding(node, value);
    PendingOperator pending =
        read_constant_addition(model_, node, input_name(source, 0), quantization, value.view, constant == 0);
    pending.op.runtime_kernel = runtime_kernel(model_, node);
    begin(node, std::move(pending), value.view, value.tensor);
}

void GraphImporter::relu(const onnx::NodeProto& node) {
    GraphValue value = operand(node, 0);
    if (value.form == Form::real || value.form == Form::real_input) {
        check_arity(model_, node, 1, 1);
        OnnxAttributes(model_, node).finish();
        value.clip = value.clip.then({0.0F, std::numeric_limits<float>::infinity()});
        value.unnamed = false;
        return pass_value(node, value);
    }
    merge_relu(model_, node, pending_before(node));
    pass_on(node);
}

void GraphImporter::clip(const onnx::NodeProto& node) {
    GraphValue value = operand(node, 0);
    if (value.form == Form::quantized) return clip_integers(node, value);
    if (value.form == Form::real_input || value.form == Form::real) {  // of the input: declares a narrow one
        value.clip = value.clip.then(read_clip(model_, node));
        value.unnamed = false;
        return pass_value(node, value);
    }
    merge_clip(model_, node, pending_before(node));
    pass_on(node);
}

/// Between QuantizeLinear and DequantizeLinear, as Brevitas and PyTorch declare narrow integers.
void GraphImporter::clip_integers(const onnx::NodeProto& node, const GraphValue& value) {
    GraphValue limited = value;
    const IntegerRange range = read_integer_clip(model_, node, tensor(value).quantization);
    limit(node, limited, range.low, range.high, Activation::clip);
    values_[node.output(0)] = limited;
}

}  // namespace widthwise
