// SPDX-License-Identifier: Apache-2.0
// Changes sound ONNX models a little, so that most of them are still models: what a fuzzer of the import needs, since
// random bytes hardly ever get past the parser.
#pragma once

#include <onnx/onnx_pb.h>

#include <random>
#include <string>
#include <vector>

namespace widthwise::test {

class GraphMutator {
public:
    /// `seeds`: models to start from, and to take nodes and constants from.
    GraphMutator(std::vector<onnx::ModelProto> seeds, std::uint64_t seed) : seeds_(std::move(seeds)), random_(seed) {}

    /// One of the seeds with one to four changes.
    onnx::ModelProto next();
    /// What next() did, for messages.
    [[nodiscard]] const std::string& history() const { return history_; }

private:
    using Change = void (GraphMutator::*)(onnx::GraphProto&);

    int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }
    bool chance(int one_in) { return below(one_in) == 0; }
    std::int64_t number();
    onnx::NodeProto& any_node(onnx::GraphProto& graph) { return *graph.mutable_node(below(graph.node_size())); }
    std::string any_tensor(const onnx::GraphProto& graph);
    std::string add_list(onnx::GraphProto& graph, const std::vector<std::int64_t>& values);

    void drop_node(onnx::GraphProto& graph);
    void repeat_node(onnx::GraphProto& graph);
    void swap_nodes(onnx::GraphProto& graph);
    void rename_type(onnx::GraphProto& graph);
    void rewire_input(onnx::GraphProto& graph);
    void drop_input(onnx::GraphProto& graph);
    void change_attribute(onnx::GraphProto& graph);
    void drop_attribute(onnx::GraphProto& graph);
    void add_attribute(onnx::GraphProto& graph);
    void change_values(onnx::GraphProto& graph);
    void change_dimensions(onnx::GraphProto& graph);
    void change_type(onnx::GraphProto& graph);
    void change_ends(onnx::GraphProto& graph);
    void insert_node(onnx::GraphProto& graph);
    void take_constant(onnx::GraphProto& graph);

    std::vector<onnx::ModelProto> seeds_;
    std::mt19937_64 random_;
    std::string history_;
};

}  // namespace widthwise::test
