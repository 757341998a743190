// SPDX-License-Identifier: Apache-2.0
// Networks that end without requantization, in both engines: stored bytes and classes against plain loops, cycles,
// events and energies of an example by hand.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "energy/energy_table.h"
#include "engine/fast/fast_engine.h"
#include "engine/systemc_engine.h"
#include "kit/network_builder.h"
#include "kit/plain_network.h"
#include "results/classifier.h"
#include "results/run_report.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Answer {
    RunRecord record;
    std::vector<Bytes> outputs;
};

template <typename Engine>
Answer answer_of(Engine&& engine, const std::vector<Bytes>& images) {
    Answer answer;
    answer.record = engine.run(
        0, static_cast<int>(images.size()), [&](int i) { return images[static_cast<std::size_t>(i)]; },
        [&](int, std::span<const std::uint8_t> output) { answer.outputs.emplace_back(output.begin(), output.end()); });
    return answer;
}

struct Case {
    const char* name;
    bool convolution;
    int batch;
    AccumulatorFormat format;
    int bytes;
};

const Case kCases[] = {
    {"one_byte", false, 1, {7, Overflow::saturate, OverflowCheck::per_add}, 1},
    {"saturating", false, 3, {12, Overflow::saturate, OverflowCheck::per_add}, 2},
    {"wrapping", false, 1, {16, Overflow::wrap, OverflowCheck::per_add}, 2},
    {"checked_at_the_end", false, 2, {14, Overflow::saturate, OverflowCheck::per_output}, 2},
    {"three_bytes", false, 3, {18, Overflow::saturate, OverflowCheck::per_add}, 3},
    {"never_overflows", false, 1, {32, Overflow::saturate, OverflowCheck::per_add}, 4},
    {"widest", false, 1, {48, Overflow::saturate, OverflowCheck::per_add}, 6},
    {"map", true, 1, {15, Overflow::wrap, OverflowCheck::per_output}, 2},
    {"map_of_three_bytes", true, 2, {17, Overflow::saturate, OverflowCheck::per_add}, 3},
};

class SumsThatLeave : public testing::TestWithParam<Case> {};

/// The class by the definition, in a type of its own.
int plain_class(const std::vector<std::int64_t>& sums, std::size_t pixels, const Weights& weights) {
    std::size_t best = 0;
    const auto real = [&](std::size_t i) {
        return static_cast<long double>(sums[i]) *
               static_cast<long double>(weights.scale(static_cast<int>(i / pixels)));
    };
    for (std::size_t i = 1; i < sums.size(); ++i) {
        if (real(i) > real(best)) best = i;
    }
    return static_cast<int>(best);
}

/// Two's complement, least significant byte first.
Bytes bytes_of(const std::vector<std::int64_t>& sums, int bytes) {
    Bytes result;
    for (std::int64_t sum : sums) {
        for (int b = 0; b < bytes; ++b) {
            result.push_back(static_cast<std::uint8_t>(sum & 255));
            sum = (sum - (sum & 255)) / 256;
        }
    }
    return result;
}

std::vector<std::int64_t> values_of(const std::vector<std::vector<test::PlainSum>>& sums) {
    std::vector<std::int64_t> values;
    for (const auto& channel : sums) {
        for (const test::PlainSum& sum : channel) values.push_back(sum.value);
    }
    return values;
}

TEST_P(SumsThatLeave, AreThoseOfPlainLoops) {
    const Case& c = GetParam();
    test::NetworkBuilder builder({2, 5, 6}, {false, 8, 13, 0.02F}, 3);
    if (c.convolution) builder.convolution(11, test::square_window(3), true);
    else builder.fully_connected(11, true);
    Network network = builder.network();
    Operator& op = network.operators.back();
    op.sums_leave = true;
    HardwareParams hardware;
    hardware.batch = c.batch;
    hardware.accumulator.format = c.format;
    hardware.accumulator.bias = BiasMode::requant;  // which such a layer does not follow
    AccumulatorParams preloaded = hardware.accumulator;
    preloaded.bias = BiasMode::preload;

    const auto images = test::random_images(network.tensors[0], 5, 1);
    std::vector<Bytes> inputs;
    for (const auto& image : images) inputs.push_back(test::as_bytes({image}));
    const Answer clocked = answer_of(SystemcEngine(network, hardware), inputs);
    const Answer fast = answer_of(FastEngine(network, hardware, 1), inputs);
    EXPECT_EQ(clocked.outputs, fast.outputs);
    EXPECT_TRUE(clocked.record == fast.record);
    const Classifier classify(network);
    for (std::size_t i = 0; i < images.size(); ++i) {
        const auto plain = test::plain_sums(network, op, images[i], preloaded, c.format);
        const std::vector<std::int64_t> sums = values_of(plain);
        const std::size_t pixels = plain.front().size();
        EXPECT_EQ(clocked.outputs[i], bytes_of(sums, c.bytes)) << "image " << i;
        EXPECT_EQ(classify(clocked.outputs[i]), plain_class(sums, pixels, op.weights)) << "image " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Cases, SumsThatLeave, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

/// 4 inputs, 3 sums of 18 bits, two lanes. The layer begins at S.
///
/// command S + 1; the one fill word asked for at S + 1, granted at S + 2, arrived at S + 3; taps S + 4 to S + 7; sums
/// in the shadow accumulators S + 10. Two beats, of 2 sums and of 1:
///
///                                 first beat   second beat
/// loaded by the array               S + 11       S + 12
/// first stage of requantization     S + 12       S + 13
/// second stage                      S + 13       S + 16     three bytes of the beat before go at S + 14, 15, 16
/// bytes written                     S + 17..19   S + 20..22
///
/// and the next phase begins one edge after the last write.
class ByHand : public testing::Test {
protected:
    ByHand() : network_(test::NetworkBuilder({4, 1, 1}, {false, 8, 0, 0.5F}, 1).fully_connected(3).network()) {
        network_.operators[0].sums_leave = true;
        network_.operators[0].weights.values = {1, 2, 3, 4, -1, -2, -3, -4, 127, 127, 127, 127};
        network_.operators[0].weights.scales = {1.0F, 1.0F, 0.001F};
        hardware_.accumulator.format.bits = 18;
        hardware_.requant.lanes = 2;
        hardware_.dram.latency = 50;
        hardware_.dram.bytes_per_cycle = 8;
        hardware_.line_buffer.fill_bytes_per_cycle = 8;
    }
    const std::vector<Bytes> images_ = {{200, 100, 50, 255}};
    Network network_;
    HardwareParams hardware_;
};

void expect_cycles(const RunRecord& record) {
    const CycleCounts& cycles = record.layers[0].cycles;
    EXPECT_EQ(cycles.total, 23U);
    EXPECT_EQ(cycles.compute, 4U);
    EXPECT_EQ(cycles[Stall::fill], 2U);
    EXPECT_EQ(cycles[Stall::drain], 17U);
    EXPECT_EQ(record.store.cycles.total, 2U + 5U);  // 9 bytes are two words
}

void expect_events(const RunRecord& record) {
    const LayerRecord& layer = record.layers[0];
    EXPECT_EQ(record.setup.events[Event::weight_buffer_write], 3U * (4 + 4));
    EXPECT_EQ(layer.events[Event::activation_buffer_write], 9U);
    EXPECT_EQ(record.store.events[Event::activation_buffer_read], 9U);
    EXPECT_EQ(record.store.events[Event::dram_write], 9U);
    EXPECT_EQ(layer.events[Event::bias_add], 0U);
    EXPECT_EQ(layer.events[Event::requant_multiply] + layer.events[Event::requant_shift], 0U);
    EXPECT_EQ(layer.events[Event::requant_add], 0U);
    EXPECT_EQ(layer.overflow.outputs, 3U);
    EXPECT_EQ(layer.psums.max, 76835);
}

TEST_F(ByHand, BytesCyclesAndEvents) {
    for (const bool clocked : {true, false}) {
        SCOPED_TRACE(clocked);
        const Answer answer = clocked ? answer_of(SystemcEngine(network_, hardware_), images_)
                                      : answer_of(FastEngine(network_, hardware_, 1), images_);
        // 200 + 200 + 150 + 1020 = 1570 = 0x000622; its negative 0xfff9de; 127 * 605 = 76835 = 0x012c23.
        EXPECT_EQ(answer.outputs[0], (Bytes{0x22, 0x06, 0x00, 0xde, 0xf9, 0xff, 0x23, 0x2c, 0x01}));
        EXPECT_EQ(Classifier(network_)(answer.outputs[0]), 0);  // 1570, -1570, 76.8
        expect_cycles(answer.record);
        expect_events(answer.record);
    }
}

/// 18 bits leave as three bytes, 16 as two; both are stored at the prices of a byte, and nothing is requantized.
TEST_F(ByHand, EnergyFollowsTheBytes) {
    const EnergyTable table = EnergyTable::load("horowitz-45nm", WIDTHWISE_SOURCE_DIR);
    for (const int bits : {18, 16}) {
        hardware_.accumulator.format.bits = bits;
        const Answer answer = answer_of(FastEngine(network_, hardware_, 1), images_);
        const Schedule schedule = compile(network_, hardware_, 1);
        RunSetup setup;
        setup.network = &network_;
        setup.schedule = &schedule;
        setup.table = &table;
        const RunReport report(setup, {answer.record, {}});
        const Phase& store = report.phases.back();
        const double prices = store.costs[static_cast<std::size_t>(Event::dram_write)] +
                              store.costs[static_cast<std::size_t>(Event::activation_buffer_read)];
        const double bytes = bits == 18 ? 9 : 6;
        const auto energy_of = [&](Component c) { return store.energy[static_cast<std::size_t>(c)].value(); };
        EXPECT_NEAR(energy_of(Component::dram) + energy_of(Component::buffers), bytes * prices, 1e-6);
        EXPECT_EQ(report.phases[1].energy[static_cast<std::size_t>(Component::requant)].value(), 0);
    }
}

}  // namespace
}  // namespace widthwise
