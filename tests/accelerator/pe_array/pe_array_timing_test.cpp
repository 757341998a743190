// SPDX-License-Identifier: Apache-2.0
// Edges at which the PeArray takes taps and puts out sums, as formulas of its parameters. All producers and consumers
// are as fast as they can be. "Issued at n": the tap's operands are transferred at edge n.
#include "accelerator/pe_array/pe_array_bench.h"
#include "kit/network_builder.h"

namespace widthwise::test {
namespace {

struct Shape2 {
    int rows, columns, lanes;
};

HardwareParams array(const Shape2& shape, Interconnect interconnect, bool shadow) {
    HardwareParams hardware;
    hardware.array.rows = shape.rows;
    hardware.array.columns = shape.columns;
    hardware.array.interconnect = interconnect;
    hardware.array.shadow_accumulators = shadow;
    hardware.requant.lanes = shape.lanes;
    return hardware;
}

/// `tiles` full tiles of rows x columns, K = kernel * kernel * channels taps each.
Network full_tiles(const Shape2& shape, int tiles, int channels, int kernel) {
    return NetworkBuilder({channels, tiles + kernel - 1, shape.columns + kernel - 1}, Quantization{}, 1)
        .convolution(shape.rows, square_window(kernel))
        .network();
}

/// What the micro-architecture promises: per tile the edge of its last tap, of its first tap and of its first beat.
/// Edges count from the transfer of the first tile command.
struct Expected {
    std::vector<std::int64_t> taps, beats;
    std::int64_t skew_stalls = 0, drain_stalls = 0;

    Expected(const Shape2& shape, int tiles, int k, Interconnect interconnect, bool shadow) {
        const int per_run = (shape.columns + shape.lanes - 1) / shape.lanes;
        const int b = shape.rows * per_run;  // beats of a tile
        const int s = interconnect == Interconnect::systolic ? shape.rows + shape.columns - 2 : 0;
        std::int64_t last = 0;  // of the previous tile
        std::int64_t free = 0;  // first edge at which a finished tile finds its place free
        for (int t = 0; t < tiles; ++t) {
            // The first tile begins a cycle after its command; the others follow, but for the wavefront's skew.
            std::int64_t next = t == 0 ? edges(Rule::issue) : last + 1 + s;
            if (t > 0) skew_stalls += s;
            if (!shadow && free > next) {
                drain_stalls += free - next;
                next = free;
            }
            for (int i = 0; i + 1 < k; ++i) taps.push_back(next++);
            if (shadow && free > next) {
                drain_stalls += free - next;
                next = free;
            }
            taps.push_back(last = next);
            const std::int64_t first_beat =
                last + s + edges(Rule::settle) + (shadow ? edges(Rule::copy) : 0) + edges(Rule::take);
            for (int i = 0; i < b; ++i) beats.push_back(first_beat + i);
            free = first_beat + b - 1;  // the last beat is in the output register, one edge before its transfer
        }
    }
};

struct TimingCase {
    const char* name;
    Shape2 shape;
    int channels, kernel;
    Interconnect interconnect;
    bool shadow;
};

constexpr Interconnect kBroadcast = Interconnect::broadcast;
constexpr Interconnect kSystolic = Interconnect::systolic;

const TimingCase kCases[] = {
    {"broadcast_compute_bound", {4, 4, 2}, 2, 3, kBroadcast, true},     // K = 18 > B + 4 = 12
    {"broadcast_exactly_balanced", {4, 4, 2}, 3, 2, kBroadcast, true},  // K = 12 = B + 4
    {"broadcast_one_short", {4, 4, 2}, 11, 1, kBroadcast, true},        // K = 11
    {"broadcast_drain_bound", {4, 4, 2}, 3, 1, kBroadcast, true},
    {"broadcast_one_tap", {3, 5, 2}, 1, 1, kBroadcast, true},
    {"broadcast_one_beat", {1, 3, 4}, 1, 3, kBroadcast, true},
    {"broadcast_no_shadow", {4, 4, 2}, 2, 3, kBroadcast, false},
    {"broadcast_no_shadow_one_tap", {4, 3, 4}, 1, 1, kBroadcast, false},
    {"systolic", {4, 4, 4}, 2, 3, kSystolic, true},
    {"systolic_wide", {2, 7, 3}, 2, 3, kSystolic, true},
    {"systolic_drain_bound", {4, 4, 1}, 2, 1, kSystolic, true},
    {"systolic_no_shadow", {3, 4, 2}, 2, 2, kSystolic, false},
    {"systolic_one_pe", {1, 1, 1}, 4, 1, kSystolic, true},
};

class PeArrayTiming : public testing::TestWithParam<int> {};

TEST_P(PeArrayTiming, IsExact) {
    const TimingCase& c = kCases[static_cast<std::size_t>(GetParam())];
    const int tiles = 6;
    const Network network = full_tiles(c.shape, tiles, c.channels, c.kernel);
    PeArrayBench b(network, array(c.shape, c.interconnect, c.shadow), 1, 0);
    ASSERT_EQ(b.stimulus.commands.size(), static_cast<std::size_t>(tiles));
    b.run();
    expect_same(b.sums.monitor.data, b.expected.beats, "beat");

    const Expected expected(c.shape, tiles, c.channels * c.kernel * c.kernel, c.interconnect, c.shadow);
    const std::uint64_t start = b.command.monitor.cycles.front();
    EXPECT_EQ(since(b.activations.monitor.cycles, start), expected.taps);
    EXPECT_EQ(since(b.sums.monitor.cycles, start), expected.beats);
    const CycleCounts& cycles = b.bench.record.layers[0].cycles;
    EXPECT_EQ(cycles[Stall::skew], static_cast<std::uint64_t>(expected.skew_stalls));
    EXPECT_EQ(cycles[Stall::drain], static_cast<std::uint64_t>(expected.drain_stalls));
    EXPECT_EQ(cycles[Stall::fill] + cycles[Stall::weights] + cycles[Stall::dram] + cycles[Stall::port_conflict], 0U);
}

INSTANTIATE_TEST_SUITE_P(Cases, PeArrayTiming, testing::Range(0, static_cast<int>(std::size(kCases))),
                         [](const auto& test) {
                             return std::string(kCases[static_cast<std::size_t>(test.param)].name);
                         });

/// The edge tile of 2 rows and 1 column is 3 shorter in the wavefront than a full one of 4 x 2.
TEST(PeArrayTimingOf, SystolicEdgeTilesCountByTheirRealSize) {
    HardwareParams hardware = array({4, 2, 4}, kSystolic, true);
    const Network
        network =  // two output rows of three pixels: column tiles of 2 and 1; 6 channels: row tiles of 4 and 2
        NetworkBuilder({4, 3, 4}, Quantization{}, 1).convolution(6, square_window(2)).network();
    PeArrayBench b(network, hardware, 1, 0);
    b.run();
    const int k = 16;
    std::vector<std::int64_t> expected;
    std::int64_t at = 1;
    for (const auto& [rows, columns] : {std::pair{4, 2}, {4, 1}, {4, 2}, {4, 1}, {2, 2}, {2, 1}, {2, 2}, {2, 1}}) {
        for (int i = 0; i < k; ++i) expected.push_back(at++);
        at += rows + columns - 2;
    }
    EXPECT_EQ(since(b.activations.monitor.cycles, b.command.monitor.cycles.front()), expected);
    EXPECT_EQ(b.bench.record.layers[0].cycles[Stall::skew], 4U + 3 + 4 + 3 + 2 + 1 + 2);
}

/// Holds payload `index` of a source back for `cycles` more cycles than needed.
template <typename T>
void delay(LinkSource<T>& source, const Bench& bench, std::size_t index, std::uint64_t cycles) {
    source.allow = [&bench, index, cycles, first = std::uint64_t{0}](std::size_t i) mutable {
        if (i != index) return true;
        if (first == 0) first = bench.cycle();
        return bench.cycle() - first >= cycles;
    };
}

TEST(PeArrayTimingOf, LateActivationsStallTheArrayForTheReasonTheirProducerGives) {
    const Network network = full_tiles({2, 2, 2}, 3, 2, 3);
    PeArrayBench b(network, array({2, 2, 2}, kBroadcast, true), 1, 0);
    delay(b.activations.source, b.bench, 7, 5);
    b.run();
    const CycleCounts& cycles = b.bench.record.layers[0].cycles;
    EXPECT_EQ(cycles[Stall::fill], 5U);
    EXPECT_EQ(cycles[Stall::dram] + cycles[Stall::skew] + cycles[Stall::drain], 0U);
    EXPECT_EQ(b.activations.monitor.cycles[7] - b.activations.monitor.cycles[6], 6U);
    EXPECT_EQ(b.activations.monitor.cycles, b.weights.monitor.cycles);
}

TEST(PeArrayTimingOf, LateWeightsAreBlamedBeforeLateActivations) {
    const Network network = full_tiles({2, 2, 2}, 3, 2, 3);
    PeArrayBench b(network, array({2, 2, 2}, kBroadcast, true), 1, 0);
    delay(b.activations.source, b.bench, 7, 9);
    delay(b.weights.source, b.bench, 7, 4);
    b.run();
    const CycleCounts& cycles = b.bench.record.layers[0].cycles;
    EXPECT_EQ(cycles[Stall::dram], 4U);
    EXPECT_EQ(cycles[Stall::fill], 9U - 4U);
}

TEST(PeArrayTimingOf, ASlowConsumerShowsAsDrain) {
    const Shape2 shape{2, 2, 1};
    const int k = 9;
    const Network network = full_tiles(shape, 4, 1, 3);
    PeArrayBench b(network, array(shape, kBroadcast, true), 1, 0);
    b.sums.sink.allow = [&] { return b.bench.cycle() % 4 == 0; };  // a beat every fourth cycle
    b.run();
    const auto& beats = b.sums.monitor.cycles;
    for (std::size_t i = 1; i < beats.size(); ++i) EXPECT_EQ(beats[i] - beats[i - 1], 4U);
    // 4 beats of 4 cycles a tile are slower than 9 taps: the last tap of each tile waits for the tile before to have
    // left.
    const auto& taps = b.activations.monitor.cycles;
    const std::uint64_t idle = taps.back() - taps.front() + 1 - taps.size();
    EXPECT_EQ(b.bench.record.layers[0].cycles[Stall::drain], idle);
    for (std::size_t tile = 1; tile < 4; ++tile) {
        // The last beat of the tile before enters the output register when the one before it is taken.
        EXPECT_EQ(taps[(tile + 1) * k - 1], beats[4 * tile - 2] + 1) << "tile " << tile;
    }
}

/// `computing` from the layer's first tap to its last, then `draining` until the next layer's first tile begins.
TEST(PeArrayTimingOf, ComputingAndDrainingFollowTheTaps) {
    const Network network = NetworkBuilder({1, 3, 3}, Quantization{}, 1)
                                .convolution(2, square_window(2))
                                .convolution(2, square_window(1))
                                .network();
    PeArrayBench b(network, array({2, 2, 2}, kBroadcast, true), 1, 0);
    // The second layer begins some time after the first has left.
    const auto tiles = static_cast<std::size_t>(b.schedule.layers[0].tile_count());
    b.command.source.allow = [&](std::size_t i) { return i < tiles || b.bench.cycle() >= 60; };
    std::vector<std::uint64_t> computing, draining;
    b.bench.pulse_reset();
    for (int i = 0; i < 100; ++i) {
        if (b.computing.read()) computing.push_back(b.bench.cycle());
        if (b.draining.read()) draining.push_back(b.bench.cycle());
        b.bench.run(1);
    }
    ASSERT_TRUE(b.done());
    const auto& taps = b.activations.monitor.cycles;
    const std::size_t first_layer = tiles * 4;
    const std::uint64_t second_begins = b.command.monitor.cycles[tiles];
    std::vector<std::uint64_t> expected_computing, expected_draining;
    const auto add = [](std::vector<std::uint64_t>& cycles, std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t cycle = from; cycle <= to; ++cycle) cycles.push_back(cycle);
    };
    add(expected_computing, taps[0] + 1, taps[first_layer - 1]);
    add(expected_computing, taps[first_layer] + 1, taps.back());
    add(expected_draining, taps[first_layer - 1] + 1, second_begins);
    add(expected_draining, taps.back() + 1, b.bench.cycle() - 1);
    EXPECT_EQ(computing, expected_computing);
    EXPECT_EQ(draining, expected_draining);
}

/// The tile at work and two behind it.
TEST(PeArrayTimingOf, TwoCommandsWaitInTheQueue) {
    const Network network = full_tiles({2, 2, 2}, 6, 1, 2);
    PeArrayBench b(network, array({2, 2, 2}, kBroadcast, true), 1, 0);
    b.activations.source.allow = [](std::size_t) { return false; };
    b.bench.pulse_reset();
    b.bench.run(20);
    EXPECT_EQ(b.command.monitor.count(), 1U + 2);
}

}  // namespace
}  // namespace widthwise::test
