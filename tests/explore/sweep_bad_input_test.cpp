// SPDX-License-Identifier: Apache-2.0
// What a sweep file names is checked before anything is computed.
#include <gmock/gmock.h>

#include "explore/sweep.h"
#include "explore/sweep_files.h"
#include "kit/file_text.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BadSweep : public testing::Test {
protected:
    [[nodiscard]] std::string refusal(const std::string& axes, int end = 40,
                                      const std::string& config = test::repository("configs/widthwise-8x8.yaml"),
                                      const SweepRequest& request = {}) const {
        const std::string path = test::write_sweep(folder_, axes, 0, end, config);
        return test::refusal([&] { Sweep(path, WIDTHWISE_SOURCE_DIR, "1", request); });
    }
    test::TemporaryFolder folder_;
};

TEST_F(BadSweep, LayersThatDoNotExist) {
    EXPECT_THAT(refusal("  layer_accumulators: [{c1: 18}, {c33: 16}]\n"),
                AllOf(HasSubstr("sweep.yaml:4:34: axes.layer_accumulators[1]"), HasSubstr("no layer 'c33'"),
                      HasSubstr("did you mean 'c3'?")));
}

TEST_F(BadSweep, TablesThatDoNotExist) {
    EXPECT_THAT(refusal("  energy_table: [course, horowitz]\n"),
                AllOf(HasSubstr("sweep.yaml:4:26: axes.energy_table[1]"), HasSubstr("horowitz-45nm")));
    EXPECT_THAT(refusal("  energy_table: [mine.yaml]\n"), HasSubstr("mine.yaml: cannot be read"));
}

TEST_F(BadSweep, WhatCombinedKeysNameIsCheckedWhereItStands) {
    EXPECT_THAT(refusal("  accumulator.layers: [{c1: 18}, {c33: 16}]\n"),
                AllOf(HasSubstr("sweep.yaml:4:34: axes.accumulator.layers[1]"), HasSubstr("no layer 'c33'")));
    EXPECT_THAT(refusal("  one: [{energy.table: course}, {energy.table: cuorse}]\n"),
                AllOf(HasSubstr("sweep.yaml:4:33: axes.one[1]"), HasSubstr("did you mean 'course'?")));
    EXPECT_THAT(refusal("  energy: [{table: course, loop_accounting: true}, {table: cuorse}]\n"),
                HasSubstr("sweep.yaml:4:52: axes.energy[1]"));
    EXPECT_THAT(refusal("  preprocessing.fit: [pad, none]\n"),
                AllOf(HasSubstr("sweep.yaml:4:28: axes.preprocessing.fit[1]"), HasSubstr("images of 1x28x28")));
    EXPECT_THAT(refusal("  network_output: [nothing]\n"), HasSubstr("sweep.yaml:4:20: axes.network_output[0]"));
}

TEST_F(BadSweep, KeysThatAnOptionChangesToo) {
    const auto with = [](const std::string& setting) {
        return SweepRequest{.settings = parse_key_settings("--set", {setting})};
    };
    const std::string config = test::repository("configs/widthwise-8x8.yaml");
    EXPECT_THAT(refusal("  array: [[8, 8]]\n", 10, config, with("array.columns=4")),
                HasSubstr("sweep.yaml:4:3: axes.array: changes array.columns, as --set does; give one of them"));
    EXPECT_THAT(refusal("  one: [{batch: 1}, {dram.latency: 5}]\n", 10, config, with("dram.latency=4")),
                HasSubstr("axes.one: changes dram.latency, as --set does"));
    EXPECT_THAT(refusal("  accumulator_bits: [18]\n", 10, config, with("accumulator.layers={c1: 9}")),
                HasSubstr("axes.accumulator_bits: changes accumulator.layers, as --set does"))
        << "the axis drops them";
}

TEST_F(BadSweep, NetworksThatDoNotExist) {
    EXPECT_THAT(refusal("  network: [absent.onnx]\n"),
                AllOf(HasSubstr("sweep.yaml:4:13: axes.network[0]"), HasSubstr("absent.onnx")));
}

TEST_F(BadSweep, ImagesThatDoNotExist) {
    EXPECT_THAT(refusal("  lanes: [1]\n", 10001),
                AllOf(HasSubstr("sweep.yaml:2:9: images"), HasSubstr("10001"), HasSubstr("up to 10000")));
}

TEST_F(BadSweep, ConfigurationsThatDoNotExist) {
    EXPECT_THAT(refusal("  lanes: [1]\n", 10, "absent.yaml"), HasSubstr("absent.yaml: cannot be read"));
}

TEST_F(BadSweep, PointsThatTheHardwareCannotRun) {
    const std::string config = test::write_config(folder_, "line_buffer: {rows: 6}\n");
    EXPECT_THAT(
        refusal("  lanes: [1]\n  array: [[4, 4], [4, 200]]\n  mapping: [flat]\n", 10, config, {.strict = true}),
        AllOf(HasSubstr("sweep.yaml: point 1 (lanes 1, array 4x200, mapping flat)"), HasSubstr("line_buffer.rows: 6")));
    EXPECT_THAT(refusal("  array: [[4, 150], [4, 200]]\n  mapping: [flat]\n", 10, config),
                AllOf(HasSubstr("the hardware can run none of the 2 points; "),
                      HasSubstr("sweep.yaml: point 0 (array 4x150, mapping flat): "), HasSubstr("line_buffer.rows: 6")))
        << "not even one: this is no sweep";
}

TEST_F(BadSweep, PricesThatATableCannotGive) {
    folder_.write("t.yaml", "name: t\nunit: pJ\nnode: none\nsource: none\nevents: {mac.add: 40 - accumulator_bits}\n");
    EXPECT_THAT(
        refusal("  energy_table: [t.yaml]\n  accumulator_bits: [18, 44]\n"),
        AllOf(HasSubstr("point 1"), HasSubstr("t.yaml:5:19: events.mac.add"), HasSubstr("accumulator_bits=44")));
    folder_.write("t.yaml",
                  "name: t\nunit: pJ\nnode: none\nsource: none\nevents: {line_buffer.read: 9000 - capacity}\n");
    EXPECT_THAT(refusal("  energy.table: [t.yaml]\n  line_buffer.bytes: [8192, 9999]\n"),
                AllOf(HasSubstr("point 1"), HasSubstr("events.line_buffer.read"), HasSubstr("capacity=9999")));
}

}  // namespace
}  // namespace widthwise
