// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_model.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>

#include "network/model_parts.h"
#include "network/onnx_external.h"
#include "network/onnx_limits.h"
#include "network/onnx_qonnx.h"

namespace widthwise {
namespace {

constexpr std::int64_t kFirstOperatorSetWithQuantizeLinear = 10;

}  // namespace

OnnxModel::OnnxModel(const std::string& path, const std::string& output) : path_(path) {
    parse();
    check_operator_set();
    choose_output(output);
    check_order();
    take_initializers();
    fold_budget_ = FoldBudget(constants_);
    clean_up(*model_.mutable_graph(), constants_, output_, fold_budget_);
    find_input();
    for (const onnx::NodeProto& node : graph().node()) index_node(node);
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

void OnnxModel::check_operator_set() {
    for (const onnx::OperatorSetIdProto& set : model_.opset_import()) {
        if (!set.domain().empty() && set.domain() != "ai.onnx") continue;
        operator_set_ = set.version();
        if (set.version() >= kFirstOperatorSetWithQuantizeLinear) return;
        fail("operator set {}, expected {} or later (with QuantizeLinear)", set.version(),
             kFirstOperatorSetWithQuantizeLinear);
    }
    fail("names no ONNX operator set: not an ONNX model, or one that is cut short");
}

void OnnxModel::choose_output(const std::string& name) {
    std::vector<std::string> names;
    for (const onnx::ValueInfoProto& output : graph().output()) names.push_back(output.name());
    if (names.empty()) fail("has no graph output, expected one (classes)");
    const auto chosen = std::find(names.begin(), names.end(), name);
    if (name.empty() && names.size() > 1) {
        fail("has {} graph outputs ({}), expected one, or the name of the one that labels belong to (network_output)",
             names.size(), fmt::join(names, ", "));
    }
    if (!name.empty() && chosen == names.end()) {
        fail("has no graph output '{}', expected one of {}", name, fmt::join(names, ", "));
    }
    output_ = name.empty() ? names[0] : name;
    names.erase(std::find(names.begin(), names.end(), output_));
    other_outputs_ = std::move(names);
}

/// Moves values out of the parsed file, so that they are in memory once.
void OnnxModel::take_initializers() {
    if (graph().sparse_initializer_size() != 0) fail("has sparse initialisers, expected dense ones");
    std::set<std::string> used, seen;
    for (const onnx::NodeProto& node : graph().node()) used.insert(node.input().begin(), node.input().end());
    ExternalData external(path_);
    for (onnx::TensorProto& tensor : *model_.mutable_graph()->mutable_initializer()) {
        const std::string name = tensor.name();
        if (!seen.insert(name).second) fail("initialiser '{}' is there twice", name);
        if (used.count(name) == 0) continue;
        try {
            external.read(tensor);
            constants_.emplace(name, take_constant(std::move(tensor)));
        } catch (const InputError& error) {  // may never be needed
            unreadable_.emplace(name, error.what());
        }
    }
    external_files_ = external.files();
}

void OnnxModel::find_input() {
    std::set<std::string> used;
    for (const onnx::NodeProto& node : graph().node()) used.insert(node.input().begin(), node.input().end());
    std::set<std::string> initializers;  // files before IR version 4 list them as inputs
    for (const onnx::TensorProto& tensor : graph().initializer()) initializers.insert(tensor.name());
    for (const onnx::ValueInfoProto& input : graph().input()) {
        if (initializers.count(input.name()) != 0 || used.count(input.name()) == 0) continue;
        if (input_ != nullptr) {
            fail("has the graph inputs '{}' and '{}', expected one (images); a missing initialiser looks like this too",
                 input_->name(), input.name());
        }
        input_ = &input;
    }
    if (input_ != nullptr && !input_->name().empty()) return;
    for (const onnx::NodeProto& node : graph().node()) {
        for (const onnx::AttributeProto& attribute : node.attribute()) {
            if (!attribute.has_g()) continue;
            fail(node, "runs a graph of its own (control flow), which is not modelled: export the network without it");
        }
    }
    fail("has no graph input that its output depends on, expected one (images)");
}

void OnnxModel::check_order() const {
    std::set<std::string> defined, computed;
    for (const onnx::TensorProto& tensor : graph().initializer()) {
        if (tensor.name().empty()) fail("an initialiser has no name");
        defined.insert(tensor.name());
    }
    if (graph().input().empty()) fail("has no graph input, expected one (images)");
    for (const onnx::ValueInfoProto& input : graph().input()) defined.insert(input.name());
    for (const onnx::NodeProto& node : graph().node()) {
        for (const std::string& name : node.input()) {
            if (!name.empty() && defined.count(name) == 0) fail_undefined(node, name);
        }
        for (const std::string& name : node.output()) {
            if (name.empty()) continue;
            if (!defined.insert(name).second) fail(node, "its output '{}' is defined elsewhere already", name);
            computed.insert(name);
        }
    }
    if (computed.count(output_) == 0) fail("no node computes the graph output '{}'", output_);
}

void OnnxModel::fail_undefined(const onnx::NodeProto& node, const std::string& name) const {
    for (const onnx::NodeProto& other : graph().node()) {
        if (std::find(other.output().begin(), other.output().end(), name) == other.output().end()) continue;
        fail(node, "its input '{}' is computed only later, by {}: the graph is not sorted or has a cycle", name,
             label(other));
    }
    fail(node, "its input '{}' is missing: no initialiser, graph input or node output has this name", name);
}

void OnnxModel::index_node(const onnx::NodeProto& node) {
    for (const std::string& name : node.input()) {
        if (!name.empty() && node.op_type() != "Shape" && node.op_type() != "Size") consumers_[name].push_back(&node);
    }
    for (const std::string& name : node.output()) {
        if (!name.empty()) producers_.emplace(name, &node);
    }
}

const ConstantTensor* OnnxModel::constant(const onnx::NodeProto& user, const std::string& name) const {
    const auto unreadable = unreadable_.find(name);
    if (unreadable != unreadable_.end()) fail(user, "{}", unreadable->second);
    const auto found = constants_.find(name);
    return found == constants_.end() ? nullptr : &found->second;
}

std::optional<std::vector<const ConstantTensor*>> OnnxModel::constants_of(const onnx::NodeProto& node) const {
    return constant_inputs(node, constants_);
}

void OnnxModel::check_fold_budget(const onnx::NodeProto& node) const {
    if (!fold_budget_.is_spent()) return;
    fail(node, "computes a constant: with those before it more bytes than are evaluated ({} beyond the file's own)",
         kMaxFoldedBytes);
}

void OnnxModel::define(const onnx::NodeProto& node, ConstantTensor&& value) {
    if (!fold_budget_.take(value)) check_fold_budget(node);
    constants_[node.output(0)] = std::move(value);
}

std::string OnnxModel::why_not_integers(const onnx::NodeProto& node) const {
    std::string why;
    if (!is_qonnx(node)) return why;
    Constants constants;  // its parameters alone, since what it makes of them is not kept
    FoldBudget budget = fold_budget_;
    for (const std::string& name : node.input()) {
        const auto found = constants_.find(name);
        if (found != constants_.end()) constants.insert(*found);
    }
    qonnx_as_integers(node, {constants, budget, [](const std::string& name) { return name; }}, why);
    return why;
}

bool OnnxModel::has_function(const std::string& type) const {
    return std::any_of(model_.functions().begin(), model_.functions().end(), [&](const onnx::FunctionProto& function) {
        return (function.domain().empty() ? function.name() : function.domain() + "." + function.name()) == type;
    });
}

std::string OnnxModel::without_path(const onnx::NodeProto& node, const std::string& text) const {
    const std::string prefix = path_ + ": ";
    return text.rfind(prefix, 0) == 0 ? text.substr(prefix.size()) : label(node) + ": " + text;
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
