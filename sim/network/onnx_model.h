// SPDX-License-Identifier: Apache-2.0
// A parsed ONNX file whose graph is sound: what the importer may take for granted.
#pragma once

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <istream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/error.h"

namespace widthwise {

/// Every tensor has one definition, before its uses; one input beside the constants, one output.
class OnnxModel {
public:
    /// Parses and checks. Throws InputError naming the file and, where there is one, the node.
    explicit OnnxModel(const std::string& path);
    OnnxModel(const OnnxModel&) = delete;  // the indices point into model_
    OnnxModel& operator=(const OnnxModel&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const onnx::GraphProto& graph() const { return model_.graph(); }
    [[nodiscard]] const onnx::ValueInfoProto& input() const { return *input_; }
    [[nodiscard]] const std::string& output_name() const { return graph().output(0).name(); }

    /// The initialiser or Constant node of this name, or null.
    [[nodiscard]] const onnx::TensorProto* constant(const std::string& name) const;
    /// The node that computes the tensor, or null.
    [[nodiscard]] const onnx::NodeProto* producer(const std::string& name) const;
    /// The nodes that read the tensor, one entry per use.
    [[nodiscard]] const std::vector<const onnx::NodeProto*>& consumers(const std::string& name) const;

    template <typename... Args>
    [[noreturn]] void fail(const onnx::NodeProto& node, fmt::format_string<Args...> text, Args&&... args) const {
        throw_error(label(node) + ": " + fmt::format(text, std::forward<Args>(args)...));
    }
    template <typename... Args>
    [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
        throw_error(fmt::format(text, std::forward<Args>(args)...));
    }
    /// "node 'c1' (Conv)", as messages name it.
    [[nodiscard]] static std::string label(const onnx::NodeProto& node);

private:
    [[noreturn]] void throw_error(const std::string& text) const { throw InputError(path_ + ": " + text); }
    void parse();
    /// Refuses what would take much more memory than bytes; leaves the stream at its start.
    void check_parts(std::istream& stream) const;
    void check_operator_set() const;
    void index_initializers();
    void find_ends();
    void index_node(const onnx::NodeProto& node);
    void index_constant_node(const onnx::NodeProto& node);
    void check_defined(const onnx::NodeProto& node, const std::string& name) const;

    std::string path_;
    onnx::ModelProto model_;
    const onnx::ValueInfoProto* input_ = nullptr;
    std::unordered_map<std::string, const onnx::TensorProto*> constants_;
    std::unordered_map<std::string, const onnx::NodeProto*> producers_;
    std::unordered_map<std::string, std::vector<const onnx::NodeProto*>> consumers_;
};

/// Input `index` of a node, "" when it is omitted (ONNX writes trailing ones as absent, others as empty names).
inline const std::string& input_name(const onnx::NodeProto& node, int index) {
    static const std::string kOmitted;
    return index < node.input_size() ? node.input(index) : kOmitted;
}

}  // namespace widthwise
