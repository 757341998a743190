// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_problems.h"

#include <algorithm>
#include <set>

#include "common/listed_error.h"

namespace widthwise {
namespace {

constexpr std::size_t kMostTexts = 40;
constexpr std::size_t kMostNames = 4;

/// What a user can do about an operator, or why it cannot run.
std::string advice(const std::string& type) {
    static const std::map<std::string, std::string> kAdvice = {
        {"BatchNormalization", "fold it into the weights and bias of the layer before it, then quantize"},
        {"Concat", "joining feature maps needs hardware that is not modelled yet"},
        {"ConvTranspose", "transposed convolutions are not modelled"},
        {"DynamicQuantizeLSTM", "its scales are made while it runs: quantize statically, with calibration images"},
        {"DynamicQuantizeMatMul", "its scales are made while it runs: quantize statically, with calibration images"},
        {"MatMulIntegerToFloat", "its scales are made while it runs: quantize statically, with calibration images"},
        {"DynamicQuantizeLinear", "its scales are made while it runs: quantize statically, with calibration images"},
        {"Elu", "only Relu and Clip are modelled as activations"},
        {"Gelu", "only Relu and Clip are modelled as activations"},
        {"GlobalMaxPool", "write it as a MaxPool with a kernel as large as the map"},
        {"HardSigmoid", "only Relu and Clip are modelled as activations"},
        {"HardSwish", "only Relu and Clip are modelled as activations"},
        {"If", "a network that decides while it runs is not modelled: export it without control flow"},
        {"LSTM", "recurrent layers are not modelled"},
        {"LayerNormalization", "normalisation at run time is not modelled"},
        {"Loop", "a network that decides while it runs is not modelled: export it without control flow"},
        {"LeakyRelu", "only Relu and Clip are modelled as activations"},
        {"PRelu", "only Relu and Clip are modelled as activations"},
        {"QLinearConcat", "joining feature maps needs hardware that is not modelled yet"},
        {"QLinearLeakyRelu", "only Relu and Clip are modelled as activations"},
        {"Resize", "resizing feature maps needs hardware that is not modelled yet"},
        {"Selu", "only Relu and Clip are modelled as activations"},
        {"Softplus", "only Relu and Clip are modelled as activations"},
        {"Split", "splitting feature maps needs hardware that is not modelled yet"},
        {"Tanh", "only Relu and Clip are modelled as activations"},
        {"Upsample", "resizing feature maps needs hardware that is not modelled yet"},
    };
    const auto found = kAdvice.find(type);
    return found == kAdvice.end() ? "" : found->second;
}

std::string without_domain(const std::string& type) { return type.substr(type.rfind('.') + 1); }

std::string unsupported_text(const std::string& type, const std::vector<std::string>& labels,
                             const std::vector<std::string>& supported) {
    std::string nodes = labels[0];
    for (std::size_t i = 1; i < std::min(labels.size(), kMostNames); ++i) nodes += ", " + labels[i];
    if (labels.size() > kMostNames) nodes += fmt::format(" and {} more", labels.size() - kMostNames);
    const std::string hint = advice(without_domain(type));
    if (!hint.empty()) return fmt::format("{}: operator {} is not supported: {}", nodes, type, hint);
    return fmt::format("{}: operator {} is not supported, expected one of {}", nodes, type, fmt::join(supported, ", "));
}

}  // namespace

void Problems::add(std::string text) {
    if (std::find(texts_.begin(), texts_.end(), text) == texts_.end()) texts_.push_back(std::move(text));
}

void Problems::add_unsupported(const onnx::NodeProto& node) {
    const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
    unsupported_[(standard ? "" : node.domain() + ".") + node.op_type()].push_back(OnnxModel::label(node));
}

void Problems::raise(const OnnxModel& model, const std::vector<std::string>& supported) const {
    if (empty()) return;
    std::vector<std::string> lines;
    for (const auto& [type, labels] : unsupported_) {
        if (model.has_function(type)) {
            lines.push_back(
                fmt::format("{}: {} is a function of the file: inline functions (onnx.inliner)", labels[0], type));
        } else {
            lines.push_back(unsupported_text(type, labels, supported));
        }
    }
    lines.insert(lines.end(), texts_.begin(), texts_.end());
    if (const std::string hint = quantization_advice(model.graph()); !hint.empty()) {
        if (lines.size() == 1) model.fail("{} ({})", hint, lines[0]);
        lines.insert(lines.begin(), hint);
    }
    if (lines.size() == 1) model.fail("{}", lines[0]);
    const std::size_t count = lines.size();
    if (count > kMostTexts) {
        lines.resize(kMostTexts);
        lines.push_back(fmt::format("and {} more", count - kMostTexts));
    }
    throw ListedError(model.path() + ": cannot run as it is", std::move(lines));
}

std::string quantization_advice(const onnx::GraphProto& graph) {
    const auto has = [&](auto matches) {
        return std::any_of(graph.node().begin(), graph.node().end(),
                           [&](const onnx::NodeProto& node) { return matches(node.op_type()); });
    };
    if (has([](const std::string& type) { return type.rfind("DynamicQuantize", 0) == 0; })) {
        return "is quantized dynamically, with scales that are made while it runs: quantize statically, with "
               "calibration "
               "images";
    }
    const bool quantized = has([](const std::string& type) {
        return type.find("Quant") != std::string::npos || type.find("QLinear") != std::string::npos ||
               type.find("Integer") != std::string::npos || type.find("QGemm") != std::string::npos;
    });
    if (quantized) return "";
    return "holds a float network, without any quantization: scripts/quantize makes an integer one of it";
}

}  // namespace widthwise
