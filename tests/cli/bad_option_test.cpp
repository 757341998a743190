// SPDX-License-Identifier: Apache-2.0
// Command lines that are refused.
#include <gmock/gmock.h>

#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

using testing::HasSubstr;

struct BadLine {
    std::vector<std::string> arguments;
    std::string message;
};

TEST(BadCommandLine, IsRefusedWithAHint) {
    const std::string config = "configs/widthwise-8x8.yaml";
    const std::vector<BadLine> lines = {
        {{}, "a command is missing"},
        {{"rnu", config},
         "unknown command 'rnu' (allowed: run, compare, sweep, search, report, check, "
         "inspect, schema, migrate, completion), did you mean 'run'?"},
        {{"--versoin"}, "unknown option '--versoin'"},
        {{"run"}, "CONFIG is missing"},
        {{"run", config, "--imges", "0:1"}, "did you mean '--images'?"},
        {{"run", config, "--images", "0:10001"}, "B <= 10000"},
        {{"run", config, "--images", "1"}, "--images: '1'"},
        {{"run", config, "--engine", "fats"}, "--engine"},
        {{"run", config, "--accumulator", "49"}, "2..48"},
        {{"run", config, "--accumulator", "c9=16"}, "c9"},
        {{"run", config, "--energy", "cuorse"}, "did you mean 'course'?"},
        {{"run", config, "--energy", "nothing.yaml"}, "nothing.yaml"},
        {{"run", config, "--jobs", "0"}, "--jobs: 0"},
        {{"run", config, "--wave-layer", "c3"}, "--wave-layer needs --vcd, --fst, --timeline or --link-trace FILE"},
        {{"run", config, "--vcd", "w.vcd", "--wave-layer", "c33"}, "did you mean"},
        {{"run", config, "--fst", "w.fst", "--vcd-strings"}, "--vcd-strings needs --vcd FILE"},
        {{"compare", config, "--widths", "18,1"}, "--widths"},
        {{"inspect", config, "other"}, "not also 'other'"},
    };
    for (const BadLine& line : lines) {
        const test::ToolResult result = test::run_tool(line.arguments);
        EXPECT_EQ(result.status, 2) << result.err;
        EXPECT_EQ(result.out, "");
        EXPECT_THAT(result.err, HasSubstr("widthwise: error: "));
        EXPECT_THAT(result.err, HasSubstr(line.message));
    }
}

TEST(BadDispatch, IsRefusedByEveryCommand) {
    setenv("WIDTHWISE_DISPATCH", "avx9000", 1);
    const test::ToolResult result = test::run_tool({"check", "configs/widthwise-8x8.yaml"});
    setenv("WIDTHWISE_DISPATCH", "portable", 1);
    EXPECT_EQ(test::run_tool({"check", "configs/widthwise-8x8.yaml"}).status, 0);
    unsetenv("WIDTHWISE_DISPATCH");
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr("WIDTHWISE_DISPATCH: 'avx9000' is unknown (allowed: portable;"));
}

TEST(ClockMhz, HasBounds) {
    const test::TemporaryFolder folder;
    for (const char* mhz : {"1e-320", "0.0009", "10001", "0", "-1"}) {
        const std::string config = test::write_config(folder, fmt::format("clock_mhz: {}\n", mhz));
        const test::ToolResult result = test::run_tool({"check", config});
        EXPECT_EQ(result.status, 2) << mhz;
        EXPECT_THAT(result.err, testing::AllOf(HasSubstr("clock_mhz: "), HasSubstr("0.001..10000"))) << mhz;
    }
}

TEST(BadHome, IsNamed) {
    setenv("WIDTHWISE_HOME", "/nowhere", 1);
    const test::ToolResult result = test::run_tool({"check", "configs/widthwise-8x8.yaml"});
    unsetenv("WIDTHWISE_HOME");
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr("WIDTHWISE_HOME"));
}

}  // namespace
}  // namespace widthwise
