// SPDX-License-Identifier: Apache-2.0
// Folded bias, MAC counts and accumulator bounds, against brute force.
#include "network/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "arithmetic/accumulator.h"

namespace widthwise {
namespace {

Network one_layer(const Quantization& input, std::vector<std::int16_t> weights, std::vector<std::int32_t> bias,
                  int weight_bits) {
    Network network;
    Operator op;
    op.name = "layer";
    op.kind = OperatorKind::fully_connected;
    op.output = 1;
    op.weights.output_channels = 1;
    op.weights.input_channels = static_cast<int>(weights.size());
    op.weights.bits = weight_bits;
    op.weights.values = std::move(weights);
    op.weights.scales = {1.0F};
    op.weights.bias = std::move(bias);
    network.tensors = {{"in", {op.weights.input_channels, 1, 1}, input}, {"out", {1, 1, 1}, {}}};
    network.output = 1;
    network.operators = {op};
    return network;
}

struct Extremes {
    std::int64_t low = 0;
    std::int64_t high = 0;
    void include(std::int64_t value) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
};

/// Every intermediate sum of every choice of extreme activations in every order, by enumerating for each tap
/// "not added yet", "added with the lowest activation" and "added with the highest".
void all_sums(const Operator& op, const Quantization& input, std::size_t tap, std::int64_t sum, Extremes& extremes) {
    extremes.include(sum);
    if (tap == op.weights.values.size()) return;
    all_sums(op, input, tap + 1, sum, extremes);
    all_sums(op, input, tap + 1, sum + input.low() * op.weights.values[tap], extremes);
    all_sums(op, input, tap + 1, sum + input.high() * op.weights.values[tap], extremes);
}

Extremes extremes_of(const Operator& op, const Quantization& input) {
    Extremes extremes;
    all_sums(op, input, 0, 0, extremes);
    all_sums(op, input, 0, folded_bias(op, input)[0], extremes);
    return extremes;
}

TEST(FoldedBias, EqualsSubtractingTheZeroPointFromEveryActivation) {
    std::mt19937 random(7);
    std::uniform_int_distribution<int> weight(-128, 127);
    std::uniform_int_distribution<int> activation(0, 255);
    const Quantization input{false, 8, 93, 1.0F};
    Operator op;
    op.weights.output_channels = 4;
    op.weights.input_channels = 3;
    op.weights.kernel_height = 2;
    op.weights.kernel_width = 5;
    for (int i = 0; i < 4 * 30; ++i) op.weights.values.push_back(static_cast<std::int8_t>(weight(random)));
    op.weights.bias = {11, -2000000000, 0, 2147483647};
    const auto folded = folded_bias(op, input);
    ASSERT_EQ(folded.size(), 4U);
    for (int channel = 0; channel < 4; ++channel) {
        std::int64_t raw = folded[channel];
        std::int64_t exact = op.weights.bias[channel];
        for (int tap = 0; tap < 30; ++tap) {
            const int x = activation(random);
            const int w = op.weights.values[channel * 30 + tap];
            raw += x * w;
            exact += (x - 93) * w;
        }
        EXPECT_EQ(raw, exact) << "channel " << channel;
    }
}

TEST(FoldedBias, WithoutBiasOrWeights) {
    Network network = one_layer({true, 8, -3, 1.0F}, {5, -7, 1}, {}, 4);
    EXPECT_EQ(folded_bias(network.operators[0], network.tensors[0].quantization), std::vector<std::int64_t>{3 * -1});
    Operator pool;
    pool.kind = OperatorKind::max_pool;
    EXPECT_TRUE(folded_bias(pool, {}).empty());
}

TEST(MultiplyAccumulates, CountsOutputsTimesTaps) {
    Network network;
    Operator op;
    op.output = 1;
    op.weights.output_channels = 6;
    op.weights.input_channels = 3;
    op.weights.kernel_height = 5;
    op.weights.kernel_width = 2;
    network.tensors = {{"in", {3, 32, 32}, {}}, {"out", {6, 28, 31}, {}}};
    EXPECT_EQ(multiply_accumulates(network, op), 6LL * 28 * 31 * 3 * 5 * 2);
    op.kind = OperatorKind::average_pool;
    EXPECT_EQ(multiply_accumulates(network, op), 0);
}

TEST(WorstCaseBits, L1BoundIsTightAndTheDataTypeBoundCoversIt) {
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
        Quantization input;
        input.is_signed = round % 2 == 0;
        input.bits = std::uniform_int_distribution<int>(2, 8)(random);
        input.zero_point = std::uniform_int_distribution<int>(input.low(), input.high())(random);
        const int bits = std::uniform_int_distribution<int>(2, 8)(random);
        std::uniform_int_distribution<int> weight(-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
        std::vector<std::int16_t> weights(static_cast<std::size_t>(std::uniform_int_distribution<int>(1, 5)(random)));
        for (std::int16_t& value : weights) value = static_cast<std::int8_t>(weight(random));
        std::vector<std::int32_t> bias;
        if (round % 3 != 0) bias.push_back(std::uniform_int_distribution<int>(-5000, 5000)(random));
        const Network network = one_layer(input, weights, bias, bits);
        const Operator& op = network.operators[0];
        const Extremes extremes = extremes_of(op, input);
        const WorstCaseBits found = worst_case_accumulator_bits(network, op);
        EXPECT_EQ(found.l1, bits_for_range(extremes.low, extremes.high)) << "round " << round;
        EXPECT_GE(found.data_type, found.l1) << "round " << round;
    }
}

/// `one_layer` behind an operator that limits its output, and a pool that does not.
Network limited_layer(const Quantization& between, int low, int high, OperatorKind pool_kind) {
    std::vector<std::int16_t> weights(31, 1);
    std::fill(weights.begin() + 15, weights.end(), std::int16_t{-1});
    Network network = one_layer(between, weights, {}, 2);
    network.tensors.insert(network.tensors.end(), {{"first", {31, 1, 1}, between}, {"pooled", {31, 1, 1}, between}});
    Operator first = network.operators[0];
    first.output = 2;
    first.clamp_low = low;
    first.clamp_high = high;
    Operator pool;
    pool.kind = pool_kind;
    pool.input = 2;
    pool.output = 3;
    pool.clamp_low = between.low();
    pool.clamp_high = between.high();
    network.operators[0].input = 3;
    network.operators.insert(network.operators.begin(), {first, pool});
    return network;
}

TEST(WorstCaseBits, L1BoundTakesTheLimitsOfTheOperatorsBefore) {
    const auto l1 = [](const Quantization& between, int low, int high, OperatorKind pool = OperatorKind::max_pool) {
        const Network network = limited_layer(between, low, high, pool);
        return worst_case_accumulator_bits(network, network.operators.back()).l1;
    };
    const Quantization two_bits{false, 2, 0, 1.0F};
    EXPECT_EQ(l1(two_bits, 0, 2), 6);                              // 15 * 2 and -16 * 2
    EXPECT_EQ(l1(two_bits, 0, 3), 7);                              // -16 * 3
    EXPECT_EQ(l1(two_bits, 0, 1), 5);                              // 15 and -16
    EXPECT_EQ(l1(two_bits, 1, 3), 7);                              // a tap that is not there yet adds nothing
    EXPECT_EQ(l1(two_bits, 0, 2, OperatorKind::average_pool), 7);  // averages have a scale of their own
    const Quantization eight_bits{true, 8, 0, 1.0F};
    EXPECT_EQ(l1(eight_bits, -1, 2), 7);       // 15 * 2 + 16
    EXPECT_EQ(l1(eight_bits, -200, 300), 13);  // of the type no more than -128..127: 15 * 127 + 16 * 128
    // Convolutions pad with the zero point: -16 * 20. Folded, 20 of it is a bias of 20 for each tap.
    EXPECT_EQ(l1({false, 8, 20, 1.0F}, 0, 2), 10);
}

TEST(WorstCaseBits, DataTypeBoundIsReachedByTheWorstWeights) {
    for (const int bias : {0, -9, 60}) {
        for (const int zero_point : {-3, -1, 0, 1, 3, 7}) {
            const Quantization input{zero_point < 0, 3, zero_point, 1.0F};
            Extremes extremes;
            for (int first = -4; first <= 3; ++first) {
                for (int second = -4; second <= 3; ++second) {
                    const Network network = one_layer(
                        input, {static_cast<std::int8_t>(first), static_cast<std::int8_t>(second)}, {bias}, 3);
                    const Extremes of_these = extremes_of(network.operators[0], input);
                    extremes.include(of_these.low);
                    extremes.include(of_these.high);
                }
            }
            const Network network = one_layer(input, {1, 1}, {bias}, 3);
            EXPECT_EQ(worst_case_accumulator_bits(network, network.operators[0]).data_type,
                      bits_for_range(extremes.low, extremes.high))
                << "bias " << bias << ", zero point " << zero_point;
        }
    }
}

TEST(WorstCaseBits, WorkedExampleAndPooling) {
    // 25 taps of uint8 x int8, no bias: 25 * 255 * -128 = -816,000 needs 21 bits.
    const Network network = one_layer({false, 8, 0, 1.0F}, std::vector<std::int16_t>(25, 1), {}, 8);
    const WorstCaseBits bits = worst_case_accumulator_bits(network, network.operators[0]);
    EXPECT_EQ(bits.data_type, 21);
    EXPECT_EQ(bits.l1, 14);  // 25 * 255 = 6375
    Operator pool;
    pool.kind = OperatorKind::average_pool;
    EXPECT_EQ(worst_case_accumulator_bits(network, pool).data_type, 0);
}

TEST(Network, FindsOperatorsByName) {
    const Network network = one_layer({}, {1}, {}, 2);
    EXPECT_EQ(network.find("layer"), &network.operators[0]);
    EXPECT_EQ(network.find("other"), nullptr);
}

}  // namespace
}  // namespace widthwise
