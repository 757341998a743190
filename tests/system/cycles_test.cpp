// SPDX-License-Identifier: Apache-2.0
// Cycles of LeNet-5, one image, taken apart: taps from the tiling, the fill of the first rows, the skew of systolic
// links, the drain of the last tile, and the pipeline between them register by register.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "system/simulation.h"

namespace widthwise::test {
namespace {

constexpr int kRows = 8;
constexpr int kColumns = 8;
constexpr int kLanes = 4;
constexpr int kFillBytes = 8;
constexpr int kDramLatency = 50;
constexpr int kDramBytes = 8;

/// One cycle each, one register each.
constexpr int kCommand = 1;       // Sequencer > units: a layer's first cycle
constexpr int kSums = 1 + 1 + 1;  // product, accumulator, shadow accumulator
constexpr int kRequant = 4;       // bias, multiply, round, clamp
constexpr int kPool = 1;          // its output register
constexpr int kStored = 1 + 1;    // write into the activation buffer, word to the Sequencer
constexpr int kFirstWord = 1;     // activation buffer > line buffer; the request overlaps kCommand
constexpr int kDmaCommand = 5;    // Sequencer > Dma > Dram > Dma > buffer > Sequencer

int ceil_div(int a, int b) { return (a + b - 1) / b; }

/// A layer as design.md section 5 has it. A vector is read in fill words, one after the other.
struct Layer {
    std::string name;
    int in_channels, in_width;
    int out_channels, out_height, out_width;
    int kernel;
    bool vector;

    [[nodiscard]] int taps() const { return in_channels * kernel * kernel; }
    [[nodiscard]] int last_rows() const { return out_channels - (ceil_div(out_channels, kRows) - 1) * kRows; }
    [[nodiscard]] int last_columns() const { return out_width - (ceil_div(out_width, kColumns) - 1) * kColumns; }

    /// A tap a cycle for every tile of up to 8 output channels and 8 pixels of a row.
    [[nodiscard]] int compute() const {
        return ceil_div(out_channels, kRows) * out_height * ceil_div(out_width, kColumns) * taps();
    }
    /// Until the line buffer is ahead: tap t waits for its word w(t), and those come one a cycle.
    [[nodiscard]] int fill() const {
        if (vector) return kFirstWord + 1;  // the first word holds 8 taps; the others come in time
        const int words_per_line = ceil_div(in_width, kFillBytes);
        int wait = 0;
        for (int t = 0; t < in_channels; ++t) wait = std::max(wait, (t + 1) * words_per_line - t);
        return kFirstWord + wait;
    }
    /// Beats of `lanes` sums that the last tile leaves in: along a row, or along a column when there is one pixel.
    [[nodiscard]] int last_beats() const {
        return out_width == 1 ? ceil_div(last_rows(), kLanes) : last_rows() * ceil_div(last_columns(), kLanes);
    }
    [[nodiscard]] int drain() const { return kCommand + kSums + last_beats() + kRequant + kPool + kStored; }

    /// Rows + columns - 2 after each tile but the last, whose wavefront belongs to the drain.
    [[nodiscard]] int skew() const {
        int sum = 0;
        for (int m = 0; m < out_channels; m += kRows) {
            for (int y = 0; y < out_height; ++y) {
                for (int x = 0; x < out_width; x += kColumns) {
                    sum += std::min(kRows, out_channels - m) + std::min(kColumns, out_width - x) - 2;
                }
            }
        }
        return sum - last_skew();
    }
    [[nodiscard]] int last_skew() const { return last_rows() + last_columns() - 2; }
};

const std::vector<Layer>& lenet5() {
    static const std::vector<Layer> kLayers = {{"c1", 1, 32, 6, 28, 28, 5, false},
                                               {"c3", 6, 14, 16, 10, 10, 5, false},
                                               {"c5", 16, 5, 120, 1, 1, 5, false},
                                               {"f6", 120, 1, 84, 1, 1, 1, true},
                                               {"out", 84, 1, 10, 1, 1, 1, true}};
    return kLayers;
}

RunRecord record_of_one_image(const std::string& file) {
    const Workload workload(file);
    SystemcEngine engine(workload.network, workload.config.hardware);
    return run(engine, 0, 1, workload.source()).record;
}

void expect_cycles(const CycleCounts& actual, const std::string& name, int compute, int skew, int drain, int fill) {
    const auto count = [](int cycles) { return static_cast<std::uint64_t>(cycles); };
    EXPECT_EQ(actual.compute, count(compute)) << name;
    EXPECT_EQ(actual[Stall::skew], count(skew)) << name;
    EXPECT_EQ(actual[Stall::drain], count(drain)) << name;
    EXPECT_EQ(actual[Stall::fill], count(fill)) << name;
    EXPECT_EQ(actual[Stall::dram], 0U) << name;
    EXPECT_EQ(actual[Stall::weights], 0U) << name;
    EXPECT_EQ(actual[Stall::port_conflict], 0U) << name;
    EXPECT_EQ(actual.total, count(compute + skew + drain + fill)) << name;
}

/// DRAM phases: a word a cycle after the latency of a read.
void expect_transfers(const RunRecord& record) {
    const int parameters = 61470 + (6 + 16 + 120 + 84 + 10) * 9;  // weights; bias, multiplier and shift per channel
    const auto read = [](int bytes) {
        return static_cast<std::uint64_t>(ceil_div(bytes, kDramBytes) + kDramLatency + kDmaCommand);
    };
    EXPECT_EQ(record.setup.cycles.total, read(parameters));
    EXPECT_EQ(record.load.cycles.total, read(32 * 32));
    EXPECT_EQ(record.store.cycles.total, static_cast<std::uint64_t>(ceil_div(10, kDramBytes) + kDmaCommand));
    for (const LayerRecord& phase : {record.setup, record.load, record.store}) {
        EXPECT_EQ(phase.cycles[Stall::dram], phase.cycles.total);
        EXPECT_EQ(phase.cycles.compute, 0U);
    }
}

TEST(Cycles, Lenet5Broadcast8x8) {
    const RunRecord record = record_of_one_image("widthwise-8x8.yaml");
    ASSERT_EQ(record.layers.size(), lenet5().size());
    for (std::size_t i = 0; i < lenet5().size(); ++i) {
        const Layer& layer = lenet5()[i];
        expect_cycles(record.layers[i].cycles, layer.name, layer.compute(), 0, layer.drain(), layer.fill());
    }
    expect_transfers(record);
    // The same as plain numbers, so that a mistake in the formulas shows.
    const std::uint64_t totals[] = {2822, 6027, 6015, 1334, 182};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(record.layers[i].cycles.total, totals[i]) << lenet5()[i].name;
    EXPECT_EQ(record.setup.cycles.total, 8005U);
    EXPECT_EQ(record.total().cycles.total, 183U + 2822 + 6027 + 6015 + 1334 + 182 + 7);
}

TEST(Cycles, Lenet5Systolic8x8) {
    const RunRecord record = record_of_one_image("systolic-8x8.yaml");
    ASSERT_EQ(record.layers.size(), lenet5().size());
    for (std::size_t i = 0; i < lenet5().size(); ++i) {
        const Layer& layer = lenet5()[i];
        expect_cycles(record.layers[i].cycles, layer.name, layer.compute(), layer.skew(),
                      layer.drain() + layer.last_skew(), layer.fill());
    }
    expect_transfers(record);
    const std::uint64_t totals[] = {4054, 6467, 6120, 1407, 190};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(record.layers[i].cycles.total, totals[i]) << lenet5()[i].name;
}

/// Every cycle is a tap or has a cause, and a clock event; every working PE's cycle is a multiply.
TEST(Cycles, AddUpOnAStarvedDevice) {
    const Workload workload("edge-4x4-streamed.yaml");
    SystemcEngine engine(workload.network, workload.config.hardware);
    const RunRecord record = run(engine, 0, 2, workload.source()).record;
    std::uint64_t dram = 0;
    for (const LayerRecord& layer : record.layers) {
        const std::uint64_t stalls =
            std::accumulate(layer.cycles.stalls.begin(), layer.cycles.stalls.end(), std::uint64_t{0});
        EXPECT_EQ(layer.cycles.total, layer.cycles.compute + stalls);
        EXPECT_EQ(layer.events[Event::clock], layer.cycles.total);
        EXPECT_EQ(layer.events[Event::mac_multiply] + layer.events[Event::mac_gated] + layer.events[Event::pe_idle],
                  16 * layer.cycles.total);
        dram += layer.cycles[Stall::dram];
    }
    // Streaming 63,594 bytes of weights per image at a byte a cycle is what this device waits for: no layer but the
    // first two computes for as long as its weights take.
    EXPECT_GT(dram, 2U * (48000 - 12000));
    EXPECT_GE(record.total().cycles.total, 2U * 63594);
}

}  // namespace
}  // namespace widthwise::test
