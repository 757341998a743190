// SPDX-License-Identifier: Apache-2.0
// Addresses: feature maps in the two halves of the activation buffer, weight tiles one after the other.
#include <gtest/gtest.h>

#include <vector>

#include "kit/network_builder.h"
#include "schedule/compile.h"

namespace widthwise::test {
namespace {

NetworkBuilder three_layers() {
    NetworkBuilder builder({2, 6, 6});
    builder
        .convolution("c", 5, square_window(3))                   // 5x4x4
        .pool("p", OperatorKind::max_pool, square_window(2, 2))  // 5x2x2
        .convolution("d", 4, square_window(2))                   // 4x1x1
        .fully_connected("f", 3);
    return builder;
}

TEST(FeatureMaps, AlternateBetweenTheHalves) {
    const NetworkBuilder builder = three_layers();
    HardwareParams hardware;
    hardware.batch = 3;
    hardware.activation_buffer.bytes = 1001;  // the odd byte belongs to no half
    const Schedule schedule = compile(builder.network(), hardware, 3);
    ASSERT_EQ(schedule.layers.size(), 3U);
    const std::int64_t inputs[] = {0, 500, 0};
    const std::int64_t bytes[] = {2 * 6 * 6, 5 * 2 * 2, 4, 3};
    for (std::size_t i = 0; i < 3; ++i) {
        const LayerSchedule& layer = schedule.layers[i];
        EXPECT_EQ(layer.input_placement.address, inputs[i]);
        EXPECT_EQ(layer.output_placement.address, 500 - inputs[i]);
        EXPECT_EQ(layer.input_placement.bytes_per_image, bytes[i]);
        EXPECT_EQ(layer.output_placement.bytes_per_image, bytes[i + 1]);
        EXPECT_EQ(layer.input_placement.image(2), inputs[i] + 2 * bytes[i]);
    }
    EXPECT_EQ(schedule.input.address, 0);
    EXPECT_EQ(schedule.input_bytes, 3 * 72);
    EXPECT_EQ(schedule.output.address, 500);
    EXPECT_EQ(schedule.output_bytes, 3 * 3);
    EXPECT_EQ(schedule.images, 3);
    EXPECT_EQ(schedule.network, &builder.network());
}

TEST(FeatureMaps, FillTheirHalfToTheLastByte) {
    HardwareParams hardware;
    hardware.activation_buffer.bytes = 2 * 72;  // the input, 2 x 6 x 6, is the largest map that is stored
    EXPECT_NO_THROW(compile(three_layers().network(), hardware, 1));
}

TEST(WeightTiles, FollowOneAnother) {
    HardwareParams hardware;
    hardware.array.rows = 2;
    const NetworkBuilder builder = three_layers();
    const Schedule schedule = compile(builder.network(), hardware, 1);
    const LayerSchedule& c = schedule.layers[0];
    const LayerSchedule& d = schedule.layers[1];
    const LayerSchedule& f = schedule.layers[2];
    // A tile: taps x channels weights of a byte, and 4 + 4 + 1 bytes of parameters per channel.
    EXPECT_EQ(kBiasBytes + kFactorBytes, 9);
    EXPECT_EQ(c.channel_tile_count(), 3);
    EXPECT_EQ(c.weight_tile_bytes(0), 2 * (18 + 9));
    EXPECT_EQ(c.weight_tile_bytes(2), 1 * (18 + 9));
    EXPECT_EQ(c.weight_address, 0);
    EXPECT_EQ(d.weight_address, 5 * (18 + 9));
    EXPECT_EQ(d.weight_tile_bytes(1), 2 * (20 + 9));
    EXPECT_EQ(f.weight_address, d.weight_address + 4 * (20 + 9));
    EXPECT_EQ(schedule.weight_bytes, f.weight_address + 3 * (4 + 9));
    EXPECT_EQ(c.first_weight_tile, 0);
    EXPECT_EQ(d.first_weight_tile, 3);
    EXPECT_EQ(f.first_weight_tile, 5);
    EXPECT_EQ(schedule.channel_tiles(), 3 + 2 + 2);
}

TEST(WeightTiles, TheLayoutDoesNotDependOnTheBatch) {
    HardwareParams hardware;
    hardware.batch = 4;
    const NetworkBuilder builder = three_layers();
    const Schedule one = compile(builder.network(), hardware, 1);
    const Schedule four = compile(builder.network(), hardware, 4);
    EXPECT_EQ(one.weight_bytes, four.weight_bytes);
    for (std::size_t i = 0; i < one.layers.size(); ++i) {
        EXPECT_EQ(one.layers[i].weight_address, four.layers[i].weight_address);
        EXPECT_EQ(one.layers[i].computation->weights, four.layers[i].computation->weights);
        EXPECT_EQ(one.layers[i].channel_tiles, four.layers[i].channel_tiles);
    }
}

}  // namespace
}  // namespace widthwise::test
