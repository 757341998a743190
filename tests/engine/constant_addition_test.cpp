// SPDX-License-Identifier: Apache-2.0
// A constant added to a feature map, against the definition on real numbers, in both engines; and what of it lies in the
// weight memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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

/// Every stored integer in each of three channels.
constexpr Shape kMap{3, 16, 16};
Bytes every_byte() {
    Bytes image;
    for (int i = 0; i < 3 * 256; ++i) image.push_back(static_cast<std::uint8_t>(i));
    return image;
}

const Quantization kInput{false, 8, 30, 0.02F};
const AddedConstant kConstant{{-100, 0, 127}, {true, 8, 7, 0.01F}, false};
constexpr float kScale = 0.033F;

Network constant_network(const AddedConstant& constant) {
    test::NetworkBuilder builder(kMap, kInput);
    builder.quantization({false, 8, 12, kScale}).constant_addition("add", constant);
    builder.output().quantization.scale = kScale;
    return builder.network();
}

/// The output, the same in both engines.
Bytes output_of(const Network& network, const HardwareParams& hardware, RunRecord& record) {
    test::renew_systemc();
    EXPECT_EQ(engine_difference(network, hardware, {every_byte()}), "");
    Bytes output;
    FastEngine engine(network, hardware, 1);
    record = engine.run(
        0, 1, [&](int) { return every_byte(); },
        [&](int, std::span<const std::uint8_t> bytes) { output.assign(bytes.begin(), bytes.end()); });
    return output;
}

TEST(ConstantAdditions, AreTheDefinitionInBothEngines) {
    for (const RequantMode mode : {RequantMode::float32, RequantMode::fixed_point}) {
        for (const bool first : {false, true}) {
            AddedConstant constant = kConstant;
            constant.is_first = first;
            HardwareParams hardware;
            hardware.requant.mode = mode;
            RunRecord record;
            const Bytes output = output_of(constant_network(constant), hardware, record);
            ASSERT_EQ(output.size(), 3 * 256U);
            // Of factors of 16 bits, and of float32.
            const double slack = mode == RequantMode::fixed_point ? 0.02 : 1e-4;
            for (int i = 0; i < 3 * 256; ++i) {
                const double real = (i % 256 - 30) * 0.02 + (constant.values[i / 256] - 7) * 0.01;
                const auto clamped = [&](double value) {
                    return std::clamp(static_cast<int>(std::nearbyint(value)) + 12, 0, 255);
                };
                EXPECT_GE(output[i], clamped(real / kScale - slack)) << i;
                EXPECT_LE(output[i], clamped(real / kScale + slack)) << i;
            }
            const auto& events = record.layers.at(0).events;
            const bool is_real = mode == RequantMode::float32;
            EXPECT_EQ(events[Event::residual_multiply], is_real ? 0U : 2 * 768U);
            EXPECT_EQ(events[Event::residual_float_multiply], is_real ? 2 * 768U : 0U);
            EXPECT_EQ(events[Event::activation_buffer_read], 768U) << "the map alone is read";
            EXPECT_EQ(events[Event::mac_multiply], 0U);
        }
    }
}

TEST(ConstantAdditions, LieInTheWeightMemory) {
    const Network network = constant_network(kConstant);
    const Schedule resident = compile(network, {}, 1);
    EXPECT_EQ(resident.weight_bytes, 3);
    EXPECT_EQ(resident.hardware.weight_buffer.storage, WeightStorage::resident);
    EXPECT_FALSE(resident.layers[0].adds_map());
    EXPECT_TRUE(resident.layers[0].has_parameters());
    HardwareParams hardware;
    hardware.weight_buffer.storage = WeightStorage::streamed;
    hardware.weight_buffer.bytes = 2;
    RunRecord record;
    output_of(network, hardware, record);
    EXPECT_EQ(record.layers.at(0).events[Event::dram_read], 3U);
    EXPECT_EQ(record.layers.at(0).events[Event::weight_buffer_write], 3U);
    hardware.weight_buffer.bytes = 1;
    EXPECT_EQ(test::refusal([&] { compile(network, hardware, 1); }),
              "layer 'add': weight_buffer.bytes: 1 cannot hold twice the weights of one tap and the parameters of 1 "
              "channels, one in use and one prefetched; needs at least 2");
}

/// It reads no second map, so that one port does.
TEST(ConstantAdditions, DoWithOnePort) {
    HardwareParams hardware;
    hardware.activation_buffer.ports = 1;
    RunRecord record;
    EXPECT_EQ(output_of(constant_network(kConstant), hardware, record).size(), 768U);
}

TEST(ConstantAdditions, JoinTheLayerBefore) {
    test::NetworkBuilder builder({2, 6, 6});
    builder.convolution("c", 3, test::square_window(3))
        .constant_addition("add", kConstant)
        .pool("pool", OperatorKind::max_pool, test::square_window(2, 2));
    builder.output().quantization = builder.network().tensors[2].quantization;
    const Schedule schedule = compile(builder.network(), {}, 1);
    ASSERT_EQ(schedule.layers.size(), 1U);
    const LayerSchedule& layer = schedule.layers[0];
    EXPECT_EQ(layer.addition->layer, -1);
    EXPECT_EQ(layer.addition->constants, (Bytes{156, 0, 127}));
    // 18 weights, bias, multiplier, shift and constant of each channel.
    EXPECT_EQ(schedule.weight_bytes, 3 * (18 + 4 + 5 + 1));
    test::renew_systemc();
    Bytes image;
    for (int i = 0; i < 72; ++i) image.push_back(static_cast<std::uint8_t>(i * 37));
    EXPECT_EQ(engine_difference(builder.network(), {}, {image}), "");
}

}  // namespace
}  // namespace widthwise
