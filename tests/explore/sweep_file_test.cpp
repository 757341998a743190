// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep_file.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "config/run_config.h"
#include "explore/loaded_axes.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SweepFile, SpansTheCartesianProductInTheOrderOfTheFile) {
    const SweepFile sweep =
        test::load_axes("  overflow: [saturate, wrap]\n  accumulator_bits: [12, 10]\n  lanes: [1, 2, 4]\n");
    ASSERT_EQ(sweep.points(), 12U);
    EXPECT_EQ(sweep.describe(0), "overflow saturate, accumulator_bits 12, lanes 1");
    EXPECT_EQ(sweep.describe(1), "overflow saturate, accumulator_bits 12, lanes 2");
    EXPECT_EQ(sweep.describe(3), "overflow saturate, accumulator_bits 10, lanes 1");
    EXPECT_EQ(sweep.describe(6), "overflow wrap, accumulator_bits 12, lanes 1");
    EXPECT_EQ(sweep.describe(11), "overflow wrap, accumulator_bits 10, lanes 4");
    EXPECT_THAT(sweep.choices(7), ElementsAre(1, 0, 1));
    std::set<std::string> all;
    for (std::size_t p = 0; p < sweep.points(); ++p) all.insert(sweep.describe(p));
    EXPECT_EQ(all.size(), 12U);
}

TEST(SweepFile, AppliesEveryAxis) {
    const SweepFile sweep = test::load_axes(
        "  batch: [4]\n  network: [sub/n.onnx]\n  energy_table: [course]\n"
        "  requantization: [{mode: shift, rounding: floor, multiplier_bits: 9}]\n  lanes: [3]\n  mapping: [flat]\n"
        "  interconnect: [systolic]\n  array: [[4, 16]]\n  bias: [requant]\n  check: [per_output]\n  overflow: [wrap]\n"
        "  layer_accumulators: [{C1: 18, c3: 16}]\n  accumulator_bits: [20]\n");
    const RunConfig config = sweep.apply({}, 0);
    const HardwareParams& h = config.hardware;
    EXPECT_EQ(h.batch, 4);
    EXPECT_TRUE(config.network.ends_with("/sub/n.onnx"));
    EXPECT_EQ(config.energy_table, "course");
    EXPECT_EQ(h.requant.mode, RequantMode::shift);
    EXPECT_EQ(h.requant.rounding, Rounding::floor);
    EXPECT_EQ(h.requant.multiplier_bits, 9);
    EXPECT_EQ(h.requant.lanes, 3);
    EXPECT_EQ(h.array.mapping, Mapping::flat);
    EXPECT_EQ(h.array.interconnect, Interconnect::systolic);
    EXPECT_EQ(h.array.rows, 4);
    EXPECT_EQ(h.array.columns, 16);
    EXPECT_EQ(h.accumulator.bias, BiasMode::requant);
    EXPECT_EQ(h.accumulator.format.check, OverflowCheck::per_output);
    EXPECT_EQ(h.accumulator.format.overflow, Overflow::wrap);
    EXPECT_EQ(h.accumulator.format.bits, 20);
    EXPECT_THAT(h.accumulator.layer_bits, ElementsAre(testing::Pair("c1", 18), testing::Pair("c3", 16)))
        << "whatever the order of the axes";
    for (const std::string& name : short_axis_names()) {
        const auto is_this = [&](const Axis& axis) { return axis.name == name; };
        EXPECT_TRUE(std::any_of(sweep.axes.begin(), sweep.axes.end(), is_this)) << name << " is not tested here";
    }
}

TEST(SweepFile, AUniformWidthDropsTheWidthsOfLayers) {
    RunConfig base;
    base.hardware.accumulator.layer_bits["c1"] = 30;
    EXPECT_TRUE(test::load_axes("  accumulator_bits: [20]\n").apply(base, 0).hardware.accumulator.layer_bits.empty());
    EXPECT_EQ(test::load_axes("  lanes: [1]\n").apply(base, 0).hardware.accumulator.layer_bits.size(), 1U);
}

TEST(SweepFile, RangesOfWidths) {
    EXPECT_THAT(test::texts(test::load_axes("  accumulator_bits: {from: 10, to: 12}\n").axes.front()),
                ElementsAre("10", "11", "12"));
    EXPECT_THAT(test::texts(test::load_axes("  accumulator_bits: {from: 10, to: 15, step: 2}\n").axes.front()),
                ElementsAre("10", "12", "14"));
}

TEST(SweepFile, PathsCountFromItsFolder) {
    const test::TemporaryFolder folder;
    const SweepFile sweep = load_sweep(folder.write(
        "sub/s.yaml", "config: ../c.yaml\nimages: [5, 9]\naxes:\n  energy_table: [t.yaml, /abs/u.yml, course]\n"));
    EXPECT_EQ(sweep.config, folder.path() + "/c.yaml");
    EXPECT_EQ(sweep.images->first, 5);
    EXPECT_EQ(sweep.images->end, 9);
    EXPECT_EQ(sweep.apply({}, 0).energy_table, folder.path() + "/sub/t.yaml");
    EXPECT_EQ(sweep.apply({}, 1).energy_table, "/abs/u.yml");
    EXPECT_EQ(sweep.apply({}, 2).energy_table, "course");
}

struct BadFile {
    const char* text;
    std::vector<const char*> message;
};

TEST(SweepFile, RefusesWithPlaceKeyValueAndWhatIsAllowed) {
    const std::vector<BadFile> cases = {
        {"axes: {lanes: [1]}\n", {"s.yaml:1:1", "the required key 'config' is missing"}},
        {"config: c.yaml\n", {"s.yaml:1:1", "the required key 'axes' is missing"}},
        {"config: c.yaml\naxes: {}\n", {"s.yaml:2:7: axes: names no axis", "accumulator_bits"}},
        {"config: ''\naxes: {lanes: [1]}\n", {"s.yaml:1:9: config: expects a path"}},
        {"config: c.yaml\naxis: {lanes: [1]}\n", {"s.yaml:2:1", "unknown key 'axis'", "did you mean 'axes'?"}},
        {"config: c.yaml\naxes: {lane: [1]}\n", {"s.yaml:2:8: axes.lane: unknown key", "did you mean 'lanes'?"}},
        {"config: c.yaml\naxes: {lanes: 4}\n", {"s.yaml:2:15: axes.lanes: expects a list, got '4'"}},
        {"config: c.yaml\naxes: {lanes: []}\n", {"s.yaml:2:15: axes.lanes: the list is empty"}},
        {"config: c.yaml\naxes: {lanes: [1, 65]}\n", {"s.yaml:2:19: axes.lanes[1]: 65", "1..64"}},
        {"config: c.yaml\naxes: {lanes: [1, 1]}\n", {"s.yaml:2:19: axes.lanes[1]: the value '1' is given twice"}},
        {"config: c.yaml\naxes: {accumulator_bits: [49]}\n", {"axes.accumulator_bits[0]: 49", "2..48"}},
        {"config: c.yaml\naxes: {accumulator_bits: ['18']}\n", {"accumulator_bits[0]: expects an integer"}},
        {"config: c.yaml\naxes: {accumulator_bits: {from: 10}}\n", {"axes.accumulator_bits: the required key 'to'"}},
        {"config: c.yaml\naxes: {accumulator_bits: {from: 9, to: 8}}\n", {"axes.accumulator_bits.to: 8", "9..48"}},
        {"config: c.yaml\naxes: {accumulator_bits: {from: 9, to: 12, step: 0}}\n",
         {"accumulator_bits.step: 0", "1..48"}},
        {"config: c.yaml\naxes: {accumulator_bits: {from: 9, to: 12, by: 2}}\n", {"unknown key 'by'"}},
        {"config: c.yaml\naxes: {layer_accumulators: [{c1: 1}]}\n", {"axes.layer_accumulators[0].c1: 1", "2..48"}},
        {"config: c.yaml\naxes: {layer_accumulators: [18]}\n", {"layer_accumulators[0]: expects a map"}},
        {"config: c.yaml\naxes: {layer_accumulators: [{c1: 9, C1: 8}]}\n", {"the layer 'C1' is given twice"}},
        {"config: c.yaml\naxes: {overflow: [satrate]}\n", {"axes.overflow[0]: 'satrate'", "did you mean 'saturate'?"}},
        {"config: c.yaml\naxes: {check: [never]}\n", {"axes.check[0]: 'never'", "per_add, per_output"}},
        {"config: c.yaml\naxes: {bias: [none]}\n", {"axes.bias[0]: 'none'", "preload, requant"}},
        {"config: c.yaml\naxes: {mapping: [column]}\n", {"axes.mapping[0]: 'column'", "row, flat"}},
        {"config: c.yaml\naxes: {interconnect: [ring]}\n", {"axes.interconnect[0]: 'ring'", "broadcast, systolic"}},
        {"config: c.yaml\naxes: {array: [8]}\n", {"axes.array[0]: expects a list"}},
        {"config: c.yaml\naxes: {array: [[8, 8, 8]]}\n", {"axes.array[0]: has 3 entries", "[rows, columns]"}},
        {"config: c.yaml\naxes: {array: [[8, 0]]}\n", {"axes.array[0][1]: 0", "1..256"}},
        {"config: c.yaml\naxes: {requantization: [{}]}\n", {"axes.requantization[0]: names nothing"}},
        {"config: c.yaml\naxes: {requantization: [{mode: fixed}]}\n",
         {"requantization[0].mode: 'fixed'", "fixed_point"}},
        {"config: c.yaml\naxes: {requantization: [{lane: 2}]}\n",
         {"requantization[0].lane: unknown key 'requantization.lane'", "did you mean 'requantization.lanes'?"}},
        {"config: c.yaml\naxes: {requantization: [{multiplier_bits: 33}]}\n", {"multiplier_bits: 33", "2..32"}},
        {"config: c.yaml\naxes: {energy_table: ['']}\n", {"axes.energy_table[0]: expects a table's name"}},
        {"config: c.yaml\naxes: {network: ['']}\n", {"axes.network[0]: expects a path"}},
        {"config: c.yaml\naxes: {batch: [257]}\n", {"axes.batch[0]: 257", "1..256"}},
        {"config: c.yaml\nimages: 100\naxes: {lanes: [1]}\n", {"s.yaml:2:9: images: expects a list"}},
        {"config: c.yaml\nimages: [0, 1, 2]\naxes: {lanes: [1]}\n", {"images: has 3 entries", "[first, end]"}},
        {"config: c.yaml\nimages: [5, 5]\naxes: {lanes: [1]}\n", {"s.yaml:2:13: images[1]: 5", "6.."}},
        {"config: c.yaml\nimages: [-1, 5]\naxes: {lanes: [1]}\n", {"images[0]: -1"}},
    };
    const test::TemporaryFolder folder;
    for (const BadFile& bad : cases) {
        const std::string path = folder.write("s.yaml", bad.text);
        const std::string message = test::refusal([&] { load_sweep(path); });
        for (const char* part : bad.message) EXPECT_THAT(message, HasSubstr(part)) << bad.text;
    }
}

TEST(SweepFile, RefusesMorePointsThanAnybodyWaitsFor) {
    std::string axes = "  accumulator_bits: {from: 2, to: 48}\n  lanes: [";
    for (int i = 1; i <= 64; ++i) axes += std::to_string(i) + ",";
    axes += "]\n  batch: [";
    for (int i = 1; i <= 64; ++i) axes += std::to_string(i) + ",";
    EXPECT_THAT(test::refusal([&] { test::load_axes(axes + "]\n"); }),
                HasSubstr("span 192512 points (allowed: up to 100000)"));
}

}  // namespace
}  // namespace widthwise
