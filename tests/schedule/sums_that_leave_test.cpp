// SPDX-License-Identifier: Apache-2.0
// A last layer whose sums leave without requantization, as compile() describes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "kit/network_builder.h"
#include "schedule/compile.h"
#include "schedule/schedule_model.h"

namespace widthwise::test {
namespace {

using testing::HasSubstr;

/// 2x6x6, convolved to 4x4x4, to 10 sums.
NetworkBuilder with_sums() {
    NetworkBuilder builder({2, 6, 6});
    builder.convolution("c", 4, square_window(3)).fully_connected("f", 10).op().sums_leave = true;
    return builder;
}

HardwareParams with_bits(int bits) {
    HardwareParams hardware;
    hardware.accumulator.format.bits = bits;
    return hardware;
}

class BytesOfSums : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(BytesOfSums, HoldTheAccumulator) {
    const auto [bits, bytes] = GetParam();
    const NetworkBuilder builder = with_sums();
    HardwareParams hardware = with_bits(bits);
    hardware.batch = 3;
    const Schedule schedule = compile(builder.network(), hardware, 3);
    EXPECT_EQ(schedule.layers[0].value_bytes, 1);
    EXPECT_EQ(schedule.layers[1].value_bytes, bytes);
    EXPECT_EQ(schedule.layers[1].output_bytes(), 10 * bytes);
    EXPECT_EQ(schedule.output.bytes_per_image, 10 * bytes);
    EXPECT_EQ(schedule.output_bytes, 3 * 10 * bytes);
}

INSTANTIATE_TEST_SUITE_P(Widths, BytesOfSums,
                         testing::Values(std::pair{2, 1}, std::pair{8, 1}, std::pair{9, 2}, std::pair{16, 2},
                                         std::pair{17, 3}, std::pair{32, 4}, std::pair{33, 5}, std::pair{48, 6}),
                         [](const auto& test) { return "bits" + std::to_string(test.param.first); });

TEST(SumsThatLeave, FollowTheWidthOfTheirOwnLayer) {
    HardwareParams hardware = with_bits(32);
    hardware.accumulator.layer_bits["f"] = 18;
    EXPECT_EQ(compile(with_sums().network(), hardware, 1).layers[1].value_bytes, 3);
    hardware = with_bits(18);
    hardware.accumulator.layer_bits["c"] = 32;
    EXPECT_EQ(compile(with_sums().network(), hardware, 1).layers[1].value_bytes, 3);
}

/// 8 bytes of input and 10 sums of 4 bytes, or they pass in strips of 8 sums.
TEST(SumsThatLeave, CountAgainstTheActivationBuffer) {
    NetworkBuilder sums = NetworkBuilder({2, 2, 2}).fully_connected("f", 10);
    sums.op().sums_leave = true;
    HardwareParams hardware = with_bits(25);
    hardware.activation_buffer.bytes = 48;
    EXPECT_FALSE(compile(sums.network(), hardware, 1).output_in_strips);
    hardware.activation_buffer.bytes = 47;
    EXPECT_TRUE(compile(sums.network(), hardware, 1).output_in_strips);
    hardware.activation_buffer.bytes = 8 + 8 * 4 - 1;
    try {
        compile(sums.network(), hardware, 1);
        FAIL();
    } catch (const InputError& error) {
        EXPECT_THAT(error.what(), HasSubstr("needs at least 40"));
    }
}

/// Bias only: no multiplier and no shift are loaded.
TEST(SumsThatLeave, LoadNoFactors) {
    const NetworkBuilder builder = with_sums();
    const Schedule schedule = compile(builder.network(), {}, 1);
    EXPECT_EQ(schedule.layers[0].weight_tile_bytes(0), 4 * (18 + 9));
    EXPECT_EQ(schedule.layers[1].weight_tile_bytes(0), 8 * (64 + 4));
    EXPECT_EQ(schedule.layers[1].weight_tile_bytes(1), 2 * (64 + 4));
    EXPECT_FALSE(schedule.layers[1].requantization.has_value());
}

/// Nothing behind the array adds a bias, so it starts the sum, whatever the key says; other layers follow the key.
TEST(SumsThatLeave, BeginAtTheirBias) {
    NetworkBuilder builder = with_sums();
    builder.op().weights.bias.assign(10, 5);
    HardwareParams hardware;
    hardware.accumulator.bias = BiasMode::requant;
    const Schedule schedule = compile(builder.network(), hardware, 1);
    EXPECT_TRUE(schedule.layers[1].computation->bias_preload);
    EXPECT_EQ(model_schedule(schedule).layers[1].events[Event::bias_add], 0U);
}

std::vector<std::string> unused(const Network& network) {
    std::vector<std::string> keys;
    for (const UnusedKey& key : compile(network, {}, 1).unused_keys) keys.emplace_back(key.key);
    return keys;
}

TEST(SumsThatLeave, LeaveRequantizationToTheOtherLayers) {
    NetworkBuilder alone({2, 2, 2});
    alone.fully_connected("f", 3).op().weights.bias.assign(3, 1);
    EXPECT_THAT(unused(alone.network()), testing::Not(testing::Contains("requantization.mode")));
    alone.op().sums_leave = true;
    EXPECT_THAT(unused(alone.network()),
                testing::IsSupersetOf({"accumulator.bias", "requantization.mode", "requantization.rounding",
                                       "requantization.multiplier_bits"}));
    EXPECT_THAT(unused(with_sums().network()), testing::Not(testing::Contains("requantization.mode")));
}

TEST(SumsThatLeave, AreRefusedAnywhereElse) {
    NetworkBuilder first = with_sums();
    first.fully_connected("g", 2);
    EXPECT_THROW(compile(first.network(), {}, 1), SimulationError);
    NetworkBuilder pooled({1, 4, 4});
    pooled.convolution("c", 2, square_window(3)).op().sums_leave = true;
    pooled.pool("p", OperatorKind::max_pool, square_window(2));
    EXPECT_THROW(compile(pooled.network(), {}, 1), SimulationError);
    NetworkBuilder added({2, 4, 4});
    added.convolution("c", 2, square_window(3, 1, 1)).op().sums_leave = true;
    added.addition("a", 0);
    EXPECT_THROW(compile(added.network(), {}, 1), SimulationError);
    NetworkBuilder pool({1, 4, 4});
    pool.pool("p", OperatorKind::max_pool, square_window(2)).op().sums_leave = true;
    EXPECT_THROW(compile(pool.network(), {}, 1), SimulationError);
}

}  // namespace
}  // namespace widthwise::test
