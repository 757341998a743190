// SPDX-License-Identifier: Apache-2.0
// The typed layer graph of a quantized CNN: what the importer produces and everything else reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arithmetic/quantization.h"
#include "arithmetic/requantize.h"

namespace widthwise {

/// A quantized activation tensor; values are 8-bit, stored as raw bytes.
struct Tensor {
    std::string name;
    Shape shape;
    Quantization quantization;
};

/// Kernel, stride, dilation and padding of a convolution or pooling, in pixels. Pooling has no dilation.
struct Window {
    int kernel_height = 1;
    int kernel_width = 1;
    int stride_height = 1;
    int stride_width = 1;
    int pad_top = 0;
    int pad_left = 0;
    int pad_bottom = 0;
    int pad_right = 0;
    int dilation_height = 1;  ///< distance of neighbouring kernel rows
    int dilation_width = 1;
    /// Pixels that the dilated kernel spans.
    [[nodiscard]] int span_height() const { return (kernel_height - 1) * dilation_height + 1; }
    [[nodiscard]] int span_width() const { return (kernel_width - 1) * dilation_width + 1; }
    /// Output extent for an input extent, (in + pads - span) / stride + 1.
    [[nodiscard]] int output_height(int height) const {
        return (height + pad_top + pad_bottom - span_height()) / stride_height + 1;
    }
    [[nodiscard]] int output_width(int width) const {
        return (width + pad_left + pad_right - span_width()) / stride_width + 1;
    }
    friend bool operator==(const Window&, const Window&) = default;
};

enum class OperatorKind : std::uint8_t {
    convolution,
    fully_connected,
    max_pool,
    average_pool,
    addition,        ///< of two feature maps of one shape, as behind a residual connection, or of a map and a constant
    requantization,  ///< of a feature map, to another scale, zero point or range
};

/// What was merged into the output range of an operator.
enum class Activation : std::uint8_t { none, relu, clip };

/// Signed weights of a convolution (out x in x kernel_height x kernel_width) or a fully connected layer
/// (out x in x 1 x 1, `in` counting the flattened input in CHW order). Where a file's weights have a zero point it is
/// taken off: real = scale * value. The values of an output channel come from 8 bits and so span 256 values at most.
struct Weights {
    int output_channels = 0;
    int input_channels = 0;  ///< of one group
    int kernel_height = 1;
    int kernel_width = 1;
    int bits = 8;                      ///< fewest bits, 2..9, that hold every value (two's complement)
    std::vector<std::int16_t> values;  ///< empty in a network of shapes
    std::vector<float> scales;         ///< one, or one per output channel
    std::vector<std::int32_t> bias;    ///< empty, or one per output channel; scale = input scale * weight scale
    [[nodiscard]] std::int64_t per_channel() const {
        return std::int64_t{input_channels} * kernel_height * kernel_width;
    }
    [[nodiscard]] float scale(int channel) const { return scales.size() == 1 ? scales[0] : scales[channel]; }
};

/// An average pool whose outputs are its sums shifted right, instead of divided by the number of pixels.
struct SumShift {
    int bits = 0;             ///< 0..62
    bool rounds_down = true;  ///< else half to even
    friend bool operator==(const SumShift&, const SumShift&) = default;
};

/// What an addition adds to a map in place of a second one.
struct AddedConstant {
    std::vector<std::int16_t> values;  ///< stored integers, one per channel of the map
    Quantization quantization;
    /// It is the addition's first operand, the map its second, in the order in which float32 sums are rounded.
    bool is_first = false;
    friend bool operator==(const AddedConstant&, const AddedConstant&) = default;
};

struct Network;

/// One operator. Convolution and fully connected use `weights`; convolution and pooling use `window`.
struct Operator {
    std::string name;  ///< ONNX node name (made from its output when the file gives none); unique
    OperatorKind kind = OperatorKind::convolution;
    int input = 0;          ///< index into Network::tensors
    int second_input = -1;  ///< index into Network::tensors; of an addition of two maps only
    int output = 0;         ///< index into Network::tensors
    Window window;
    /// Of a convolution: output channel m of group g reads the input channels of group g only, groups being
    /// consecutive channels (depthwise: as many groups as input channels).
    int groups = 1;
    Weights weights;
    std::optional<AddedConstant> constant;  ///< of an addition that has no second input
    Activation activation = Activation::none;
    int clamp_low = 0;  ///< quantized output range, activation included
    int clamp_high = 255;
    bool average_counts_padding = false;  ///< ONNX count_include_pad
    bool global_average = false;          ///< an average over the whole map, which ONNX Runtime rounds differently
    RuntimeKernel runtime_kernel = RuntimeKernel::integers;  ///< of an addition or an average
    std::optional<SumShift> sum_shift;                       ///< of an average pool: QONNX's Trunc behind it
    /// Of the last operator only, one with weights: its sums leave as they are, without requantization. Real value of a
    /// sum of output channel c: sum * input scale * weight scale of c. Its output's Quantization and clamp mean nothing.
    bool sums_leave = false;
    [[nodiscard]] bool has_weights() const {
        return kind == OperatorKind::convolution || kind == OperatorKind::fully_connected;
    }
    /// Real value of one in a sum of an output channel, exact.
    [[nodiscard]] double sum_scale(const Network& network, int channel) const;
};

/// Arithmetic that a file does on real inputs before it quantizes them: `value` after `value`, in float32.
struct InputStep {
    enum class Kind : std::uint8_t { add, subtract, multiply, divide };
    Kind kind = Kind::add;
    std::vector<float> values;  ///< one, or one per channel
    friend bool operator==(const InputStep&, const InputStep&) = default;
};

struct Network {
    std::string name;
    std::string path;  ///< the file it was read from
    /// MD5 of that file, hexadecimal; where values lie in other files or an output was chosen, MD5 over all of these.
    std::string digest;
    std::vector<Tensor> tensors;
    std::vector<Operator> operators;     ///< in execution order: tensors are written before they are read
    int input = 0;                       ///< index into tensors
    int output = 0;                      ///< index into tensors
    std::vector<InputStep> input_steps;  ///< in order, on the preprocessed image, before its quantization
    bool input_is_integer = false;       ///< the file takes integers: its user quantizes, the network does not
    bool input_is_bytes = false;         ///< the file takes bytes and computes on their numbers: they are not scaled
    bool has_values = true;              ///< else only shapes are known: there is nothing to compute
    /// Layers do not feed one another: each reads a map of its own from DRAM, and its output goes there.
    bool layers_apart = false;
    std::vector<std::string> notes;  ///< what a reader of results should know of the import, in sentences
    [[nodiscard]] const Operator* find(const std::string& operator_name) const;
};

/// Per output channel: the bias an accumulator of raw products needs, the file's bias minus
/// input zero point * sum of the channel's weights. sum(x*w) + folded = sum((x - zp)*w) + bias.
std::vector<std::int64_t> folded_bias(const Operator& op, const Quantization& input);

/// Multiply-accumulates per image; 0 for pooling.
std::int64_t multiply_accumulates(const Network& network, const Operator& op);

/// Two's complement accumulator bits that the worst input can need.
struct WorstCaseBits {
    int data_type = 0;  ///< from operand widths and number of taps alone
    int l1 = 0;         ///< from the actual weights (sums of the positive and of the negative ones) and the bias
};
/// Bounds hold for every intermediate sum in any order of accumulation of raw products, started at the folded bias or
/// at 0 (bias added later). Operands span their types for data_type; for l1, which a network of shapes does not have,
/// activations span what the limits of the operator that writes them leave. Both are 0 for pooling.
WorstCaseBits worst_case_accumulator_bits(const Network& network, const Operator& op);

}  // namespace widthwise
