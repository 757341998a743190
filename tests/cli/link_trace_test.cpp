// SPDX-License-Identifier: Apache-2.0
// --link-trace: every link, in text.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <sstream>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "trace/vcd_reader.h"

namespace widthwise {
namespace {

struct Line {
    std::uint64_t cycle = 0;
    std::string link, valid, ready, data;
};

std::vector<Line> lines_of(const std::string& path) {
    std::istringstream in(test::read_file(path));
    std::string text;
    std::getline(in, text);
    EXPECT_EQ(text, "cycle\tlink\tvalid\tready\tdata");
    std::vector<Line> lines;
    while (std::getline(in, text)) {
        std::istringstream fields(text);
        std::string cycle;
        Line& line = lines.emplace_back();
        std::getline(fields, cycle, '\t');
        line.cycle = std::stoull(cycle);
        std::getline(fields, line.link, '\t');
        std::getline(fields, line.valid, '\t');
        std::getline(fields, line.ready, '\t');
        std::getline(fields, line.data, '\t');
    }
    return lines;
}

/// Every `valid` and `ready` of the waveform, at every cycle; and data where there is one, of the operands too.
TEST(LinkTrace, HoldsWhatTheWaveformShows) {
    const test::TemporaryFolder folder;
    const test::ToolResult result =
        test::run_tool({"run", "configs/widthwise-8x8.yaml", "--images", "0:1", "--link-trace", folder.path("l.txt"),
                        "--vcd", folder.path("w.vcd"), "--wave-cycles", "9000:10000", "--quiet"});
    ASSERT_EQ(result.status, 0) << result.err;
    const test::VcdFile vcd(folder.path("w.vcd"));
    const std::vector<Line> lines = lines_of(folder.path("l.txt"));
    std::map<std::string, Line> now;
    std::set<std::string> with_data;
    std::size_t next = 0;
    const std::vector<std::uint64_t>& times = vcd.times();
    for (std::uint64_t cycle = 9000; cycle < 10000; ++cycle) {
        for (; next < lines.size() && lines[next].cycle == cycle; ++next) now[lines[next].link] = lines[next];
        const std::uint64_t time = times[2 * (cycle - 9000)];
        for (const auto& [link, line] : now) {
            const std::string scope = fmt::format("accelerator.links.{}", link);
            ASSERT_EQ(line.valid, vcd.text_at(scope + ".valid", time)) << link << " at " << cycle;
            ASSERT_EQ(line.ready, vcd.text_at(scope + ".ready", time)) << link << " at " << cycle;
            EXPECT_EQ(line.data.empty(), line.valid == "0" || link.ends_with("2sequencer"))
                << link << ": " << line.data;
            if (!line.data.empty()) with_data.insert(link);
        }
    }
    EXPECT_EQ(next, lines.size());
    EXPECT_EQ(now.size(), 27U);
    EXPECT_THAT(with_data,
                testing::IsSupersetOf({"line_buffer2pe_array", "weight_buffer2pe_array", "pe_array2requant_unit"}));
}

TEST(LinkTrace, FollowsTheLimitsOfWaveforms) {
    const test::TemporaryFolder folder;
    const test::ToolResult result =
        test::run_tool({"run", "configs/widthwise-8x8.yaml", "--images", "0:1", "--link-trace", folder.path("l.txt"),
                        "--wave-cycles", "500:510", "--quiet"});
    ASSERT_EQ(result.status, 0) << result.err;
    for (const Line& line : lines_of(folder.path("l.txt"))) {
        EXPECT_GE(line.cycle, 500U);
        EXPECT_LT(line.cycle, 510U);
    }
}

}  // namespace
}  // namespace widthwise
