// SPDX-License-Identifier: Apache-2.0
// widthwise report from outside: which charts the results of which command give, and refusals.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "report/report_files.h"

namespace widthwise {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;

const std::string kConfig = "configs/widthwise-8x8.yaml";

std::set<std::string> charts_of(const std::vector<std::string>& folders, const std::string& page) {
    std::vector<std::string> line = {"report"};
    line.insert(line.end(), folders.begin(), folders.end());
    line.insert(line.end(), {"--json", "--out", page});
    const test::ToolResult result = test::run_tool(line);
    EXPECT_EQ(result.status, 0) << result.err;
    std::set<std::string> charts;
    const auto json = nlohmann::json::parse(result.out);
    for (const auto& chart : json["charts"]) {
        charts.insert(chart["section"].get<std::string>());
    }
    return charts;
}

void run(const std::vector<std::string>& line) {
    const test::ToolResult result = test::run_tool(line);
    ASSERT_EQ(result.status, 0) << result.err;
}

TEST(Report, EachCommandsResultsHaveTheirCharts) {
    const test::TemporaryFolder folder;
    const std::string out = folder.path("r"), page = folder.path("page.html");
    run({"run", kConfig, "--engine", "fast", "--images", "0:32", "--histogram", "--quiet", "--out", out});
    EXPECT_THAT(charts_of({out}, page), IsSupersetOf({"results0-cycles", "results0-layer-energy", "results0-psums",
                                                      "results0-histograms", "results0-utilisation"}));
    const std::string compared = folder.path("c");
    run({"compare", kConfig, "--engine", "fast", "--images", "0:32", "--widths", "18,14", "--quiet", "--out",
         compared});
    EXPECT_THAT(charts_of({compared, out}, folder.path("both.html")),
                IsSupersetOf({"accuracy", "energy", "overflow", "trade-off", "results1-cycles"}));
    const std::string searched = folder.path("s");
    run({"search", kConfig, "--images", "0:64", "--from", "14", "--to", "18", "--quiet", "--out", searched});
    EXPECT_THAT(charts_of({searched}, folder.path("search.html")), testing::Contains("results0-front"));
    const std::string sweep =
        folder.write("sweep.yaml", fmt::format("config: {}\nimages: [0, 32]\naxes:\n  accumulator_bits: [14, 18]\n"
                                               "  energy_table: [horowitz-45nm, course]\n",
                                               test::repository(kConfig)));
    run({"sweep", sweep, "--quiet", "--out", folder.path("w")});
    EXPECT_THAT(charts_of({folder.path("w")}, folder.path("sweep.html")),
                IsSupersetOf({"accuracy", "energy", "overflow", "trade-off"}));
}

TEST(Report, GoesIntoTheResultsFolderAndReplacesNothingUnasked) {
    const test::TemporaryFolder folder;
    const std::string path = test::write_small_run(folder);
    EXPECT_EQ(test::run_tool({"report", path}).status, 0);
    EXPECT_TRUE(std::filesystem::exists(path + "/report.html"));
    folder.write("run/report.html", "mine");
    const test::ToolResult refused = test::run_tool({"report", path});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("--force"));
    EXPECT_EQ(test::read_file(path + "/report.html"), "mine");
    EXPECT_EQ(test::run_tool({"report", path, "--force", "--quiet"}).out, "");
    EXPECT_THAT(test::read_file(path + "/report.html"), testing::StartsWith("<!DOCTYPE html>"));
}

TEST(Report, BadInputLeavesNoPage) {
    const test::TemporaryFolder folder;
    folder.write("run/summary.json", "{");
    const std::vector<std::vector<std::string>> lines = {
        {"report"}, {"report", folder.path("none")}, {"report", folder.path()}, {"report", folder.path("run")}};
    for (std::vector<std::string> line : lines) {
        line.insert(line.end(), {"--out", folder.path("page.html")});
        const test::ToolResult result = test::run_tool(line);
        EXPECT_EQ(result.status, 2) << result.err;
        EXPECT_EQ(result.out, "");
    }
    EXPECT_THAT(folder.names(), testing::ElementsAre("run"));
}

}  // namespace
}  // namespace widthwise
