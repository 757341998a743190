// SPDX-License-Identifier: Apache-2.0
// A parsed ONNX file whose graph is cleaned up and sound: what the importer may take for granted.
#pragma once

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <istream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/error.h"
#include "network/onnx_cleanup.h"

namespace widthwise {

/// Every tensor has one definition, before its uses; one input beside the constants, one output, and no node that the
/// output does not need (see onnx_cleanup.h for what else is gone).
class OnnxModel {
public:
    /// Parses, cleans up and checks. `output` names the output to compute; "" where the file has only one. Throws
    /// InputError naming the file and, where there is one, the node.
    explicit OnnxModel(const std::string& path, const std::string& output = "");
    OnnxModel(const OnnxModel&) = delete;  // the indices point into model_
    OnnxModel& operator=(const OnnxModel&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const onnx::GraphProto& graph() const { return model_.graph(); }
    [[nodiscard]] const onnx::ValueInfoProto& input() const { return *input_; }
    [[nodiscard]] const std::string& output_name() const { return output_; }
    /// Of the standard's operators.
    [[nodiscard]] std::int64_t operator_set() const { return operator_set_; }
    /// Outputs of the file beside output_name().
    [[nodiscard]] const std::vector<std::string>& other_outputs() const { return other_outputs_; }
    /// Files with values that were read beside the model's own.
    [[nodiscard]] const std::set<std::string>& external_files() const { return external_files_; }

    /// The constant of this name, or null. Throws InputError, naming the node that reads it, for one whose values cannot
    /// be read.
    [[nodiscard]] const ConstantTensor* constant(const onnx::NodeProto& user, const std::string& name) const;
    [[nodiscard]] bool is_constant(const std::string& name) const {
        return constants_.count(name) != 0 || unreadable_.count(name) != 0;
    }
    /// All of the node's inputs, null where one is left out; nothing if one of them is no constant.
    [[nodiscard]] std::optional<std::vector<const ConstantTensor*>> constants_of(const onnx::NodeProto& node) const;
    /// Throws InputError when constants computed so far took too much.
    void check_fold_budget(const onnx::NodeProto& node) const;
    /// The output of a node turned out to be constant on the way. Throws InputError when such constants take too much.
    void define(const onnx::NodeProto& node, ConstantTensor&& value);
    /// The node that computes the tensor, or null.
    [[nodiscard]] const onnx::NodeProto* producer(const std::string& name) const;
    /// The nodes that read the tensor's values, one entry per use; those that only ask for its shape are left out.
    [[nodiscard]] const std::vector<const onnx::NodeProto*>& consumers(const std::string& name) const;

    template <typename... Args>
    [[noreturn]] void fail(const onnx::NodeProto& node, fmt::format_string<Args...> text, Args&&... args) const {
        throw_error(label(node) + ": " + fmt::format(text, std::forward<Args>(args)...));
    }
    template <typename... Args>
    [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
        throw_error(fmt::format(text, std::forward<Args>(args)...));
    }
    /// Whether the file defines the operator, "DOMAIN.TYPE" or "TYPE", as a function of others.
    [[nodiscard]] bool has_function(const std::string& type) const;
    /// Why a node of QONNX does not map onto integers; "" for other nodes.
    [[nodiscard]] std::string why_not_integers(const onnx::NodeProto& node) const;
    /// An error's text without the file, but with the node where it has none.
    [[nodiscard]] std::string without_path(const onnx::NodeProto& node, const std::string& text) const;
    /// "node 'c1' (Conv)", as messages name it.
    [[nodiscard]] static std::string label(const onnx::NodeProto& node);

private:
    [[noreturn]] void throw_error(const std::string& text) const { throw InputError(path_ + ": " + text); }
    void parse();
    /// Refuses what would take much more memory than bytes; leaves the stream at its start.
    void check_parts(std::istream& stream) const;
    void check_operator_set();
    void choose_output(const std::string& name);
    void take_initializers();
    /// Every tensor has one definition, before its uses.
    void check_order() const;
    [[noreturn]] void fail_undefined(const onnx::NodeProto& node, const std::string& name) const;
    void find_input();
    void index_node(const onnx::NodeProto& node);

    std::string path_;
    onnx::ModelProto model_;
    std::int64_t operator_set_ = 0;
    std::string output_;
    std::vector<std::string> other_outputs_;
    std::set<std::string> external_files_;
    const onnx::ValueInfoProto* input_ = nullptr;
    Constants constants_;
    FoldBudget fold_budget_;
    std::unordered_map<std::string, std::string> unreadable_;  ///< initialisers, and what is wrong with them
    std::unordered_map<std::string, const onnx::NodeProto*> producers_;
    std::unordered_map<std::string, std::vector<const onnx::NodeProto*>> consumers_;
};

/// Input `index` of a node, "" when it is omitted (ONNX writes trailing ones as absent, others as empty names).
inline const std::string& input_name(const onnx::NodeProto& node, int index) {
    static const std::string kOmitted;
    return index < node.input_size() ? node.input(index) : kOmitted;
}

}  // namespace widthwise
