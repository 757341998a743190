// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_cleanup.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/error.h"
#include "network/onnx_fold.h"
#include "network/onnx_limits.h"
#include "network/onnx_qonnx.h"

namespace widthwise {
namespace {

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

bool is_standard(const onnx::NodeProto& node) { return node.domain().empty() || node.domain() == "ai.onnx"; }

bool is_any_of(const onnx::NodeProto& node, std::initializer_list<const char*> types) {
    return std::any_of(types.begin(), types.end(), [&](const char* type) { return node.op_type() == type; });
}

/// In any order of the nodes, since a graph that is not sorted is refused later, with a reason.
void drop_nodes_without_use(onnx::GraphProto& graph, const std::string& output) {
    std::unordered_map<std::string, int> producers;
    for (int i = 0; i < graph.node_size(); ++i) {
        for (const std::string& name : graph.node(i).output()) producers.emplace(name, i);
    }
    std::vector<bool> used(static_cast<std::size_t>(graph.node_size()), false);
    std::vector<std::string> wanted = {output};
    while (!wanted.empty()) {
        const auto found = producers.find(wanted.back());
        wanted.pop_back();
        if (found == producers.end() || used[static_cast<std::size_t>(found->second)]) continue;
        used[static_cast<std::size_t>(found->second)] = true;
        const onnx::NodeProto& node = graph.node(found->second);
        wanted.insert(wanted.end(), node.input().begin(), node.input().end());
    }
    Nodes kept;
    for (int i = 0; i < graph.node_size(); ++i) {
        if (used[static_cast<std::size_t>(i)]) *kept.Add() = std::move(*graph.mutable_node(i));
    }
    graph.mutable_node()->Swap(&kept);
}

void drop_constants_without_use(const onnx::GraphProto& graph, Constants& constants) {
    std::set<std::string> used;
    for (const onnx::NodeProto& node : graph.node()) used.insert(node.input().begin(), node.input().end());
    for (auto at = constants.begin(); at != constants.end();) {
        at = used.count(at->first) == 0 ? constants.erase(at) : std::next(at);
    }
}

/// One walk over the nodes, which puts those that stay into a new list.
class Pass {
public:
    Pass(onnx::GraphProto& graph, Constants& constants, std::string output, FoldBudget& budget)
        : graph_(graph), constants_(constants), output_(std::move(output)), budget_(budget) {
        for (const onnx::NodeProto& node : graph.node()) {
            for (const std::string& name : node.output()) names_.insert(name);
        }
    }

    void run() {
        for (onnx::NodeProto& node : *graph_.mutable_node()) visit(std::move(node));
        graph_.mutable_node()->Swap(&kept_);
    }

private:
    void visit(onnx::NodeProto&& node) {
        for (std::string& name : *node.mutable_input()) {
            if (const auto found = same_as_.find(name); found != same_as_.end()) name = found->second;
        }
        std::string why;
        const auto unused = [this](const std::string& base) { return unused_name(base); };
        if (auto nodes = qonnx_as_integers(node, {constants_, budget_, unused}, why)) {
            for (onnx::NodeProto& part : *nodes) visit(std::move(part));
            return;
        }
        if (leaves_no_trace(node) || becomes_constant(node) || moves_before_dequantizer(node) ||
            is_there_already(node)) {
            return;
        }
        if (node.op_type() == "DequantizeLinear" && node.output_size() == 1) dequantizers_[node.output(0)] = node;
        *kept_.Add() = std::move(node);
    }

    /// The graph's output keeps its name, and the node that computes it.
    bool replace(const std::string& name, const std::string& by) {
        if (name == output_) return false;
        same_as_[name] = by;
        return true;
    }

    bool leaves_no_trace(const onnx::NodeProto& node) {
        if (!is_standard(node) || node.output_size() < 1 || node.input_size() < 1) return false;
        if (casts_real_constant(node)) return replace(node.output(0), node.input(0));
        if (!is_any_of(node, {"Identity", "Dropout"})) return false;
        if (node.op_type() == "Identity" && node.input_size() != 1) return false;
        if (node.op_type() == "Dropout" && is_training(node)) return false;
        return !node.input(0).empty() && !has_mask(node) && replace(node.output(0), node.input(0));
    }

    /// A Cast to float of dequantized weights, which are float.
    [[nodiscard]] bool casts_real_constant(const onnx::NodeProto& node) const {
        if (node.op_type() != "Cast" || integer_attribute(node, "to", 0) != onnx::TensorProto::FLOAT) return false;
        const auto source = dequantizers_.find(node.input(0));
        return source != dequantizers_.end() && constants_.count(source->second.input(0)) != 0;
    }

    [[nodiscard]] bool is_training(const onnx::NodeProto& node) const {
        if (node.input_size() < 3 || node.input(2).empty()) return false;
        const auto found = constants_.find(node.input(2));
        return found == constants_.end() || found->second.elements() != 1 || found->second.at(0) != 0;
    }

    /// A Dropout's second output, which something reads.
    [[nodiscard]] bool has_mask(const onnx::NodeProto& node) const {
        if (node.output_size() < 2 || node.output(1).empty()) return false;
        return std::any_of(graph_.node().begin(), graph_.node().end(), [&](const onnx::NodeProto& other) {
            return std::find(other.input().begin(), other.input().end(), node.output(1)) != other.input().end();
        });
    }

    bool becomes_constant(const onnx::NodeProto& node) {
        if (node.output_size() != 1 || constants_.count(node.output(0)) != 0 || budget_.is_spent()) return false;
        try {
            if (is_standard(node) && node.op_type() == "Constant") return define(node, value_of_constant(node));
            if (node.input_size() == 0) return false;
            const auto inputs = constant_inputs(node, constants_);
            if (!inputs) return false;
            auto value = fold(node, *inputs);
            return value && define(node, std::move(*value));
        } catch (const InputError&) {
            return false;  // the import says why
        }
    }

    bool define(const onnx::NodeProto& node, ConstantTensor&& value) {
        if (!budget_.take(value)) return false;
        constants_[node.output(0)] = std::move(value);
        return true;
    }

    /// y = move(dequantize(constant)) becomes y = dequantize(move(constant)).
    bool moves_before_dequantizer(const onnx::NodeProto& node) {
        if (!is_standard(node) || !is_any_of(node, {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})) {
            return false;
        }
        if (node.output_size() != 1 || node.input_size() < 1) return false;
        const auto source = dequantizers_.find(node.input(0));
        if (source == dequantizers_.end() || budget_.is_spent()) return false;
        onnx::NodeProto moved = node;
        moved.set_input(0, source->second.input(0));
        const auto inputs = constant_inputs(moved, constants_);
        if (!inputs || inputs->at(0) == nullptr) return false;
        try {
            const ConstantTensor& before = *inputs->at(0);
            auto value = fold(moved, *inputs);
            onnx::NodeProto dequantizer = source->second;
            if (!value || !move_axis(node, before, *value, dequantizer)) return false;
            moved.set_output(0, unused_name(node.output(0) + "_values"));
            dequantizer.set_input(0, moved.output(0));
            dequantizer.set_output(0, node.output(0));
            if (!define(moved, std::move(*value))) return false;
            dequantizers_[node.output(0)] = dequantizer;
            *kept_.Add() = std::move(dequantizer);
            return true;
        } catch (const InputError&) {
            return false;
        }
    }

    /// Where scales lie along an axis, that axis must still be one; sets where it has gone.
    bool move_axis(const onnx::NodeProto& node, const ConstantTensor& before, const ConstantTensor& after,
                   onnx::NodeProto& dequantizer) const {
        const auto scale = constants_.find(dequantizer.input_size() > 1 ? dequantizer.input(1) : "");
        if (scale == constants_.end()) return false;
        if (scale->second.elements() == 1) return true;
        const std::size_t axis = axis_within(integer_attribute(dequantizer, "axis", 1), before.dimensions.size());
        std::size_t to = after.dimensions.size();
        if (node.op_type() == "Transpose") {
            const auto permutation = permutation_of(node, before.dimensions.size());
            const auto at = std::find(permutation.begin(), permutation.end(), static_cast<std::int64_t>(axis));
            to = static_cast<std::size_t>(at - permutation.begin());
        } else {
            const auto elements_before = [](const ConstantTensor& tensor, std::size_t end) {
                std::int64_t count = 1;
                for (std::size_t i = 0; i < end; ++i) count *= tensor.dimensions[i];
                return count;
            };
            const std::int64_t outer = elements_before(before, axis);
            for (std::size_t i = 0; i < after.dimensions.size(); ++i) {
                if (after.dimensions[i] == before.dimensions[axis] && elements_before(after, i) == outer) to = i;
            }
        }
        if (to == after.dimensions.size()) return false;
        for (auto& attribute : *dequantizer.mutable_attribute()) {
            if (attribute.name() == "axis") attribute.set_i(static_cast<std::int64_t>(to));
        }
        if (find_attribute(dequantizer, "axis") == nullptr) {
            auto* attribute = dequantizer.add_attribute();
            attribute->set_name("axis");
            attribute->set_type(onnx::AttributeProto::INT);
            attribute->set_i(static_cast<std::int64_t>(to));
        }
        return true;
    }

    std::string unused_name(std::string name) {
        while (constants_.count(name) != 0 || !names_.insert(name).second) name += '_';
        return name;
    }

    /// A tensor that is quantized (or dequantized) a second time, with equal parameters.
    bool is_there_already(const onnx::NodeProto& node) {
        if (!is_any_of(node, {"QuantizeLinear", "DequantizeLinear"}) || node.output_size() != 1) return false;
        if (node.input_size() < 2) return false;
        std::string key = node.op_type() + '\n' + node.domain() + '\n' + node.input(0);
        for (int i = 1; i < node.input_size(); ++i) {
            const auto found = constants_.find(node.input(i));
            if (found == constants_.end() && !node.input(i).empty()) return false;
            key += '\n';
            if (found == constants_.end()) continue;
            const ConstantTensor& parameter = found->second;
            key += fmt::format("{} {} ", parameter.data_type, parameter.bytes.size()) + parameter.bytes;
        }
        for (const auto& attribute : node.attribute()) key += '\n' + attribute.SerializeAsString();
        const auto first = there_.emplace(key, node.output(0));
        return !first.second && replace(node.output(0), first.first->second);
    }

    onnx::GraphProto& graph_;
    Constants& constants_;
    std::string output_;
    FoldBudget& budget_;
    Nodes kept_;
    std::set<std::string> names_;  ///< of tensors that nodes compute
    std::unordered_map<std::string, std::string> same_as_;
    std::unordered_map<std::string, onnx::NodeProto> dequantizers_;  ///< by output
    std::unordered_map<std::string, std::string> there_;             ///< first output by what the node is
};

}  // namespace

ConstantTensor value_of_constant(const onnx::NodeProto& node) {
    if (node.output_size() != 1 || node.attribute_size() != 1) throw InputError("expected one attribute with a value");
    const onnx::AttributeProto& attribute = node.attribute(0);
    const std::string& name = attribute.name();
    if (name == "value" && attribute.has_t()) return take_constant(onnx::TensorProto(attribute.t()));
    const auto scalar = [](ConstantTensor&& list) {
        list.dimensions.clear();
        return std::move(list);
    };
    const auto reals = [](const auto& values) {
        ConstantTensor tensor = make_constant(onnx::TensorProto::FLOAT, {static_cast<std::int64_t>(values.size())});
        std::int64_t i = 0;
        for (const float value : values) tensor.set(i++, value);
        return tensor;
    };
    if (name == "value_int") return scalar(make_integers({attribute.i()}));
    if (name == "value_ints") return make_integers({attribute.ints().begin(), attribute.ints().end()});
    if (name == "value_float") return scalar(reals(std::vector<float>{attribute.f()}));
    if (name == "value_floats") return reals(attribute.floats());
    throw InputError(
        fmt::format("attribute {} is not supported, expected value, value_float, value_floats, value_int or "
                    "value_ints",
                    name));
}

std::optional<std::vector<const ConstantTensor*>> constant_inputs(const onnx::NodeProto& node,
                                                                  const Constants& constants) {
    std::vector<const ConstantTensor*> inputs;
    for (const std::string& name : node.input()) {
        const auto found = constants.find(name);
        if (found == constants.end() && !name.empty()) return std::nullopt;
        inputs.push_back(found == constants.end() ? nullptr : &found->second);
    }
    return inputs;
}

FoldBudget::FoldBudget(const Constants& of_file) : left_(kMaxFoldedBytes) {
    for (const auto& [name, tensor] : of_file) left_ += static_cast<std::int64_t>(tensor.bytes.size());
}

bool FoldBudget::take(const ConstantTensor& value) {
    const auto bytes = static_cast<std::int64_t>(value.bytes.size());
    is_spent_ = is_spent_ || bytes > left_;
    if (!is_spent_) left_ -= bytes;
    return !is_spent_;
}

void clean_up(onnx::GraphProto& graph, Constants& constants, const std::string& output, FoldBudget& budget) {
    drop_nodes_without_use(graph, output);
    Pass(graph, constants, output, budget).run();
    drop_nodes_without_use(graph, output);
    drop_constants_without_use(graph, constants);
}

}  // namespace widthwise
