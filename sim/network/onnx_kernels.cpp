// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_kernels.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "network/onnx_merges.h"
#include "network/onnx_quantization.h"

namespace widthwise {
namespace {

/// Element types as the runtime has them when it chooses: int8 may have become uint8 by then.
enum class Stored : std::uint8_t { none, uint8, int8, int8_as_uint8 };

bool on_unsigned(Stored type) { return type == Stored::uint8 || type == Stored::int8_as_uint8; }

Stored stored_as(int data_type) {
    if (data_type == onnx::TensorProto::INT8) return Stored::int8;
    // A node that names no type has uint8.
    return data_type == onnx::TensorProto::UINT8 || data_type == 0 ? Stored::uint8 : Stored::none;
}

bool is_pair_shifted_past(const onnx::NodeProto& node) {
    constexpr std::array<std::string_view, 5> kTypes = {"MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze"};
    return std::find(kTypes.begin(), kTypes.end(), node.op_type()) != kTypes.end();
}

bool is_output(const OnnxModel& model, const std::string& name) { return name == model.output_name(); }

/// Readers of a quantizer's output, of which the runtime gives each a DequantizeLinear of its own; any number above one
/// stands for several, and for a reader of another kind.
std::size_t readers_of_pair(const OnnxModel& model, const std::string& quantized) {
    constexpr std::size_t kSeveral = 2;
    if (is_output(model, quantized)) return kSeveral;
    std::size_t readers = 0;
    for (const onnx::NodeProto* reader : model.consumers(quantized)) {
        if (reader->op_type() != "DequantizeLinear") return kSeveral;
        const std::string& real = reader->output(0);
        readers += model.consumers(real).size() + (is_output(model, real) ? 1 : 0);
    }
    return readers;
}

/// Of an int8 pair: the runtime relabels one that has its zero point written down and a single reader.
Stored relabelled(Stored type, const onnx::NodeProto& node, std::size_t readers) {
    const bool names_zero_point = !input_name(node, 2).empty();
    return type == Stored::int8 && names_zero_point && readers == 1 ? Stored::int8_as_uint8 : type;
}

Stored type_of_operand(const OnnxModel& model, const std::string& name) {
    const onnx::NodeProto* source = model.producer(name);
    const bool shifted = source != nullptr && is_pair_shifted_past(*source);
    while (source != nullptr && is_pair_shifted_past(*source)) source = model.producer(input_name(*source, 0));
    if (source == nullptr || source->op_type() != "DequantizeLinear") return Stored::none;
    const Stored type = stored_as(read_quantization(model, *source).data_type);
    const std::string& quantized = input_name(*source, 0);
    if (model.is_constant(quantized)) return type;  // of constants there is no pair
    if (shifted) return relabelled(type, *source, model.consumers(name).size());
    const onnx::NodeProto* quantizer = model.producer(quantized);
    const bool is_pair = quantizer != nullptr && quantizer->op_type() == "QuantizeLinear";
    return is_pair ? relabelled(type, *source, readers_of_pair(model, quantized)) : type;
}

/// Whether every number that the quantizer stands for lies in the range, but for an epsilon as the runtime has it.
bool implies(const OnnxModel& model, const onnx::NodeProto& quantizer, const ClipRange& range) {
    constexpr float kEpsilon = std::numeric_limits<float>::epsilon();
    if (range.limits() && input_name(quantizer, 2).empty()) return false;  // it looks at written zero points only
    const Quantization found = activation_quantization(model, quantizer, onnx::TensorProto::UINT8);
    const auto real = [&](int stored) { return found.scale * static_cast<float>(stored - found.zero_point); };
    return range.low - real(found.low()) <= kEpsilon && real(found.high()) - range.high <= kEpsilon;
}

Stored type_of_result(const OnnxModel& model, const onnx::NodeProto& node) {
    ClipRange range;
    bool shifted = false;
    for (std::string name = node.output(0);;) {
        const auto& readers = model.consumers(name);
        if (is_output(model, name) || readers.size() != 1) return Stored::none;
        const onnx::NodeProto& reader = *readers.front();
        const bool limits = reader.op_type() == "Relu" || reader.op_type() == "Clip";
        // A limit goes if the quantizer stands right behind it, before the pair is shifted past anything.
        if (limits && shifted) return Stored::none;
        if (reader.op_type() == "QuantizeLinear") {
            if (!implies(model, reader, range)) return Stored::none;
            const Stored type = stored_as(read_quantization(model, reader).data_type);
            return relabelled(type, reader, shifted ? 1 : readers_of_pair(model, reader.output(0)));
        }
        if (reader.op_type() == "Relu") range = range.then({0.0F, std::numeric_limits<float>::infinity()});
        else if (reader.op_type() == "Clip") range = range.then(read_clip(model, reader));
        else if (is_pair_shifted_past(reader)) shifted = true;
        else return Stored::none;
        name = reader.output(0);
    }
}

}  // namespace

RuntimeKernel runtime_kernel(const OnnxModel& model, const onnx::NodeProto& node) {
    if (node.op_type() == "ReduceMean") return RuntimeKernel::reals;
    const Stored result = type_of_result(model, node);
    if (result == Stored::none) return RuntimeKernel::reals;
    // int8 made uint8 and uint8 from the start are one type to the runtime.
    for (const std::string& name : node.input()) {
        const Stored type = type_of_operand(model, name);
        if (type == Stored::none || on_unsigned(type) != on_unsigned(result)) return RuntimeKernel::reals;
    }
    return on_unsigned(result) ? RuntimeKernel::unsigned_integers : RuntimeKernel::integers;
}

}  // namespace widthwise
