// SPDX-License-Identifier: Apache-2.0
// The completion script in a real bash, against what the commands' help lists.
#include <gmock/gmock.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

/// What the Tab key offers after these words, the last one being unfinished.
std::set<std::string> offers(const test::TemporaryFolder& folder, const std::vector<std::string>& words) {
    std::string line = "widthwise";
    for (const std::string& word : words) line += fmt::format(" '{}'", word);
    folder.write("try.bash",
                 fmt::format("source <({} completion bash)\ncompopt() {{ [ \"$2\" != default ] || echo FILES; }}\n"
                             "COMP_WORDS=({})\nCOMP_CWORD={}\n_widthwise\n"
                             "printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
                             WIDTHWISE_EXECUTABLE, line, words.size()));
    const std::string command = fmt::format("bash '{}' > '{}' 2>&1", folder.path("try.bash"), folder.path("offers"));
    EXPECT_EQ(std::system(command.c_str()), 0) << test::read_file(folder.path("offers"));
    std::istringstream text(test::read_file(folder.path("offers")));
    std::set<std::string> offers;
    for (std::string word; text >> word;) offers.insert(word);
    return offers;
}

std::vector<std::string> commands() {
    std::vector<std::string> names;
    const std::regex line("  ([a-z]+) {2,}.*");
    for (const std::string& text : test::lines(test::run_tool({"--help"}).out)) {
        std::smatch match;
        if (std::regex_match(text, match, line)) names.push_back(match[1]);
    }
    return names;
}

TEST(Completion, OffersEveryCommand) {
    const test::TemporaryFolder folder;
    std::set<std::string> expected = {"--help", "--version"};
    for (const std::string& name : commands()) expected.insert(name);
    EXPECT_GE(expected.size(), 10U);
    EXPECT_EQ(offers(folder, {""}), expected);
    EXPECT_THAT(offers(folder, {"co"}), testing::ElementsAre("compare", "completion"));
}

TEST(Completion, OffersEveryOptionOfEachCommand) {
    const test::TemporaryFolder folder;
    for (const std::string& command : commands()) {
        const std::string help = test::run_tool({command, "--help"}).out;
        const std::string options = help.substr(help.find("Options:"), help.find("\nExample") - help.find("Options:"));
        std::set<std::string> expected;
        const std::regex option("\n  (?:-h \\[ )?(--[a-z-]+)");
        for (std::sregex_iterator it(options.begin(), options.end(), option), end; it != end; ++it) {
            expected.insert((*it)[1]);
        }
        EXPECT_GE(expected.size(), 3U) << command;
        EXPECT_EQ(offers(folder, {command, "--"}), expected) << command;
    }
}

TEST(Completion, OffersWordsAndFilesWhereTheyBelong) {
    const test::TemporaryFolder folder;
    EXPECT_THAT(offers(folder, {"run", "--engine", ""}), testing::ElementsAre("both", "fast", "systemc"));
    EXPECT_THAT(offers(folder, {"search", "a.yaml", "--minimise", "e"}), testing::ElementsAre("energy"));
    EXPECT_THAT(offers(folder, {"run", ""}), testing::ElementsAre("FILES"));
    EXPECT_THAT(offers(folder, {"run", "--out", ""}), testing::ElementsAre("FILES"));
    EXPECT_THAT(offers(folder, {"run", "--images", ""}), testing::IsEmpty());
    EXPECT_THAT(offers(folder, {"completion", ""}), testing::ElementsAre("bash"));
    EXPECT_THAT(offers(folder, {"run", "--set", "dram."}),
                testing::ElementsAre("dram.bytes=", "dram.bytes_per_cycle=", "dram.latency=", "dram.name="));
    EXPECT_THAT(offers(folder, {"schema", ""}), testing::IsEmpty());
    const test::ToolResult refused = test::run_tool({"completion", "fish"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, testing::HasSubstr("bash"));
}

TEST(Help, FitsAHundredColumns) {
    for (const std::string& command : commands()) {
        for (const std::string& line : test::lines(test::run_tool({command, "--help"}).out)) {
            const bool example = line.find(WIDTHWISE_EXECUTABLE) != std::string::npos;
            EXPECT_TRUE(example || line.size() <= 100U) << line;
        }
    }
}

/// What the tool prints where standard error is a terminal, made by script(1).
std::string on_a_terminal(const test::TemporaryFolder& folder, const std::string& environment) {
    const std::string command = fmt::format("{} script -qec '{} run nothing.yaml' /dev/null > '{}' < /dev/null",
                                            environment, WIDTHWISE_EXECUTABLE, folder.path("screen"));
    EXPECT_NE(std::system(command.c_str()), 0) << "the exit status is the tool's";
    return test::read_file(folder.path("screen"));
}

TEST(Colours, OnlyOnATerminalThatWantsThem) {
    const test::TemporaryFolder folder;
    const std::string escape = "\x1b[";
    EXPECT_THAT(on_a_terminal(folder, "env -u NO_COLOR TERM=xterm"), testing::HasSubstr(escape));
    EXPECT_THAT(on_a_terminal(folder, "env NO_COLOR=1 TERM=xterm"), testing::Not(testing::HasSubstr(escape)));
    EXPECT_THAT(on_a_terminal(folder, "env -u NO_COLOR TERM=dumb"), testing::Not(testing::HasSubstr(escape)));
    EXPECT_THAT(test::run_tool({"run", "nothing.yaml"}).err, testing::Not(testing::HasSubstr(escape)));
}

}  // namespace
}  // namespace widthwise
