// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_model.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "network/model_parts.h"
#include "network/onnx_limits.h"

namespace widthwise {
namespace {

constexpr std::int64_t kFirstOperatorSetWithQuantizeLinear = 10;

}  // namespace

OnnxModel::OnnxModel(const std::string& path) : path_(path) {
    parse();
    check_operator_set();
    index_initializers();
    find_ends();
    for (const onnx::NodeProto& node : graph().node()) index_node(node);
    const std::string& output = output_name();
    if (producer(output) == nullptr) fail("no node computes the graph output '{}'", output);
}

std::string OnnxModel::label(const onnx::NodeProto& node) {
    if (!node.name().empty()) return fmt::format("node '{}' ({})", node.name(), node.op_type());
    if (node.output_size() > 0) return fmt::format("node of output '{}' ({})", node.output(0), node.op_type());
    return fmt::format("a node without name or output ({})", node.op_type());
}

void OnnxModel::parse() {
    std::error_code error;
    const auto status = std::filesystem::status(path_, error);
    if (!std::filesystem::exists(status)) fail("no such file");
    if (!std::filesystem::is_regular_file(status)) fail("not a regular file, expected an ONNX model");
    const std::uintmax_t size = std::filesystem::file_size(path_, error);
    if (error || size == 0) fail("the file is empty, expected an ONNX model");
    check_input_file(path_, kModelFile);
    std::ifstream stream(path_, std::ios::binary);
    if (!stream) fail("cannot be opened for reading");
    check_parts(stream);
    if (!model_.ParseFromIstream(&stream)) fail("not an ONNX model, or one that is cut short");
    if (!model_.has_graph() || graph().node_size() == 0) fail("holds no graph, expected an ONNX model");
}

void OnnxModel::check_parts(std::istream& stream) const {
    constexpr ModelParts kMost{kMaxModelParts, kMaxModelNumbers};
    ModelParts found;
    {
        google::protobuf::io::IstreamInputStream bytes(&stream);
        google::protobuf::io::CodedInputStream coded(&bytes);
        if (!count_parts(coded, *onnx::ModelProto::descriptor(), kMost, found)) {
            fail("not an ONNX model, or one that is cut short");
        }
    }
    if (found.parts > kMost.parts) {
        fail("holds more than {} nodes, tensors, attributes and names, the most that is read", kMost.parts);
    }
    if (found.numbers > kMost.numbers) {
        fail("holds more than {} numbers outside of raw data, the most that is read", kMost.numbers);
    }
    stream.clear();
    stream.seekg(0);
}

void OnnxModel::check_operator_set() const {
    for (const onnx::OperatorSetIdProto& set : model_.opset_import()) {
        if (!set.domain().empty() && set.domain() != "ai.onnx") continue;
        if (set.version() >= kFirstOperatorSetWithQuantizeLinear) return;
        fail("operator set {}, expected {} or later (with QuantizeLinear)", set.version(),
             kFirstOperatorSetWithQuantizeLinear);
    }
    fail("names no ONNX operator set: not an ONNX model, or one that is cut short");
}

void OnnxModel::index_initializers() {
    if (graph().sparse_initializer_size() != 0) fail("has sparse initialisers, expected dense ones");
    for (const onnx::TensorProto& tensor : graph().initializer()) {
        if (tensor.name().empty()) fail("an initialiser has no name");
        if (!constants_.emplace(tensor.name(), &tensor).second) fail("initialiser '{}' is there twice", tensor.name());
    }
}

void OnnxModel::find_ends() {
    for (const onnx::ValueInfoProto& input : graph().input()) {
        if (constants_.count(input.name()) != 0) continue;  // files before IR version 4 list initialisers as inputs
        if (input_ != nullptr) {
            fail("has the graph inputs '{}' and '{}', expected one (images); a missing initialiser looks like this too",
                 input_->name(), input.name());
        }
        input_ = &input;
    }
    if (input_ == nullptr || input_->name().empty()) fail("has no graph input, expected one (images)");
    if (graph().output_size() != 1) fail("has {} graph outputs, expected one", graph().output_size());
}

void OnnxModel::index_node(const onnx::NodeProto& node) {
    for (const std::string& name : node.input()) {
        if (name.empty()) continue;
        check_defined(node, name);
        consumers_[name].push_back(&node);
    }
    for (const std::string& name : node.output()) {
        if (name.empty()) continue;
        if (name == input_->name() || constant(name) != nullptr || producer(name) != nullptr) {
            fail(node, "its output '{}' is defined elsewhere already", name);
        }
        producers_.emplace(name, &node);
    }
    if (node.op_type() == "Constant") index_constant_node(node);
}

void OnnxModel::index_constant_node(const onnx::NodeProto& node) {
    if (node.output_size() != 1 || node.attribute_size() != 1 || node.attribute(0).name() != "value" ||
        !node.attribute(0).has_t()) {
        fail(node, "expected the one attribute 'value' with a tensor");
    }
    constants_.emplace(node.output(0), &node.attribute(0).t());
}

void OnnxModel::check_defined(const onnx::NodeProto& node, const std::string& name) const {
    if (name == input_->name() || constant(name) != nullptr || producer(name) != nullptr) return;
    for (const onnx::NodeProto& other : graph().node()) {
        if (std::find(other.output().begin(), other.output().end(), name) == other.output().end()) continue;
        fail(node, "its input '{}' is computed only later, by {}: the graph is not sorted or has a cycle", name,
             label(other));
    }
    fail(node, "its input '{}' is missing: no initialiser, graph input or node output has this name", name);
}

const onnx::TensorProto* OnnxModel::constant(const std::string& name) const {
    const auto found = constants_.find(name);
    return found == constants_.end() ? nullptr : found->second;
}

const onnx::NodeProto* OnnxModel::producer(const std::string& name) const {
    const auto found = producers_.find(name);
    return found == producers_.end() ? nullptr : found->second;
}

const std::vector<const onnx::NodeProto*>& OnnxModel::consumers(const std::string& name) const {
    static const std::vector<const onnx::NodeProto*> kNone;
    const auto found = consumers_.find(name);
    return found == consumers_.end() ? kNone : found->second;
}

}  // namespace widthwise
