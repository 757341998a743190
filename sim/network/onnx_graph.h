// SPDX-License-Identifier: Apache-2.0
// The walk through an ONNX graph, node after node, and what is known of each tensor on the way.
#pragma once

#include <map>
#include <set>
#include <string>

#include "network/network.h"
#include "network/onnx_model.h"
#include "network/onnx_operators.h"

namespace widthwise {

/// What a tensor of the ONNX graph holds.
enum class Form : std::uint8_t {
    real_input,  ///< the graph input, before its QuantizeLinear
    quantized,   ///< integers
    real,        ///< the same dequantized
    pending,     ///< the output of an operator that is not quantized yet
};

struct GraphValue {
    Form form = Form::quantized;
    FeatureShape features;
    int tensor = -1;        ///< index into Network::tensors; of `pending` the operator's (first) input
    ClipRange input_range;  ///< of real_input
};

/// Turns nodes into operators. Nodes come in the file's order, which is one of execution.
class GraphImporter {
public:
    explicit GraphImporter(const OnnxModel& model);
    Network run();

private:
    using Step = void (GraphImporter::*)(const onnx::NodeProto&);
    static const std::map<std::string, Step>& steps();

    void check_operator(const onnx::NodeProto& node) const;
    [[nodiscard]] bool is_of_constants(const onnx::NodeProto& node) const;
    void check_end();
    void check_all_needed() const;

    // Operators of the QDQ form.
    void quantize(const onnx::NodeProto& node);
    void dequantize(const onnx::NodeProto& node);
    void convolution(const onnx::NodeProto& node);
    void fully_connected(const onnx::NodeProto& node);
    void max_pool(const onnx::NodeProto& node);
    void average_pool(const onnx::NodeProto& node);
    void add(const onnx::NodeProto& node);
    void relu(const onnx::NodeProto& node);
    void clip(const onnx::NodeProto& node);
    void flatten(const onnx::NodeProto& node);
    void batch_normalization(const onnx::NodeProto& node);
    // Operators on integers.
    void integer_layer(const onnx::NodeProto& node);
    void integer_pool(const onnx::NodeProto& node);
    void integer_addition(const onnx::NodeProto& node);
    // Operators from integers to sums.
    void sums_of_integers(const onnx::NodeProto& node);
    void cast(const onnx::NodeProto& node);
    void scale(const onnx::NodeProto& node);

    /// The value that input `index` of the node has; throws when it is not computed from the graph input.
    const GraphValue& operand(const onnx::NodeProto& node, int index) const;
    const GraphValue& dequantized_operand(const onnx::NodeProto& node, int index) const;
    /// An operand of an operator on integers, whose scale and zero point are its inputs index + 1 and index + 2.
    const GraphValue& integer_operand(const onnx::NodeProto& node, int index) const;
    [[nodiscard]] const Tensor& tensor(const GraphValue& value) const {
        return network_.tensors[static_cast<std::size_t>(value.tensor)];
    }

    void begin(const onnx::NodeProto& node, PendingOperator&& pending, int input);
    /// The pending operator that the node's input 0 (or, of Add and Mul, either input) holds the sums of.
    PendingOperator& pending_before(const onnx::NodeProto& node);
    /// The node has been merged into the pending operator, which its output now names.
    void pass_on(const onnx::NodeProto& node);
    void check_room(PendingOperator& pending);
    void finish(PendingOperator&& pending, const std::string& name, Quantization quantization);
    void finish_sums(const std::string& name);
    Quantization output_quantization(const onnx::NodeProto& node, const PendingOperator& pending,
                                     const Quantization& found) const;
    int add_tensor(const std::string& name, const Shape& shape, const Quantization& quantization);
    std::string unique_name(const onnx::NodeProto& node);

    const OnnxModel& model_;
    Network network_;
    std::int64_t parameter_bytes_ = 0;  ///< of the operators so far
    std::map<std::string, GraphValue> values_;
    std::map<std::string, PendingOperator> pending_;  ///< by the name of the tensor that holds their sums
    std::set<std::string> of_constants_;              ///< quantized or dequantized constants
    std::set<std::string> used_names_;                ///< lower case, as configurations refer to layers
};

}  // namespace widthwise
