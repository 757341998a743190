// SPDX-License-Identifier: Apache-2.0
// A network whose layers are called formulas, escape codes, markup, paths, and what the tables call other rows
// (odd-layer-names.onnx): in every output, and on the command line.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "report/csv_reader.h"
#include "text/list_text.h"
#include "text/printable.h"
#include "trace/vcd_reader.h"

namespace widthwise {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// Two images of 8x8 pixels and a configuration for them.
std::string odd_config(const test::TemporaryFolder& folder, const std::string& more = "") {
    std::string images("\0\0\x08\x03\0\0\0\x02\0\0\0\x08\0\0\0\x08", 16);
    for (int pixel = 0; pixel < 2 * 64; ++pixel) images += static_cast<char>(3 * pixel);
    folder.write("images", images);
    return folder.write("odd.yaml", fmt::format("network: {}\nimages: images\npreprocessing: {{fit: none}}\n{}",
                                                test::repository("tests/cli/odd-layer-names.onnx"), more));
}

test::ToolResult succeed(const std::vector<std::string>& line) {
    test::ToolResult result = test::run_tool(line);
    EXPECT_EQ(result.status, 0) << result.err;
    return result;
}

std::vector<std::string> layers_of(const std::string& config) {
    std::vector<std::string> names;
    const Json json = Json::parse(succeed({"check", config, "--json"}).out);
    for (const Json& layer : json["layers"]) names.push_back(layer["name"]);
    return names;
}

void expect_harmless_on_a_screen(const std::string& text) { EXPECT_EQ(printable(text, LineFeeds::kept), text); }

TEST(OddNames, NoScreenIsGivenOrders) {
    const test::TemporaryFolder folder;
    const std::string config = odd_config(folder);
    for (const std::vector<std::string>& line :
         std::vector<std::vector<std::string>>{{"check", config},
                                               {"check", config, "--json"},
                                               {"inspect", config},
                                               {"inspect", config, "--json"},
                                               {"run", config},
                                               {"run", config, "--json"},
                                               {"compare", config, "--engine", "fast", "--json"}}) {
        const test::ToolResult result = succeed(line);
        expect_harmless_on_a_screen(result.out);
        expect_harmless_on_a_screen(result.err);
    }
    const test::ToolResult refused = test::run_tool({"run", config, "--accumulator", "a\x1b[31m\nb=18"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("'a\\x1b[31m\\nb'"));
    expect_harmless_on_a_screen(refused.err);
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1);
}

TEST(OddNames, MessagesHaveALimit) {
    const test::TemporaryFolder folder;
    const std::string name(100'000, 'x');
    const test::ToolResult refused = test::run_tool({"run", odd_config(folder), "--accumulator", name + "=99"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_LT(refused.err.size(), kLongestMessage + 100);
    EXPECT_THAT(refused.err, HasSubstr("(allowed: 2..48)"));
}

/// Rows of a table by the name in their first column.
std::map<std::string, int> rows_of(const std::string& path) {
    const CsvTable table = CsvTable::read(path);
    std::map<std::string, int> rows;
    for (std::size_t row = 0; row < table.rows(); ++row) ++rows[table.text(row, table.column("layer"))];
    return rows;
}

TEST(OddNames, TablesHoldNoFormulasAndTellLayersFromPhases) {
    const test::TemporaryFolder folder;
    const std::string config = odd_config(folder), out = folder.path("out");
    succeed({"run", config, "--out", out, "--quiet", "--histogram"});
    for (const char* table : {"layers.csv", "events.csv", "psums.csv", "utilisation.csv"}) {
        for (const std::string& line : test::lines(test::read_file(out + "/" + table))) {
            EXPECT_EQ(line.substr(0, 1).find_first_of("=+-@"), std::string::npos) << table << ": " << line;
        }
    }
    const Json summary = Json::parse(test::read_file(out + "/summary.json"));
    const std::vector<std::string> names = layers_of(config);
    std::set<std::string> rows;
    for (const Json& row : summary["layers"]) EXPECT_TRUE(rows.insert(row["name"]).second) << row["name"];
    EXPECT_EQ(rows.size(), names.size() + 2);
    for (const std::string& name : names) {
        const bool other_row = name == "load" || name == "store" || name == "total";
        EXPECT_TRUE(rows.contains(other_row ? name + " (layer)" : name)) << name;
    }
    for (const auto& [name, count] : rows_of(out + "/layers.csv")) EXPECT_EQ(count, 1) << name;
    for (const auto& [name, count] : rows_of(out + "/events.csv")) {
        EXPECT_TRUE(rows.contains(name) || name == "set-up") << name;
        EXPECT_EQ(count, rows_of(out + "/events.csv")["set-up"]) << name;
    }
    EXPECT_EQ(rows_of(out + "/utilisation.csv").count("load"), 0U);
    EXPECT_EQ(rows_of(out + "/utilisation.csv").count("=cmd|' /C calc'!A0"), 1U);
}

TEST(OddNames, ReportAndPlotTakeThem) {
    const test::TemporaryFolder folder;
    const std::string out = folder.path("out");
    succeed({"run", odd_config(folder), "--out", out, "--quiet", "--histogram"});
    const Json report = Json::parse(succeed({"report", out, "--json"}).out);
    std::map<std::string, int> charts;
    for (const Json& chart : report["charts"]) ++charts[chart["kind"]];
    const auto layers = static_cast<int>(layers_of(odd_config(folder)).size());
    EXPECT_EQ(charts["histogram"], layers);
    EXPECT_EQ(charts["heatmap"], layers + 1);
    const std::string page = test::read_file(out + "/report.html");
    EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
    EXPECT_THAT(page, HasSubstr("load (layer)"));
    const std::string command = fmt::format("'{}' '{}' --out '{}' > '{}' 2>&1", test::repository("scripts/plot"), out,
                                            folder.path("plots"), folder.path("said"));
    ASSERT_EQ(std::system(command.c_str()), 0) << test::read_file(folder.path("said"));
    int histograms = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path("plots"))) {
        const std::string name = entry.path().filename();
        histograms += name.starts_with("histogram-") && name.ends_with(".svg") ? 1 : 0;
    }
    EXPECT_EQ(histograms, layers);
}

TEST(OddNames, AreFilesOfADump) {
    const test::TemporaryFolder folder;
    const std::string config = odd_config(folder);
    succeed({"run", config, "--dump-layers", folder.path("dump"), "--quiet", "--images", "0:1"});
    const Json index = Json::parse(test::read_file(folder.path("dump/layers.json")));
    const std::vector<std::string> names = layers_of(config);
    ASSERT_EQ(index["operators"].size(), names.size());
    std::set<std::string> files;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string file = index["operators"][i]["file"];
        EXPECT_EQ(index["operators"][i]["operator"], names[i]);
        EXPECT_TRUE(std::filesystem::is_regular_file(folder.path("dump/" + file))) << file;
        EXPECT_TRUE(files.insert(file).second) << file;
    }
}

TEST(OddNames, EachCanBeGivenItsWidth) {
    const test::TemporaryFolder folder;
    const std::string config = odd_config(folder);
    const std::vector<std::string> names = layers_of(config);
    std::string option = "20";
    int bits = 21;
    for (const std::string& name : names) option += "," + named_part_text(name, bits++);
    succeed({"run", config, "--accumulator", option, "--out", folder.path("out"), "--quiet"});
    const Json summary = Json::parse(test::read_file(folder.path("out/summary.json")));
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(summary["layers"][i + 1]["accumulator"]["bits"], 21 + i) << names[i];
    }
    // The resolved configuration and the command that the results name repeat the run.
    const Json again = Json::parse(succeed({"check", folder.path("out/config.yaml"), "--json"}).out);
    for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(again["layers"][i]["accumulator_bits"], 21 + i);
    const std::string command = summary["command"];
    const std::string script =
        folder.write("again.sh", fmt::format("cd '{}'\n'{}'{} --json\n", WIDTHWISE_SOURCE_DIR, WIDTHWISE_EXECUTABLE,
                                             command.substr(std::string("widthwise").size())));
    ASSERT_EQ(std::system(fmt::format("bash '{}' > '{}' 2> /dev/null", script, folder.path("said")).c_str()), 0);
    EXPECT_EQ(Json::parse(test::read_file(folder.path("said")))["layers"], summary["layers"]);
}

TEST(OddNames, OneOfThemInAWaveformAndInATimeline) {
    const test::TemporaryFolder folder;
    const std::string config = odd_config(folder);
    for (const std::string& layer : {std::string("=cmd|' /C calc'!A0"), std::string("\"a,b\"\"c\nd\""),
                                     std::string("$end $var wire 1 ! x $end"), std::string("load")}) {
        succeed({"run", config, "--images", "0:1", "--wave-layer", layer, "--vcd", folder.path("w.vcd"), "--timeline",
                 folder.path("t.json"), "--quiet", "--force"});
        EXPECT_GT(test::VcdFile(folder.path("w.vcd")).times().size(), 2U);
        std::set<std::string> slices;
        const Json timeline = Json::parse(test::read_file(folder.path("t.json")));
        for (const Json& event : timeline["traceEvents"]) {
            if (event["ph"] == "X" && event["tid"] == 2) slices.insert(event["name"]);
        }
        EXPECT_THAT(slices, testing::ElementsAre(layer == "load" ? "load (layer)" : from_list_name(layer)));
    }
    for (const std::string& line : test::lines(test::read_file(folder.path("w.vcd.layers")))) {
        expect_harmless_on_a_screen(line);
        EXPECT_LE(line.size(), 130U);
    }
    // In the middle of the run: image 0's last layer, whose name is not ASCII.
    succeed({"run", config, "--images", "0:1", "--wave-layer=-1+1", "--timeline", folder.path("u.json"), "--quiet"});
}

TEST(OddNames, SweepsAndConfigurationsTakeThem) {
    const test::TemporaryFolder folder;
    const std::string config =
        odd_config(folder, R"(accumulator: {layers: {"A,b\"c\nd": 12, "=cmd|' /C calc'!A0": 13}})");
    const Json checked = Json::parse(succeed({"check", config, "--json"}).out);
    EXPECT_EQ(checked["layers"][1]["accumulator_bits"], 13);
    EXPECT_EQ(checked["layers"][2]["accumulator_bits"], 12);
    const std::string sweep = folder.write("sweep.yaml", R"(config: odd.yaml
axes:
  layer_accumulators: [{}, {"=cmd|' /C calc'!A0": 9, "a,b\"c\nd": 8}]
)");
    expect_harmless_on_a_screen(succeed({"sweep", sweep, "--out", folder.path("out")}).out);
    const CsvTable points = CsvTable::read(folder.path("out/points.csv"));
    EXPECT_EQ(points.text(1, points.column("layer_accumulators")), "\"=cmd|' /c calc'!a0\"=9,\"a,b\"\"c\nd\"=8");
    EXPECT_EQ(points.header().front(), "point");
}

}  // namespace
}  // namespace widthwise
