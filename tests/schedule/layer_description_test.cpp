// SPDX-License-Identifier: Apache-2.0
// How operators become layers, and what a layer's units are told.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kit/network_builder.h"
#include "schedule/compile.h"

namespace widthwise::test {
namespace {

constexpr auto kMax = OperatorKind::max_pool;
constexpr auto kAverage = OperatorKind::average_pool;

TEST(Layers, APoolJoinsTheLayerBeforeIt) {
    const NetworkBuilder builder = NetworkBuilder({1, 12, 12})
                                       .convolution("c1", 4, square_window(3))
                                       .pool("p1", kMax, square_window(2, 2))
                                       .convolution("c2", 3, square_window(2))
                                       .fully_connected("f", 5);
    const Schedule schedule = compile(builder.network(), {}, 1);
    ASSERT_EQ(schedule.layers.size(), 3U);
    const LayerSchedule& first = schedule.layers[0];
    EXPECT_EQ(first.name, "c1");
    EXPECT_EQ(first.computation->operator_index, 0);
    EXPECT_EQ(first.pooling->operator_index, 1);
    EXPECT_FALSE(first.addition);
    EXPECT_EQ(first.input, (Shape{1, 12, 12}));
    EXPECT_EQ(first.sums, (Shape{4, 10, 10}));
    EXPECT_EQ(first.output, (Shape{4, 5, 5}));
    EXPECT_TRUE(first.pooling->is_max);
    EXPECT_EQ(first.pooling->window, square_window(2, 2));
    EXPECT_EQ(schedule.layers[1].name, "c2");
    EXPECT_EQ(schedule.layers[1].computation->operator_index, 2);
    EXPECT_FALSE(schedule.layers[1].pooling);
    EXPECT_EQ(schedule.layers[2].computation->operator_index, 3);
    EXPECT_TRUE(schedule.layers[2].fully_connected);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(schedule.layers[static_cast<std::size_t>(i)].index, i);
}

TEST(Layers, ALonePoolBypassesTheArray) {
    NetworkBuilder builder({3, 9, 10});
    builder.pool("p1", kAverage, square_window(3, 2)).pool("p2", kMax, square_window(2));
    HardwareParams hardware;
    hardware.array.rows = 8;
    hardware.array.columns = 4;
    const Schedule schedule = compile(builder.network(), hardware, 1);
    ASSERT_EQ(schedule.layers.size(), 2U);
    const LayerSchedule& layer = schedule.layers[0];
    EXPECT_FALSE(layer.computation);
    EXPECT_EQ(layer.name, "p1");
    EXPECT_FALSE(layer.requantization);
    EXPECT_EQ(layer.pooling->operator_index, 0);
    EXPECT_EQ(layer.sums, (Shape{3, 9, 10}));
    EXPECT_EQ(layer.output, (Shape{3, 4, 4}));
    // A pass is one channel, its pixels go through one row of the array with one tap each.
    EXPECT_EQ(layer.array_rows, 1);
    EXPECT_EQ(layer.channel_tile_count(), 3);
    EXPECT_EQ(layer.line_channels, 1);
    EXPECT_EQ(layer.taps.size(), 1U);
    EXPECT_EQ(layer.tiles.size(), 9 * 3);
    EXPECT_EQ(layer.weight_tile_bytes(0), 0);
    EXPECT_FALSE(schedule.layers[1].computation);
    EXPECT_EQ(schedule.layers[1].pooling->operator_index, 1);
    EXPECT_EQ(schedule.weight_bytes, 0);
}

TEST(Layers, OnlyTheFirstPoolJoins) {
    NetworkBuilder builder({1, 12, 12});
    builder.convolution("c", 2, square_window(3)).pool("p", kMax, square_window(2)).pool("q", kMax, square_window(2));
    const Schedule schedule = compile(builder.network(), {}, 1);
    ASSERT_EQ(schedule.layers.size(), 2U);
    EXPECT_EQ(schedule.layers[0].pooling->operator_index, 1);
    EXPECT_FALSE(schedule.layers[1].computation);
    EXPECT_EQ(schedule.layers[1].pooling->operator_index, 2);
}

TEST(Layers, AveragePoolHasAScaleForEachNumberOfPixelsThatOccurs) {
    NetworkBuilder builder({1, 6, 6}, {false, 8, 11, 0.5F});
    builder.pool("p", kAverage, {2, 2, 2, 2, 1, 1, 1, 1});
    builder.output().quantization = {false, 8, 7, 0.25F};
    HardwareParams hardware;
    hardware.requant.mode = RequantMode::float32;
    LayerSchedule layer = compile(builder.network(), hardware, 1).layers.front();
    EXPECT_FALSE(layer.pooling->is_max);
    EXPECT_FALSE(layer.pooling->counts_padding);
    EXPECT_EQ(layer.pooling->input_zero_point, 11);
    EXPECT_EQ(layer.pooling->input_scale, 0.5F);
    EXPECT_EQ(layer.pooling->output_scale, 0.25F);
    EXPECT_EQ(layer.pooling->format.zero_point, 7);
    ASSERT_EQ(layer.pooling->scales.size(), 5U);
    EXPECT_EQ(layer.pooling->scales[1].factor, 2.0F);  // in a corner
    EXPECT_EQ(layer.pooling->scales[2].factor, 1.0F);  // at an edge
    EXPECT_EQ(layer.pooling->scales[4].factor, 0.5F);
    builder.op().average_counts_padding = true;
    layer = compile(builder.network(), hardware, 1).layers.front();
    EXPECT_TRUE(layer.pooling->counts_padding);
    EXPECT_EQ(layer.pooling->scales[4].factor, 0.5F);
}

TEST(Arithmetic, WidthsOfSingleLayersIgnoreCase) {
    NetworkBuilder builder({1, 8, 8});
    builder.convolution("Conv_A", 2, square_window(3)).fully_connected("F6", 3);
    HardwareParams hardware;
    hardware.accumulator.format = {20, Overflow::wrap, OverflowCheck::per_output};
    hardware.accumulator.layer_bits = {{"conv_a", 9}};
    const Schedule schedule = compile(builder.network(), hardware, 1);
    EXPECT_EQ(schedule.layers[0].computation->accumulator,
              (AccumulatorFormat{9, Overflow::wrap, OverflowCheck::per_output}));
    EXPECT_EQ(schedule.layers[1].computation->accumulator,
              (AccumulatorFormat{20, Overflow::wrap, OverflowCheck::per_output}));
    EXPECT_EQ(schedule.layers[0].attributes.accumulator_bits, 9);
    EXPECT_EQ(schedule.layers[0].attributes.requant_bits, 9);
    EXPECT_EQ(schedule.layers[1].attributes.accumulator_bits, 20);
}

TEST(Arithmetic, OverflowIsPossibleBelowTheBound) {
    NetworkBuilder builder({1, 1, 4});
    builder.convolution("c", 1, {1, 4, 1, 1, 0, 0, 0, 0});
    builder.op().weights.values = {1, 1, 1, 1};  // sums of 0..1020: 11 bits
    HardwareParams hardware;
    hardware.accumulator.format.bits = 11;
    EXPECT_FALSE(compile(builder.network(), hardware, 1).layers.front().computation->overflow_possible);
    hardware.accumulator.format.bits = 10;
    EXPECT_TRUE(compile(builder.network(), hardware, 1).layers.front().computation->overflow_possible);
}

TEST(Arithmetic, ZeroPointsAreFoldedIntoTheBias) {
    NetworkBuilder builder({1, 1, 3}, {false, 8, 10, 0.01F});
    builder.convolution("c", 2, {1, 3, 1, 1, 0, 0, 0, 0});
    builder.op().weights.values = {1, 2, 3, -4, 0, 4};
    HardwareParams hardware;
    LayerSchedule layer = compile(builder.network(), hardware, 1).layers.front();
    EXPECT_EQ(layer.computation->bias, (std::vector<std::int64_t>{-60, 0}));
    EXPECT_TRUE(layer.computation->has_bias);
    EXPECT_TRUE(layer.computation->bias_preload);
    builder.op().weights.bias = {60, 5};
    hardware.accumulator.bias = BiasMode::requant;
    layer = compile(builder.network(), hardware, 1).layers.front();
    EXPECT_EQ(layer.computation->bias, (std::vector<std::int64_t>{0, 5}));
    EXPECT_FALSE(layer.computation->bias_preload);
    builder.op().weights.bias = {60, 0};
    EXPECT_FALSE(compile(builder.network(), hardware, 1).layers.front().computation->has_bias);
}

TEST(Arithmetic, RescaleFactorsPerChannelAndOutputRange) {
    NetworkBuilder builder({1, 1, 3}, {false, 8, 0, 0.5F});
    builder.convolution("c", 2, {1, 3, 1, 1, 0, 0, 0, 0});
    builder.op().weights.scales = {0.25F, 0.125F};
    builder.op().clamp_low = 40;
    builder.op().clamp_high = 200;
    builder.output().quantization = {false, 8, 40, 0.5F};
    HardwareParams hardware;
    hardware.requant = {RequantMode::fixed_point, Rounding::half_up, 8, 4};
    LayerSchedule layer = compile(builder.network(), hardware, 1).layers.front();
    ASSERT_EQ(layer.requantization->scales.size(), 2U);
    EXPECT_EQ(layer.requantization->scales[0].multiplier, 128);
    EXPECT_EQ(layer.requantization->scales[0].shift, 9);
    EXPECT_EQ(layer.requantization->scales[1].shift, 10);
    EXPECT_EQ(layer.requantization->format,
              (RequantFormat{RequantMode::fixed_point, Rounding::half_up, 8, 40, 40, 200}));
    // One scale serves all channels; float32 forms the factor in float32, as ONNX Runtime does.
    builder.op().weights.scales = {0.0123F};
    builder.output().quantization.scale = 0.0789F;
    hardware.requant.mode = RequantMode::float32;
    layer = compile(builder.network(), hardware, 1).layers.front();
    const float product = 0.5F * 0.0123F;
    EXPECT_EQ(layer.requantization->scales[0].factor, product / 0.0789F);
    EXPECT_EQ(layer.requantization->scales[1].factor, product / 0.0789F);
}

TEST(Attributes, OperandWidthsAndCapacities) {
    NetworkBuilder builder({1, 4, 4}, {false, 5, 0, 0.5F});
    builder.convolution("c", 1, square_window(2));
    builder.op().weights.bits = 4;
    HardwareParams hardware;
    hardware.requant.multiplier_bits = 12;
    hardware.line_buffer.bytes = 1000;
    hardware.activation_buffer.bytes = 2000;
    hardware.weight_buffer.bytes = 3000;
    EventAttributes a = compile(builder.network(), hardware, 1).layers.front().attributes;
    EXPECT_EQ(a.activation_bits, 5);
    EXPECT_EQ(a.weight_bits, 4);
    EXPECT_EQ(a.multiplier_bits, 12);
    EXPECT_EQ(a.memories[MemoryRole::lines].bytes, 1000);
    EXPECT_EQ(a.memories[MemoryRole::activations].bytes, 2000);
    EXPECT_EQ(a.memories[MemoryRole::weights].bytes, 3000);
    hardware.array.activation_bits = 7;  // wider than needed is allowed, and costs
    hardware.array.weight_bits = 4;
    a = compile(builder.network(), hardware, 1).layers.front().attributes;
    EXPECT_EQ(a.activation_bits, 7);
    EXPECT_EQ(a.weight_bits, 4);
}

TEST(Attributes, WeightPortNarrowerThanTheRows) {
    NetworkBuilder builder({1, 4, 4});
    builder.convolution("c", 7, square_window(2)).pool("p", kMax, square_window(1)).pool("q", kMax, square_window(1));
    HardwareParams hardware;
    const auto beats = [&](std::size_t layer) {
        return compile(builder.network(), hardware, 1).layers[layer].weight_beats_per_tap;
    };
    EXPECT_EQ(beats(0), 1);
    hardware.weight_buffer.bytes_per_cycle = 3;
    EXPECT_EQ(beats(0), 3);
    EXPECT_EQ(beats(1), 1);
    hardware.array.rows = 6;
    EXPECT_EQ(beats(0), 2);
    hardware.weight_buffer.bytes_per_cycle = 16;
    EXPECT_EQ(beats(0), 1);
}

TEST(Layers, JoinAnAdditionOnlyWhereNothingElseReadsTheSums) {
    NetworkBuilder joined({2, 8, 8});
    joined.convolution("c1", 2, square_window(3, 1, 1))
        .addition("a", 0)
        .pool("p", OperatorKind::max_pool, square_window(2, 2));
    const Schedule one = compile(joined.network(), {}, 1);
    ASSERT_EQ(one.layers.size(), 1U);
    EXPECT_EQ(one.layers[0].addition->operator_index, 1);
    EXPECT_EQ(one.layers[0].pooling->operator_index, 2);
    EXPECT_EQ(one.layers[0].addition->layer, -1);
    NetworkBuilder apart({2, 8, 8});
    apart.convolution("c1", 2, square_window(3, 1, 1)).addition("twice", 1);
    const Schedule two = compile(apart.network(), {}, 1);
    ASSERT_EQ(two.layers.size(), 2U);
    EXPECT_FALSE(two.layers[1].computation);
    EXPECT_EQ(two.layers[1].input_layer, 0);
    EXPECT_EQ(two.layers[1].addition->layer, 0);
}

TEST(Layers, TilesDoNotSpanGroups) {
    NetworkBuilder builder({4, 6, 6});
    builder.convolution("g", 6, square_window(3));
    builder.op().groups = 2;
    builder.op().weights.input_channels = 2;
    builder.op().weights.values.resize(6 * 2 * 9);
    HardwareParams hardware;
    hardware.array.rows = 2;
    const Schedule schedule = compile(builder.network(), hardware, 1);
    const LayerSchedule& layer = schedule.layers[0];
    ASSERT_EQ(layer.channel_tile_count(), 4);
    const int first[] = {0, 2, 3, 5};
    const int count[] = {2, 1, 2, 1};
    for (int t = 0; t < 4; ++t) {
        EXPECT_EQ(layer.first_channel(t), first[t]);
        EXPECT_EQ(layer.channels_in_tile(t), count[t]);
        EXPECT_EQ(layer.first_line_channel(t), t < 2 ? 0 : 2);
    }
}

}  // namespace
}  // namespace widthwise::test
