// SPDX-License-Identifier: Apache-2.0
// Points that the hardware cannot run: rows with a reason, in every form of the results.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "explore/sweep_command.h"
#include "kit/file_text.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kReason = "layer 'c1': line_buffer.bytes: 4 cannot hold what a tile reads for one tap";

/// Of six points those with the numbers 1, 3 and 5 are too small.
class RefusedPoints : public test::SweepCommand {
protected:
    RefusedPoints() {
        path_ = test::write_sweep(folder_, "  accumulator_bits: [16, 18, 20]\n  line_buffer.bytes: [8192, 4]\n");
    }
};

TEST_F(RefusedPoints, AreRowsWithTheirReason) {
    sweep_into("out");
    auto written = files("out");
    const std::vector<std::string> points = test::lines(written["points.csv"]);
    ASSERT_EQ(points.size(), 7U);
    EXPECT_THAT(points[0], AllOf(HasSubstr(",batch,line_buffer.bytes,images,"), testing::EndsWith(",cannot_run")));
    EXPECT_THAT(points[1], AllOf(HasSubstr(",8192,40,40,"), testing::EndsWith(",")));
    EXPECT_THAT(points[2], AllOf(HasSubstr(",4,40,,,,,,,,,,,,,,,,,,,,,,,,,,\"" + std::string(kReason))));
    const auto columns = [](const std::string& line) { return std::count(line.begin(), line.end(), ','); };
    EXPECT_EQ(columns(points[1]), columns(points[0]));
    EXPECT_EQ(columns(points[2].substr(0, points[2].find('"'))), columns(points[0]));
    EXPECT_EQ(test::lines(written["layers.csv"]).size(), 1 + 3 * 5U);
    EXPECT_EQ(test::lines(written["journal"]).size(), 2 + 3U) << "only of points that run";
    const auto json = nlohmann::json::parse(written["sweep.json"])["points"];
    ASSERT_EQ(json.size(), 6U);
    EXPECT_FALSE(json[0].contains("cannot_run"));
    EXPECT_EQ(json[0]["settings"]["line_buffer.bytes"], "8192");
    EXPECT_THAT(json[1]["cannot_run"].get<std::string>(), testing::StartsWith(kReason));
    EXPECT_EQ(json[1]["settings"]["line_buffer.bytes"], "4");
    for (const char* name :
         {"accuracy", "agreement", "overflow", "per_inference", "utilisation", "energy_per_inference"}) {
        EXPECT_EQ(json[1].at(name), nullptr) << name;
        EXPECT_NE(json[0].at(name), nullptr) << name;
    }
    EXPECT_EQ(json[1].size(), json[0].size() + 1);
}

TEST_F(RefusedPoints, AreSaidOnTheScreen) {
    const test::ToolResult result = run({});
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, AllOf(HasSubstr("6 of 6 points"), HasSubstr("The hardware cannot run 3 of the points:\n"),
                                  HasSubstr("  points 1, 3, 5: " + std::string(kReason))));
    EXPECT_THAT(result.err, AllOf(HasSubstr("the hardware cannot run 3 of 6 points; the first is point 1 "
                                            "(accumulator_bits 16, line_buffer.bytes 4): " +
                                            std::string(kReason)),
                                  HasSubstr("6 points come down to 3 evaluations, 3 of them to be done")));
}

TEST_F(RefusedPoints, EndAStrictSweepBeforeItBegins) {
    const test::ToolResult result = run({"--strict", "--out", folder_.path("out")});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr("sweep.yaml: point 1 (accumulator_bits 16, line_buffer.bytes 4): layer 'c1'"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path("out")));
    path_ = test::write_sweep(folder_, "  line_buffer.bytes: [8192, 4096]\n");
    sweep_into("all", {"--strict"});
}

TEST_F(RefusedPoints, TheRestIsResumed) {
    sweep_into("whole");
    const std::string journal = files("whole")["journal"];
    std::size_t cut = 0;
    for (int line = 0; line < 3; ++line) cut = journal.find('\n', cut) + 1;
    folder_.write("broken/journal", journal.substr(0, cut));
    const test::ToolResult resumed = run({"--out", folder_.path("broken"), "--resume"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_THAT(resumed.err, HasSubstr("3 evaluations, 2 of them to be done"));
    EXPECT_EQ(files("broken"), files("whole"));
    const std::string before = files("whole")["journal"];
    path_ = test::write_sweep(folder_, "  accumulator_bits: [16, 18, 20]\n  line_buffer.bytes: [8192, 4096]\n");
    const test::ToolResult mended = run({"--out", folder_.path("whole"), "--resume"});
    EXPECT_THAT(mended.err, AllOf(HasSubstr("3 evaluations, 0 of them to be done"),
                                  HasSubstr("line_buffer.bytes was 8192, 4 and is 8192, 4096")));
    EXPECT_THAT(files("whole")["points.csv"], Not(HasSubstr("cannot_run")));
}

/// Of two parts the second one has nothing but such points.
TEST_F(RefusedPoints, PartsOfThemAlone) {
    sweep_into("whole");
    std::vector<std::string> merge;
    for (const char* part : {"1", "2"}) {
        const std::string name = fmt::format("part{}", part);
        sweep_into(name, {"--shard", fmt::format("{}/2", part)});
        merge.insert(merge.end(), {"--merge", folder_.path(name)});
    }
    EXPECT_THAT(test::lines(files("part1")["points.csv"]).front(), Not(HasSubstr("cannot_run")));
    EXPECT_THAT(test::lines(files("part2")["points.csv"])[1], AllOf(testing::StartsWith("1,"), HasSubstr(kReason)));
    sweep_into("merged", merge);
    EXPECT_EQ(files("merged"), files("whole"));
}

TEST_F(RefusedPoints, TheReportHasTheirReasons) {
    sweep_into("out");
    const std::string page = folder_.path("page.html");
    ASSERT_EQ(test::run_tool({"report", folder_.path("out"), "--out", page, "--quiet"}).status, 0);
    EXPECT_THAT(test::read_file(page),
                AllOf(HasSubstr("\"The hardware cannot run 3 of the 6 points. They stand in no chart.\""),
                      HasSubstr("[1,\"accumulator_bits 16, line_buffer.bytes 4\",\"" + std::string(kReason)),
                      HasSubstr("\"id\":\"accuracy\"")));
    path_ = test::write_sweep(folder_, "  accumulator_bits: [16, 18]\n");
    sweep_into("sound");
    ASSERT_EQ(test::run_tool({"report", folder_.path("sound"), "--out", page, "--force", "--quiet"}).status, 0);
    EXPECT_THAT(test::read_file(page), Not(HasSubstr("results0-refused")));
}

TEST_F(RefusedPoints, FiguresLeaveThemOut) {
    sweep_into("out");
    const std::string command = fmt::format("'{}' '{}' --out '{}' > '{}' 2>&1", test::repository("scripts/plot"),
                                            folder_.path("out"), folder_.path("plots"), folder_.path("said"));
    ASSERT_EQ(std::system(command.c_str()), 0) << test::read_file(folder_.path("said"));
    EXPECT_THAT(test::read_file(folder_.path("said")), HasSubstr("3 figures"));
}

}  // namespace
}  // namespace widthwise
