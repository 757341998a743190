// SPDX-License-Identifier: Apache-2.0
// Edges at which the LineBuffer asks for words and hands out taps, as formulas of the geometry. Edges count from the
// transfer of the layer's first tile command; memory and array are as fast as they can be.
#include <algorithm>

#include "accelerator/line_buffer/line_buffer_bench.h"
#include "kit/network_builder.h"

namespace widthwise::test {
namespace {

struct Geometry {
    int channels, height, width, kernel, columns, fill, rows;
    int read = 0;  ///< bytes of the port towards the array; 0: as wide as the array
};

/// The documented micro-architecture, row by row: words are asked for one a cycle, row-major, while rows are free; a
/// word asked for at edge e is stored at e + 1; a tap leaves when its line is stored, one a cycle, or every so many cycles
/// as its port takes to read its columns; the rows above the
/// next tile's window are free from the edge on at which the tile's last tap enters the output register.
struct Expected {
    std::vector<std::int64_t> requests, taps;

    /// Stride 1, no padding, mapping row, one image, one channel tile.
    explicit Expected(const Geometry& g) {
        const int words = (g.width + g.fill - 1) / g.fill;
        const int out_height = g.height - g.kernel + 1;
        const int out_width = g.width - g.kernel + 1;
        std::vector<std::int64_t> line_stored;  // by row * channels + channel: edge at which its last word is stored
        std::vector<std::int64_t> row_freed(static_cast<std::size_t>(g.height),
                                            0);  // edge at which the row's slot is free
        std::int64_t next_request = 1;
        const int full = std::min(g.columns, out_width);
        const int beats = g.read == 0 ? 1 : (full + g.read - 1) / g.read;
        std::int64_t last_tap = 0;  // its transfer; before the first, the command's
        int row = 0;
        const auto fill_to = [&](int end) {
            for (; row < end; ++row) {
                // The slot of `row` held row - rows before.
                const std::int64_t slot_free = row < g.rows ? 0 : row_freed[static_cast<std::size_t>(row - g.rows)];
                for (int i = 0; i < g.channels * words; ++i) {
                    next_request = std::max(next_request, slot_free + 1);
                    requests.push_back(next_request++);
                    if ((i + 1) % words == 0) line_stored.push_back(requests.back() + 1);
                }
            }
        };
        for (int y = 0; y < out_height; ++y) {
            fill_to(y + g.kernel);
            for (int first = 0; first < out_width; first += g.columns) {
                for (int r = 0; r < g.kernel; ++r) {
                    for (int s = 0; s < g.kernel; ++s) {
                        for (int c = 0; c < g.channels; ++c) {
                            // Stored at an edge, it can enter the output register at the same edge; transferred one
                            // later.
                            const auto line = static_cast<std::size_t>((y + r) * g.channels + c);
                            last_tap = std::max(last_tap, line_stored[line]) + beats;
                            taps.push_back(last_tap);
                        }
                    }
                }
            }
            row_freed[static_cast<std::size_t>(y)] = taps.back() - 1;
        }
    }
};

Network network_of(const Geometry& g) {
    return NetworkBuilder({g.channels, g.height, g.width}, Quantization{}, 1)
        .convolution(2, square_window(g.kernel))
        .network();
}

HardwareParams hardware_of(const Geometry& g) {
    HardwareParams hardware;
    hardware.array.columns = g.columns;
    hardware.line_buffer.fill_bytes_per_cycle = g.fill;
    hardware.line_buffer.rows = g.rows;
    hardware.line_buffer.read_bytes_per_cycle = g.read;
    return hardware;
}

struct TimingCase {
    const char* name;
    Geometry geometry;
};

const TimingCase kCases[] = {
    {"kernel_rows_only", {2, 6, 9, 3, 4, 4, 3}},
    {"kernel_and_stride_rows", {2, 6, 9, 3, 4, 4, 4}},
    {"whole_map", {2, 6, 9, 3, 4, 4, 6}},
    {"slow_fill", {1, 7, 12, 3, 16, 1, 3}},
    {"slow_fill_one_row_ahead", {1, 7, 12, 3, 16, 1, 4}},
    {"wide_fill", {3, 8, 8, 2, 2, 8, 3}},
    {"kernel_of_one", {2, 4, 8, 1, 8, 4, 1}},
    {"read_port_as_wide_as_the_array", {2, 6, 9, 3, 4, 4, 3, 4}},
    {"narrow_read_port", {2, 6, 9, 3, 4, 4, 3, 3}},
    {"read_port_of_one_byte", {2, 6, 9, 3, 4, 4, 4, 1}},
    {"narrow_read_port_slow_fill", {1, 7, 12, 3, 16, 1, 4, 4}},
    {"narrow_read_port_kernel_of_one", {2, 4, 8, 1, 8, 4, 1, 3}},
};

class LineBufferTiming : public testing::TestWithParam<int> {};

TEST_P(LineBufferTiming, IsExact) {
    const Geometry& g = kCases[static_cast<std::size_t>(GetParam())].geometry;
    const Network network = network_of(g);
    LineBufferBench b(network, hardware_of(g), 1, 0);
    b.run();
    expect_same(b.activations.monitor.data, b.expected, "tap");
    const Expected expected(g);
    const std::uint64_t start = b.command.monitor.cycles.front();
    EXPECT_EQ(since(b.request_monitor.cycles, start), expected.requests);
    EXPECT_EQ(since(b.activations.monitor.cycles, start), expected.taps);
}

INSTANTIATE_TEST_SUITE_P(Cases, LineBufferTiming, testing::Range(0, static_cast<int>(std::size(kCases))),
                         [](const auto& test) {
                             return std::string(kCases[static_cast<std::size_t>(test.param)].name);
                         });

/// The first tap leaves words_per_line + 2 edges after the command: the first word's grant, one word a cycle, the way
/// from the memory, the output register.
TEST(LineBufferTimingOf, TheFirstTapWaitsForItsLineOnly) {
    const Geometry g{3, 8, 28, 5, 24, 8, 6};
    const Network network = network_of(g);
    LineBufferBench b(network, hardware_of(g), 1, 0);
    b.run();
    const std::uint64_t words = (28 + 8 - 1) / 8;
    EXPECT_EQ(b.activations.monitor.cycles.front() - b.command.monitor.cycles.front(),
              edges(Rule::grant) + words - 1 + edges(Rule::arrive) + edges(Rule::issue));
    // Then one tap a cycle where the fill keeps ahead: the second output row reads one new row.
    const std::size_t taps = 75;
    const auto& at = b.activations.monitor.cycles;
    for (std::size_t t = taps; t < 2 * taps; ++t) EXPECT_EQ(at[t] - at[t - 1], 1U) << "tap " << t;
}

/// With K + stride rows the next row is there when the next window begins; with K rows it is only asked for then.
TEST(LineBufferTimingOf, ExactlyKernelRowsCostARefillPerOutputRow) {
    const Geometry g{1, 6, 8, 3, 6, 8, 3};
    const Network network = network_of(g);
    LineBufferBench b(network, hardware_of(g), 1, 0);
    b.run();
    const auto& at = b.activations.monitor.cycles;
    const std::size_t taps = 9;
    for (std::size_t y = 1; y < 4; ++y) {
        // Freed at edge f (last tap enters the output register), asked for at f + 1, stored at f + 2, handed out at f +
        // 3; the taps of the two older rows go first.
        const std::uint64_t freed = at[y * taps - 1] - 1;
        const std::uint64_t new_row_tap = at[y * taps + 6];
        EXPECT_EQ(at[y * taps], at[y * taps - 1] + 1);
        EXPECT_EQ(new_row_tap, std::max(freed + 3, at[y * taps + 5] + 1));
    }
}

TEST(LineBufferTimingOf, APassFollowsWithoutAGap) {
    const Geometry g{1, 4, 8, 3, 6, 8, 4};
    HardwareParams hardware = hardware_of(g);
    hardware.array.rows = 1;  // two channel tiles: the feature map is read twice
    const Network network = network_of(g);
    LineBufferBench b(network, hardware, 1, 0);
    b.run();
    const auto& at = b.activations.monitor.cycles;
    ASSERT_EQ(at.size(), 2U * 2 * 9);
    // The last output row of a pass holds three of four slots until its last tap; the first row of the next pass takes
    // the free one meanwhile, so that only the rest is waited for.
    EXPECT_EQ(at[18], at[17] + 1);
}

/// The cause is there with the first edge at which no tap is: the array counts it at the edge after.
TEST(LineBufferTimingOf, StallsAreBlamedOnTheFillOrOnTheLostPort) {
    const Geometry g{1, 4, 8, 3, 6, 1, 3};  // a line takes eight cycles
    const Network network = network_of(g);
    LineBufferBench b(network, hardware_of(g), 1, 0);
    std::vector<std::uint64_t> refused, blamed;
    b.memory.deny = [&] {
        return b.request_monitor.count() >= 10 && b.request_monitor.count() < 12 && refused.size() < 5;
    };
    b.bench.pulse_reset();
    while (!b.done() && b.bench.cycle() < 1000) {
        const std::uint64_t edge = b.bench.cycle();
        if (b.request.valid.read() && !b.request.ready.read()) refused.push_back(edge);
        if (b.starved_by.read() == Stall::port_conflict) blamed.push_back(edge - 1);
        b.bench.run(1);
    }
    EXPECT_EQ(refused.size(), 5U);
    EXPECT_EQ(blamed, refused);
    expect_same(b.activations.monitor.data, b.expected, "tap");
}

/// A tap whose line has come and whose bytes are still being read is starved by the read port, not by the fill.
TEST(LineBufferTimingOf, BeatsOfATapAreBlamedOnTheReadPort) {
    const Geometry g{1, 3, 8, 3, 6, 8, 3, 2};  // three beats a tap
    const Network network = network_of(g);
    LineBufferBench b(network, hardware_of(g), 1, 0);
    b.bench.pulse_reset();
    std::size_t starved = 0;
    while (!b.done() && b.bench.cycle() < 1000) {
        const bool all_filled = b.data_monitor.count() == b.request_monitor.count() && b.data_monitor.count() == 3;
        if (all_filled && !b.activations.link.valid.read()) {
            EXPECT_EQ(b.starved_by.read(), Stall::activations) << "cycle " << b.bench.cycle();
            ++starved;
        }
        b.bench.run(1);
    }
    EXPECT_GT(starved, 10U);
}

/// The tile at work stays in the queue of two until its last tap.
TEST(LineBufferTimingOf, OneCommandWaitsBehindTheTileAtWork) {
    const Geometry g{1, 6, 8, 3, 2, 8, 3};
    const Network network = network_of(g);
    LineBufferBench b(network, hardware_of(g), 1, 0);
    b.memory.deny = [] { return true; };
    b.bench.pulse_reset();
    b.bench.run(20);
    EXPECT_EQ(b.command.monitor.count(), 2U);
    EXPECT_EQ(b.activations.monitor.count(), 0U);
}

}  // namespace
}  // namespace widthwise::test
