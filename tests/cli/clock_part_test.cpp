// SPDX-License-Identifier: Apache-2.0
// --clock: one layer on the clocked model, the rest on the fast engine.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "trace/vcd_reader.h"

namespace widthwise {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

Json summary(std::vector<std::string> line) {
    line.emplace_back("--json");
    const test::ToolResult result = test::run_tool(line);
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
}

TEST(ClockOption, GivesTheResultsOfAWholeRunAndSaysWhatWasClocked) {
    const std::vector<std::string> line = {"run", "configs/widthwise-8x8.yaml", "--images", "3:6"};
    std::vector<std::string> part = line, fast = line;
    part.insert(part.end(), {"--clock", "C3", "--wave-image", "5"});
    fast.insert(fast.end(), {"--engine", "fast"});
    Json clocked = summary(part);
    const Json whole = summary(fast);
    const Json said = clocked["clocked"];
    EXPECT_EQ(said["layer"], "c3");
    EXPECT_EQ(said["strips"], Json({{"first", 0}, {"end", 1}}));
    EXPECT_EQ(said["first_image"], 5);
    const std::uint64_t cycles =
        said["cycles"]["end"].get<std::uint64_t>() - said["cycles"]["first"].get<std::uint64_t>();
    EXPECT_EQ(cycles * 3, whole["layers"][2]["cycles"]["total"].get<std::uint64_t>());
    EXPECT_THAT(clocked["command"].get<std::string>(), HasSubstr(" --clock C3"));
    clocked.erase("clocked");
    clocked["command"] = whole["command"];
    EXPECT_EQ(clocked, whole);
}

/// The last batch is smaller, and its layers have fewer strips than those of a whole one.
TEST(ClockOption, TakesTheStripsOfTheBatch) {
    const std::vector<std::string> line = {
        "run",   "configs/widthwise-8x8.yaml",   "--images", "0:4", "--set", "batch=3",
        "--set", "activation_buffer.bytes=3300", "--clock",  "c3"};
    std::vector<std::string> first = line, last = line;
    first.insert(first.end(), {"--wave-image", "0"});
    last.insert(last.end(), {"--wave-image", "3"});
    EXPECT_EQ(summary(first)["clocked"]["strips"], Json({{"first", 0}, {"end", 3}}));
    const Json of_last = summary(last);
    EXPECT_EQ(of_last["clocked"]["strips"], Json({{"first", 0}, {"end", 1}}));
    EXPECT_THAT(of_last["command"].get<std::string>(), HasSubstr(" --wave-image 3"));
    last.insert(last.end(), {"--clock-strips", "1:2"});
    const test::ToolResult refused = test::run_tool(last);
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("allowed: A:B with 0 <= A < B <= 1"));
}

TEST(ClockOption, CountsHistogramsAsAWholeRunDoes) {
    const test::TemporaryFolder folder;
    for (const auto& [name, option] : {std::pair{"part", "--clock=c3"}, {"whole", "--engine=fast"}}) {
        const test::ToolResult result = test::run_tool({"run", "configs/widthwise-8x8.yaml", "--images", "0:3",
                                                        "--histogram", option, "--quiet", "--out", folder.path(name)});
        ASSERT_EQ(result.status, 0) << result.err;
    }
    EXPECT_EQ(test::read_file(folder.path("part/psums.csv")), test::read_file(folder.path("whole/psums.csv")));
}

/// What the array and the links show is in both files, at the same times.
TEST(ClockOption, RecordsTheCyclesOfTheWholeRun) {
    const test::TemporaryFolder folder;
    const std::vector<std::string> line = {"run",           "configs/systolic-8x8.yaml",
                                           "--images",      "0:2",
                                           "--wave-image",  "1",
                                           "--wave-cycles", "0:1000000",
                                           "--quiet",       "--vcd"};
    std::vector<std::string> whole = line, part = line;
    whole.insert(whole.end(), {folder.path("whole.vcd"), "--wave-layer", "f6"});
    part.insert(part.end(), {folder.path("part.vcd"), "--clock", "f6"});
    for (const auto& command : {whole, part}) {
        const test::ToolResult result = test::run_tool(command);
        ASSERT_EQ(result.status, 0) << result.err;
    }
    const test::VcdFile all(folder.path("whole.vcd")), one(folder.path("part.vcd"));
    ASSERT_EQ(all.times(), one.times());
    int compared = 0;
    for (const auto& [name, variable] : all.variables()) {
        const bool control =
            name.find(".links.") != std::string::npos && (name.ends_with(".valid") || name.ends_with(".ready"));
        if (!control && name.find(".sequencer.") == std::string::npos && !name.ends_with(".cycle")) continue;
        EXPECT_EQ(all.history(name), one.history(name)) << name;
        ++compared;
    }
    EXPECT_GT(compared, 50);
}

/// Three output pixels at a time: 26,000 cycles.
TEST(ClockOption, RecordsTheFirstCyclesOfAPartUnlessTold) {
    const test::TemporaryFolder folder;
    for (const std::string layer : {"c1", "c5"}) {
        const test::ToolResult result =
            test::run_tool({"run", "configs/widthwise-8x8.yaml", "--images", "0:1", "--set", "array.columns=3", "--set",
                            "array.rows=2", "--clock", layer, "--quiet", "--vcd", folder.path("w.vcd"), "--force"});
        ASSERT_EQ(result.status, 0) << result.err;
        EXPECT_EQ(test::VcdFile(folder.path("w.vcd")).times().size(), 2 * 20000U + 1) << layer;
    }
}

TEST(ClockOption, RefusesWhatDoesNotGoTogether) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{"--clock", "c9"}, "--clock: the network has no layer 'c9' (layers: c1, c3, c5, f6, out)"},
        {{"--clock-strips", "0:1"}, "--clock-strips needs --clock NAME"},
        {{"--clock", "c3", "--clock-strips", "1:2"}, "allowed: A:B with 0 <= A < B <= 1"},
        {{"--clock", "c3", "--engine", "both"}, "--engine both: it clocks everything, and --clock one layer"},
        {{"--clock", "c3", "--dump-layers", "d"}, "--dump-layers: use it without --clock"},
        {{"--clock", "c3", "--wave-image", "2"}, "--wave-image: 2 is out of range (allowed: 0..1)"},
        {{"--clock", "c3", "--vcd", "w.vcd", "--wave-layer", "c3"}, "--wave-layer: --clock names the layer already"},
        {{"--clock", "s2"}, "--clock: 's2' is not a layer of its own; layer 'c1' does it"},
        {{"--clock", "c3", "--link-trace", "t", "--wave-depth", "2"}, "--wave-depth needs --vcd or --fst FILE"},
        {{"--clock", "c3", "--link-trace", "t", "--wave-cycles", "0:5"}, "recorded; c3 is clocked in cycles "},
        {{"--clock", "c3", "--wave-depth", "2"}, "--wave-depth needs --vcd, --fst, --timeline or --link-trace FILE"},
    };
    for (const auto& [options, message] : cases) {
        std::vector<std::string> line = {"run", "configs/widthwise-8x8.yaml", "--images", "0:2"};
        line.insert(line.end(), options.begin(), options.end());
        const test::ToolResult result = test::run_tool(line);
        EXPECT_EQ(result.status, 2) << message;
        EXPECT_THAT(result.err, HasSubstr(message));
    }
}

}  // namespace
}  // namespace widthwise
