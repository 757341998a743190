// SPDX-License-Identifier: Apache-2.0
// The frame of the import: which nodes there are, that all lead to the output, and how an operator is finished.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "network/network.h"
#include "network/onnx_graph.h"
#include "network/onnx_limits.h"
#include "network/onnx_quantization.h"
#include "text/printable.h"

namespace widthwise {

GraphImporter::GraphImporter(const OnnxModel& model) : model_(model) {
    GraphValue input;
    input.form = Form::real_input;
    input.features = input_shape(model);
    input.input_range = {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
    values_.emplace(model.input().name(), input);
}

const std::map<std::string, GraphImporter::Step>& GraphImporter::steps() {
    static const std::map<std::string, Step> kSteps = {
        {"Add", &GraphImporter::add},
        {"AveragePool", &GraphImporter::average_pool},
        {"BatchNormalization", &GraphImporter::batch_normalization},
        {"Cast", &GraphImporter::cast},
        {"Clip", &GraphImporter::clip},
        {"Constant", nullptr},
        {"Conv", &GraphImporter::convolution},
        {"ConvInteger", &GraphImporter::sums_of_integers},
        {"DequantizeLinear", &GraphImporter::dequantize},
        {"Flatten", &GraphImporter::flatten},
        {"Gemm", &GraphImporter::fully_connected},
        {"GlobalAveragePool", &GraphImporter::average_pool},
        {"MatMul", &GraphImporter::fully_connected},
        {"MatMulInteger", &GraphImporter::sums_of_integers},
        {"MaxPool", &GraphImporter::max_pool},
        {"Mul", &GraphImporter::scale},
        {"QGemm", &GraphImporter::integer_layer},
        {"QLinearAdd", &GraphImporter::integer_addition},
        {"QLinearAveragePool", &GraphImporter::integer_pool},
        {"QLinearConv", &GraphImporter::integer_layer},
        {"QLinearGlobalAveragePool", &GraphImporter::integer_pool},
        {"QLinearMatMul", &GraphImporter::integer_layer},
        {"QuantizeLinear", &GraphImporter::quantize},
        {"Relu", &GraphImporter::relu},
        {"Reshape", &GraphImporter::flatten},
    };
    return kSteps;
}

/// ONNX Runtime keeps these in its own domain; the first two only when asked for types that old operator sets lack.
bool may_be_microsofts(const std::string& type) {
    static const std::set<std::string> kTypes = {"QuantizeLinear", "DequantizeLinear",   "QGemm",
                                                 "QLinearAdd",     "QLinearAveragePool", "QLinearGlobalAveragePool"};
    return kTypes.count(type) != 0;
}

void GraphImporter::check_operator(const onnx::NodeProto& node) const {
    const bool own_domain = node.domain().empty() || node.domain() == "ai.onnx";
    const bool known = steps().count(node.op_type()) != 0;
    if (known && (own_domain || (node.domain() == "com.microsoft" && may_be_microsofts(node.op_type())))) return;
    std::vector<std::string> names;
    for (const auto& step : steps()) {
        if (step.second != &GraphImporter::batch_normalization) names.push_back(step.first);
    }
    model_.fail(node, "operator {}{} is not supported, expected one of {}", own_domain ? "" : node.domain() + ".",
                node.op_type(), fmt::join(names, ", "));
}

/// Constants, and weights on their way through QuantizeLinear and DequantizeLinear.
bool GraphImporter::is_of_constants(const onnx::NodeProto& node) const {
    const std::string& type = node.op_type();
    if (type == "Constant") return true;
    if (type != "QuantizeLinear" && type != "DequantizeLinear") return false;
    const std::string& input = input_name(node, 0);
    return model_.constant(input) != nullptr || of_constants_.count(input) != 0;
}

Network GraphImporter::run() {
    for (const onnx::NodeProto& node : model_.graph().node()) check_operator(node);
    for (const onnx::NodeProto& node : model_.graph().node()) {
        if (is_of_constants(node)) {
            for (const std::string& output : node.output()) of_constants_.insert(output);
        } else {
            (this->*steps().at(node.op_type()))(node);
        }
    }
    check_end();
    return std::move(network_);
}

void GraphImporter::check_end() {
    const std::string& name = model_.output_name();
    const auto output = values_.find(name);
    if (output == values_.end()) model_.fail("the graph output '{}' is not computed from the graph input", name);
    if (output->second.form == Form::pending) finish_sums(name);
    if (network_.operators.empty()) {
        model_.fail("computes nothing, expected a convolution, fully connected or pool layer");
    }
    network_.output = output->second.tensor;
    if (!pending_.empty()) {
        model_.fail(*pending_.begin()->second.node, "its sums '{}' do not lead to the graph output '{}'",
                    pending_.begin()->first, name);
    }
    check_all_needed();
}

/// Sums of a convolution or a fully connected layer leave as they are; anything else is quantized.
void GraphImporter::finish_sums(const std::string& name) {
    PendingOperator& last = pending_.at(name);
    if (!last.op.has_weights() || last.sums != PendingOperator::Sums::real || last.op.activation != Activation::none) {
        model_.fail(*last.node, "its output is not quantized before the graph output '{}', expected a QuantizeLinear",
                    name);
    }
    PendingOperator pending = std::move(last);
    pending_.erase(name);
    pending.op.sums_leave = true;
    finish(std::move(pending), name, Quantization{});
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
    if (found == values_.end()) {
        model_.fail(node, "its input '{}' is not computed from the graph input; weights belong on the right", name);
    }
    return found->second;
}

void GraphImporter::begin(const onnx::NodeProto& node, PendingOperator&& pending, int input) {
    check_room(pending);
    const std::string& name = node.output(0);
    const auto& readers = model_.consumers(name);
    if (readers.size() > 1 || (name == model_.output_name() && !readers.empty())) {
        std::vector<std::string> users;
        for (const onnx::NodeProto* user : readers) users.push_back(OnnxModel::label(*user));
        if (name == model_.output_name()) users.emplace_back("the graph output");
        model_.fail(node, "its output '{}' is used {} times ({}) before it is quantized, expected one QuantizeLinear",
                    name, users.size(), fmt::join(users, ", "));
    }
    GraphValue value;
    value.form = Form::pending;
    value.features = {pending.output_shape, pending.is_vector};
    value.tensor = input;
    values_[name] = value;
    pending.op.input = input;
    pending_[name] = std::move(pending);
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

void GraphImporter::pass_on(const onnx::NodeProto& node) {
    for (const std::string& name : node.input()) {
        const auto found = pending_.find(name);
        if (found == pending_.end()) continue;
        PendingOperator pending = std::move(found->second);
        pending_.erase(found);
        const int input = values_.at(name).tensor;
        return begin(node, std::move(pending), input);
    }
}

/// Pooling leaves the range of values as it is when it leaves the parameters; a MaxPool can only leave them.
Quantization GraphImporter::output_quantization(const onnx::NodeProto& node, const PendingOperator& pending,
                                                const Quantization& found) const {
    const OperatorKind kind = pending.op.kind;
    if (kind != OperatorKind::max_pool && kind != OperatorKind::average_pool) return found;
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

void GraphImporter::finish(PendingOperator&& pending, const std::string& name, Quantization quantization) {
    Operator& op = pending.op;
    if (pending.sums != PendingOperator::Sums::real) {
        model_.fail(*pending.node, "its integer sums are quantized without Cast and Mul in between");
    }
    check_room(pending);
    op.name = unique_name(*pending.node);
    // Rounding is monotonic, so limiting the quantized value is the same as limiting the real one.
    op.clamp_low = quantize_value(pending.low, quantization);
    op.clamp_high = quantize_value(pending.high, quantization);
    narrow(quantization, op.clamp_low, op.clamp_high);
    op.output = add_tensor(name, pending.output_shape, quantization);
    GraphValue value;
    value.features = {pending.output_shape, pending.is_vector};
    value.tensor = op.output;
    values_[name] = value;
    network_.operators.push_back(std::move(op));
}

int GraphImporter::add_tensor(const std::string& name, const Shape& shape, const Quantization& quantization) {
    network_.tensors.push_back({name, shape, quantization});
    return static_cast<int>(network_.tensors.size()) - 1;
}

std::string GraphImporter::unique_name(const onnx::NodeProto& node) {
    const auto claim = [this](std::string name) {
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
        return used_names_.insert(name).second;
    };
    const std::string own = valid_utf8(node.name()), output = valid_utf8(node.output(0));
    if (!own.empty() && claim(own)) return own;
    std::string name = output;
    for (int suffix = 2; !claim(name); ++suffix) name = fmt::format("{}_{}", output, suffix);
    return name;
}

Network import_onnx(const std::string& path) {
    const OnnxModel model(path);
    Network network = GraphImporter(model).run();
    network.name = valid_utf8(model.graph().name());
    if (network.name.empty()) network.name = std::filesystem::path(path).stem().string();
    network.path = path;
    network.digest = md5_of_file(path);
    return network;
}

}  // namespace widthwise
