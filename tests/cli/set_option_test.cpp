// SPDX-License-Identifier: Apache-2.0
// --set on each command that reads an accelerator file.
#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

using testing::HasSubstr;

const std::string kConfig = "configs/widthwise-8x8.yaml";

nlohmann::json json_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--json", "--quiet"});
    const test::ToolResult result = test::run_tool(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return nlohmann::json::parse(result.out);
}

/// Of a command line with --set, and of the same with a file that says it.
void expect_same(std::vector<std::string> command, const std::vector<std::string>& more) {
    const test::TemporaryFolder folder;
    const std::string plain = test::write_config(folder);
    command.push_back(plain);
    command.insert(command.end(), more.begin(), more.end());
    std::vector<std::string> with_set = command;
    with_set.insert(with_set.end(), {"--set", "array.rows=5", "--set", "accumulator.overflow=wrap"});
    nlohmann::json set = json_of(with_set);
    nlohmann::json before = json_of(command);
    test::write_config(folder, "array: {rows: 5}\naccumulator: {overflow: wrap}\n");
    nlohmann::json file = json_of(command);
    for (nlohmann::json* json : {&set, &before, &file}) json->erase("command");
    EXPECT_EQ(set, file);
    EXPECT_NE(set, before) << "no case: the keys change nothing";
}

TEST(SetOption, IsWhatTheFileCouldSay) {
    expect_same({"run"}, {"--engine", "fast", "--images", "0:3", "--accumulator", "16"});
    expect_same({"compare"}, {"--engine", "fast", "--images", "0:3", "--widths", "12"});
    expect_same({"search"}, {"--images", "0:3", "--from", "12", "--to", "14"});
}

TEST(SetOption, CheckKnowsTheKeys) {
    EXPECT_THAT(test::run_tool({"check", kConfig, "--set", "array.rows=16"}).out, HasSubstr("16x8 PEs"));
    const auto json = json_of({"check", test::repository(kConfig), "--set", "accumulator.bits=20"});
    EXPECT_EQ(json["layers"][0]["accumulator_bits"], 20);
    const test::TemporaryFolder folder;
    const auto unused = json_of({"check", test::write_config(folder), "--set", "pooling.rounding=floor"});
    EXPECT_EQ(unused["keys_without_effect"][0]["key"], "pooling.rounding");
}

TEST(SetOption, InspectTakesTheNetwork) {
    const auto json = json_of({"inspect", kConfig, "--set", "network=models/lenet5-qat.onnx"});
    EXPECT_EQ(json, json_of({"inspect", "models/lenet5-qat.onnx"}));
    const test::ToolResult refused = test::run_tool({"inspect", "models/lenet5.onnx", "--set", "batch=2"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("--set needs a YAML configuration"));
}

TEST(SetOption, StandsInResults) {
    const test::TemporaryFolder folder;
    const test::ToolResult run = test::run_tool({"run", kConfig, "--engine", "fast", "--images", "0:1", "--set",
                                                 "array.rows=4", "--set", "name=my own", "--out", folder.path("out")});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(test::read_file(folder.path("out/summary.json")), HasSubstr("--set array.rows=4 --set 'name=my own'"));
    EXPECT_THAT(test::read_file(folder.path("out/config.yaml")), HasSubstr("name: \"my own\"\n"));
    EXPECT_THAT(test::read_file(folder.path("out/config.yaml")), HasSubstr("  rows: 4\n"));
}

TEST(SetOption, IsRefusedAtOnce) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{"run", "--set", "array.row=8"}, "--set: unknown key 'array.row'"},
        {{"check", "--set", "array.rows=0"}, "--set: array.rows: 0 is out of range (allowed: 1..256)"},
        {{"run", "--set", "batch=1", "--set", "batch=2"}, "--set: the key batch is given twice"},
        {{"run", "--set", "energy.table=course", "--energy", "course"},
         "--set: the key energy.table is changed by --energy too; give one of them"},
        {{"run", "--set", "accumulator.layers={c1: 9}", "--accumulator", "18"},
         "--set: the key accumulator.layers is changed by --accumulator too; give one of them"},
        {{"compare", "--set", "accumulator.bits=9"},
         "--set: the key accumulator.bits has no effect here: --widths replaces the widths of all layers"},
        {{"search", "--set", "accumulator.bits=9"},
         "--set: the key accumulator.bits has no effect here: the search replaces the widths of all layers"},
        {{"inspect", "--set", "network_output=a", "--output", "b"},
         "--set: the key network_output is changed by --output too; give one of them"},
        {{"check", "--set", "energy.table=cuorse"}, "--set: energy.table: "},
    };
    for (const auto& [words, message] : cases) {
        std::vector<std::string> command = words;
        command.insert(command.begin() + 1, kConfig);
        const test::ToolResult result = test::run_tool(command);
        EXPECT_EQ(result.status, 2) << message;
        EXPECT_THAT(result.err, HasSubstr("widthwise: error: " + message));
        EXPECT_LT(result.cpu_seconds, 1.0) << message << ": 0.1 on an idle machine, without sanitizers";
    }
}

}  // namespace
}  // namespace widthwise
