// SPDX-License-Identifier: Apache-2.0
// All units together: small networks end to end against plain loops, on every kind of hardware.
#include "accelerator/accelerator.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include "accelerator/accelerator_rules.h"
#include "accelerator/kit/bench.h"
#include "engine/random_case.h"
#include "kit/network_builder.h"
#include "kit/plain_network.h"
#include "schedule/compile.h"

namespace widthwise::test {
namespace {

class AcceleratorBench {
public:
    AcceleratorBench(const Network& net, const HardwareParams& hw, std::uint64_t seed)
        : network(net),
          hardware(hw),
          schedule(compile(network, hardware, hardware.batch)),
          bench(seed, schedule.layers.size()),
          unit("accelerator", schedule.hardware, bench.period, bench.record),
          rules(bench, schedule, start_cycles) {
        bench.layers.hold(schedule.layers);
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.install(schedule);
        for (int batch = 0; batch < 2; ++batch) {
            images.push_back(
                random_images(network.tensors[0], hardware.batch, seed * 2 + static_cast<std::uint64_t>(batch)));
        }
        bench.on_restart([this] {
            actual.clear();
            records.clear();
            start_cycles.clear();
            start();
        });
    }

    /// Two batches; each one's outputs and counts are kept.
    [[nodiscard]] bool done() {
        if (!batch_done_) return false;
        if (actual.size() < 2) {
            const auto outputs = unit.outputs(schedule);
            actual.emplace_back(outputs.begin(), outputs.end());
            records.push_back(bench.record);
            bench.record = RunRecord{};
            bench.record.layers.resize(schedule.layers.size());
            if (actual.size() < 2) start();
        }
        return actual.size() == 2;
    }

    /// Of the images of a batch, one after the other.
    [[nodiscard]] std::vector<std::uint8_t> expected(std::size_t batch) const {
        std::vector<std::uint8_t> outputs;
        for (const auto& image : images[batch]) {
            for (const int value : plain_network(network, hardware, image)) {
                outputs.push_back(static_cast<std::uint8_t>(value));
            }
        }
        return outputs;
    }

    Network network;
    HardwareParams hardware;
    Schedule schedule;
    Bench bench;
    Accelerator unit;
    std::vector<std::vector<std::vector<int>>> images;
    std::vector<std::vector<std::uint8_t>> actual;
    std::vector<RunRecord> records;
    std::vector<std::uint64_t> start_cycles;
    AcceleratorRules rules;

private:
    void start() {
        batch_done_ = false;
        start_cycles.push_back(bench.cycle());
        unit.start(schedule, as_bytes(images[actual.size()]), [this] { batch_done_ = true; });
    }
    bool batch_done_ = false;
};

const Quantization kUnsigned{false, 8, 6, 0.02F};
const Quantization kSigned{true, 8, -5, 0.02F};

Network two_layers() {
    return NetworkBuilder({2, 8, 9}, kUnsigned, 1)
        .convolution(5, square_window(3, 1, 1), true)
        .max_pool(square_window(2, 2))
        .fully_connected(7, true)
        .network();
}
Network five_layers() {
    return NetworkBuilder({1, 11, 11}, kSigned, 2)
        .quantization(kUnsigned)
        .convolution(3, square_window(3))
        .average_pool(square_window(3, 2, 1))
        .max_pool(square_window(2, 1))
        .convolution(6, square_window(2, 2), true)
        .convolution(9, square_window(2))
        .fully_connected(4)
        .network();
}

struct Case {
    const char* name;
    std::function<Network()> network;
    std::function<void(HardwareParams&)> change;
};

const Case kCases[] = {
    {"default", two_layers, [](HardwareParams&) {}},
    {"deep", five_layers, [](HardwareParams&) {}},
    {"batch", five_layers, [](HardwareParams& h) { h.batch = 5; }},
    {"systolic", five_layers, [](HardwareParams& h) { h.array.interconnect = Interconnect::systolic; }},
    {"no_shadow", two_layers, [](HardwareParams& h) { h.array.shadow_accumulators = false; }},
    {"flat", five_layers, [](HardwareParams& h) { h.array.mapping = Mapping::flat; }},
    {"one_port", five_layers, [](HardwareParams& h) { h.activation_buffer.ports = 1; }},
    {"streamed", five_layers,
     [](HardwareParams& h) {
         h.weight_buffer.storage = WeightStorage::streamed;
         h.batch = 2;
     }},
    {"streamed_one_port_narrow_everything", five_layers,
     [](HardwareParams& h) {
         h.weight_buffer.storage = WeightStorage::streamed;
         h.weight_buffer.bytes_per_cycle = 1;
         h.activation_buffer.ports = 1;
         h.line_buffer.fill_bytes_per_cycle = 1;
         h.dram = {3, 1};
         h.requant.lanes = 1;
     }},
    {"narrow_saturating", two_layers, [](HardwareParams& h) { h.accumulator.format.bits = 14; }},
    {"narrow_wrapping_float32", two_layers,
     [](HardwareParams& h) {
         h.accumulator.format = {13, Overflow::wrap, OverflowCheck::per_output};
         h.accumulator.bias = BiasMode::requant;
         h.requant.mode = RequantMode::float32;
     }},
    {"layer_widths_channel_first", five_layers,
     [](HardwareParams& h) {
         h.accumulator.layer_bits = {{"op0", 15}, {"op4", 13}};
         h.accumulator.order = {TapLoop::channel, TapLoop::column, TapLoop::row};
         h.array.zero_gating = true;
     }},
};

class AcceleratorValues : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(AcceleratorValues, AreThoseOfPlainLoops) {
    const Case& c = kCases[static_cast<std::size_t>(std::get<0>(GetParam()))];
    SCOPED_TRACE(c.name);
    HardwareParams hardware;
    hardware.array.rows = 4;
    hardware.array.columns = 4;
    hardware.requant.lanes = 2;
    hardware.dram.latency = 9;
    c.change(hardware);
    AcceleratorBench b(c.network(), hardware, static_cast<std::uint64_t>(std::get<1>(GetParam())));
    b.bench.run_and_interrupt(
        [&] { return b.done(); }, 200000,
        [&] {
            ASSERT_EQ(b.actual.size(), 2U);
            for (std::size_t batch = 0; batch < 2; ++batch) {
                EXPECT_EQ(b.actual[batch], b.expected(batch)) << "batch " << batch;
                const RunRecord& record = b.records[batch];
                for (std::size_t i = 0; i < record.layers.size(); ++i) {
                    const LayerSchedule& layer = b.schedule.layers[i];
                    const CycleCounts& cycles = record.layers[i].cycles;
                    std::uint64_t counted = cycles.compute;
                    for (const std::uint64_t stall : cycles.stalls) counted += stall;
                    EXPECT_EQ(cycles.total, counted);
                    EXPECT_EQ(cycles.compute, layer.taps.size() * static_cast<std::uint64_t>(layer.tile_count()));
                    // Taken by the array and left idle: every PE in every cycle.
                    const EventCounts& events = record.layers[i].events;
                    EXPECT_EQ(events[Event::mac_multiply] + events[Event::mac_gated] + events[Event::pe_idle],
                              cycles.total * 16);
                    if (layer.computation.has_value()) {
                        const std::int64_t macs = multiply_accumulates(
                            b.network,
                            b.network.operators[static_cast<std::size_t>(layer.computation->operator_index)]);
                        EXPECT_EQ(events[Event::mac_multiply] + events[Event::mac_gated],
                                  static_cast<std::uint64_t>(macs * hardware.batch));
                    }
                    EXPECT_EQ(events[Event::activation_buffer_read], events[Event::line_buffer_write]);
                }
            }
            // The second batch takes as long as the first, to the cycle, but for the setup.
            EXPECT_EQ(b.records[0].total().cycles.total, b.records[1].total().cycles.total);
            EXPECT_EQ(b.records[1].setup.cycles.total, 0U);
            for (std::size_t i = 0; i < b.schedule.layers.size(); ++i) {
                EXPECT_TRUE(b.records[0].layers[i].cycles == b.records[1].layers[i].cycles) << "layer " << i;
            }
        });
}

INSTANTIATE_TEST_SUITE_P(Cases, AcceleratorValues,
                         testing::Combine(testing::Range(0, static_cast<int>(std::size(kCases))), testing::Range(0, 3)),
                         case_and_seed(kCases));

/// The Sequencer's states as the waveform shows them: each layer fills, computes and drains, in this order.
TEST(Accelerator, ShowsThePhasesOfEachLayer) {
    AcceleratorBench b(two_layers(), HardwareParams{}, 0);
    WaveList wave;
    b.unit.add_waves(wave, 8);
    const auto state = std::find_if(wave.variables().begin(), wave.variables().end(), [](const WaveVariable& v) {
        return v.scope == "accelerator.sequencer" && v.name == "state";
    });
    ASSERT_NE(state, wave.variables().end());
    std::vector<std::string> states;
    b.bench.pulse_reset();
    while (!b.done() && b.bench.cycle() < 100000) {
        const std::string now(state->words[*static_cast<const std::uint8_t*>(state->value)]);
        if (states.empty() || states.back() != now) states.push_back(now);
        b.bench.run(1);
    }
    const std::vector<std::string> batch = {"LOAD", "FILL", "COMPUTE", "DRAIN", "FILL", "COMPUTE", "DRAIN", "STORE"};
    std::vector<std::string> expected = {"IDLE", "SETUP"};
    expected.insert(expected.end(), batch.begin(), batch.end());
    expected.emplace_back("IDLE");
    expected.insert(expected.end(), batch.begin(), batch.end());
    EXPECT_EQ(states, expected);
}

/// All rules of the timing are watched in all tests; here each has something to say, an addition's too.
TEST(Accelerator, KeepsEveryRule) {
    HardwareParams hardware;
    hardware.batch = 2;
    NetworkBuilder builder({2, 8, 9}, kUnsigned, 1);
    const int added = builder.convolution("a", 3, square_window(3, 1, 1)).op().output;
    builder.convolution("b", 3, square_window(3, 1, 1)).addition("sum", added);
    builder.max_pool(square_window(2, 2)).fully_connected(7);
    AcceleratorBench b(builder.network(), hardware, 0);
    b.bench.run_and_interrupt([&] { return b.done(); }, 200000, [&] { b.bench.expect_rules_checked(); });
}

class AcceleratorRulesOf : public testing::TestWithParam<std::uint64_t> {};

TEST_P(AcceleratorRulesOf, RandomCases) {
    const RandomCase random = make_random_case(GetParam());
    AcceleratorBench b(random.network, random.hardware, GetParam());
    b.bench.pulse_reset();
    b.bench.run_until([&] { return b.done(); }, 1000000);
    b.bench.run(2);  // the monitors look at an event at the edge after it
}

INSTANTIATE_TEST_SUITE_P(Seeds, AcceleratorRulesOf, testing::Range<std::uint64_t>(0, 100));

/// A batch of one 1x1 convolution with everything as small as possible, its cycles added up by hand.
TEST(Accelerator, TakesTheCyclesOfItsPipelines) {
    HardwareParams hardware;
    hardware.array.rows = 2;
    hardware.array.columns = 4;
    hardware.requant.lanes = 4;
    hardware.dram = {10, 8};
    const Network network = NetworkBuilder({1, 1, 4}, Quantization{}, 1).convolution(2, square_window(1)).network();
    AcceleratorBench b(network, hardware, 0);
    b.bench.pulse_reset();
    b.bench.run_until([&] { return b.done(); }, 1000);
    const RunRecord& record = b.records[0];
    // Weights: (1 tap + 9 parameter bytes) * 2 channels = 20 bytes = 3 words. From the edge of start: Dma command +1,
    // request +1, first word after latency + 2, the others one a cycle, into the buffer +1, done +1.
    EXPECT_EQ(record.setup.cycles.total, 1U + 1 + (10 + 2) + (3 - 1) + 1 + 1);
    EXPECT_EQ(record.load.cycles.total, 1U + 1 + (10 + 2) + 0 + 1 + 1);
    // Layer: command +1; the line's request +1, its word +1, the tap to the array +1; sums move +4, first beat out +1
    // (two beats: two channels of four pixels), the second +1; four requantization stages +4; pool +1; stored +1.
    EXPECT_EQ(record.layers[0].cycles.total, 1U + 1 + 1 + 1 + 5 + 1 + 4 + 1 + 1);
    EXPECT_EQ(record.layers[0].cycles.compute, 1U);
    // Store: command +1, read +2, word +1, to DRAM +1, done +1.
    EXPECT_EQ(record.store.cycles.total, 1U + 2 + 1 + 1 + 1);
}

}  // namespace
}  // namespace widthwise::test
