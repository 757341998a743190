// SPDX-License-Identifier: Apache-2.0
#include "schedule/describe_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/error.h"
#include "config/memory_rows.h"
#include "schedule/line_passes.h"
#include "schedule/stages/addition.h"
#include "schedule/stages/pooling.h"
#include "schedule/stages/requantization.h"
#include "schedule/tiling.h"
#include "text/letter_case.h"

namespace widthwise {

namespace {

/// A weight is stored in a byte.
constexpr int kStoredWeightBits = 8;
/// A stored integer less a zero point.
constexpr int kDifferenceBits = 9;

class LayerDescriber {
public:
    LayerDescriber(const Network& network, const HardwareParams& hardware) : network_(network), hardware_(hardware) {}

    LayerSchedule describe_frame(const LayerOperators& operators, int images) const {
        LayerSchedule layer;
        layer.images = images;
        const Operator& first = network_.operators[operators.first()];
        layer.name = first.name;
        layer.input = tensor(first.input).shape;
        layer.input_quantization = tensor(first.input).quantization;
        if (operators.computing >= 0) {
            layer.sums = tensor(first.output).shape;
            layer.output = layer.sums;
            describe_map(layer, first);
            layer.tap_count = static_cast<int>(first.weights.per_channel());
            describe_computation(layer, operators.computing);
        } else {
            describe_passing_pixels(layer);
        }
        if (operators.requantization >= 0)
            layer.requantization = describe_requantization(network_, hardware_, operators.requantization);
        if (operators.addition >= 0) describe_addition(layer, network_, hardware_, operators);
        if (operators.pool >= 0) describe_pooling(layer, network_, hardware_, operators.pool);
        layer.kernel_taps = kernel_of(layer);
        describe_nest(layer, hardware_);
        if (layer.pooling) check_pool_row_buffer(layer, hardware_);
        describe_attributes(layer);
        return layer;
    }

    void complete(LayerSchedule& layer, bool strips) const {
        if (layer.computation) {
            const Operator& op = network_.operators[layer.computation->operator_index];
            describe_taps(layer, op);
            describe_arithmetic(layer, op);
        } else {
            layer.taps = {Tap{}};
        }
        if (layer.requantization) complete_requantization(layer, network_);
        if (layer.pooling) complete_pooling(layer, network_);
        describe_nest(layer, hardware_);  // where weights and maps come from is known now
        describe_column_tiles(layer);
        describe_line_passes(layer, hardware_, strips);
    }

private:
    const Tensor& tensor(int index) const { return network_.tensors[index]; }

    [[nodiscard]] KernelTaps kernel_of(const LayerSchedule& layer) const {
        if (!layer.computation || layer.fully_connected) return {};
        const Weights& weights = network_.operators[layer.computation->operator_index].weights;
        return {weights.kernel_height, weights.kernel_width};
    }

    void describe_map(LayerSchedule& layer, const Operator& op) const {
        layer.fill_word_bytes = hardware_.line_buffer.fill_bytes_per_cycle;
        layer.fully_connected = op.kind == OperatorKind::fully_connected;
        layer.image_columns = layer.fully_connected || (layer.sums.height == 1 && layer.sums.width == 1);
        if (layer.fully_connected) {
            layer.line_channels = 1;
            layer.line_bytes = layer.fill_word_bytes;
            layer.map_height = ceil_div(layer.input.elements(), layer.line_bytes);
            layer.kernel_height = layer.map_height;
            layer.kernel_width = layer.line_bytes;
        } else {
            layer.groups = op.groups;
            layer.line_channels = layer.input.channels / op.groups;
            layer.line_bytes = layer.input.width;
            layer.map_height = layer.input.height;
            layer.kernel_height = op.window.span_height();
            layer.kernel_width = op.window.span_width();
            layer.stride_height = op.window.stride_height;
            layer.stride_width = op.window.stride_width;
            layer.pad_top = op.window.pad_top;
            layer.pad_left = op.window.pad_left;
        }
    }

    void describe_taps(LayerSchedule& layer, const Operator& op) const {
        const auto per_channel = static_cast<std::size_t>(op.weights.per_channel());
        if (!reduction_plan(layer.nest).sums_stay)
            throw SimulationError(
                fmt::format("layer '{}': its sums leave the array before they are complete", layer.name));
        layer.taps.reserve(per_channel);
        Cursor term(layer.nest, Memory::dram, kInnermost, dim_of_terms);
        do layer.taps.push_back(layer.fully_connected ? vector_tap(layer, term) : map_tap(op, term));
        while (term.next());
        if (!network_.has_values) return;
        if (layer.has_weight_zero_points()) describe_weight_zero_points(layer, op.weights);
        layer.computation->weights.resize(per_channel * op.weights.output_channels);
        for (int m = 0; m < op.weights.output_channels; ++m) {
            for (std::size_t t = 0; t < per_channel; ++t) {
                layer.computation->weights[m * per_channel + t] =
                    op.weights.values[m * per_channel + layer.taps[t].weight];
            }
        }
    }

    /// Of a vector, which passes the line buffer in fill words.
    static Tap vector_tap(const LayerSchedule& layer, const Cursor& term) {
        const auto at = static_cast<int>(term.first(Dim::in_channel));
        return {0, at / layer.line_bytes, at % layer.line_bytes, at};
    }

    static Tap map_tap(const Operator& op, const Cursor& term) {
        const Weights& w = op.weights;
        const auto channel = static_cast<int>(term.first(Dim::in_channel));
        const auto row = static_cast<int>(term.first(Dim::kernel_row));
        const auto column = static_cast<int>(term.first(Dim::kernel_column));
        return {channel, row * op.window.dilation_height, column * op.window.dilation_width,
                (channel * w.kernel_height + row) * w.kernel_width + column};
    }

    /// Any that make all bytes of the channel 0..255 do; a file's own need not be known.
    static void describe_weight_zero_points(LayerSchedule& layer, const Weights& weights) {
        for (int m = 0; m < weights.output_channels; ++m) {
            const auto first = weights.values.begin() + m * weights.per_channel();
            const auto [low, high] = std::minmax_element(first, first + weights.per_channel());
            const int zero_point = std::max(0, -*low);
            if (zero_point > 255 || *high + zero_point > 255) {
                throw SimulationError(fmt::format("layer '{}': weights {}..{} of channel {} do not come from 8 bits",
                                                  layer.name, *low, *high, m));
            }
            layer.computation->weight_zero_points.push_back(static_cast<std::uint8_t>(zero_point));
        }
    }

    void describe_computation(LayerSchedule& layer, int index) const {
        const Operator& op = network_.operators[index];
        Computation& computation = layer.computation.emplace();
        computation.operator_index = index;
        computation.accumulator = hardware_.accumulator.format;
        computation.accumulator.bits = accumulator_bits(hardware_.accumulator, op.name);
        computation.bias_preload = hardware_.accumulator.bias == BiasMode::preload;
        computation.weights_have_zero_points = op.weights.bits > kStoredWeightBits;
        if (!op.sums_leave) {
            layer.requantization = describe_requantization(network_, hardware_, index);
            return;
        }
        computation.bias_preload = true;  // sums that leave are whole when they leave the array
        layer.value_bytes = bytes_of_bits(computation.accumulator.bits);
    }

    void describe_arithmetic(LayerSchedule& layer, const Operator& op) const {
        if (!network_.has_values) return;
        Computation& computation = *layer.computation;
        computation.bias = folded_bias(op, tensor(op.input).quantization);
        for (std::size_t c = 0; c < computation.bias.size(); ++c) {
            if (bits_for_range(computation.bias[c], computation.bias[c]) <= 8 * kBiasBytes) continue;
            refuse(layer, fmt::format("channel {}: its bias with the input's zero point folded in is {}; the weight "
                                      "buffer stores {} bits of it",
                                      c, computation.bias[c], 8 * kBiasBytes));
        }
        computation.has_bias =
            std::any_of(computation.bias.begin(), computation.bias.end(), [](std::int64_t b) { return b != 0; });
        computation.worst_case_bits = worst_case_accumulator_bits(network_, op).l1;
        computation.overflow_possible = computation.worst_case_bits > computation.accumulator.bits;
    }

    /// Without weights each pixel passes, a channel at a time.
    void describe_passing_pixels(LayerSchedule& layer) const {
        layer.sums = layer.input;
        layer.output = layer.input;
        layer.fill_word_bytes = hardware_.line_buffer.fill_bytes_per_cycle;
        layer.groups = layer.input.channels;  // a pass is one channel
        layer.line_channels = 1;
        layer.line_bytes = layer.input.width;
        layer.map_height = layer.input.height;
        layer.tap_count = 1;
    }

    void describe_attributes(LayerSchedule& layer) const {
        const ArrayParams& array = hardware_.array;
        EventAttributes& a = layer.attributes;
        const int weight_bits =
            layer.computation ? network_.operators[layer.computation->operator_index].weights.bits : 8;
        a.activation_bits =
            operand_bits(layer, "array.activation_bits", array.activation_bits, layer.input_quantization.bits, 8);
        a.weight_bits = operand_bits(layer, "array.weight_bits", array.weight_bits, weight_bits, 9);
        // Of what the RequantUnit's bias adder and multiplier take.
        a.accumulator_bits = layer.computation      ? layer.computation->accumulator.bits
                             : layer.requantization ? kDifferenceBits
                                                    : kMaxAccumulatorBits;
        a.requant_bits = a.accumulator_bits;
        a.multiplier_bits = hardware_.requant.multiplier_bits;
        a.memories = memories_of(hardware_);
        const int port = hardware_.weight_buffer.bytes_per_cycle;
        const int line_port = hardware_.line_buffer.read_bytes_per_cycle;
        layer.line_beats_per_tap = line_port == 0 ? 1 : ceil_div(layer.array_columns, line_port);
        layer.weight_beats_per_tap = port == 0 || !layer.computation ? 1 : ceil_div(layer.array_rows, port);
    }

    /// A multiplier narrower than the network's operands would compute other values: refused.
    static int operand_bits(const LayerSchedule& layer, const char* key, int configured, int needed, int most) {
        if (configured == 0) return needed;
        if (layer.computation.has_value() && configured < needed) {
            refuse(layer,
                   fmt::format("{}: {} is less than the {} bits of the network's operands; allowed: {}..{}, or auto",
                               key, configured, needed, needed, most));
        }
        return configured;
    }

    const Network& network_;
    const HardwareParams& hardware_;
};

}  // namespace

int accumulator_bits(const AccumulatorParams& params, const std::string& name) {
    const auto own = params.layer_bits.find(lower_case(name));
    return own == params.layer_bits.end() ? params.format.bits : own->second;
}

namespace {

bool has_kernel_loops(const Weights& weights) {
    return (weights.input_channels > 1) + (weights.kernel_height > 1) + (weights.kernel_width > 1) > 1;
}

void add_weights(KeyUsers& users, const Network& network, const HardwareParams& hardware, const Operator& op) {
    const auto& named = hardware.accumulator.layer_bits;
    users.weights = true;
    users.requantized = !op.sums_leave;
    users.common_width = named.find(lower_case(op.name)) == named.end();
    const std::vector<std::int32_t>& bias = op.weights.bias;
    const bool has_bias = network.tensors[op.input].quantization.zero_point != 0 ||
                          std::any_of(bias.begin(), bias.end(), [](std::int32_t b) { return b != 0; });
    users.bias = has_bias && !op.sums_leave;  // that one's is preloaded, whatever the key says
    users.convolution = op.kind == OperatorKind::convolution;
    users.kernel_loops = users.convolution && has_kernel_loops(op.weights);
    users.map_lines = users.convolution;
    users.output_rows = network.tensors[op.output].shape.height > 1;
}

}  // namespace

KeyUsers key_users(const Network& network, const HardwareParams& hardware, const LayerOperators& operators) {
    KeyUsers users;
    users.addition = operators.addition >= 0;
    users.constants = users.addition && network.operators[operators.addition].constant.has_value();
    users.requantization = operators.requantization >= 0;
    if (operators.pool >= 0) {
        const Operator& pool = network.operators[operators.pool];
        users.pool = true;
        users.average_pool = pool.kind == OperatorKind::average_pool && !pool.sum_shift;
    }
    if (operators.computing >= 0) {
        add_weights(users, network, hardware, network.operators[operators.computing]);
    } else {
        const Operator& first = network.operators[operators.first()];
        users.map_lines = true;
        users.output_rows = network.tensors[first.input].shape.height > 1;  // pixels pass as they are
    }
    return users;
}

LayerSchedule describe_frame(const Network& network, const HardwareParams& hardware, int images,
                             const LayerOperators& operators) {
    const HardwareParams used = used_part(hardware, key_users(network, hardware, operators));
    return LayerDescriber(network, used).describe_frame(operators, images);
}

void complete_layer(LayerSchedule& layer, const Network& network, const HardwareParams& hardware, bool strips) {
    const auto index = [](const auto& part) { return part ? part->operator_index : -1; };
    const int requantization = layer.computation ? -1 : index(layer.requantization);
    const LayerOperators operators{index(layer.computation), requantization, index(layer.addition),
                                   index(layer.pooling)};
    const HardwareParams used = used_part(hardware, key_users(network, hardware, operators));
    LayerDescriber(network, used).complete(layer, strips);
}

}  // namespace widthwise
