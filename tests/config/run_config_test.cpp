// SPDX-License-Identifier: Apache-2.0
#include "config/run_config.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/hardware.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using test::refusal;
using test::TemporaryFolder;

const std::string kInputs = "network: n.onnx\nimages: i.gz\n";  // lines 1 and 2

/// Loads kInputs followed by `rest`.
RunConfig loaded(const TemporaryFolder& folder, const std::string& rest) {
    return load_run_config(folder.write("edge.yaml", kInputs + rest));
}

/// The refusal of kInputs followed by `rest`, without the file's name: "line:column: ...".
std::string problem(const std::string& rest) {
    const TemporaryFolder folder;
    const std::string message = refusal([&] { static_cast<void>(loaded(folder, rest)); });
    const std::string file = folder.path() + "/edge.yaml:";
    EXPECT_TRUE(message.starts_with(file)) << message;
    return message.substr(std::min(file.size(), message.size()));
}

TEST(RunConfig, LeavesDefaultsWhereTheFileSaysNothing) {
    const TemporaryFolder folder;
    const RunConfig config = loaded(folder, "");
    EXPECT_EQ(config.hardware, HardwareParams{});
    EXPECT_EQ(config.preprocessing, Preprocessing{});
    EXPECT_EQ(config.path, folder.path() + "/edge.yaml");
    EXPECT_EQ(config.network, folder.path() + "/n.onnx");
    EXPECT_EQ(config.labels, "");
    EXPECT_EQ(config.energy_table, "horowitz-45nm");
}

TEST(RunConfig, ReadsEveryKey) {
    const TemporaryFolder folder;
    const RunConfig config = loaded(folder, R"(name: edge
labels: sub/../l.gz
preprocessing: {fit: resize, scale: 1/255, mean: 0.1307, deviation: 0.3081}
clock_mhz: 250.5
batch: 4
array: {rows: 2, columns: 3, mapping: flat, interconnect: systolic, zero_gating: true, shadow_accumulators: false,
        activation_bits: 6, weight_bits: 5}
accumulator: {bits: 18, overflow: wrap, check: per_output, order: [channel, row, column], bias: requant,
              statistics: every_add, layers: {C3: 16}}
requantization: {mode: reciprocal, rounding: half_up, multiplier_bits: 8, lanes: 2}
pooling: {rounding: floor}
line_buffer: {rows: 7, fill_bytes_per_cycle: 4, bytes: 1024}
activation_buffer: {bytes: 4096, ports: 1}
weight_buffer: {bytes: 2048, storage: streamed, bytes_per_cycle: 16}
dram: {latency: 9, bytes_per_cycle: 2}
energy: {table: tables/mine.yaml, loop_accounting: true}
)");
    HardwareParams expected;
    expected.name = "edge";
    expected.clock_mhz = 250.5;
    expected.batch = 4;
    expected.array = {2, 3, Mapping::flat, Interconnect::systolic, true, false, 6, 5};
    expected.accumulator = {{18, Overflow::wrap, OverflowCheck::per_output},
                            {TapLoop::channel, TapLoop::row, TapLoop::column},
                            BiasMode::requant,
                            PsumStatistics::every_add,
                            {{"c3", 16}}};
    expected.requant = {RequantMode::reciprocal, Rounding::half_up, 8, 2};
    expected.pool = {Rounding::floor};
    expected.line_buffer = {7, 4, 1024};
    expected.activation_buffer = {4096, 1};
    expected.weight_buffer = {2048, WeightStorage::streamed, 16};
    expected.dram = {9, 2};
    expected.loop_accounting = true;
    EXPECT_EQ(config.hardware, expected);
    EXPECT_EQ(config.preprocessing, (Preprocessing{Preprocessing::Fit::resize, 1.0 / 255, {0.1307}, {0.3081}}));
    EXPECT_EQ(config.labels, folder.path() + "/l.gz");
    EXPECT_EQ(config.energy_table, folder.path() + "/tables/mine.yaml");
}

TEST(RunConfig, TakesAutoAndAliases) {
    const TemporaryFolder folder;
    const RunConfig config = loaded(folder,
                                    "array: {rows: &size 4, columns: *size, weight_bits: auto}\n"
                                    "line_buffer: {rows: auto}\n");
    EXPECT_EQ(config.hardware.array.columns, 4);
    EXPECT_EQ(config.hardware.array.weight_bits, 0);
    EXPECT_EQ(config.hardware.line_buffer.rows, 0);
}

TEST(RunConfig, RefusesUnknownKeysWithASuggestion) {
    EXPECT_EQ(problem("array:\n  rows: 8\n  colums: 8\n"),
              "5:3: array.colums: unknown key 'colums' (allowed: activation_bits, columns, interconnect, mapping, "
              "rows, shadow_accumulators, weight_bits, zero_gating), did you mean 'columns'?");
    EXPECT_EQ(problem("pooling: {style: max}\n"),
              "3:11: pooling.style: unknown key 'style' (allowed: rounding, row_buffer_bytes)");
    const std::string top = problem("accumulators: {bits: 8}\n");
    EXPECT_TRUE(top.starts_with("3:1: accumulators: unknown key 'accumulators' (allowed: accumulator, ")) << top;
    EXPECT_TRUE(top.ends_with("did you mean 'accumulator'?")) << top;
}

TEST(RunConfig, RefusesKeysGivenTwice) {
    EXPECT_EQ(problem("batch: 1\nbatch: 2\n"), "4:1: batch: the key 'batch' is given twice");
    EXPECT_EQ(problem("array: {rows: 1, rows: 2}\n"), "3:18: array.rows: the key 'rows' is given twice");
    EXPECT_EQ(problem("accumulator: {layers: {c3: 16, C3: 18}}\n"),
              "3:32: accumulator.layers.C3: the layer 'C3' is given twice (case does not count)");
}

TEST(RunConfig, RefusesWrongTypes) {
    EXPECT_EQ(problem("array: {rows: 8.5}\n"), "3:15: array.rows: expects an integer in 1..256, got '8.5'");
    EXPECT_EQ(problem("array: {zero_gating: yes}\n"), "3:22: array.zero_gating: expects true or false, got 'yes'");
    EXPECT_EQ(problem("array: 8\n"), "3:8: array: expects a map of keys and values, got '8'");
    EXPECT_EQ(problem("array: {activation_bits: automatic}\n"),
              "3:26: array.activation_bits: expects auto or an integer in 2..8, got 'automatic'");
    EXPECT_EQ(problem("clock_mhz: fast\n"), "3:12: clock_mhz: expects a number in the range 0.001..10000, got 'fast'");
    EXPECT_EQ(problem("accumulator: {layers: [16]}\n"),
              "3:23: accumulator.layers: expects a map of keys and values, got a list");
    EXPECT_EQ(problem("labels: [a]\n"), "3:9: labels: expects text, got a list");
}

TEST(RunConfig, RefusesValuesOutOfRange) {
    EXPECT_EQ(problem("array: {rows: 300}\n"), "3:15: array.rows: 300 is out of range (allowed: 1..256)");
    EXPECT_EQ(problem("array: {weight_bits: 0}\n"), "3:22: array.weight_bits: 0 is out of range (allowed: 2..9)");
    EXPECT_EQ(problem("accumulator: {bits: 64}\n"), "3:21: accumulator.bits: 64 is out of range (allowed: 2..48)");
    EXPECT_EQ(problem("accumulator: {layers: {c3: 1}}\n"),
              "3:28: accumulator.layers.c3: 1 is out of range (allowed: 2..48)");
    EXPECT_EQ(problem("line_buffer: {bytes: 1073741825}\n"),
              "3:22: line_buffer.bytes: 1073741825 is out of range (allowed: 1..1073741824)");
    EXPECT_EQ(problem("preprocessing: {deviation: 0}\n"),
              "3:28: preprocessing.deviation: 0 is out of range (allowed: above 0, up to 1000000)");
    EXPECT_EQ(problem("name: \"\"\n"), "3:7: name: has 0 characters (allowed: 1..100)");
    EXPECT_EQ(problem("name: \"a\\tb\"\n"), "3:7: name: holds the control character 0x09");
}

TEST(RunConfig, PreprocessingPerChannel) {
    const TemporaryFolder folder;
    const RunConfig config = loaded(folder,
                                    "preprocessing: {scale: auto, mean: [0.485, -1], deviation: [2], layout: hwc, "
                                    "quantized: true}\n");
    EXPECT_EQ(config.preprocessing,
              (Preprocessing{Preprocessing::Fit::pad, 0, {0.485, -1}, {2}, Preprocessing::Layout::hwc, true}));
    EXPECT_EQ(problem("preprocessing: {mean: []}\n"),
              "3:23: preprocessing.mean: expects a number, or a list of one for each channel, got an empty list");
    EXPECT_EQ(problem("preprocessing: {deviation: [1, 0]}\n"),
              "3:32: preprocessing.deviation[1]: 0 is out of range (allowed: above 0, up to 1000000)");
    EXPECT_EQ(problem("preprocessing: {mean: [a]}\n"),
              "3:24: preprocessing.mean[0]: expects a number in the range -1000000..1000000, got 'a'");
    EXPECT_EQ(problem("preprocessing: {scale: 0}\n"),
              "3:24: preprocessing.scale: 0 is out of range (allowed: above 0, up to 1000000)");
}

TEST(RunConfig, RefusesUnknownWords) {
    EXPECT_EQ(problem("accumulator: {overflow: satruate}\n"),
              "3:25: accumulator.overflow: 'satruate' is not one of the allowed words (allowed: saturate, wrap), "
              "did you mean 'saturate'?");
    EXPECT_EQ(problem("accumulator: {order: [row, colum, channel]}\n"),
              "3:28: accumulator.order[1]: 'colum' is not one of the allowed words (allowed: row, column, channel), "
              "did you mean 'column'?");
}

TEST(RunConfig, RefusesOrdersThatAreNoPermutation) {
    EXPECT_EQ(problem("accumulator: {order: [row, row, channel]}\n"),
              "3:22: accumulator.order: names a loop twice "
              "(allowed: row, column and channel, each once, outermost first)");
    EXPECT_EQ(problem("accumulator: {order: [row, channel]}\n"),
              "3:22: accumulator.order: has 2 entries (allowed: row, column and channel, each once, outermost first)");
}

TEST(RunConfig, SaysWhichKeysTheFileGives) {
    const TemporaryFolder folder;
    const std::string file =
        folder.write("edge.yaml",
                     "network: n.onnx\nimages: i.gz\nrequantization: {rounding: floor, mode: float32}\n"
                     "line_buffer: {}\n");
    EXPECT_EQ(load_config_file(file).keys,
              (std::vector<std::string>{"network", "images", "requantization.mode", "requantization.rounding"}));
}

TEST(RunConfig, RequiresNetworkAndImages) {
    const TemporaryFolder folder;
    const std::string file = folder.write("edge.yaml", "netwrok: n.onnx\nimages: i.gz\n");
    const std::string mistyped = refusal([&] { static_cast<void>(load_run_config(file)); });
    EXPECT_TRUE(mistyped.starts_with(file + ":1:1: netwrok: unknown key 'netwrok' ")) << mistyped;
    EXPECT_TRUE(mistyped.ends_with("did you mean 'network'?")) << mistyped;
    const std::string half = folder.write("half.yaml", "network: n.onnx\n");
    EXPECT_EQ(refusal([&] { require_images(load_run_config(half)); }),
              half + ":1:1: the required key 'images' is missing; only run --shapes-only and check do without");
    EXPECT_NO_THROW(require_images(load_run_config(folder.write("whole.yaml", "network: n.onnx\nimages: i.gz\n"))));
    const std::string empty = folder.write("empty.yaml", "network: ''\nimages: i.gz\n");
    EXPECT_EQ(refusal([&] { static_cast<void>(load_run_config(empty)); }),
              empty + ":1:10: network: expects a path, got an empty text");
}

TEST(RunConfig, PassesOnErrorsOfTheFileItself) {
    const TemporaryFolder folder;
    EXPECT_EQ(refusal([] { static_cast<void>(load_run_config("no/such.yaml")); }),
              "no/such.yaml: cannot be read (No such file or directory)");
    EXPECT_NE(problem("array: {rows: 8\n").find(": not valid YAML: "), std::string::npos);
}

}  // namespace
}  // namespace widthwise
