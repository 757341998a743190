// SPDX-License-Identifier: Apache-2.0
// The WeightBuffer between the Dma's writes and the array: resident and streamed, wide and narrow read ports.
#include "accelerator/weight_buffer/weight_buffer.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include "accelerator/kit/link_bench.h"
#include "kit/network_builder.h"
#include "schedule/compile.h"

namespace widthwise::test {
namespace {

class WeightBufferBench {
public:
    WeightBufferBench(const Network& network, const HardwareParams& hardware, int images, std::uint64_t seed)
        : schedule(compile(network, hardware, images)),
          streamed(hardware.weight_buffer.storage == WeightStorage::streamed),
          bench(seed, schedule.layers.size()),
          unit("weight_buffer", hardware.weight_buffer, bench.layers, bench.record) {
        bench.layers.hold(schedule.layers);
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.fill(fill.link);
        unit.command(command.link);
        unit.released(released.link);
        unit.weights(weights.link);
        unit.bias(bias.link);
        unit.parameters(parameters.link);
        unit.starved_by(starved_by);
        expected_writes.resize(schedule.layers.size());
        Random random(seed, "writes");
        std::int64_t address = 0;
        for (const LayerSchedule& layer : schedule.layers) add_layer(network, layer, address, random);
        if (!streamed) {
            for (WeightWrite& write : fill.source.payloads) write.last = false;
            fill.source.payloads.back().last = true;
        }
        // A streamed tile is only sent when one of the two slots is free, as the Sequencer sees to.
        fill.source.allow = [this](std::size_t i) {
            return !streamed || tile_of_write[i] < 2 + released.monitor.count();
        };
    }

    [[nodiscard]] bool done() const {
        return weights.monitor.count() >= expected.size() && released.monitor.count() >= expected_releases &&
               parameters.monitor.count() >= expected_parameters.size();
    }
    void run() {
        bench.pulse_reset();
        bench.run_until([this] { return done(); }, 100000);
    }

    Schedule schedule;
    bool streamed;
    Bench bench;
    DrivenLink<WeightWrite> fill{"dma2weight_buffer", bench};
    DrivenLink<TileCommand> command{"sequencer2weight_buffer", bench};
    DrainedLink<Token> released{"weight_buffer2sequencer", bench};
    DrainedLink<WeightOperands> weights{"weight_buffer2pe_array", bench};
    DrainedLink<BiasOperands> bias{"weight_buffer2pe_array_bias", bench};
    DrainedLink<Parameters> parameters{"weight_buffer2requant_unit", bench};
    sc_core::sc_signal<Stall> starved_by{"starved_by", Stall::dram};
    WeightBuffer unit;
    std::vector<WeightOperands> expected;
    std::vector<BiasOperands> expected_bias;
    std::vector<Parameters> expected_parameters;
    std::vector<std::size_t> last_taps;  ///< streamed: index of the tap with which each weight tile is used up
    std::vector<std::size_t> tile_of_write;
    std::vector<std::uint64_t> expected_writes;  ///< bytes, by layer
    std::size_t expected_releases = 0;

private:
    static int rows_of(const LayerSchedule& layer, int channel_tile) {
        return std::min(layer.array_rows, layer.sums.channels - channel_tile * layer.array_rows);
    }

    void add_layer(const Network& network, const LayerSchedule& layer, std::int64_t& address, Random& random) {
        std::int64_t number = 0;
        for (int m = 0; m < layer.channel_tile_count(); ++m) {
            if (layer.computation.has_value()) add_writes(network, layer, m, address, random);
            for (int g = 0; g < layer.image_groups; ++g) {
                for (int t = 0; t < static_cast<int>(layer.tiles.size()); ++t) {
                    const bool ends = g + 1 == layer.image_groups && t + 1 == static_cast<int>(layer.tiles.size());
                    command.source.payloads.push_back({layer.index, 0, {m, g, t}, number++, ends});
                    for (const Tap& tap : layer.taps) {
                        expected.push_back(operands(network, layer, m, tap));
                    }
                }
            }
            if (!layer.computation || !streamed) continue;
            ++expected_releases;
            last_taps.push_back(expected.size() - 1);
        }
    }

    static WeightOperands operands(const Network& network, const LayerSchedule& layer, int channel_tile,
                                   const Tap& tap) {
        WeightOperands o;
        o.rows.count = rows_of(layer, channel_tile);
        for (int r = 0; r < o.rows.count; ++r)
            o.rows[r] = weight(network, layer, channel_tile * layer.array_rows + r, tap);
        return o;
    }

    static std::int16_t weight(const Network& network, const LayerSchedule& layer, int channel, const Tap& tap) {
        if (!layer.computation) return 1;
        const Weights& w = network.operators[static_cast<std::size_t>(layer.computation->operator_index)].weights;
        const std::int64_t per_channel = std::int64_t{w.input_channels} * w.kernel_height * w.kernel_width;
        return w.values[static_cast<std::size_t>(channel * per_channel + tap.weight)];
    }

    /// What a weight of 9 bits is stored with: its channel's smallest is stored as 0.
    static int zero_point(const Network& network, const LayerSchedule& layer, int channel) {
        if (network.operators[static_cast<std::size_t>(layer.computation->operator_index)].weights.bits <= 8) return 0;
        int smallest = 0;
        for (const Tap& tap : layer.taps) smallest = std::min<int>(smallest, weight(network, layer, channel, tap));
        return -smallest;
    }

    /// Four bytes of bias, the zero point of weights of nine bits, four bytes of multiplier and one of shift: any values.
    void add_parameters(const Network& network, const LayerSchedule& layer, int m, std::vector<std::uint8_t>& bytes,
                        Random& random) {
        const bool nine_bits =
            network.operators[static_cast<std::size_t>(layer.computation->operator_index)].weights.bits == 9;
        BiasOperands& biases = expected_bias.emplace_back();
        Parameters& of_tile = expected_parameters.emplace_back();
        of_tile.layer = layer.index;
        of_tile.first_channel = m * layer.array_rows;
        of_tile.channels.count = biases.rows.count = rows_of(layer, m);
        for (int r = 0; r < biases.rows.count; ++r) {
            const std::size_t first = bytes.size();
            for (int i = 0; i < 9; ++i) bytes.push_back(static_cast<std::uint8_t>(random.in(0, 255)));
            ChannelParameters& channel = of_tile.channels[r];
            const auto number = [&](std::size_t at) {
                return std::uint32_t{bytes[at]} + 256U * bytes[at + 1] + 65536U * bytes[at + 2] +
                       16777216U * bytes[at + 3];
            };
            channel.bias = static_cast<std::int32_t>(number(first));
            channel.scale.multiplier = number(first + 4);
            channel.scale.shift = bytes[first + 8];
            biases.rows[r] = channel.bias;
            if (!nine_bits) continue;
            channel.weight_zero_point = static_cast<std::uint8_t>(zero_point(network, layer, m * layer.array_rows + r));
            bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(first) + 4, channel.weight_zero_point);
        }
    }

    /// Each channel's parameters, then tap by tap one weight per row, cut into words of random size.
    void add_writes(const Network& network, const LayerSchedule& layer, int m, std::int64_t& address, Random& random) {
        const std::size_t tile = tile_of_write.empty() ? 0 : tile_of_write.back() + 1;
        std::vector<std::uint8_t> bytes;
        const int rows = rows_of(layer, m);
        add_parameters(network, layer, m, bytes, random);
        for (const Tap& tap : layer.taps) {
            for (int r = 0; r < rows; ++r) {
                const int channel = m * layer.array_rows + r;
                bytes.push_back(static_cast<std::uint8_t>(weight(network, layer, channel, tap) +
                                                          zero_point(network, layer, channel)));
            }
        }
        std::int64_t at =
            streamed ? static_cast<std::int64_t>(tile % 2) * (schedule.hardware.weight_buffer.bytes / 2) : address;
        address += static_cast<std::int64_t>(bytes.size());
        for (std::size_t i = 0; i < bytes.size();) {
            WeightWrite write;
            write.layer = streamed ? layer.index : kSetupPhase;
            write.address = static_cast<std::int32_t>(at);
            for (int n = random.in(1, 16); n > 0 && i < bytes.size(); --n)
                write.bytes[write.bytes.count++] = bytes[i++];
            at += write.bytes.count;
            write.last = i == bytes.size();
            if (streamed)
                expected_writes[static_cast<std::size_t>(layer.index)] += static_cast<std::uint64_t>(write.bytes.count);
            fill.source.payloads.push_back(write);
            tile_of_write.push_back(tile);
        }
    }
};

Network two_layers() {  // 6 channels on 4 rows; 3 input channels
    return NetworkBuilder({3, 4, 5}, Quantization{}, 1)
        .convolution(6, square_window(2))
        .max_pool(square_window(2, 1))
        .max_pool(square_window(2, 1))
        .fully_connected(9)
        .network();
}

/// The convolution's weights less zero points that make some of them need 9 bits.
Network with_zero_points() {
    Network network = two_layers();
    Weights& w = network.operators.front().weights;
    const int zero_points[] = {255, 0, 128, 3, 200, 77};
    for (std::size_t i = 0; i < w.values.size(); ++i) {
        w.values[i] =
            static_cast<std::int16_t>(w.values[i] + 128 - zero_points[i / static_cast<std::size_t>(w.per_channel())]);
    }
    w.bits = 9;
    return network;
}

struct Case {
    const char* name;
    int images;
    std::function<void(HardwareParams&)> change;
    Network (*network)() = two_layers;
};

const Case kCases[] = {
    {"resident", 2, [](HardwareParams&) {}},
    {"resident_narrow_port", 1, [](HardwareParams& h) { h.weight_buffer.bytes_per_cycle = 3; }},
    {"resident_one_byte_port", 1, [](HardwareParams& h) { h.weight_buffer.bytes_per_cycle = 1; }},
    {"streamed", 2, [](HardwareParams& h) { h.weight_buffer.storage = WeightStorage::streamed; }},
    {"streamed_batch", 7, [](HardwareParams& h) { h.weight_buffer.storage = WeightStorage::streamed; }},
    {"streamed_narrow_port", 1,
     [](HardwareParams& h) {
         h.weight_buffer.storage = WeightStorage::streamed;
         h.weight_buffer.bytes_per_cycle = 2;
     }},
    {"resident_zero_points", 2, [](HardwareParams&) {}, with_zero_points},
    {"streamed_zero_points", 2, [](HardwareParams& h) { h.weight_buffer.storage = WeightStorage::streamed; },
     with_zero_points},
};

class WeightBufferValues : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(WeightBufferValues, AreTheTilesWeights) {
    const Case& c = kCases[static_cast<std::size_t>(std::get<0>(GetParam()))];
    SCOPED_TRACE(c.name);
    HardwareParams hardware;
    hardware.array.rows = 4;
    hardware.array.columns = 3;
    hardware.weight_buffer.bytes = 1000;
    c.change(hardware);
    const Network network = c.network();
    WeightBufferBench b(network, hardware, c.images, static_cast<std::uint64_t>(std::get<1>(GetParam())));
    b.bench.run_and_interrupt(
        [&] { return b.done(); }, 100000,
        [&] {
            expect_same(b.weights.monitor.data, b.expected, "tap");
            expect_same(b.bias.monitor.data, b.expected_bias, "bias");
            expect_same(b.parameters.monitor.data, b.expected_parameters, "parameters");
            EXPECT_EQ(b.released.monitor.count(), b.expected_releases);
            std::uint64_t bytes = 0;
            for (std::size_t i = 0; i < b.schedule.layers.size(); ++i) {
                const LayerSchedule& layer = b.schedule.layers[i];
                const EventCounts& events = b.bench.record.layers[i].events;
                EXPECT_EQ(events[Event::weight_buffer_write], b.expected_writes[i]);
                std::uint64_t reads = 0;
                if (layer.computation.has_value()) {  // every column tile reads its channels' weights once
                    reads = layer.taps.size() * layer.tiles.size() * static_cast<std::uint64_t>(layer.image_groups) *
                            static_cast<std::uint64_t>(layer.sums.channels);
                }
                const std::uint64_t parameter_bytes = i == 0 && c.network == with_zero_points ? 10 : 9;
                const std::uint64_t channels =
                    layer.computation.has_value() ? static_cast<std::uint64_t>(layer.sums.channels) : 0;
                EXPECT_EQ(events[Event::weight_buffer_read], reads + parameter_bytes * channels);
                EXPECT_EQ(events[Event::weight_subtract], i == 0 && c.network == with_zero_points ? reads : 0);
            }
            for (const WeightWrite& write : b.fill.source.payloads)
                bytes += static_cast<std::uint64_t>(write.bytes.count);
            EXPECT_EQ(b.bench.record.setup.events[Event::weight_buffer_write], b.streamed ? 0 : bytes);
        });
}

INSTANTIATE_TEST_SUITE_P(Cases, WeightBufferValues,
                         testing::Combine(testing::Range(0, static_cast<int>(std::size(kCases))), testing::Range(0, 6)),
                         case_and_seed(kCases));

/// Bias and parameters lie on their links at the edge at which the first weights of their channel tile do.
TEST(WeightBufferTimingOf, ParametersComeWithTheFirstTap) {
    HardwareParams hardware;
    hardware.array.rows = 2;
    const Network network = NetworkBuilder({2, 5, 5}, Quantization{}, 1).convolution(5, square_window(3)).network();
    WeightBufferBench b(network, hardware, 1, 0);
    b.run();
    const std::size_t taps_of_tile = b.expected.size() / 3;
    for (std::size_t tile = 0; tile < 3; ++tile) {
        EXPECT_EQ(b.bias.monitor.cycles.at(tile), b.weights.monitor.cycles.at(tile * taps_of_tile));
        EXPECT_EQ(b.parameters.monitor.cycles.at(tile), b.weights.monitor.cycles.at(tile * taps_of_tile));
    }
    EXPECT_EQ(b.bias.monitor.count(), 3U);
}

/// One tap per ceil(rows / port) cycles, from the edge on at which both the command and the weights are there.
class WeightBufferTiming : public testing::TestWithParam<std::tuple<int, bool>> {};

TEST_P(WeightBufferTiming, OneTapPerBeats) {
    const auto [port, late_command] = GetParam();
    HardwareParams hardware;
    hardware.array.rows = 5;
    hardware.weight_buffer.bytes_per_cycle = port;
    const Network network = NetworkBuilder({2, 5, 5}, Quantization{}, 1).convolution(5, square_window(3)).network();
    WeightBufferBench b(network, hardware, 1, 0);
    if (late_command) {
        b.command.source.allow = [&](std::size_t) { return b.fill.source.done() && b.bench.cycle() > 100; };
    }
    b.run();
    const int beats = port == 0 ? 1 : (5 + port - 1) / port;
    const std::uint64_t start = std::max(b.command.monitor.cycles.front(), b.fill.monitor.cycles.back());
    ASSERT_EQ(start == b.command.monitor.cycles.front(), late_command);
    ASSERT_EQ(b.expected.size(), 3U * 18);
    EXPECT_EQ(since(b.weights.monitor.cycles, start), every(beats, beats, b.expected.size()));
}

INSTANTIATE_TEST_SUITE_P(Ports, WeightBufferTiming,
                         testing::Combine(testing::Values(0, 1, 2, 3, 4, 5, 8), testing::Bool()));

/// The slot is given back at the edge at which the tile's last tap leaves; the next tile, prefetched, follows at once.
TEST(WeightBufferTimingOf, StreamedSlotsAreReleasedWithTheLastTap) {
    HardwareParams hardware;
    hardware.array.rows = 2;
    hardware.weight_buffer.storage = WeightStorage::streamed;
    hardware.weight_buffer.bytes = 600;
    const Network network = NetworkBuilder({2, 5, 5}, Quantization{}, 1).convolution(7, square_window(3)).network();
    WeightBufferBench b(network, hardware, 1, 0);
    b.run();
    ASSERT_EQ(b.released.monitor.count(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(b.released.monitor.cycles[i], b.weights.monitor.cycles[b.last_taps[i]]) << "tile " << i;
    }
    // A tile takes 3 * 18 taps and at most 54 writes: the prefetch is in time for every tile but the first.
    const auto& taps = b.weights.monitor.cycles;
    EXPECT_EQ(taps.back() - taps.front() + 1, taps.size());
}

TEST(WeightBufferTimingOf, StarvationIsBlamedOnDramOrOnThePort) {
    HardwareParams hardware;
    hardware.array.rows = 4;
    hardware.weight_buffer.bytes_per_cycle = 1;
    const Network network = NetworkBuilder({1, 3, 3}, Quantization{}, 1).convolution(4, square_window(2)).network();
    WeightBufferBench b(network, hardware, 1, 0);
    b.bench.pulse_reset();
    while (!b.done() && b.bench.cycle() < 1000) {
        const std::uint64_t edge = b.bench.cycle();
        const bool present = b.fill.monitor.count() == b.fill.source.payloads.size();
        // Before edge `edge` the unit has seen the last write at an earlier edge or not at all.
        if (b.command.monitor.count() > 0 && !b.weights.link.valid.read()) {
            EXPECT_EQ(b.starved_by.read(), present ? Stall::weights : Stall::dram) << "cycle " << edge;
        }
        b.bench.run(1);
    }
    EXPECT_TRUE(b.done());
}

/// The tile at work stays in the queue of two until its last tap.
TEST(WeightBufferTimingOf, OneCommandWaitsBehindTheTileAtWork) {
    const Network network = NetworkBuilder({1, 5, 3}, Quantization{}, 1).convolution(4, square_window(2)).network();
    WeightBufferBench b(network, HardwareParams{}, 1, 0);
    b.fill.source.allow = [](std::size_t) { return false; };
    b.bench.pulse_reset();
    b.bench.run(20);
    EXPECT_EQ(b.command.monitor.count(), 2U);
    EXPECT_EQ(b.weights.monitor.count(), 0U);
}

}  // namespace
}  // namespace widthwise::test
