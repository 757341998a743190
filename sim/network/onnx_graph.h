// SPDX-License-Identifier: Apache-2.0
// The walk through an ONNX graph, node after node, and what is known of each tensor on the way.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/onnx_layout.h"
#include "network/onnx_model.h"
#include "network/onnx_operators.h"
#include "network/onnx_problems.h"

namespace widthwise {

/// What a tensor of the ONNX graph holds.
enum class Form : std::uint8_t {
    real_input,     ///< the graph input, or what arithmetic made of it, before its QuantizeLinear
    integer_input,  ///< a graph input of integers whose scale is not known yet
    quantized,      ///< integers
    real,           ///< the same dequantized
    pending,        ///< the output of an operator that is not quantized yet
    scores,         ///< what a Softmax and its like made of classes
    broken,         ///< the output of a node that could not be read
};

struct GraphValue {
    Form form = Form::quantized;
    FeatureView view;
    int tensor = -1;         ///< index into Network::tensors; of `pending` the operator's (first) input
    ClipRange clip;          ///< of real_input, and of real: a Relu or Clip that no operator has taken yet
    Padding padding;         ///< of real_input, quantized and real: a Pad that no operator has taken yet
    std::size_t steps = 0;   ///< of real_input: how many of Network::input_steps it went through
    bool unnamed = false;    ///< of real: computed without a quantizer, whose output would name it
    std::string pending_by;  ///< of scores: the pending operator's output, if its sums are the scores
};

/// Turns nodes into operators. Nodes come in the file's order, which is one of execution.
class GraphImporter {
public:
    explicit GraphImporter(OnnxModel& model);
    Network run();

private:
    using Step = void (GraphImporter::*)(const onnx::NodeProto&);
    static const std::map<std::string, Step>& steps();

    void visit(const onnx::NodeProto& node);
    void mark_broken(const onnx::NodeProto& node);
    static bool is_supported(const onnx::NodeProto& node);
    /// A node of constants, which defines another one or describes weights; false if it is none.
    bool is_of_constants(const onnx::NodeProto& node);
    void check_end();
    /// The sums of a pending operator are the graph's output, or the classes that it is made of.
    void end_with_sums(const std::string& sums, const std::string& output);
    void check_all_needed() const;

    // Operators of the QDQ form.
    void quantize(const onnx::NodeProto& node);
    void requantize(const onnx::NodeProto& node, const GraphValue& value, const Quantization& found);
    void quantize_input(const onnx::NodeProto& node, GraphValue value, const Quantization& found);
    void dequantize(const onnx::NodeProto& node);
    void convolution(const onnx::NodeProto& node);
    void fully_connected(const onnx::NodeProto& node);
    void max_pool(const onnx::NodeProto& node);
    void average_pool(const onnx::NodeProto& node);
    void add(const onnx::NodeProto& node);
    /// Input `constant` of the node is one, the other a dequantized map.
    void add_constant(const onnx::NodeProto& node, int constant);
    void relu(const onnx::NodeProto& node);
    void clip(const onnx::NodeProto& node);
    void clip_integers(const onnx::NodeProto& node, const GraphValue& value);
    void truncate(const onnx::NodeProto& node);
    // Operators that move values or ask for their number.
    void flatten(const onnx::NodeProto& node);
    void reshape(const onnx::NodeProto& node);
    void reshape_to(const onnx::NodeProto& node, GraphValue value, const FeatureView::Extents& target);
    void squeeze(const onnx::NodeProto& node);
    void unsqueeze(const onnx::NodeProto& node);
    void transpose(const onnx::NodeProto& node);
    void pad(const onnx::NodeProto& node);
    void shape(const onnx::NodeProto& node);
    void identity(const onnx::NodeProto& node);
    // Operators on integers.
    void integer_layer(const onnx::NodeProto& node);
    void integer_pool(const onnx::NodeProto& node);
    void integer_addition(const onnx::NodeProto& node);
    // Operators from integers to sums.
    void sums_of_integers(const onnx::NodeProto& node);
    void cast(const onnx::NodeProto& node);
    void scale(const onnx::NodeProto& node);
    // Arithmetic with a constant on the graph's input, and what may stand at the graph's end.
    void arithmetic(const onnx::NodeProto& node);
    void classes(const onnx::NodeProto& node);
    // A Constant node that could not be evaluated.
    void constant(const onnx::NodeProto& node);

    /// The value that input `index` of the node has; throws when it is not computed from the graph input.
    const GraphValue& operand(const onnx::NodeProto& node, int index) const;
    /// The value of input 0, of classes too, without a Pad.
    GraphValue any_operand(const onnx::NodeProto& node);
    /// The same, dequantized, its values those of a tensor: a Relu or Clip that is left over becomes an operator.
    GraphValue dequantized_operand(const onnx::NodeProto& node, int index);
    /// An operand of an operator on integers, whose scale and zero point are its inputs index + 1 and index + 2.
    GraphValue integer_operand(const onnx::NodeProto& node, int index);
    /// An operand whose node has no place for a Pad before it.
    void refuse_padding(const onnx::NodeProto& node, const GraphValue& value) const;
    /// The array and the average read padding as the zero point: refuses a Pad with another value.
    void check_zero_padding(const onnx::NodeProto& node, const GraphValue& value) const;
    /// Of the input of a pending operator.
    [[nodiscard]] float input_scale(const PendingOperator& pending) const {
        return network_.tensors[static_cast<std::size_t>(pending.op.input)].quantization.scale;
    }
    [[nodiscard]] const Tensor& tensor(const GraphValue& value) const {
        return network_.tensors[static_cast<std::size_t>(value.tensor)];
    }
    void take_input_quantization(GraphValue& value, const std::string& name, const Quantization& found);

    void begin(const onnx::NodeProto& node, PendingOperator&& pending, const FeatureView& view, int input);
    /// The pending operator that the node's input 0 (or, of Add and Mul, either input) holds the sums of.
    PendingOperator& pending_before(const onnx::NodeProto& node);
    /// The node has been merged into the pending operator, which its output now names.
    void pass_on(const onnx::NodeProto& node, const FeatureView* view = nullptr);
    /// The node has no effect but on the view.
    void pass_value(const onnx::NodeProto& node, GraphValue value);
    void check_readers(const onnx::NodeProto& node) const;
    void check_room(PendingOperator& pending);
    void finish(PendingOperator&& pending, const std::string& name, const FeatureView& view, Quantization quantization);
    Quantization output_quantization(const onnx::NodeProto& node, const PendingOperator& pending,
                                     const Quantization& found) const;
    /// Adds an operator that limits integers; the value names its output then.
    void limit(const onnx::NodeProto& node, GraphValue& value, int low, int high, Activation activation);
    void settle_clip(const onnx::NodeProto& node, GraphValue& value, bool is_quantized_next);
    [[nodiscard]] bool is_at_most(float real, int tensor) const;
    int add_tensor(const std::string& name, const Shape& shape, const Quantization& quantization);
    std::string unique_name(const onnx::NodeProto& node);

    OnnxModel& model_;
    Network network_;
    bool input_is_signed_ = false;      ///< of a graph input of integers
    bool batch_is_open_ = false;        ///< the file leaves the number of images to its user
    std::int64_t parameter_bytes_ = 0;  ///< of the operators so far
    std::map<std::string, GraphValue> values_;
    std::map<std::string, PendingOperator> pending_;  ///< by the name of the tensor that holds their sums
    std::set<std::string> of_constants_;              ///< dequantized constants
    std::set<std::string> used_names_;                ///< lower case, as configurations refer to layers
    std::set<std::string> lone_limits_;               ///< operators that limit() added
    Problems problems_;
};

}  // namespace widthwise
