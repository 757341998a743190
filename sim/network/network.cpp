// SPDX-License-Identifier: Apache-2.0
#include "network/network.h"

#include <algorithm>
#include <initializer_list>
#include <span>

#include "arithmetic/accumulator.h"

namespace widthwise {
namespace {

/// The least and the greatest value that a sum can pass through; 0 is always among them.
struct Reach {
    std::int64_t low = 0;
    std::int64_t high = 0;

    void include(std::int64_t value) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    friend Reach operator*(std::int64_t count, const Reach& reach) { return {count * reach.low, count * reach.high}; }
};

/// What one tap can add to a sum of raw products: any activation times `weight`, or nothing yet.
Reach tap_reach(const Quantization& input, std::int64_t weight) {
    Reach reach;
    reach.include(input.low() * weight);
    reach.include(input.high() * weight);
    return reach;
}

/// The same for a sum that began with the folded zero point of this tap, -zero_point * weight.
Reach folded_tap_reach(const Quantization& input, std::int64_t weight) {
    const Reach raw = tap_reach(input, weight);
    Reach reach;
    reach.low = raw.low - input.zero_point * weight;
    reach.high = raw.high - input.zero_point * weight;
    return reach;
}

std::int64_t bias_of(const Weights& weights, int channel) {
    return weights.bias.empty() ? 0 : weights.bias[static_cast<std::size_t>(channel)];
}

int data_type_bits(const Weights& weights, const Quantization& input) {
    const std::int64_t taps = weights.per_channel();
    const std::int64_t half = std::int64_t{1} << (weights.bits - 1);
    Reach raw;
    Reach folded;
    // A product is largest at a corner of the operands' ranges; weight 0 covers a range that straddles it.
    for (const std::int64_t weight : {-half, std::int64_t{0}, half - 1}) {
        const Reach tap = tap_reach(input, weight);
        const Reach with_zero_point = folded_tap_reach(input, weight);
        raw.include(tap.low);
        raw.include(tap.high);
        folded.include(with_zero_point.low);
        folded.include(with_zero_point.high);
    }
    Reach sum = taps * raw;
    for (int channel = 0; channel < weights.output_channels; ++channel) {
        sum.include(bias_of(weights, channel) + taps * folded.low);
        sum.include(bias_of(weights, channel) + taps * folded.high);
    }
    return bits_for_range(sum.low, sum.high);
}

struct SumsBySign {
    std::int64_t positive = 0;
    std::int64_t negative = 0;
};

/// In pieces whose sums fit 32 bits, so that the compiler takes vector instructions.
SumsBySign sums_by_sign(std::span<const std::int16_t> weights) {
    constexpr std::size_t kPiece = std::size_t{1} << 15;
    SumsBySign sums;
    for (std::size_t first = 0; first < weights.size(); first += kPiece) {
        std::int32_t positive = 0;
        std::int32_t negative = 0;
        for (const std::int16_t weight : weights.subspan(first, std::min(kPiece, weights.size() - first))) {
            positive += std::max<std::int16_t>(weight, 0);
            negative += std::min<std::int16_t>(weight, 0);
        }
        sums.positive += positive;
        sums.negative += negative;
    }
    return sums;
}

/// What a convolution can read from a tensor: what the limits of the operator that writes it leave of the type's range,
/// a max pool having those of its input too, the zero point, with which it pads, or nothing yet.
Reach values_of(const Network& network, int tensor) {
    const Quantization& quantization = network.tensors[static_cast<std::size_t>(tensor)].quantization;
    Reach values{quantization.low(), quantization.high()};
    const auto limit = [&](std::int64_t low, std::int64_t high) {
        values.low = std::clamp<std::int64_t>(low, values.low, values.high);
        values.high = std::clamp<std::int64_t>(high, values.low, values.high);
    };
    const auto& operators = network.operators;
    const auto writer =
        std::find_if(operators.begin(), operators.end(), [&](const Operator& op) { return op.output == tensor; });
    if (writer != operators.end() && !writer->sums_leave) {
        limit(writer->clamp_low, writer->clamp_high);
        if (writer->kind == OperatorKind::max_pool) {
            const Reach pooled = values_of(network, writer->input);
            limit(pooled.low, pooled.high);
        }
    }
    values.include(quantization.zero_point);
    values.include(0);
    return values;
}

/// A weight adds between its product with one end of the activations' range and with the other, or nothing yet: so a
/// channel is known by the sums of its positive and of its negative weights.
int l1_bits(const Network& network, const Operator& op) {
    const Quantization& input = network.tensors[static_cast<std::size_t>(op.input)].quantization;
    const auto [low, high] = values_of(network, op.input);
    const std::vector<std::int64_t> folded = folded_bias(op, input);
    Reach sum;
    for (int channel = 0; channel < op.weights.output_channels; ++channel) {
        const std::int16_t* weights = op.weights.values.data() + channel * op.weights.per_channel();
        const auto [positive, negative] = sums_by_sign({weights, static_cast<std::size_t>(op.weights.per_channel())});
        const Reach raw{low * positive + high * negative, high * positive + low * negative};
        const std::int64_t start = folded[static_cast<std::size_t>(channel)];
        sum.include(raw.low);
        sum.include(raw.high);
        sum.include(start + raw.low);
        sum.include(start + raw.high);
    }
    return bits_for_range(sum.low, sum.high);
}

}  // namespace

double Operator::sum_scale(const Network& network, int channel) const {
    const float input_scale = network.tensors[static_cast<std::size_t>(input)].quantization.scale;
    return static_cast<double>(input_scale) * weights.scale(channel);
}

const Operator* Network::find(const std::string& operator_name) const {
    const auto found =
        std::find_if(operators.begin(), operators.end(), [&](const Operator& op) { return op.name == operator_name; });
    return found == operators.end() ? nullptr : &*found;
}

std::vector<std::int64_t> folded_bias(const Operator& op, const Quantization& input) {
    std::vector<std::int64_t> folded;
    if (!op.has_weights()) return folded;
    const std::int16_t* weight = op.weights.values.data();
    for (int channel = 0; channel < op.weights.output_channels; ++channel) {
        std::int64_t sum = 0;
        for (std::int64_t tap = 0; tap < op.weights.per_channel(); ++tap) sum += *weight++;
        folded.push_back(bias_of(op.weights, channel) - input.zero_point * sum);
    }
    return folded;
}

std::int64_t multiply_accumulates(const Network& network, const Operator& op) {
    if (!op.has_weights()) return 0;
    const Shape& output = network.tensors[static_cast<std::size_t>(op.output)].shape;
    return output.elements() * op.weights.per_channel();
}

WorstCaseBits worst_case_accumulator_bits(const Network& network, const Operator& op) {
    if (!op.has_weights()) return {};
    if (!network.has_values)
        return {data_type_bits(op.weights, network.tensors[static_cast<std::size_t>(op.input)].quantization), 0};
    const Quantization& input = network.tensors[static_cast<std::size_t>(op.input)].quantization;
    return {data_type_bits(op.weights, input), l1_bits(network, op)};
}

}  // namespace widthwise
