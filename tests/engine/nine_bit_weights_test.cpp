// SPDX-License-Identifier: Apache-2.0
// Weights less a zero point that need 9 bits: values in both engines against plain loops, bytes, events, prices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "energy/energy_table.h"
#include "engine/fast/fast_engine.h"
#include "engine/systemc_engine.h"
#include "kit/network_builder.h"
#include "kit/plain_network.h"
#include "schedule/compile.h"
#include "trace/wave_writer.h"

namespace widthwise {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// `convolution`: of 2x5x6 to 7 channels; or fully connected to 7. Weights 0..255 less the channel's zero point.
Network with_zero_points(bool convolution, const Quantization& input) {
    test::NetworkBuilder builder({2, 5, 6}, input, 3);
    if (convolution) builder.convolution(7, test::square_window(3, 1, 1), true);
    else builder.fully_connected(7, true);
    Network network = builder.network();
    Operator& op = network.operators.front();
    op.sums_leave = true;  // so that the outputs are the sums
    const int zero_points[] = {255, 0, 128, 3, 200, 77, 130};
    const auto per_channel = static_cast<std::size_t>(op.weights.per_channel());
    for (std::size_t i = 0; i < op.weights.values.size(); ++i) {
        op.weights.values[i] = static_cast<std::int16_t>(op.weights.values[i] + 128 - zero_points[i / per_channel]);
    }
    // The ends of the range meet the largest activations.
    op.weights.values[0] = -255;
    op.weights.values[per_channel] = 255;
    op.weights.bits = 9;
    return network;
}

struct Case {
    const char* name;
    bool convolution;
    Quantization input;
    AccumulatorFormat format;
    PsumStatistics statistics = PsumStatistics::outputs;
};

const Quantization kUnsigned{false, 8, 13, 0.02F};
const Quantization kSigned{true, 8, -5, 0.02F};

const Case kCases[] = {
    {"exact", true, kUnsigned, {32, Overflow::saturate, OverflowCheck::per_add}},
    {"exact_signed", false, kSigned, {32, Overflow::saturate, OverflowCheck::per_add}},
    {"saturating", true, kUnsigned, {19, Overflow::saturate, OverflowCheck::per_add}},
    {"wrapping_signed", true, kSigned, {18, Overflow::wrap, OverflowCheck::per_add}},
    {"no_wider_than_a_product", false, kUnsigned, {16, Overflow::saturate, OverflowCheck::per_add}},
    {"narrow", true, kSigned, {12, Overflow::wrap, OverflowCheck::per_add}},
    {"checked_at_the_end", true, kUnsigned, {17, Overflow::saturate, OverflowCheck::per_output}},
    {"every_addition", false, kUnsigned, {20, Overflow::saturate, OverflowCheck::per_add}, PsumStatistics::every_add},
};

class NineBitWeights : public testing::TestWithParam<Case> {};

/// Two's complement, least significant byte first.
Bytes bytes_of(const std::vector<std::vector<test::PlainSum>>& sums, int bits) {
    Bytes bytes;
    for (const auto& channel : sums) {
        for (const test::PlainSum& sum : channel) {
            for (int b = 0; b < bits; b += 8) {
                bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(sum.value) >> b));
            }
        }
    }
    return bytes;
}

TEST_P(NineBitWeights, GiveTheSumsOfPlainLoops) {
    const Case& c = GetParam();
    const Network network = with_zero_points(c.convolution, c.input);
    const Operator& op = network.operators.front();
    HardwareParams hardware;
    hardware.accumulator.format = c.format;
    hardware.accumulator.statistics = c.statistics;
    auto images = test::random_images(network.tensors[0], 4, 1);
    std::fill(images[3].begin(), images[3].end(), c.input.high());
    const auto source = [&](int i) { return test::as_bytes({images[static_cast<std::size_t>(i)]}); };
    std::vector<Bytes> outputs;
    const auto sink = [&](int, std::span<const std::uint8_t> output) {
        outputs.emplace_back(output.begin(), output.end());
    };
    SystemcEngine clocked(network, hardware);
    const RunRecord record = clocked.run(0, 4, source, sink);
    FastEngine fast(network, hardware, 1);
    EXPECT_TRUE(fast.run(0, 4, source, sink) == record);
    for (std::size_t i = 0; i < 4; ++i) {
        const auto sums = test::plain_sums(network, op, images[i], hardware.accumulator, c.format);
        const Bytes expected = bytes_of(sums, c.format.bits);
        EXPECT_EQ(outputs[i], expected) << "clocked, image " << i;
        EXPECT_EQ(outputs[4 + i], expected) << "fast, image " << i;
    }
    // One read and one subtraction per working row and tap; a byte per weight, and bias and zero point of each channel.
    const LayerRecord& layer = record.layers[0];
    EXPECT_EQ(layer.events[Event::weight_subtract] + 4 * 7 * (4 + 1), layer.events[Event::weight_buffer_read]);
    EXPECT_EQ(record.setup.events[Event::weight_buffer_write], op.weights.values.size() + 7 * (4 + 1));
}

INSTANTIATE_TEST_SUITE_P(Cases, NineBitWeights, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(NineBitWeightsOf, ALayerAreStoredInEightWithAZeroPointPerChannel) {
    Network network = with_zero_points(false, kUnsigned);
    const Schedule schedule = compile(network, {}, 1);
    const LayerSchedule& layer = schedule.layers.front();
    EXPECT_EQ(layer.weight_tile_bytes(0), 7 * (60 + 4 + 1));
    ASSERT_EQ(layer.computation->weight_zero_points.size(), 7U);
    for (std::size_t i = 0; i < layer.computation->weights.size(); ++i) {
        EXPECT_THAT(layer.computation->weights[i] + layer.computation->weight_zero_points[i / 60],
                    testing::AllOf(testing::Ge(0), testing::Le(255)));
    }
    network.operators[0].sums_leave = false;
    EXPECT_EQ(compile(network, {}, 1).layers.front().weight_tile_bytes(0), 7 * (60 + 9 + 1));
    network.operators[0].weights.bits = 8;  // values that fit are stored as they are
    for (std::int16_t& value : network.operators[0].weights.values) value = static_cast<std::int16_t>(value / 2);
    EXPECT_EQ(compile(network, {}, 1).layers.front().weight_tile_bytes(0), 7 * (60 + 9));
}

TEST(NineBitWeightsOf, AChannelThatNoByteCanHoldAreAnErrorOfTheImporter) {
    Network network = with_zero_points(false, kUnsigned);
    network.operators[0].weights.values[0] = 200;
    network.operators[0].weights.values[1] = -56;
    EXPECT_THROW(compile(network, {}, 1), SimulationError);
}

TEST(NineBitWeightsOf, ANetworkPriceTheMultiplier) {
    const Network network = with_zero_points(true, kUnsigned);
    const EnergyTable table = EnergyTable::load("horowitz-45nm", WIDTHWISE_SOURCE_DIR);
    const EventCosts costs = table.costs(compile(network, {}, 1).layers.front().attributes);
    EXPECT_DOUBLE_EQ(costs[static_cast<std::size_t>(Event::mac_multiply)], 0.2 * 8 * 9 / 64);
    EXPECT_DOUBLE_EQ(costs[static_cast<std::size_t>(Event::weight_subtract)], 0.03 + (0.1 - 0.03) / 24);
    HardwareParams narrow;
    narrow.array.weight_bits = 8;
    try {
        compile(network, narrow, 1);
        FAIL();
    } catch (const InputError& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("array.weight_bits: 8 is less than the 9 bits of the network's "
                                                     "operands; allowed: 9..9, or auto"));
    }
}

/// Notes how wide the PEs' weight registers are.
class WeightWidth : public WaveWriter {
public:
    void begin(const WaveList& list, const ClockEdges& /*edges*/) override {
        for (const WaveVariable& variable : list.variables()) {
            if (variable.name == "weight") bits = variable.bits;
        }
    }
    void sample(std::uint64_t /*cycle*/) override {}
    [[nodiscard]] bool finished() const override { return true; }
    int bits = 0;
};

TEST(NineBitWeightsOf, ANetworkShowInTheWaveform) {
    WeightWidth wave;
    const Network network = with_zero_points(false, kUnsigned);
    SystemcEngine engine(network, HardwareParams{});
    engine.record_waveform(wave);
    EXPECT_EQ(wave.bits, 9);
}

TEST(EightBitWeightsOf, ANetworkShowInTheWaveform) {
    WeightWidth wave;
    const Network network = test::NetworkBuilder({4, 1, 1}, kUnsigned, 1).fully_connected(3).network();
    SystemcEngine engine(network, HardwareParams{});
    engine.record_waveform(wave);
    EXPECT_EQ(wave.bits, 8);
}

}  // namespace
}  // namespace widthwise
