// SPDX-License-Identifier: Apache-2.0
// A channel's parameters in memory: every mode keeps what it needs to the last bit, whatever the value.
#include "accelerator/weight_layout.h"

#include <gtest/gtest.h>

#include <limits>

namespace widthwise::test {
namespace {

/// Two channels of one weight each.
LayerSchedule layer_of(RequantMode mode, const RequantScale& first, const RequantScale& second) {
    LayerSchedule layer;
    layer.sums = {2, 1, 1};
    layer.channel_tiles = {{0, 0, 2}};
    layer.tap_count = 1;
    layer.taps = {Tap{}};
    Computation& computation = layer.computation.emplace();
    computation.bias = {std::numeric_limits<std::int32_t>::min(), 5};
    computation.weights = {-128, 127};
    layer.requantization.emplace().format.mode = mode;
    layer.requantization->scales = {first, second};
    return layer;
}

std::vector<ChannelParameters> read_back(const LayerSchedule& layer, int constant_bytes = 0) {
    std::vector<std::uint8_t> bytes{0xEE};  // whatever lies before
    append_weight_tile(bytes, layer, 0);
    EXPECT_EQ(bytes.size(), 1 + static_cast<std::size_t>(layer.weight_tile_bytes(0)));
    EXPECT_EQ(layer.parameter_bytes(), 9 + constant_bytes);
    EXPECT_EQ(bytes.end()[-2], 0x80);  // the weights come last
    EXPECT_EQ(bytes.end()[-1], 0x7F);
    return {channel_parameters(layer, bytes.data() + 1),
            channel_parameters(layer, bytes.data() + 1 + layer.parameter_bytes())};
}

TEST(WeightLayout, KeepsMultiplierAndShift) {
    const auto read = read_back(layer_of(RequantMode::fixed_point, {4294967295, 62}, {1, 0}));
    EXPECT_EQ(read[0].bias, std::numeric_limits<std::int32_t>::min());
    EXPECT_EQ(read[0].scale, (RequantScale{4294967295, 62}));
    EXPECT_EQ(read[1].bias, 5);
    EXPECT_EQ(read[1].scale, (RequantScale{1, 0}));
}

TEST(WeightLayout, KeepsTheDivisor) {
    const std::int64_t largest = (std::int64_t{1} << 40) - 1;
    const auto read = read_back(layer_of(RequantMode::reciprocal, {1, 0, largest}, {1, 0, 3}));
    EXPECT_EQ(read[0].scale.divisor, largest);
    EXPECT_EQ(read[1].scale.divisor, 3);
}

TEST(WeightLayout, KeepsTheFactor) {
    const auto read = read_back(layer_of(RequantMode::float32, {1, 0, 1, 1e-42F}, {1, 0, 1, 0.1F}));
    EXPECT_EQ(read[0].scale.factor, 1e-42F);
    EXPECT_EQ(read[1].scale.factor, 0.1F);
}

TEST(WeightLayout, KeepsConstants) {
    LayerSchedule layer = layer_of(RequantMode::shift, {1, 7}, {1, 62});
    layer.addition.emplace().constants = {200, 3};
    const auto read = read_back(layer, 1);
    EXPECT_EQ(read[0].constant, 200);
    EXPECT_EQ(read[0].scale.shift, 7);
    EXPECT_EQ(read[1].constant, 3);
    EXPECT_EQ(read[1].scale.shift, 62);
}

}  // namespace
}  // namespace widthwise::test
