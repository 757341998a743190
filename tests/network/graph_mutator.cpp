// SPDX-License-Identifier: Apache-2.0
#include "network/graph_mutator.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace widthwise::test {
namespace {

const char* const kTypes[] = {"Add",
                              "ArgMax",
                              "AveragePool",
                              "Cast",
                              "Clip",
                              "Concat",
                              "Conv",
                              "ConvInteger",
                              "DequantizeLinear",
                              "Div",
                              "Dropout",
                              "Flatten",
                              "Gather",
                              "Gemm",
                              "GlobalAveragePool",
                              "Identity",
                              "MatMul",
                              "MatMulInteger",
                              "MaxPool",
                              "Mul",
                              "Pad",
                              "QuantizeLinear",
                              "ReduceMean",
                              "Relu",
                              "Reshape",
                              "Shape",
                              "Slice",
                              "Softmax",
                              "Squeeze",
                              "Sub",
                              "Transpose",
                              "Unsqueeze",
                              "Quant",
                              "BipolarQuant",
                              "QLinearConv",
                              "QGemm"};

void set(onnx::NodeProto& node, const std::string& name, const std::vector<std::int64_t>& values) {
    onnx::AttributeProto* attribute = node.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute->add_ints(value);
}

}  // namespace

/// Small ones mostly, and those at the edges of their types.
std::int64_t GraphMutator::number() {
    static const std::int64_t kEdges[] = {-1,  0,     1,     2,         7,         127,         128,
                                          255, 65535, 65536, 1LL << 31, 1LL << 62, -(1LL << 62)};
    if (chance(3)) return kEdges[below(static_cast<int>(std::size(kEdges)))];
    return below(9) - 2;
}

std::string GraphMutator::any_tensor(const onnx::GraphProto& graph) {
    std::vector<std::string> names;
    for (const auto& input : graph.input()) names.push_back(input.name());
    for (const auto& tensor : graph.initializer()) names.push_back(tensor.name());
    for (const auto& node : graph.node()) names.insert(names.end(), node.output().begin(), node.output().end());
    return names.empty() ? "" : names[static_cast<std::size_t>(below(static_cast<int>(names.size())))];
}

std::string GraphMutator::add_list(onnx::GraphProto& graph, const std::vector<std::int64_t>& values) {
    onnx::TensorProto* tensor = graph.add_initializer();
    tensor->set_name(fmt::format("mutated{}", graph.initializer_size()));
    tensor->set_data_type(onnx::TensorProto::INT64);
    tensor->add_dims(static_cast<std::int64_t>(values.size()));
    for (const std::int64_t value : values) tensor->add_int64_data(value);
    return tensor->name();
}

void GraphMutator::drop_node(onnx::GraphProto& graph) {
    graph.mutable_node()->DeleteSubrange(below(graph.node_size()), 1);
}

void GraphMutator::repeat_node(onnx::GraphProto& graph) {
    onnx::NodeProto copy = any_node(graph);
    if (chance(2)) {
        const onnx::GraphProto& other =
            seeds_[static_cast<std::size_t>(below(static_cast<int>(seeds_.size())))].graph();
        copy = other.node(below(other.node_size()));
        for (std::string& input : *copy.mutable_input()) input = any_tensor(graph);
    }
    for (std::string& output : *copy.mutable_output()) output += "_again";
    *graph.add_node() = copy;
}

void GraphMutator::swap_nodes(onnx::GraphProto& graph) {
    graph.mutable_node()->SwapElements(below(graph.node_size()), below(graph.node_size()));
}

void GraphMutator::rename_type(onnx::GraphProto& graph) {
    onnx::NodeProto& node = any_node(graph);
    node.set_op_type(kTypes[below(static_cast<int>(std::size(kTypes)))]);
    if (node.op_type().find("Quant") != std::string::npos && chance(2)) node.set_domain("qonnx.custom_op.general");
}

void GraphMutator::rewire_input(onnx::GraphProto& graph) {
    onnx::NodeProto& node = any_node(graph);
    if (node.input_size() == 0 || chance(6)) node.add_input(any_tensor(graph));
    else node.set_input(below(node.input_size()), chance(8) ? "" : any_tensor(graph));
}

void GraphMutator::drop_input(onnx::GraphProto& graph) {
    onnx::NodeProto& node = any_node(graph);
    if (node.input_size() > 0) node.mutable_input()->RemoveLast();
}

void GraphMutator::change_attribute(onnx::GraphProto& graph) {
    onnx::NodeProto& node = any_node(graph);
    if (node.attribute_size() == 0) return;
    onnx::AttributeProto& attribute = *node.mutable_attribute(below(node.attribute_size()));
    switch (attribute.type()) {
        case onnx::AttributeProto::INT: attribute.set_i(number()); break;
        case onnx::AttributeProto::FLOAT: attribute.set_f(static_cast<float>(number()) / 4.0F); break;
        case onnx::AttributeProto::INTS:
            if (attribute.ints_size() == 0 || chance(5)) attribute.add_ints(number());
            else attribute.set_ints(below(attribute.ints_size()), number());
            break;
        case onnx::AttributeProto::STRING: attribute.set_s(chance(2) ? "SAME_UPPER" : "reflect"); break;
        default: attribute.set_name("value_int"); attribute.set_i(number());
    }
}

void GraphMutator::drop_attribute(onnx::GraphProto& graph) {
    onnx::NodeProto& node = any_node(graph);
    if (node.attribute_size() > 0) node.mutable_attribute()->RemoveLast();
}

void GraphMutator::add_attribute(onnx::GraphProto& graph) {
    static const char* const kNames[] = {"axis",         "axes",         "keepdims",  "perm",     "pads",
                                         "strides",      "group",        "ceil_mode", "alpha",    "allowzero",
                                         "to",           "kernel_shape", "dilations", "auto_pad", "count_include_pad",
                                         "output_dtype", "transB"};
    onnx::NodeProto& node = any_node(graph);
    const char* name = kNames[below(static_cast<int>(std::size(kNames)))];
    std::vector<std::int64_t> values(static_cast<std::size_t>(below(5)));
    for (std::int64_t& value : values) value = number();
    set(node, name, values);
    onnx::AttributeProto& added = *node.mutable_attribute(node.attribute_size() - 1);
    if (chance(2)) {
        added.set_type(onnx::AttributeProto::INT);
        added.set_i(number());
    }
}

void GraphMutator::change_values(onnx::GraphProto& graph) {
    if (graph.initializer_size() == 0) return;
    onnx::TensorProto& tensor = *graph.mutable_initializer(below(graph.initializer_size()));
    std::string& raw = *tensor.mutable_raw_data();
    if (raw.empty()) return;
    for (int i = below(4); i >= 0; --i)
        raw[static_cast<std::size_t>(below(static_cast<int>(raw.size())))] = static_cast<char>(below(256));
}

void GraphMutator::change_dimensions(onnx::GraphProto& graph) {
    if (graph.initializer_size() == 0) return;
    onnx::TensorProto& tensor = *graph.mutable_initializer(below(graph.initializer_size()));
    if (tensor.dims_size() == 0 || chance(4)) tensor.add_dims(chance(2) ? 1 : number());
    else if (chance(2)) tensor.mutable_dims()->SwapElements(0, tensor.dims_size() - 1);
    else tensor.set_dims(below(tensor.dims_size()), number());
}

void GraphMutator::change_type(onnx::GraphProto& graph) {
    if (graph.initializer_size() == 0) return;
    graph.mutable_initializer(below(graph.initializer_size()))->set_data_type(below(24));
}

void GraphMutator::change_ends(onnx::GraphProto& graph) {
    if (chance(3)) graph.mutable_output(0)->set_name(any_tensor(graph));
    else if (chance(3)) *graph.add_output() = graph.output(0);
    else if (graph.input_size() > 0) {
        auto* type = graph.mutable_input(0)->mutable_type()->mutable_tensor_type();
        if (chance(3)) type->set_elem_type(below(8));
        auto* shape = type->mutable_shape();
        if (shape->dim_size() == 0 || chance(5)) shape->add_dim()->set_dim_value(number());
        else shape->mutable_dim(below(shape->dim_size()))->set_dim_value(number());
    }
}

/// In front of one of a node's inputs.
void GraphMutator::insert_node(onnx::GraphProto& graph) {
    const int at = below(graph.node_size());
    if (graph.node(at).input_size() == 0) return;
    static const char* const kInserted[] = {"Identity", "Transpose",  "Reshape", "Squeeze", "Unsqueeze",
                                            "Relu",     "Flatten",    "Pad",     "Cast",    "MaxPool",
                                            "Softmax",  "ReduceMean", "Dropout"};
    onnx::NodeProto node;
    node.set_op_type(kInserted[below(static_cast<int>(std::size(kInserted)))]);
    node.add_input(graph.node(at).input(0));
    node.add_output(fmt::format("inserted{}", graph.node_size()));
    node.set_name(node.output(0) + "_node");
    std::vector<std::int64_t> values(static_cast<std::size_t>(1 + below(4)));
    for (std::int64_t& value : values) value = below(5) - 1;
    if (node.op_type() == "Transpose") {
        std::vector<std::int64_t> order = {0, 1, 2, 3};
        order.resize(static_cast<std::size_t>(2 + below(3)));
        std::shuffle(order.begin(), order.end(), random_);
        set(node, "perm", order);
    } else if (node.op_type() == "Pad") {
        values.assign(8, 0);
        values[static_cast<std::size_t>(below(8))] = below(3);
        node.add_input(add_list(graph, values));
    } else if (node.op_type() == "MaxPool") {
        set(node, "kernel_shape", {1 + below(3), 1 + below(3)});
    } else if (node.op_type() == "Reshape" || node.op_type() == "Squeeze" || node.op_type() == "Unsqueeze") {
        node.add_input(add_list(graph, values));
    } else if (node.op_type() == "ReduceMean") {
        set(node, "axes", {2, 3});
    }
    graph.mutable_node(at)->set_input(0, node.output(0));
    onnx::GraphProto copy = graph;
    graph.clear_node();
    for (int i = 0; i < copy.node_size(); ++i) {
        if (i == at) *graph.add_node() = node;
        *graph.add_node() = copy.node(i);
    }
}

void GraphMutator::take_constant(onnx::GraphProto& graph) {
    const onnx::GraphProto& other = seeds_[static_cast<std::size_t>(below(static_cast<int>(seeds_.size())))].graph();
    if (graph.initializer_size() == 0 || other.initializer_size() == 0) return;
    onnx::TensorProto& tensor = *graph.mutable_initializer(below(graph.initializer_size()));
    const std::string name = tensor.name();
    tensor = other.initializer(below(other.initializer_size()));
    tensor.set_name(name);
}

onnx::ModelProto GraphMutator::next() {
    static const std::pair<const char*, Change> kChanges[] = {
        {"drop_node", &GraphMutator::drop_node},
        {"repeat_node", &GraphMutator::repeat_node},
        {"swap_nodes", &GraphMutator::swap_nodes},
        {"rename_type", &GraphMutator::rename_type},
        {"rewire_input", &GraphMutator::rewire_input},
        {"drop_input", &GraphMutator::drop_input},
        {"change_attribute", &GraphMutator::change_attribute},
        {"drop_attribute", &GraphMutator::drop_attribute},
        {"add_attribute", &GraphMutator::add_attribute},
        {"change_values", &GraphMutator::change_values},
        {"change_dimensions", &GraphMutator::change_dimensions},
        {"change_type", &GraphMutator::change_type},
        {"change_ends", &GraphMutator::change_ends},
        {"insert_node", &GraphMutator::insert_node},
        {"take_constant", &GraphMutator::take_constant},
    };
    const int start = below(static_cast<int>(seeds_.size()));
    onnx::ModelProto model = seeds_[static_cast<std::size_t>(start)];
    history_ = fmt::format("{}:", model.graph().name());
    for (int changes = 1 + below(4); changes > 0 && model.graph().node_size() > 0; --changes) {
        const auto& [name, change] = kChanges[below(static_cast<int>(std::size(kChanges)))];
        history_ += fmt::format(" {}", name);
        (this->*change)(*model.mutable_graph());
    }
    return model;
}

}  // namespace widthwise::test
