// SPDX-License-Identifier: Apache-2.0
// Walks the chain of a QDQ graph from its input to its output. Between a DequantizeLinear and the next QuantizeLinear
// one operator is pending; the QuantizeLinear turns it into an Operator with a quantized output tensor.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "data/dataset.h"
#include "network/network.h"
#include "network/onnx_model.h"
#include "network/onnx_operators.h"
#include "network/onnx_quantization.h"

namespace widthwise {
namespace {

/// What the tensor at the cursor holds.
enum class Form : std::uint8_t {
    real_input,  ///< the graph input, before its QuantizeLinear
    quantized,   ///< integers
    real,        ///< dequantized, or the output of the pending operator
};

class ChainImporter {
public:
    explicit ChainImporter(const OnnxModel& model) : model_(model), name_(model.input().name()) {}
    Network run();

private:
    using Step = void (ChainImporter::*)(const onnx::NodeProto&);
    static const std::map<std::string, Step>& steps();

    void check_operators() const;
    [[nodiscard]] const onnx::NodeProto* next() const;
    void check_all_visited(const std::set<const onnx::NodeProto*>& visited) const;
    void check_end() const;

    void quantize(const onnx::NodeProto& node);
    void dequantize(const onnx::NodeProto& node);
    void convolution(const onnx::NodeProto& node);
    void fully_connected(const onnx::NodeProto& node);
    void max_pool(const onnx::NodeProto& node);
    void average_pool(const onnx::NodeProto& node);
    void relu(const onnx::NodeProto& node);
    void clip(const onnx::NodeProto& node);
    void add(const onnx::NodeProto& node);
    void flatten(const onnx::NodeProto& node);
    void constant(const onnx::NodeProto&) {}

    void require_operand(const onnx::NodeProto& node) const;
    PendingOperator& require_pending(const onnx::NodeProto& node);
    void begin(PendingOperator&& pending);
    void finish_pending(const std::string& tensor_name, Quantization quantization);
    Quantization output_quantization(const onnx::NodeProto& node, const Quantization& found) const;
    int add_tensor(const std::string& name, const Shape& shape, const Quantization& quantization);
    std::string unique_name(const onnx::NodeProto& node);

    [[nodiscard]] const Tensor& tensor() const { return network_.tensors[static_cast<std::size_t>(tensor_)]; }

    const OnnxModel& model_;
    Network network_;
    std::string name_;  ///< the ONNX tensor that the walk has reached
    Form form_ = Form::real_input;
    FeatureShape features_;
    int tensor_ = -1;  ///< the last quantized tensor; the pending operator's input
    std::optional<PendingOperator> pending_;
    std::set<std::string> used_names_;  ///< lower case, as configurations refer to layers
};

const std::map<std::string, ChainImporter::Step>& ChainImporter::steps() {
    static const std::map<std::string, Step> kSteps = {
        {"Add", &ChainImporter::add},
        {"AveragePool", &ChainImporter::average_pool},
        {"Clip", &ChainImporter::clip},
        {"Constant", &ChainImporter::constant},
        {"Conv", &ChainImporter::convolution},
        {"DequantizeLinear", &ChainImporter::dequantize},
        {"Flatten", &ChainImporter::flatten},
        {"Gemm", &ChainImporter::fully_connected},
        {"MatMul", &ChainImporter::fully_connected},
        {"MaxPool", &ChainImporter::max_pool},
        {"QuantizeLinear", &ChainImporter::quantize},
        {"Relu", &ChainImporter::relu},
        {"Reshape", &ChainImporter::flatten},
    };
    return kSteps;
}

Network ChainImporter::run() {
    check_operators();
    features_ = input_shape(model_);
    std::set<const onnx::NodeProto*> visited;
    while (const onnx::NodeProto* node = next()) {
        visited.insert(node);
        (this->*steps().at(node->op_type()))(*node);
        name_ = node->output(0);
    }
    check_end();
    check_all_visited(visited);
    network_.output = tensor_;
    return std::move(network_);
}

void ChainImporter::check_operators() const {
    for (const onnx::NodeProto& node : model_.graph().node()) {
        const bool known = steps().count(node.op_type()) != 0;
        // ONNX Runtime writes these two in its own domain when asked for types that old operator sets lack.
        const bool is_qdq = node.op_type() == "QuantizeLinear" || node.op_type() == "DequantizeLinear";
        const bool own_domain = node.domain().empty() || node.domain() == "ai.onnx";
        if (known && (own_domain || (is_qdq && node.domain() == "com.microsoft"))) continue;
        std::vector<std::string> names;
        for (const auto& step : steps()) names.push_back(step.first);
        model_.fail(node, "operator {}{} is not supported, expected one of {}",
                    own_domain ? "" : node.domain() + ".", node.op_type(), fmt::join(names, ", "));
    }
}

/// The one reader of the tensor reached, or null at the graph output.
const onnx::NodeProto* ChainImporter::next() const {
    const auto& consumers = model_.consumers(name_);
    const bool is_output = name_ == model_.output_name();
    if (consumers.size() > 1 || (is_output && !consumers.empty())) {
        std::vector<std::string> users;
        for (const onnx::NodeProto* user : consumers) users.push_back(OnnxModel::label(*user));
        if (is_output) users.emplace_back("the graph output");
        model_.fail("tensor '{}' is used {} times ({}), expected once: only a chain without branches is supported",
                    name_, users.size(), fmt::join(users, ", "));
    }
    if (consumers.empty() && !is_output) {
        model_.fail("tensor '{}' leads nowhere, expected a chain to the graph output '{}'", name_,
                    model_.output_name());
    }
    return consumers.empty() ? nullptr : consumers[0];
}

void ChainImporter::check_all_visited(const std::set<const onnx::NodeProto*>& visited) const {
    for (const onnx::NodeProto& node : model_.graph().node()) {
        const std::string& type = node.op_type();
        const bool of_constants = type == "Constant" || type == "QuantizeLinear" || type == "DequantizeLinear";
        if (!of_constants && visited.count(&node) == 0) {
            model_.fail(node, "is not on the chain from the graph input to the graph output");
        }
    }
}

void ChainImporter::check_end() const {
    if (pending_) {
        model_.fail(*pending_->node,
                    "its output is not quantized before the graph output '{}', expected a QuantizeLinear", name_);
    }
    if (network_.operators.empty()) {
        model_.fail("computes nothing, expected a convolution, fully connected or pool layer");
    }
}

void ChainImporter::quantize(const onnx::NodeProto& node) {
    const Quantization found = activation_quantization(model_, node, onnx::TensorProto::UINT8);
    if (form_ == Form::quantized) model_.fail(node, "its input '{}' is quantized already", name_);
    if (form_ == Form::real_input) {
        tensor_ = add_tensor(node.output(0), features_.shape, found);
        network_.input = tensor_;
    } else if (pending_) {
        finish_pending(node.output(0), output_quantization(node, found));
    } else if (!same_parameters(found, tensor().quantization)) {
        model_.fail(node, "quantizes to {}, but '{}' is {}: nothing in between can requantize", describe(found),
                    tensor().name, describe(tensor().quantization));
    }
    form_ = Form::quantized;
}

void ChainImporter::dequantize(const onnx::NodeProto& node) {
    if (form_ != Form::quantized) {
        model_.fail(node, "its input '{}' is not quantized, expected a QuantizeLinear before", name_);
    }
    const Quantization& expected = tensor().quantization;
    const int type = expected.is_signed ? onnx::TensorProto::INT8 : onnx::TensorProto::UINT8;
    const Quantization found = activation_quantization(model_, node, type);
    if (!same_parameters(found, expected)) {
        model_.fail(node, "dequantizes {}, but '{}' is {}", describe(found), tensor().name, describe(expected));
    }
    form_ = Form::real;
}

/// The node computes on the tensor reached, and that has been quantized.
void ChainImporter::require_operand(const onnx::NodeProto& node) const {
    if (input_name(node, 0) != name_) {
        model_.fail(node, "its first input is not the chain's tensor '{}'; weights belong on the right", name_);
    }
    if (form_ == Form::real_input) {
        model_.fail(node, "its input '{}' is not quantized, expected QuantizeLinear and DequantizeLinear before",
                    name_);
    }
    if (form_ == Form::quantized && node.op_type() != "MaxPool") {
        model_.fail(node, "its input '{}' is quantized, expected a DequantizeLinear before", name_);
    }
    if (pending_) {
        model_.fail(node, "follows {} directly, expected QuantizeLinear and DequantizeLinear in between",
                    OnnxModel::label(*pending_->node));
    }
}

PendingOperator& ChainImporter::require_pending(const onnx::NodeProto& node) {
    if (form_ == Form::real && pending_) return *pending_;
    model_.fail(node,
                "does not follow a Conv, Gemm, MatMul or pool node directly, expected it before the QuantizeLinear");
}

void ChainImporter::begin(PendingOperator&& pending) {
    pending.op.input = tensor_;
    features_ = {pending.output_shape, pending.op.kind == OperatorKind::fully_connected};
    pending_ = std::move(pending);
}

void ChainImporter::convolution(const onnx::NodeProto& node) {
    require_operand(node);
    begin(read_convolution(model_, node, features_, tensor().quantization.scale));
}

void ChainImporter::fully_connected(const onnx::NodeProto& node) {
    require_operand(node);
    begin(read_fully_connected(model_, node, features_, tensor().quantization.scale));
}

void ChainImporter::max_pool(const onnx::NodeProto& node) {
    require_operand(node);
    begin(read_pool(model_, node, features_));
    // MaxPool also runs on integers as they are; then nothing else may be merged into it.
    if (form_ == Form::quantized) finish_pending(node.output(0), tensor().quantization);
}

void ChainImporter::average_pool(const onnx::NodeProto& node) {
    require_operand(node);
    begin(read_pool(model_, node, features_));
}

void ChainImporter::relu(const onnx::NodeProto& node) { merge_relu(model_, node, require_pending(node)); }

void ChainImporter::clip(const onnx::NodeProto& node) {
    PendingOperator& pending = require_pending(node);
    if (input_name(node, 0) != name_) model_.fail(node, "its first input is not the chain's tensor '{}'", name_);
    merge_clip(model_, node, pending);
}

void ChainImporter::add(const onnx::NodeProto& node) {
    PendingOperator& pending = require_pending(node);
    merge_add(model_, node, name_, tensor().quantization.scale, pending);
}

void ChainImporter::flatten(const onnx::NodeProto& node) {
    if (input_name(node, 0) != name_) model_.fail(node, "its first input is not the chain's tensor '{}'", name_);
    check_flattening(model_, node, features_);
    features_.is_vector = true;
}

/// Pooling leaves the range of values as it is when it leaves the parameters; a MaxPool can only leave them.
Quantization ChainImporter::output_quantization(const onnx::NodeProto& node, const Quantization& found) const {
    const Quantization& input = tensor().quantization;
    if (pending_->op.has_weights()) return found;
    if (same_parameters(found, input)) return input;
    if (pending_->op.kind == OperatorKind::average_pool) return found;
    model_.fail(node, "quantizes to {}, but the input of {} is {}: a MaxPool cannot requantize, expected equal ones",
                describe(found), OnnxModel::label(*pending_->node), describe(input));
}

/// The fewest bits that hold the clamp range and the zero point, with which convolutions pad.
void narrow(Quantization& quantization, const Operator& op) {
    const int low = std::min(op.clamp_low, quantization.zero_point);
    const int high = std::max(op.clamp_high, quantization.zero_point);
    const int most = quantization.bits;
    for (quantization.bits = 2; quantization.bits < most; ++quantization.bits) {
        if (quantization.low() <= low && quantization.high() >= high) return;
    }
}

void ChainImporter::finish_pending(const std::string& tensor_name, Quantization quantization) {
    Operator& op = pending_->op;
    op.name = unique_name(*pending_->node);
    // Rounding is monotonic, so limiting the quantized value is the same as limiting the real one.
    op.clamp_low = quantize_value(pending_->low, quantization);
    op.clamp_high = quantize_value(pending_->high, quantization);
    narrow(quantization, op);
    op.output = add_tensor(tensor_name, pending_->output_shape, quantization);
    tensor_ = op.output;
    network_.operators.push_back(std::move(op));
    pending_.reset();
}

int ChainImporter::add_tensor(const std::string& name, const Shape& shape, const Quantization& quantization) {
    network_.tensors.push_back({name, shape, quantization});
    return static_cast<int>(network_.tensors.size()) - 1;
}

std::string ChainImporter::unique_name(const onnx::NodeProto& node) {
    const auto claim = [this](std::string name) {
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
        return used_names_.insert(name).second;
    };
    if (!node.name().empty() && claim(node.name())) return node.name();
    std::string name = node.output(0);
    for (int suffix = 2; !claim(name); ++suffix) name = fmt::format("{}_{}", node.output(0), suffix);
    return name;
}

}  // namespace

Network import_onnx(const std::string& path) {
    const OnnxModel model(path);
    Network network = ChainImporter(model).run();
    network.name = model.graph().name().empty() ? std::filesystem::path(path).stem().string() : model.graph().name();
    network.path = path;
    network.digest = md5_of_file(path);
    return network;
}

}  // namespace widthwise
