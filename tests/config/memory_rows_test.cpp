// SPDX-License-Identifier: Apache-2.0
#include "config/memory_rows.h"

#include <gtest/gtest.h>

#include "config/config_writer.h"
#include "config/run_config.h"
#include "config/validate.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using test::refusal;

const std::string kInputs = "network: n.onnx\nimages: i.gz\n";  // lines 1 and 2
const std::string kDram = "  - {name: lpddr, keeps: [weights, inputs, outputs], latency: 60}\n";
const std::string kWeights = "  - {name: wbuf, keeps: [weights], storage: streamed}\n";
const std::string kMaps = "  - {name: glb, keeps: [outputs, inputs], ports: 1}\n";
const std::string kLines = "  - {name: lb, keeps: [inputs], bytes: 4096}\n";

ConfigFile parsed(const std::string& rest) {
    return parse_config(YamlValue::parse(kInputs + rest, "edge.yaml"), "edge.yaml");
}

/// Without the file's name.
std::string problem(const std::string& rest) {
    return refusal([&] { static_cast<void>(parsed(rest)); }).substr(std::string("edge.yaml:").size());
}

TEST(MemoryRows, AreFoundByWhatTheyKeep) {
    const ConfigFile file = parsed("memories:\n" + kDram + kWeights + kMaps + kLines);
    HardwareParams expected;
    expected.dram.name = "lpddr";
    expected.dram.latency = 60;
    expected.weight_buffer.name = "wbuf";
    expected.weight_buffer.storage = WeightStorage::streamed;
    expected.activation_buffer.name = "glb";
    expected.activation_buffer.ports = 1;
    expected.line_buffer.name = "lb";
    expected.line_buffer.bytes = 4096;
    EXPECT_EQ(file.config.hardware, expected);
    EXPECT_EQ(file.keys,
              (std::vector<std::string>{"network", "images", "line_buffer.name", "line_buffer.bytes",
                                        "activation_buffer.name", "activation_buffer.ports", "weight_buffer.name",
                                        "weight_buffer.storage", "dram.name", "dram.latency"}));
}

TEST(MemoryRows, AreAllThere) {
    EXPECT_EQ(problem("memories:\n" + kDram + kWeights + kLines),
              "4:3: memories: the list lacks a row that keeps [inputs, outputs]");
    EXPECT_EQ(problem("memories:\n" + kWeights + kMaps + kLines),
              "4:3: memories: the list lacks a row that keeps [weights, inputs, outputs]");
    EXPECT_EQ(problem("memories:\n" + kDram + kMaps + kLines),
              "4:3: memories: the list lacks a row that keeps [weights]");
    EXPECT_EQ(problem("memories: []\n"), "3:11: memories: the list lacks a row that keeps [weights, inputs, outputs]");
    EXPECT_EQ(problem("memories: {}\n"), "3:11: memories: expects a list, got a map");
}

TEST(MemoryRows, StandBehindWhatTheyAreFilledFrom) {
    const std::string why =
        ": stands before the memory that it is filled from (allowed: first the one that keeps [weights, inputs, "
        "outputs], and [inputs, outputs] before [inputs])";
    EXPECT_EQ(problem("memories:\n" + kWeights + kDram + kMaps + kLines), "4:5: memories[0]" + why);
    EXPECT_EQ(problem("memories:\n" + kDram + kLines + kMaps + kWeights), "5:5: memories[1]" + why);
    EXPECT_EQ(parsed("memories:\n" + kDram + kMaps + kLines + kWeights).config.hardware.line_buffer.bytes, 4096);
}

TEST(MemoryRows, KeepWhatTheDatapathHasAMemoryFor) {
    EXPECT_EQ(problem("memories:\n" + kDram + "  - {name: all, keeps: [weights, inputs]}\n"),
              "5:24: memories[1].keeps: no memory of the datapath keeps just these (allowed: [weights, inputs, "
              "outputs]; [weights]; [inputs, outputs]; [inputs])");
    EXPECT_EQ(problem("memories:\n" + kDram + kMaps + kMaps),
              "6:24: memories[2].keeps: a row before keeps [inputs, outputs] already");
    EXPECT_EQ(problem("memories:\n  - {name: d, keeps: [weights, weights]}\n"),
              "4:32: memories[0].keeps[1]: is listed twice");
    EXPECT_EQ(problem("memories:\n  - {name: d, keeps: [sums]}\n"),
              "4:23: memories[0].keeps[0]: 'sums' is not one of the allowed words (allowed: weights, inputs, outputs)");
    EXPECT_EQ(problem("memories:\n  - {name: d}\n"),
              "4:5: memories[0]: the row does not say what it keeps (keeps: [weights, inputs, outputs] or some of "
              "these)");
    EXPECT_EQ(problem("memories:\n  - dram\n"), "4:5: memories[0]: expects a map of keys and values, got 'dram'");
}

TEST(MemoryRows, HaveTheKeysOfTheirMemory) {
    EXPECT_EQ(problem("memories:\n" + kDram + kWeights + kMaps + "  - {name: lb, keeps: [inputs], ports: 2}\n"),
              "7:33: memories[3].ports: unknown key 'ports' (allowed: bytes, fill_bytes_per_cycle, keeps, name, "
              "read_bytes_per_cycle, rows)");
    EXPECT_EQ(problem("memories:\n" + kDram + kWeights + kMaps + "  - {name: lb, keeps: [inputs], bytes: 0}\n"),
              "7:40: memories[3].bytes: 0 is out of range (allowed: 1..1073741824)");
    EXPECT_EQ(problem("memories:\n" + kDram + kWeights + kMaps + "  - {keeps: [inputs]}\n"),
              "7:5: memories[3]: the required key 'name' is missing");
    EXPECT_EQ(problem("line_buffer: {keeps: [inputs]}\n"),
              "3:15: line_buffer.keeps: unknown key 'keeps' (allowed: bytes, fill_bytes_per_cycle, name, "
              "read_bytes_per_cycle, rows)");
}

TEST(MemoryRows, AndASectionOfTheSameMemoryAreRefused) {
    EXPECT_EQ(problem("memories:\n" + kDram + kWeights + kMaps + kLines + "dram: {latency: 3}\n"),
              "8:7: dram: is given twice: edge.yaml:4:5 has a row of the list memories too");
}

TEST(MemoryNames, AreByDefaultTheUsualOnes) {
    const MemoryList defaults = memories_of(HardwareParams{});
    for (const MemoryRole role : kFromDram) EXPECT_EQ(defaults[role].name, MemoryList{}[role].name);
    EXPECT_EQ(defaults[MemoryRole::weights].bytes, 131072);
}

TEST(MemoryNames, AreNamesOfEvents) {
    for (const std::string name : {"Lb", "1b", "l-b", "l.b", "", "abcdefghijklmnopqrstuvwxyz_0123456"}) {
        const std::string message = problem("line_buffer: {name: \"" + name + "\"}\n");
        EXPECT_NE(message.find("(allowed: 1..32 lower-case letters, digits and _, a letter first)"), std::string::npos)
            << message;
    }
    for (const std::string unit : {"mac", "accumulator", "weight", "requant", "pool", "residual", "pe", "clock"}) {
        EXPECT_EQ(problem("line_buffer: {name: " + unit + "}\n"),
                  "3:21: line_buffer.name: '" + unit + "' is the name of another unit, whose events begin with it");
    }
    EXPECT_EQ(parsed("line_buffer: {name: abcdefghijklmnopqrstuvwxyz_01234}\n").config.hardware.line_buffer.name.size(),
              32);
}

TEST(MemoryNames, DifferFromEachOther) {
    EXPECT_EQ(problem("line_buffer: {name: sram}\nweight_buffer: {name: sram}\n"),
              "4:16: weight_buffer: 'sram' is the name of the memory that keeps [inputs] too (allowed: a name each)");
    EXPECT_EQ(
        problem("line_buffer: {name: dram}\ndram: {name: ddr}\n"),
        "3:14: line_buffer: 'dram' is the usual name of the memory that keeps [weights, inputs, outputs], this one "
        "keeps [inputs]");
    EXPECT_EQ(problem("memories:\n" + kDram + kWeights + kMaps + "  - {name: glb, keeps: [inputs]}\n"),
              "6:5: memories[2]: 'glb' is the name of the memory that keeps [inputs] too (allowed: a name each)");
    HardwareParams hardware;
    hardware.dram.name = "line_buffer";
    EXPECT_EQ(refusal([&] { validate(hardware); }),
              "dram.name: 'line_buffer' is the usual name of the memory that keeps [inputs], this one keeps [weights, "
              "inputs, outputs]");
}

/// The resolved file has the list, and says the same.
TEST(MemoryRows, AreWhatIsWritten) {
    RunConfig config = parsed("memories:\n" + kDram + kWeights + kMaps + kLines).config;
    const std::string text = to_yaml(config);
    EXPECT_NE(text.find("\nmemories:\n  - name: lpddr\n    keeps: [weights, inputs, outputs]\n    latency: 60\n"),
              std::string::npos)
        << text;
    for (const char* section : {"\nline_buffer:", "\nactivation_buffer:", "\nweight_buffer:", "\ndram:"})
        EXPECT_EQ(text.find(section), std::string::npos) << text;
    EXPECT_EQ(parse_config(YamlValue::parse(text, "edge.yaml"), "edge.yaml").config, config);
    // A row is there even if no key of it has an effect.
    const std::vector<UnusedKey> unused = {
        {"weight_buffer.bytes", ""}, {"weight_buffer.storage", ""}, {"weight_buffer.bytes_per_cycle", ""}};
    const std::string shorter = to_yaml(config, ".", unused);
    EXPECT_NE(shorter.find("  - name: wbuf\n    keeps: [weights]\n  - name: glb\n"), std::string::npos) << shorter;
    EXPECT_NO_THROW(static_cast<void>(parse_config(YamlValue::parse(shorter, "edge.yaml"), "edge.yaml")));
}

}  // namespace
}  // namespace widthwise
