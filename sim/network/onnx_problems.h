// SPDX-License-Identifier: Apache-2.0
// Everything that keeps a network from being read, so that its owner sees all of it at once.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "network/onnx_model.h"

namespace widthwise {

class Problems {
public:
    /// The node cannot be read. `text`: as OnnxModel::fail() would say it, without the file.
    void add(std::string text);
    /// A node whose operator is not supported; nodes of one kind share a sentence.
    void add_unsupported(const onnx::NodeProto& node);
    [[nodiscard]] bool empty() const { return texts_.empty() && unsupported_.empty(); }
    /// Throws InputError if there are any: one line for one, else a line for each, up to a few dozen. `supported`: names
    /// of the operators that are, for the sentence about those that are not.
    void raise(const OnnxModel& model, const std::vector<std::string>& supported) const;

private:
    std::vector<std::string> texts_;
    std::map<std::string, std::vector<std::string>> unsupported_;  ///< labels of nodes by operator, domain in front
};

/// What to do about a file that is not quantized, or quantized while it runs; "" where neither holds.
std::string quantization_advice(const onnx::GraphProto& graph);

}  // namespace widthwise
