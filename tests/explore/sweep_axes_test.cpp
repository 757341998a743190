// SPDX-License-Identifier: Apache-2.0
// Any key as an axis, and several keys together.
#include "explore/sweep_axes.h"

#include <gmock/gmock.h>

#include "config/config_keys.h"
#include "config/config_writer.h"
#include "config/unusual_config.h"
#include "explore/loaded_axes.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(SweepAxes, EveryKeyIsOne) {
    std::size_t tried = 0;
    for (const KeyText& text : key_texts(test::unusual_config())) {
        SCOPED_TRACE(text.key);
        const std::string axes = "  " + text.key + ": [" + text.yaml + "]\n";
        if (text.key == "images" || text.key == "labels") {
            EXPECT_THAT(test::refusal([&] { test::load_axes(axes); }),
                        HasSubstr(text.key + " cannot vary: all points"));
            continue;
        }
        ++tried;
        const SweepFile sweep = test::load_axes(axes);
        EXPECT_THAT(sweep.axes.front().keys, ElementsAre(text.key));
        const RunConfig changed = sweep.apply({}, 0);
        EXPECT_EQ(key_text(changed, text.key), text.shown);
        EXPECT_EQ(sweep.describe(0), text.key + " " + text.shown);
        const std::vector<UnusedKey> key = {{text.key, ""}};
        EXPECT_EQ(to_yaml(changed, ".", key), to_yaml({}, ".", key)) << "another key was changed";
    }
    EXPECT_EQ(tried + 2, config_keys().size());
}

TEST(SweepAxes, IntegersHaveRanges) {
    EXPECT_THAT(test::texts(test::load_axes("  dram.latency: {from: 10, to: 50, step: 20}\n").axes.front()),
                ElementsAre("10", "30", "50"));
    const SweepFile sweep = test::load_axes("  array.weight_bits: {from: 4, to: 5}\n");
    EXPECT_EQ(sweep.apply({}, 1).hardware.array.weight_bits, 5);
}

TEST(SweepAxes, MapsChangeKeysTogether) {
    const SweepFile sweep = test::load_axes(
        "  size:\n    - {array.rows: 16, array.columns: 4}\n    - {dram.latency: 9, array.rows: 2}\n"
        "  dram.bytes_per_cycle: [1, 2]\n");
    EXPECT_THAT(sweep.axes.front().keys, ElementsAre("array.rows", "array.columns", "dram.latency"));
    EXPECT_THAT(test::texts(sweep.axes.front()),
                ElementsAre("array.rows=16,array.columns=4", "array.rows=2,dram.latency=9"))
        << "in the order of accelerator files";
    EXPECT_EQ(sweep.describe(3), "size array.rows=2,dram.latency=9, dram.bytes_per_cycle 2");
    const HardwareParams first = sweep.apply({}, 0).hardware, last = sweep.apply({}, 3).hardware;
    EXPECT_EQ(first.array.rows, 16);
    EXPECT_EQ(first.array.columns, 4);
    EXPECT_EQ(first.dram.latency, DramParams{}.latency) << "a key that a map leaves out stays as it is";
    EXPECT_EQ(last.array.rows, 2);
    EXPECT_EQ(last.array.columns, ArrayParams{}.columns);
    EXPECT_EQ(last.dram.latency, 9);
    EXPECT_EQ(last.dram.bytes_per_cycle, 2);
}

TEST(SweepAxes, SectionsHaveMapsOfTheirKeys) {
    const SweepFile sweep = test::load_axes(
        "  array: [[4, 16], {rows: 3, zero_gating: true}]\n"
        "  accumulator: [{bits: 20, layers: {C1: 9}}, {order: [channel, row, column]}]\n");
    EXPECT_THAT(test::texts(sweep.axes[0]), ElementsAre("4x16", "rows=3,zero_gating=true"));
    EXPECT_THAT(test::texts(sweep.axes[1]), ElementsAre("bits=20,layers=c1=9", "order=[channel, row, column]"));
    const HardwareParams hardware = sweep.apply({}, 2).hardware;
    EXPECT_EQ(hardware.array.rows, 3);
    EXPECT_TRUE(hardware.array.zero_gating);
    EXPECT_EQ(hardware.accumulator.format.bits, 20);
    EXPECT_EQ(hardware.accumulator.layer_bits.at("c1"), 9);
}

TEST(SweepAxes, AKeyAloneKeepsTheWidthsOfLayers) {
    RunConfig base;
    base.hardware.accumulator.layer_bits["c1"] = 30;
    const RunConfig alone = test::load_axes("  accumulator.bits: [20]\n").apply(base, 0);
    EXPECT_EQ(alone.hardware.accumulator.format.bits, 20);
    EXPECT_EQ(alone.hardware.accumulator.layer_bits.at("c1"), 30) << "unlike accumulator_bits";
    const RunConfig both =
        test::load_axes("  accumulator.layers: [{c3: 9}]\n  accumulator_bits: [20]\n").apply(base, 0);
    EXPECT_THAT(both.hardware.accumulator.layer_bits, ElementsAre(testing::Pair("c3", 9)));
}

TEST(SweepAxes, PathsCountFromTheFolder) {
    const test::TemporaryFolder folder;
    const SweepFile sweep = load_sweep(
        folder.write("sub/s.yaml", "config: c.yaml\naxes:\n  which: [{network: n.onnx, energy.table: t.yaml}]\n"));
    EXPECT_THAT(test::texts(sweep.axes.front()), ElementsAre("network=n.onnx,energy.table=t.yaml"));
    EXPECT_EQ(sweep.apply({}, 0).network, folder.path() + "/sub/n.onnx");
    EXPECT_EQ(sweep.apply({}, 0).energy_table, folder.path() + "/sub/t.yaml");
}

TEST(SweepAxes, ForEachChoiceTakesTheAxesOfSomeKeys) {
    const SweepFile sweep =
        test::load_axes("  lanes: [1, 2]\n  batch: [3, 4, 5]\n  pair: [{clock_mhz: 7}, {clock_mhz: 8}]\n");
    std::vector<std::pair<int, double>> seen;
    sweep.for_each_choice({}, {"batch", "clock_mhz"}, [&](const RunConfig& config) {
        EXPECT_EQ(config.hardware.requant.lanes, RequantParams{}.lanes);
        seen.emplace_back(config.hardware.batch, config.hardware.clock_mhz);
    });
    EXPECT_EQ(seen, (std::vector<std::pair<int, double>>{{3, 7}, {3, 8}, {4, 7}, {4, 8}, {5, 7}, {5, 8}}));
    int calls = 0;
    sweep.for_each_choice({}, {"name"}, [&](const RunConfig&) { ++calls; });
    EXPECT_EQ(calls, 1);
}

TEST(SweepAxes, AreRefusedWithPlaceValueAndWhatIsAllowed) {
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
        {"  dram.bytes_per_cycle: [1, 65]\n",
         {"s.yaml:3:29: axes.dram.bytes_per_cycle[1]: 65 is out of range", "1..64"}},
        {"  dram.latency: [soon]\n", {"axes.dram.latency[0]: expects an integer in 1..100000, got 'soon'"}},
        {"  dram.latency: 5\n", {"s.yaml:3:17: axes.dram.latency: expects a list, got '5'"}},
        {"  dram.latency: []\n", {"axes.dram.latency: the list is empty"}},
        {"  array.zero_gating: [yes]\n", {"axes.array.zero_gating[0]: expects true or false, got 'yes'"}},
        {"  clock_mhz: [500, 5e2]\n", {"s.yaml:3:20: axes.clock_mhz[1]: the value '500' is given twice"}},
        {"  array.row: [1]\n", {"s.yaml:3:3: axes.array.row: unknown key 'array.row'", "did you mean 'array.rows'?"}},
        {"  arry.rows: [1]\n", {"axes.arry.rows: unknown key 'arry.rows'", "did you mean 'array.rows'?"}},
        {"  dram.latency: {from: 1, to: 100000, step: 0}\n", {"axes.dram.latency.step: 0"}},
        {"  line_buffer.bytes: {from: 1, to: 1000000000}\n",
         {"s.yaml:3:22: axes.line_buffer.bytes: spans 1000000000 points (allowed: up to 100000)"}},
        {"  clock_mhz: {from: 1, to: 2}\n", {"axes.clock_mhz: expects a list, got a map"}},
        {"  array.rows: [1]\n  array: [[2, 2]]\n",
         {"s.yaml:4:3: axes.array: changes array.rows, as the axis 'array.rows' does"}},
        {"  lanes: [1]\n  requantization.lanes: [2]\n", {"changes requantization.lanes, as the axis 'lanes' does"}},
        {"  a: [{batch: 1}]\n  b: [{clock_mhz: 1}, {batch: 2}]\n",
         {"s.yaml:4:3: axes.b: changes batch, as the axis 'a' does"}},
        {"  a: [{batch: 1, batch: 2}]\n", {"s.yaml:3:18: axes.a[0].batch: the key 'batch' is given twice"}},
        {"  a: [{batch: 1, clock_mhz: 2}, {clock_mhz: 2, batch: 1}]\n",
         {"axes.a[1]: the value 'clock_mhz=2,batch=1' is given twice"}},
        {"  a: [{array.rows: 300}]\n", {"s.yaml:3:20: axes.a[0].array.rows: 300 is out of range (allowed: 1..256)"}},
        {"  a: [{array.row: 3}]\n", {"s.yaml:3:8: axes.a[0].array.row: unknown key", "did you mean 'array.rows'?"}},
        {"  a: [{images: x}]\n", {"axes.a[0].images: images cannot vary"}},
        {"  a: [{}]\n", {"axes.a[0]: names nothing (allowed: one key or more)"}},
        {"  a: [{batch: 1}, 2]\n", {"axes.a: unknown key 'a'"}},
        {"  dram: [{latncy: 3}]\n",
         {"s.yaml:3:11: axes.dram[0].latncy: unknown key 'dram.latncy' (allowed: dram.name, dram.latency, "
          "dram.bytes_per_cycle, dram.bytes)",
          "did you mean 'dram.latency'?"}},
        {"  dram: [3]\n", {"axes.dram[0]: expects a map"}},
        {"  layer_accumulator: [{c1: 9}]\n",
         {"axes.layer_accumulator[0].c1: unknown key 'c1'", "did you mean 'layer_accumulators'?"}},
    };
    for (const auto& bad : cases) {
        const std::string message = test::refusal([&] { test::load_axes(bad.first); });
        for (const std::string& part : bad.second) EXPECT_THAT(message, HasSubstr(part)) << bad.first;
    }
}

}  // namespace
}  // namespace widthwise
