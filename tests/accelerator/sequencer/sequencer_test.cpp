// SPDX-License-Identifier: Apache-2.0
// The Sequencer against plain loops: tile commands on three links, Dma commands, slots of streamed weights, phases.
#include "accelerator/sequencer/sequencer.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <tuple>

#include "accelerator/kit/commands.h"
#include "accelerator/kit/link_bench.h"
#include "accelerator/sequencer/sequencer_rules.h"
#include "kit/network_builder.h"
#include "schedule/compile.h"

namespace widthwise::test {
namespace {

constexpr DramLayout kLayout{100, 20000, 30000, 35000, 40000};

class SequencerBench {
public:
    SequencerBench(const Network& network, const HardwareParams& hardware, int images, std::uint64_t seed)
        : schedule(compile(network, hardware, images)),
          streamed(hardware.weight_buffer.storage == WeightStorage::streamed),
          bench(seed, schedule.layers.size()),
          unit("sequencer", bench.period, bench.record),
          rules(bench, schedule,
                {{&line_buffer.monitor, &weight_buffer.monitor, &pe_array.monitor},
                 dma.monitor,
                 dma_done.monitor,
                 slot_released.monitor,
                 strip_stored.monitor,
                 start_cycles}) {
        bench.layers.hold(schedule.layers);
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.line_buffer(line_buffer.link);
        unit.weight_buffer(weight_buffer.link);
        unit.pe_array(pe_array.link);
        unit.dma(dma.link);
        unit.dma_done(dma_done.link);
        unit.slot_released(slot_released.link);
        unit.strip_stored(strip_stored.link);
        unit.computing(computing);
        unit.draining(draining);
        expect_commands();
        for (const DmaCommand& command : dma_commands) {
            dma_done.source.payloads.push_back(Token{static_cast<std::uint8_t>(command.kind)});
        }
        play_the_other_units();
    }

    /// Two batches, the second as soon as the first is done.
    [[nodiscard]] bool done() {
        if (started < kBatches && finished == started) start();
        return finished == kBatches && started == kBatches;
    }
    void run() {
        bench.pulse_reset();
        bench.run_until([this] { return done(); }, 100000);
    }

    static constexpr int kBatches = 2;
    Schedule schedule;
    bool streamed;
    Bench bench;
    DrainedLink<TileCommand> line_buffer{"sequencer2line_buffer", bench};
    DrainedLink<TileCommand> weight_buffer{"sequencer2weight_buffer", bench};
    DrainedLink<TileCommand> pe_array{"sequencer2pe_array", bench};
    DrainedLink<DmaCommand> dma{"sequencer2dma", bench};
    DrivenLink<Token> dma_done{"dma2sequencer", bench};
    DrivenLink<Token> slot_released{"weight_buffer2sequencer", bench};
    DrivenLink<Token> strip_stored{"pool_unit2sequencer", bench};
    sc_core::sc_signal<bool> computing{"computing"};
    sc_core::sc_signal<bool> draining{"draining"};
    Sequencer unit;
    std::vector<TileCommand> tiles;        ///< of all batches
    std::vector<std::size_t> tiles_until;  ///< commands up to and with the n-th layer (over batches)
    std::vector<std::size_t> slots_until;  ///< weight tiles likewise
    std::vector<DmaCommand> dma_commands;
    int started = 0;
    int finished = 0;
    std::vector<std::uint64_t> start_cycles;
    SequencerRules rules;

private:
    void start() {
        ++started;
        start_cycles.push_back(bench.cycle());
        unit.start(schedule, kLayout, [this] { ++finished; });
    }

    void add_dma(DmaCommand::Kind kind, int layer, std::int64_t dram_address, std::int64_t address,
                 std::int64_t bytes) {
        DmaCommand& c = dma_commands.emplace_back();
        c.kind = kind;
        c.layer = layer;
        c.dram_address = dram_address;
        c.address = address;
        c.bytes = bytes;
    }

    void expect_commands() {
        std::size_t weight_tiles = 0;
        for (int batch = 0; batch < kBatches; ++batch) {
            if (!streamed && batch == 0) {
                add_dma(DmaCommand::Kind::weights, kSetupPhase, kLayout.weights, 0, schedule.weight_bytes);
            }
            add_dma(DmaCommand::Kind::input, kLoadPhase, kLayout.input, schedule.input.address, schedule.input_bytes);
            std::int64_t address = kLayout.weights;
            for (const LayerSchedule& layer : schedule.layers) {
                for (const TileCommand& command : plain_commands(layer)) tiles.push_back(command);
                tiles_until.push_back(tiles.size());
                for (int m = 0; streamed && layer.computation.has_value() && m < layer.channel_tile_count();
                     ++m, ++weight_tiles) {
                    const std::int64_t channels =
                        std::min(layer.array_rows, layer.sums.channels - m * layer.array_rows);
                    const std::int64_t bytes = channels * (static_cast<std::int64_t>(layer.taps.size()) + 9);
                    const std::int64_t slot = weight_tiles % 2 == 0 ? 0 : schedule.hardware.weight_buffer.bytes / 2;
                    add_dma(DmaCommand::Kind::weights, layer.index, address, slot, bytes);
                    address += bytes;
                }
                slots_until.push_back(weight_tiles);
            }
            add_dma(DmaCommand::Kind::output, kStorePhase, kLayout.output, schedule.output.address,
                    schedule.output_bytes);
        }
        slot_released.source.payloads.assign(weight_tiles, Token{});
        strip_stored.source.payloads.assign(slots_until.size(), Token{});
    }

    /// What the Dma, the WeightBuffer and the PoolUnit answer, no sooner than they could.
    void play_the_other_units() {
        dma_done.source.allow = [this](std::size_t i) { return dma.monitor.count() > i; };
        slot_released.source.allow = [this](std::size_t i) {
            std::size_t fetched = 0;
            for (const Token& token : dma_done.monitor.data)
                fetched += token.kind == static_cast<int>(DmaCommand::Kind::weights);
            const auto layer = static_cast<std::size_t>(std::upper_bound(slots_until.begin(), slots_until.end(), i) -
                                                        slots_until.begin());
            return fetched > i && weight_buffer.monitor.count() >= tiles_until[layer] &&
                   strip_stored.monitor.count() >= layer;
        };
        strip_stored.source.allow = [this](std::size_t i) {
            return pe_array.monitor.count() >= tiles_until[i] && line_buffer.monitor.count() >= tiles_until[i] &&
                   weight_buffer.monitor.count() >= tiles_until[i] &&
                   (!streamed || slot_released.monitor.count() >= slots_until[i]);
        };
        bench.on_restart([this] {
            started = finished = 0;
            start_cycles.clear();
            start();
        });
    }
};

Network all_kinds() {
    return NetworkBuilder({2, 8, 7}, Quantization{}, 1)
        .convolution(5, square_window(3))
        .max_pool(square_window(2, 1))
        .max_pool(square_window(2, 2))
        .convolution(3, square_window(1))
        .fully_connected(7)
        .network();
}

struct Case {
    const char* name;
    int images;
    WeightStorage storage;
};
const Case kCases[] = {
    {"resident", 1, WeightStorage::resident},
    {"resident_batch", 3, WeightStorage::resident},
    {"streamed", 1, WeightStorage::streamed},
    {"streamed_batch", 5, WeightStorage::streamed},
};

class SequencerCommands : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(SequencerCommands, FollowTheLoopNest) {
    const Case& c = kCases[static_cast<std::size_t>(std::get<0>(GetParam()))];
    SCOPED_TRACE(c.name);
    HardwareParams hardware;
    hardware.array.rows = 2;
    hardware.array.columns = 3;
    hardware.weight_buffer.storage = c.storage;
    const Network network = all_kinds();
    SequencerBench b(network, hardware, c.images, static_cast<std::uint64_t>(std::get<1>(GetParam())));

    b.bench.run_and_interrupt(
        [&] { return b.done(); }, 100000,
        [&] {
            expect_same(b.line_buffer.monitor.data, b.tiles, "line buffer command");
            expect_same(b.weight_buffer.monitor.data, b.tiles, "weight buffer command");
            expect_same(b.pe_array.monitor.data, b.tiles, "array command");
            expect_same(b.dma.monitor.data, b.dma_commands, "Dma command");
            b.bench.expect_rules_checked();
            EXPECT_EQ(b.bench.record.images, static_cast<std::uint64_t>(c.images * SequencerBench::kBatches));
            // A layer's commands come after the layer before has been stored.
            for (std::size_t i = 1; i < b.tiles_until.size(); ++i) {
                for (const auto* link : {&b.line_buffer, &b.weight_buffer, &b.pe_array}) {
                    EXPECT_GT(link->monitor.cycles[b.tiles_until[i - 1]], b.strip_stored.monitor.cycles[i - 1]);
                }
            }
            // Never more than two weight tiles on the way or in use.
            std::size_t fetched = 0;
            for (std::size_t i = 0; i < b.dma.monitor.count(); ++i) {
                if (!b.streamed || b.dma.monitor.data[i].kind != DmaCommand::Kind::weights) continue;
                ++fetched;
                const auto& released = b.slot_released.monitor.cycles;
                const auto free = static_cast<std::size_t>(
                    std::lower_bound(released.begin(), released.end(), b.dma.monitor.cycles[i]) - released.begin());
                EXPECT_LE(fetched, 2 + free) << "Dma command " << i;
            }
            // The phases of a batch cover every cycle from its first edge to its last `done`.
            std::vector<std::uint64_t> ends;
            for (std::size_t i = 0; i < b.dma_commands.size(); ++i) {
                if (b.dma_commands[i].kind == DmaCommand::Kind::output) ends.push_back(b.dma_done.monitor.cycles[i]);
            }
            std::uint64_t cycles = 0;
            for (std::size_t i = 0; i < ends.size(); ++i) cycles += ends[i] - b.start_cycles[i];
            const RunRecord& record = b.bench.record;
            EXPECT_EQ(record.total().cycles.total + record.setup.cycles.total, cycles);
            EXPECT_EQ(record.total().events[Event::clock] + record.setup.events[Event::clock], cycles);
            EXPECT_EQ(record.setup.cycles.total > 0, c.storage == WeightStorage::resident);
            for (const LayerRecord& layer : record.layers) {
                EXPECT_EQ(layer.events[Event::pe_idle], layer.cycles.total * 6);  // nobody multiplied
                EXPECT_EQ(layer.cycles[Stall::drain], layer.cycles.total);
            }
            EXPECT_EQ(record.load.cycles[Stall::dram], record.load.cycles.total);
            EXPECT_EQ(record.store.cycles[Stall::dram], record.store.cycles.total);
        });
}

INSTANTIATE_TEST_SUITE_P(Cases, SequencerCommands,
                         testing::Combine(testing::Range(0, static_cast<int>(std::size(kCases))), testing::Range(0, 8)),
                         case_and_seed(kCases));

HardwareParams hardware_of(WeightStorage storage) {
    HardwareParams hardware;
    hardware.weight_buffer.storage = storage;
    return hardware;
}

/// Commands are in the output registers one edge after their cause: a transfer at the edge after that.
TEST(SequencerTiming, CommandsFollowTheirCauseByOneCycle) {
    const Network network = all_kinds();
    SequencerBench b(network, hardware_of(WeightStorage::resident), 1, 0);
    b.run();
    // Setup begins at the first edge after start(); input and output follow the `done` before, a layer the layer
    // before.
    const auto& dma = b.dma.monitor.cycles;
    const auto& done = b.dma_done.monitor.cycles;
    EXPECT_EQ(dma[0], b.start_cycles[0] + edges(Rule::command));
    EXPECT_EQ(dma[1], done[0] + edges(Rule::command));
    EXPECT_EQ(b.pe_array.monitor.cycles[0], done[1] + edges(Rule::command));
    for (std::size_t i = 1; i < b.schedule.layers.size(); ++i) {
        for (const auto* link : {&b.line_buffer, &b.weight_buffer, &b.pe_array}) {
            EXPECT_EQ(link->monitor.cycles[b.tiles_until[i - 1]],
                      b.strip_stored.monitor.cycles[i - 1] + edges(Rule::command));
        }
    }
    // Within a layer one command a cycle, as fast as the unit takes them.
    for (std::size_t i = 1; i < b.tiles_until[0]; ++i) {
        EXPECT_EQ(b.line_buffer.monitor.cycles[i], b.line_buffer.monitor.cycles[i - 1] + 1);
    }
    EXPECT_EQ(dma[2], b.strip_stored.monitor.cycles[b.schedule.layers.size() - 1] + edges(Rule::command));
    // The second batch has no setup.
    EXPECT_EQ(b.dma.monitor.data[3].kind, DmaCommand::Kind::input);
}

/// Two tiles are fetched right after the input; each later one at the edge after a slot was given back.
TEST(SequencerTiming, StreamedTilesArePrefetchedIntoFreeSlots) {
    const Network network = NetworkBuilder({2, 4, 4}, Quantization{}, 1).convolution(40, square_window(3)).network();
    SequencerBench b(network, hardware_of(WeightStorage::streamed), 1, 0);
    b.run();
    const auto& dma = b.dma.monitor.cycles;
    EXPECT_EQ(dma[0], b.start_cycles[0] + edges(Rule::command));
    EXPECT_EQ(dma[1], dma[0] + 1);
    EXPECT_EQ(dma[2], dma[1] + 1);
    for (std::size_t i = 3; i < 6; ++i)
        EXPECT_EQ(dma[i], b.slot_released.monitor.cycles[i - 3] + 1) << "tile " << i - 1;
}

}  // namespace
}  // namespace widthwise::test
