// SPDX-License-Identifier: Apache-2.0
// Stored integers that become others of another scale, zero point or range, against the definition on real numbers, in
// both engines: alone, and with the stages that follow in the same layer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "engine/engine_difference.h"
#include "engine/fast/fast_engine.h"
#include "engine/renew_systemc.h"
#include "kit/network_builder.h"
#include "kit/refusal.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Case {
    RequantMode mode;
    Quantization in, out;
    int clamp_low;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << "mode" << static_cast<int>(c.mode) << (c.in.is_signed ? "_signed" : "_unsigned")
               << (c.out.is_signed ? "_to_signed" : "_to_unsigned");
}

/// One map that has every stored integer once.
constexpr Shape kMap{4, 8, 8};
Bytes every_byte() {
    Bytes image;
    for (int i = 0; i < 256; ++i) image.push_back(static_cast<std::uint8_t>(i));
    return image;
}

int stored(std::uint8_t byte, bool is_signed) { return is_signed ? static_cast<std::int8_t>(byte) : byte; }

/// Of which the result is the nearest integer, but for the error of the mode's factor.
double real_result(const Case& c, int value) {
    if (c.mode == RequantMode::float32) {
        const float real = static_cast<float>(value - c.in.zero_point) * c.in.scale;
        const float result = real / c.out.scale;
        return result;
    }
    return static_cast<double>(value - c.in.zero_point) * c.in.scale / c.out.scale;
}

class LoneRequantization : public ::testing::TestWithParam<Case> {};

TEST_P(LoneRequantization, IsTheDefinitionInBothEngines) {
    const Case& c = GetParam();
    test::NetworkBuilder builder(kMap, c.in);
    builder.quantization(c.out).requantization("requantize");
    builder.output().quantization = c.out;
    builder.op().clamp_low = c.clamp_low;
    HardwareParams hardware;
    hardware.requant.mode = c.mode;
    test::renew_systemc();
    EXPECT_EQ(engine_difference(builder.network(), hardware, {every_byte()}), "");
    Bytes output;
    FastEngine engine(builder.network(), hardware, 1);
    const RunRecord record = engine.run(
        0, 1, [&](int) { return every_byte(); },
        [&](int, std::span<const std::uint8_t> bytes) { output.assign(bytes.begin(), bytes.end()); });
    ASSERT_EQ(output.size(), 256U);
    // Largest difference that a factor of 16 bits makes of a difference of up to 255 times a scale.
    const double slack = c.mode == RequantMode::fixed_point ? 255 * c.in.scale / c.out.scale / 32768 : 0;
    int ties = 0;
    for (int i = 0; i < 256; ++i) {
        const double real = real_result(c, stored(static_cast<std::uint8_t>(i), c.in.is_signed));
        const auto clamped = [&](double value) {
            return std::clamp(static_cast<int>(std::nearbyint(value)) + c.out.zero_point, c.clamp_low, c.out.high());
        };
        const int found = stored(output[static_cast<std::size_t>(i)], c.out.is_signed);
        EXPECT_GE(found, clamped(real - slack)) << i;
        EXPECT_LE(found, clamped(real + slack)) << i;
        ties += std::abs(real - std::floor(real) - 0.5) <= slack ? 1 : 0;
    }
    EXPECT_LT(ties, 130);
    const auto& events = record.layers.at(0).events;
    EXPECT_EQ(events[Event::requant_add], 256U);
    EXPECT_EQ(events[Event::bias_add], c.in.zero_point == 0 ? 0U : 256U);
    EXPECT_EQ(events[Event::requant_float_multiply], c.mode == RequantMode::float32 ? 256U : 0U);
    EXPECT_EQ(events[Event::requant_multiply], c.mode == RequantMode::fixed_point ? 256U : 0U);
    EXPECT_EQ(events[Event::requant_plain_shift], c.mode == RequantMode::shift ? 256U : 0U);
    EXPECT_EQ(events[Event::requant_divide], c.mode == RequantMode::reciprocal ? 256U : 0U);
    EXPECT_EQ(events[Event::mac_multiply], 0U);
    EXPECT_EQ(events[Event::weight_buffer_read], 0U);
}

constexpr Case kCases[] = {
    {RequantMode::float32, {false, 8, 30, 0.0237F}, {false, 8, 77, 0.0171F}, 0},
    {RequantMode::float32, {false, 8, 0, 0.0237F}, {true, 8, -3, 0.0474F}, -128},  // doubled: every second is a tie
    {RequantMode::float32, {true, 8, -7, 0.05F}, {true, 4, 1, 0.3F}, 1},
    {RequantMode::fixed_point, {false, 8, 128, 0.02F}, {true, 8, 0, 0.0201F}, -128},
    {RequantMode::fixed_point, {true, 8, 5, 0.07F}, {false, 8, 200, 0.031F}, 0},
    {RequantMode::fixed_point, {false, 8, 0, 0.01F}, {false, 6, 12, 0.09F}, 12},
    {RequantMode::shift, {true, 8, 9, 0.25F}, {false, 8, 128, 1.0F}, 0},
    {RequantMode::reciprocal, {false, 8, 100, 0.25F}, {true, 8, 2, 0.75F}, -128},
};
INSTANTIATE_TEST_SUITE_P(Cases, LoneRequantization, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return "case" + std::to_string(test.index); });

TEST(LoneRequantizations, TakeAnAdditionAndAPoolIntoTheirLayer) {
    test::NetworkBuilder builder({3, 9, 9}, {false, 8, 12, 0.02F});
    builder.requantization("requantize")
        .addition("add", 0)
        .pool("pool", OperatorKind::max_pool, test::square_window(3, 2));
    builder.output().quantization = builder.network().tensors[2].quantization;
    const Schedule schedule = compile(builder.network(), {}, 1);
    ASSERT_EQ(schedule.layers.size(), 1U);
    const LayerSchedule& layer = schedule.layers[0];
    EXPECT_FALSE(layer.computation);
    EXPECT_EQ(layer.name, "requantize");
    EXPECT_EQ(layer.first_operator(), 0);
    EXPECT_EQ(layer.last_operator(), 2);
    EXPECT_EQ(layer.addition->layer, -1);
    for (const RequantMode mode : {RequantMode::float32, RequantMode::fixed_point}) {
        HardwareParams hardware;
        hardware.requant.mode = mode;
        test::renew_systemc();
        Bytes image;
        for (int i = 0; i < 243; ++i) image.push_back(static_cast<std::uint8_t>(i * 37));
        EXPECT_EQ(engine_difference(builder.network(), hardware, {image}), "");
    }
}

TEST(LoneRequantizations, BehindAComputationAreLayersOfTheirOwn) {
    test::NetworkBuilder builder({2, 6, 6});
    builder.convolution("c", 3, test::square_window(3)).requantization("r").convolution("d", 2, test::square_window(2));
    const Schedule schedule = compile(builder.network(), {}, 1);
    ASSERT_EQ(schedule.layers.size(), 3U);
    EXPECT_TRUE(schedule.layers[0].computation);
    EXPECT_FALSE(schedule.layers[1].computation);
    EXPECT_TRUE(schedule.layers[1].requantization);
    EXPECT_EQ(schedule.layers[1].input_layer, 0);
    // What a bias adder and a multiplier cost that take a stored integer less a zero point.
    EXPECT_EQ(schedule.layers[1].attributes.accumulator_bits, 9);
    EXPECT_EQ(schedule.layers[1].attributes.requant_bits, 9);
    EXPECT_EQ(schedule.layers[0].attributes.requant_bits, 32);
    EXPECT_EQ(schedule.layers[2].input_layer, 1);
}

/// Without weights, an addition or an average the requantization's keys still have an effect.
TEST(LoneRequantizations, UseTheKeysOfTheirSection) {
    test::NetworkBuilder builder({2, 6, 6}, {false, 8, 3, 0.1F});
    builder.requantization("r");
    const Schedule schedule = compile(builder.network(), {}, 1);
    for (const UnusedKey& unused : schedule.unused_keys)
        EXPECT_FALSE(unused.key.starts_with("requantization")) << unused.key;
    EXPECT_NE(schedule.unused_keys.size(), 0U);
}

/// No shift makes a factor of 10^12, and the message names the layer.
TEST(LoneRequantizations, AreRefusedWhereTheFactorIsTooLarge) {
    test::NetworkBuilder builder({1, 2, 2}, {false, 8, 0, 1e6F});
    builder.quantization({false, 8, 0, 1e-6F}).requantization("blow_up");
    builder.output().quantization.scale = 1e-6F;
    const std::string message = test::refusal([&] { compile(builder.network(), {}, 1); });
    EXPECT_TRUE(message.starts_with("layer 'blow_up': ")) << message;
}

}  // namespace
}  // namespace widthwise
