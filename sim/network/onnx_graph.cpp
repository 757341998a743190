// SPDX-License-Identifier: Apache-2.0
// The frame of the import: which nodes there are, that all lead to the output, and how an operator is finished.
#include "network/onnx_graph.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "network/lone_limits.h"
#include "network/onnx_fold.h"
#include "network/onnx_input.h"
#include "network/onnx_limits.h"
#include "network/onnx_merges.h"
#include "network/onnx_qonnx.h"
#include "network/onnx_quantization.h"
#include "text/letter_case.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// Operators that keep their input's shape: behind one that cannot run, the graph is still worth reading.
bool keeps_shape(const onnx::NodeProto& node) {
    static const std::set<std::string> kTypes = {
        "Celu",    "Elu",  "Gelu",     "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "PRelu",
        "Sigmoid", "Selu", "Softplus", "Swish",       "Tanh",      "Relu",      "Clip", "BatchNormalization"};
    return kTypes.count(node.op_type()) != 0 && node.output_size() >= 1;
}

}  // namespace

GraphImporter::GraphImporter(OnnxModel& model) : model_(model) {
    const GraphInput found = read_graph_input(model);
    GraphValue input;
    input.form = found.is_integer ? Form::integer_input : Form::real_input;
    input.view = found.view;
    values_.emplace(model.input().name(), input);
    input_is_signed_ = found.is_signed;
    batch_is_open_ = found.batch_is_open;
}

const std::map<std::string, GraphImporter::Step>& GraphImporter::steps() {
    static const std::map<std::string, Step> kSteps = {
        {"Add", &GraphImporter::add},
        {"ArgMax", &GraphImporter::classes},
        {"AveragePool", &GraphImporter::average_pool},
        {"Cast", &GraphImporter::cast},
        {"Clip", &GraphImporter::clip},
        {"Constant", &GraphImporter::constant},
        {"Conv", &GraphImporter::convolution},
        {"ConvInteger", &GraphImporter::sums_of_integers},
        {"DequantizeLinear", &GraphImporter::dequantize},
        {"Div", &GraphImporter::arithmetic},
        {"Dropout", &GraphImporter::identity},
        {"Flatten", &GraphImporter::flatten},
        {"Gemm", &GraphImporter::fully_connected},
        {"GlobalAveragePool", &GraphImporter::average_pool},
        {"Identity", &GraphImporter::identity},
        {"LogSoftmax", &GraphImporter::classes},
        {"MatMul", &GraphImporter::fully_connected},
        {"MatMulInteger", &GraphImporter::sums_of_integers},
        {"MaxPool", &GraphImporter::max_pool},
        {"Mul", &GraphImporter::scale},
        {"Pad", &GraphImporter::pad},
        {"QGemm", &GraphImporter::integer_layer},
        {"QLinearAdd", &GraphImporter::integer_addition},
        {"QLinearAveragePool", &GraphImporter::integer_pool},
        {"QLinearConv", &GraphImporter::integer_layer},
        {"QLinearGlobalAveragePool", &GraphImporter::integer_pool},
        {"QLinearMatMul", &GraphImporter::integer_layer},
        {"QLinearSigmoid", &GraphImporter::classes},
        {"QLinearSoftmax", &GraphImporter::classes},
        {"QuantizeLinear", &GraphImporter::quantize},
        {"ReduceMean", &GraphImporter::average_pool},
        {"Relu", &GraphImporter::relu},
        {"Reshape", &GraphImporter::reshape},
        {"Shape", &GraphImporter::shape},
        {"Sigmoid", &GraphImporter::classes},
        {"Softmax", &GraphImporter::classes},
        {"Squeeze", &GraphImporter::squeeze},
        {"Sub", &GraphImporter::arithmetic},
        {"Transpose", &GraphImporter::transpose},
        {"Trunc", &GraphImporter::truncate},
        {"Unsqueeze", &GraphImporter::unsqueeze},
    };
    return kSteps;
}

/// ONNX Runtime keeps these in its own domain; the first two only when asked for types that old operator sets lack.
bool may_be_microsofts(const std::string& type) {
    static const std::set<std::string> kTypes = {"QuantizeLinear", "DequantizeLinear",   "QGemm",
                                                 "QLinearAdd",     "QLinearAveragePool", "QLinearGlobalAveragePool",
                                                 "QLinearSigmoid", "QLinearSoftmax"};
    return kTypes.count(type) != 0;
}

bool GraphImporter::is_supported(const onnx::NodeProto& node) {
    if (steps().count(node.op_type()) == 0) return false;
    if (node.op_type() == "Trunc") return is_qonnx(node);
    const bool own_domain = node.domain().empty() || node.domain() == "ai.onnx";
    return own_domain || (node.domain() == "com.microsoft" && may_be_microsofts(node.op_type()));
}

/// Constants, and weights on their way through DequantizeLinear.
bool GraphImporter::is_of_constants(const onnx::NodeProto& node) {
    if (node.input_size() == 0 || node.output_size() != 1) return false;
    if (node.op_type() == "DequantizeLinear") {
        if (!model_.is_constant(node.input(0))) return false;
        of_constants_.insert(node.output(0));
        return true;
    }
    const auto inputs = model_.constants_of(node);
    if (!inputs) return false;
    model_.check_fold_budget(node);
    auto value = fold(node, *inputs);
    if (!value) return false;
    model_.define(node, std::move(*value));
    return true;
}

void GraphImporter::visit(const onnx::NodeProto& node) {
    const bool reads_broken = std::any_of(node.input().begin(), node.input().end(), [this](const std::string& name) {
        const auto found = values_.find(name);
        return found != values_.end() && found->second.form == Form::broken;
    });
    try {
        if (is_of_constants(node)) return;
        if (!is_supported(node)) {
            const std::string why = model_.why_not_integers(node);
            if (why.empty()) problems_.add_unsupported(node);
            else problems_.add(OnnxModel::label(node) + ": " + why);
            return mark_broken(node);
        }
        if (reads_broken) return mark_broken(node);
        if (node.output_size() == 0) model_.fail(node, "has 0 outputs, expected one");
        if (node.input_size() == 0 && node.op_type() != "Constant") model_.fail(node, "has 0 inputs");
        (this->*steps().at(node.op_type()))(node);
    } catch (const InputError& error) {
        problems_.add(model_.without_path(node, error.what()));
        mark_broken(node);
    }
}

/// What follows a node that could not be read is still looked at where its shape is known.
void GraphImporter::mark_broken(const onnx::NodeProto& node) {
    GraphValue value;
    value.form = Form::broken;
    const auto source = values_.find(input_name(node, 0));
    if (source != values_.end() && keeps_shape(node)) value.view = source->second.view;
    const bool restarts =
        source != values_.end() && node.op_type() == "QuantizeLinear" && !source->second.view.dimensions.empty();
    if (restarts) {
        try {
            value.view = source->second.view;
            const Quantization found = activation_quantization(model_, node, onnx::TensorProto::UINT8);
            value.tensor = add_tensor(node.output(0), value.view.shape, found);
            value.form = Form::quantized;
        } catch (const InputError& error) {
            problems_.add(model_.without_path(node, error.what()));
        }
    }
    for (const std::string& output : node.output()) values_[output] = value;
}

Network GraphImporter::run() {
    for (const onnx::NodeProto& node : model_.graph().node()) visit(node);
    std::vector<std::string> supported;
    for (const auto& step : steps()) supported.push_back(step.first);
    problems_.raise(model_, supported);
    check_end();
    merge_lone_limits(network_, lone_limits_);
    if (network_.operators.empty()) {
        model_.fail(
            "computes nothing, expected a convolution, a fully connected layer, a pool, an addition or a "
            "requantization");
    }
    check_all_needed();
    return std::move(network_);
}

void GraphImporter::check_end() {
    const std::string& name = model_.output_name();
    const auto output = values_.find(name);
    if (output == values_.end()) model_.fail("the graph output '{}' is not computed from the graph input", name);
    GraphValue& value = output->second;
    if (value.form == Form::pending) end_with_sums(name, name);
    if (value.form == Form::scores && !value.pending_by.empty()) end_with_sums(value.pending_by, name);
    const onnx::NodeProto& last = *model_.producer(name);
    if (value.form == Form::real_input || value.form == Form::integer_input) {
        model_.fail(
            "computes nothing, expected a convolution, a fully connected layer, a pool, an addition or a "
            "requantization");
    }
    if (value.form == Form::real) settle_clip(last, value, false);
    refuse_padding(last, value);
    if (!value.view.is_in_order()) {
        model_.fail(last, "orders the output as {}, expected N x C x H x W, in which classes are numbered here",
                    value.view.text());
    }
    if (value.tensor >= 0) network_.output = value.tensor;
    if (!pending_.empty()) {
        model_.fail(*pending_.begin()->second.node, "its sums '{}' do not lead to the graph output '{}'",
                    pending_.begin()->first, name);
    }
    for (const std::string& other : model_.other_outputs()) {
        network_.notes.push_back(fmt::format("The output '{}' of the file is not computed.", valid_utf8(other)));
    }
}

/// The sums of the last layer leave as they are: which of them is largest does not depend on a scale that all have, and
/// scales per channel are known.
void GraphImporter::end_with_sums(const std::string& sums, const std::string& output) {
    PendingOperator pending = std::move(pending_.at(sums));
    pending_.erase(sums);
    const char* obstacle = nullptr;
    if (!pending.op.has_weights())
        obstacle = "only sums of a convolution or a fully connected layer can leave as they are";
    else if (pending.op.activation != Activation::none)
        obstacle = "a Relu or Clip behind them would make classes equal";
    if (obstacle != nullptr) {
        model_.fail(*pending.node,
                    "its output is not quantized before the graph output '{}', expected a QuantizeLinear: {}", output,
                    obstacle);
    }
    check_room(pending);
    Operator& op = pending.op;
    op.name = unique_name(*pending.node);
    op.sums_leave = true;
    op.output = add_tensor(sums, pending.output.shape, Quantization{});
    network_.output = op.output;
    values_[output].tensor = op.output;
    network_.operators.push_back(std::move(op));
    network_.notes.push_back(
        fmt::format("The sums of '{}' leave without quantization; the largest, times the scale of its "
                    "channel, is the class.",
                    network_.operators.back().name));
}

/// Every operator's result is read by another one or is the network's output.
void GraphImporter::check_all_needed() const {
    std::set<int> read = {network_.output};
    for (const Operator& op : network_.operators) {
        read.insert(op.input);
        read.insert(op.second_input);
    }
    for (const Operator& op : network_.operators) {
        if (read.count(op.output) != 0) continue;
        model_.fail("the output of '{}' leads nowhere, expected it to lead to the graph output '{}'", op.name,
                    model_.output_name());
    }
    if (network_.operators.back().output != network_.output) {
        model_.fail("'{}' is computed after the graph output '{}', which does not need it",
                    network_.operators.back().name, model_.output_name());
    }
}

const GraphValue& GraphImporter::operand(const onnx::NodeProto& node, int index) const {
    const std::string& name = input_name(node, index);
    const auto found = values_.find(name);
    if (found != values_.end() && found->second.form == Form::scores) {
        model_.fail(node, "reads the classes '{}', expected them at the end of the network", name);
    }
    if (found == values_.end()) {
        model_.fail(node, "its input '{}' is not computed from the graph input; weights belong on the right", name);
    }
    return found->second;
}

void GraphImporter::check_readers(const onnx::NodeProto& node) const {
    const std::string& name = node.output(0);
    const auto& readers = model_.consumers(name);
    if (readers.size() <= 1 && (name != model_.output_name() || readers.empty())) return;
    std::vector<std::string> users;
    users.reserve(readers.size() + 1);
    for (const onnx::NodeProto* user : readers) users.push_back(OnnxModel::label(*user));
    if (name == model_.output_name()) users.emplace_back("the graph output");
    model_.fail(node, "its output '{}' is used {} times ({}) before it is quantized, expected one QuantizeLinear", name,
                users.size(), fmt::join(users, ", "));
}

void GraphImporter::begin(const onnx::NodeProto& node, PendingOperator&& pending, const FeatureView& view, int input) {
    check_room(pending);
    check_readers(node);
    GraphValue value;
    value.form = Form::pending;
    value.view = view;
    value.tensor = input;
    values_[node.output(0)] = value;
    pending.op.input = input;
    pending_[node.output(0)] = std::move(pending);
}

PendingOperator& GraphImporter::pending_before(const onnx::NodeProto& node) {
    for (const std::string& name : node.input()) {
        const auto found = pending_.find(name);
        if (found != pending_.end()) return found->second;
    }
    model_.fail(node,
                "does not follow a Conv, Gemm, MatMul, Add or pool node directly, expected it before the "
                "QuantizeLinear");
}

void GraphImporter::pass_on(const onnx::NodeProto& node, const FeatureView* view) {
    for (const std::string& name : node.input()) {
        const auto found = pending_.find(name);
        if (found == pending_.end()) continue;
        PendingOperator pending = std::move(found->second);
        pending_.erase(found);
        const GraphValue value = values_.at(name);
        return begin(node, std::move(pending), view == nullptr ? value.view : *view, value.tensor);
    }
}

void GraphImporter::pass_value(const onnx::NodeProto& node, GraphValue value) {
    if (value.form == Form::pending) return pass_on(node, &value.view);
    values_[node.output(0)] = std::move(value);
}

/// Pooling leaves the range of values as it is when it leaves the parameters; a MaxPool can only leave them.
Quantization GraphImporter::output_quantization(const onnx::NodeProto& node, const PendingOperator& pending,
                                                const Quantization& found) const {
    const OperatorKind kind = pending.op.kind;
    if (kind != OperatorKind::max_pool && kind != OperatorKind::average_pool) return found;
    if (pending.before != nullptr) return found;  // its sums take this quantization first
    const Quantization& input = network_.tensors[static_cast<std::size_t>(pending.op.input)].quantization;
    if (same_parameters(found, input)) return input;
    if (kind == OperatorKind::average_pool) return found;
    model_.fail(node, "quantizes to {}, but the input of {} is {}: a MaxPool cannot requantize, expected equal ones",
                describe(found), OnnxModel::label(*pending.node), describe(input));
}

/// A few bytes of a file can refer to the same large constant again and again.
void GraphImporter::check_room(PendingOperator& pending) {
    if (network_.operators.size() + pending_.size() >= kMaxOperators) {
        model_.fail(*pending.node, "is one operator too many, expected at most {} with arithmetic", kMaxOperators);
    }
    const Weights& weights = pending.op.weights;
    const auto bytes = static_cast<std::int64_t>(weights.values.size() + weights.scales.size() * sizeof(float) +
                                                 weights.bias.size() * sizeof(std::int32_t));
    parameter_bytes_ += bytes - std::exchange(pending.counted_bytes, bytes);
    if (parameter_bytes_ > kMaxParameterBytes) {
        model_.fail(*pending.node, "brings weights, biases and scales to {} bytes, expected at most {} of all layers",
                    parameter_bytes_, kMaxParameterBytes);
    }
}

void GraphImporter::finish(PendingOperator&& pending, const std::string& name, const FeatureView& view,
                           Quantization quantization) {
    Operator& op = pending.op;
    if (pending.factor != 1.0F && !op.sum_shift) {
        model_.fail(*pending.node,
                    "its averages are multiplied by {} before they are quantized, expected a Trunc (QONNX) behind the "
                    "factor, or the factor in the scale of the QuantizeLinear",
                    pending.factor);
    }
    if (pending.sums != PendingOperator::Sums::real) {
        model_.fail(*pending.node, "its integer sums are quantized without Cast and Mul in between");
    }
    if (pending.before != nullptr) {
        PendingOperator before = std::move(*pending.before);
        const ClipRange range = ClipRange{before.low, before.high}.then({pending.low, pending.high});
        before.low = range.low;
        before.high = range.high;
        const std::string& sums = pending.node->input(0);
        const FeatureView sums_view = values_.at(sums).view;
        finish(std::move(before), sums, sums_view, quantization);
        op.input = values_.at(sums).tensor;
        quantization = network_.tensors[static_cast<std::size_t>(op.input)].quantization;
    }
    check_room(pending);
    op.name = unique_name(*pending.node);
    // Rounding is monotonic, so limiting the quantized value is the same as limiting the real one.
    op.clamp_low = quantize_value(pending.low, quantization);
    op.clamp_high = quantize_value(pending.high, quantization);
    narrow(quantization, op.clamp_low, op.clamp_high);
    op.output = add_tensor(name, pending.output.shape, quantization);
    GraphValue value;
    value.view = view;
    value.tensor = op.output;
    values_[name] = value;
    network_.operators.push_back(std::move(op));
}

void GraphImporter::limit(const onnx::NodeProto& node, GraphValue& value, int low, int high, Activation activation) {
    const Tensor source = tensor(value);
    if (low <= source.quantization.low() && high >= source.quantization.high()) return;
    if (low > source.quantization.high() || high < source.quantization.low()) {
        model_.fail(node, "limits '{}' to {}..{}, but its integers lie in {}..{}: one value would be left", source.name,
                    low, high, source.quantization.low(), source.quantization.high());
    }
    refuse_padding(node, value);
    PendingOperator pending;
    pending.node = &node;
    check_room(pending);
    Operator& op = pending.op;
    op.kind =
        OperatorKind::max_pool;  // of one pixel, which the pool unit can do, if no operator before it takes the limits
    op.name = unique_name(node);
    op.input = value.tensor;
    op.activation = activation;
    op.clamp_low = std::clamp(low, source.quantization.low(), source.quantization.high());
    op.clamp_high = std::clamp(high, source.quantization.low(), source.quantization.high());
    Quantization quantization = source.quantization;
    narrow(quantization, op.clamp_low, op.clamp_high);
    op.output = add_tensor(node.output(0), source.shape, quantization);
    value.tensor = op.output;
    lone_limits_.insert(op.name);
    network_.operators.push_back(std::move(op));
}

/// A Relu or Clip on a dequantized map limits its integers. Without a quantizer behind it, its bounds must be among the
/// real values that the integers have.
void GraphImporter::settle_clip(const onnx::NodeProto& node, GraphValue& value, bool is_quantized_next) {
    if (!value.clip.limits()) return;
    const Quantization& quantization = tensor(value).quantization;
    const auto real = [&](int integer) {
        return quantization.scale * static_cast<float>(integer - quantization.zero_point);
    };
    if (value.clip.low > real(quantization.high()) || value.clip.high < real(quantization.low())) {
        model_.fail(node, "reads '{}' limited to {}..{}, but its values lie in {}..{}: one value would be left",
                    tensor(value).name, value.clip.low, value.clip.high, real(quantization.low()),
                    real(quantization.high()));
    }
    const int low = quantize_value(value.clip.low, quantization);
    const int high = quantize_value(value.clip.high, quantization);
    for (const auto& [bound, integer] : {std::pair{value.clip.low, low}, std::pair{value.clip.high, high}}) {
        const bool outside = bound <= real(quantization.low()) || bound >= real(quantization.high());
        if (is_quantized_next || outside || bound == real(integer)) continue;
        model_.fail(node,
                    "reads '{}' limited to {}, which is no multiple of its scale {}, expected a QuantizeLinear "
                    "behind the Clip",
                    tensor(value).name, bound, quantization.scale);
    }
    const bool is_relu = value.clip.is_relu();
    value.clip = {};
    limit(node, value, low, high, is_relu ? Activation::relu : Activation::clip);
}

int GraphImporter::add_tensor(const std::string& name, const Shape& shape, const Quantization& quantization) {
    network_.tensors.push_back({name, shape, quantization});
    return static_cast<int>(network_.tensors.size()) - 1;
}

std::string GraphImporter::unique_name(const onnx::NodeProto& node) {
    const auto claim = [this](const std::string& name) { return used_names_.insert(lower_case(name)).second; };
    const std::string output = valid_utf8(node.output(0));
    std::string own = valid_utf8(node.name());
    if (!own.empty() && claim(own)) return own;
    std::string name = output;
    for (int suffix = 2; !claim(name); ++suffix) name = fmt::format("{}_{}", output, suffix);
    return name;
}

}  // namespace widthwise
