// SPDX-License-Identifier: Apache-2.0
// What the commands print, and that the help's examples work.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kConfig = "configs/widthwise-8x8.yaml";

TEST(CommandLine, VersionAndOverview) {
    EXPECT_THAT(test::run_tool({"--version"}).out,
                testing::MatchesRegex("widthwise [0-9]+\\.[0-9]+\\.[0-9]+\ncommit    [^\n]+\n"
                                      "compiler  GNU [^\n]+\nSystemC   [0-9.]+\n"));
    const test::ToolResult help = test::run_tool({"--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_EQ(help.err, "");
    for (const char* command : {"run", "compare", "sweep", "search", "report", "check", "inspect", "completion"}) {
        EXPECT_THAT(help.out, HasSubstr(command));
    }
}

/// What --help says of --images is what happens.
TEST(DefaultImages, AreTheHelps) {
    for (const char* command : {"run", "compare"}) {
        std::istringstream words(test::run_tool({command, "--help"}).out);
        std::string help;
        for (std::string word; words >> word;) help += word + " ";
        EXPECT_THAT(help, HasSubstr("(default: 0:100, with --engine fast 0:10000; or all there are, if fewer)"));
    }
    const auto images = [](const std::vector<std::string>& line) {
        return nlohmann::json::parse(test::run_tool(line).out)["images"]["end"].get<int>();
    };
    EXPECT_EQ(images({"run", kConfig, "--engine", "fast", "--json"}), 10000);
    EXPECT_EQ(images({"compare", kConfig, "--engine", "fast", "--widths", "18", "--json"}), 10000);
    EXPECT_EQ(images({"run", kConfig, "--json"}), 100);
}

TEST(SchemaCommand, PrintsTheSchemaTheTableOrTheKeys) {
    EXPECT_EQ(test::run_tool({"schema"}).out, test::read_file(test::repository("configs/schema.json")));
    EXPECT_EQ(test::run_tool({"schema", "--json"}).out, test::run_tool({"schema"}).out);
    EXPECT_EQ(test::run_tool({"schema", "--quiet"}).out, "");
    const std::string table = test::run_tool({"schema", "--table"}).out;
    const auto keys = nlohmann::json::parse(test::run_tool({"schema", "--table", "--json"}).out);
    EXPECT_EQ(test::lines(table).size(), 2 + keys.size());
    for (const auto& key : keys) {
        EXPECT_THAT(table, HasSubstr(fmt::format("| `{}` | {} |", key["key"].get<std::string>(),
                                                 key["type"].get<std::string>())));
    }
    const test::ToolResult refused = test::run_tool({"schema", "array"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("nothing but options is expected, not 'array' (see widthwise schema --help)"));
}

class HelpExamples : public testing::TestWithParam<const char*> {};

TEST_P(HelpExamples, WorkAsPastedFromTheRepositorysRoot) {
    const test::TemporaryFolder folder;
    folder.write("results/there", "");
    const test::ToolResult help = test::run_tool({GetParam(), "--help"});
    ASSERT_EQ(help.status, 0);
    int examples = 0;
    for (const std::string& line : test::lines(help.out)) {
        if (!line.starts_with("  " WIDTHWISE_EXECUTABLE)) continue;
        ++examples;
        std::vector<std::string> arguments;
        std::istringstream words(line.substr(sizeof "  " WIDTHWISE_EXECUTABLE));
        for (std::string word; words >> word;) {
            // Not into the repository.
            if (word.ends_with(".vcd") || word.starts_with("results/")) word = folder.path(word);
            arguments.push_back(word);
        }
        const test::ToolResult result = test::run_tool(arguments);
        EXPECT_EQ(result.status, 0) << line << '\n' << result.err;
        EXPECT_NE(result.out, "");
        const std::set<std::string> wide = {"report", "schema", "migrate", "completion"};
        const bool has_tables = !wide.contains(GetParam());
        for (const std::string& text : test::lines(result.out)) EXPECT_TRUE(!has_tables || text.size() <= 100) << text;
    }
    EXPECT_GE(examples, 1);
}

INSTANTIATE_TEST_SUITE_P(Commands, HelpExamples,
                         testing::Values("run", "compare", "sweep", "search", "report", "check", "inspect", "schema",
                                         "migrate", "completion"),
                         [](const auto& command) { return std::string(command.param); });

TEST(Check, SaysOkAndWhatIsUsed) {
    const test::ToolResult result = test::run_tool({"check", kConfig});
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, AllOf(testing::StartsWith("ok\n"), HasSubstr("c1 (18 bits)"), HasSubstr("10,000"),
                                  HasSubstr("bytes used"), HasSubstr("horowitz-45nm")));
    EXPECT_EQ(test::run_tool({"check", kConfig, "--quiet"}).out, "");
    const auto json = nlohmann::json::parse(test::run_tool({"check", kConfig, "--json"}).out);
    EXPECT_EQ(json["layers"].size(), 5U);
    EXPECT_EQ(json["buffers"][0]["used_bytes"], 63594);
}

TEST(Check, EveryShippedConfigurationIsGood) {
    for (const auto& entry : std::filesystem::directory_iterator(test::repository("configs"))) {
        if (entry.path().extension() != ".yaml") continue;
        EXPECT_EQ(test::run_tool({"check", entry.path(), "--quiet"}).status, 0) << entry.path();
    }
}

TEST(Inspect, ShowsShapesParametersScalesAndBounds) {
    const test::ToolResult result = test::run_tool({"inspect", "models/lenet5.onnx"});
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, AllOf(HasSubstr("16x10x10"), HasSubstr("240,000"), HasSubstr("48,000"), HasSubstr("ReLU"),
                                  HasSubstr("61,480"), HasSubstr("416,520")));
    for (const std::string& line : test::lines(result.out)) EXPECT_LE(line.size(), 100U) << line;
    EXPECT_EQ(test::run_tool({"inspect", kConfig}).out, result.out);
    const auto json = nlohmann::json::parse(test::run_tool({"inspect", "models/lenet5.onnx", "--json"}).out);
    EXPECT_EQ(json["layers"].size(), 7U);
    EXPECT_EQ(json["layers"][0]["accumulator_bits"]["l1_bound"], 19);
    EXPECT_EQ(json["layers"][0]["accumulator_bits"]["data_type_bound"], 21);
    EXPECT_EQ(json["total"]["macs"], 416520);
}

TEST(Inspect, MeasuresPartialSumsOnImages) {
    const test::ToolResult result = test::run_tool({"inspect", kConfig, "--images", "0:64", "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const auto layers = nlohmann::json::parse(result.out)["layers"];
    for (const auto& layer : layers) {
        if (!layer.contains("weights")) continue;
        const auto& bits = layer["accumulator_bits"];
        EXPECT_LE(bits["measured"], bits["l1_bound"]) << layer["name"];
        EXPECT_LT(layer["psums"]["min"], 0);
    }
    // Wide accumulators whatever the configuration says: the run at 32 bits sees the same range.
    const auto run = nlohmann::json::parse(test::run_tool({"run", kConfig, "--images", "0:64", "--engine", "fast",
                                                           "--accumulator", "32", "--json", "--quiet"})
                                               .out);
    EXPECT_EQ(layers[0]["psums"]["max"], run["layers"][1]["accumulator"]["psums"]["max"]) << run["layers"][1];
    EXPECT_EQ(test::run_tool({"inspect", "models/lenet5.onnx", "--images", "0:64"}).status, 2);
}

TEST(Run, PrintsTablesOnStandardOutputAndNotesOnStandardError) {
    const test::ToolResult result = test::run_tool({"run", kConfig, "--images", "0:2"});
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, AllOf(HasSubstr("0:2 (2 images)"), HasSubstr("accuracy        100.00 %"),
                                  HasSubstr("Cycles of one inference"), HasSubstr("mW on average")));
    for (const std::string& line : test::lines(result.out)) EXPECT_LE(line.size(), 100U) << line;
    EXPECT_THAT(result.err, AllOf(HasSubstr("cycles per second"), testing::Not(HasSubstr("SystemC"))));
    const test::ToolResult quiet = test::run_tool({"run", kConfig, "--images", "0:2", "--quiet"});
    EXPECT_EQ(quiet.out + quiet.err, "");
    const test::ToolResult json = test::run_tool({"run", kConfig, "--images", "0:2", "--quiet", "--json"});
    EXPECT_EQ(json.err, "");
    EXPECT_EQ(nlohmann::json::parse(json.out)["images"]["count"], 2);
}

TEST(Run, StatesItsDefaultImages) {
    const test::ToolResult result = test::run_tool({"run", kConfig});
    EXPECT_THAT(result.err, HasSubstr("images 0:100 (100 images) of the 10000"));
    EXPECT_THAT(result.out, HasSubstr("0:100 (100 images)"));
}

TEST(Run, TheCoursesEnergyComesOutExactly) {
    // design.md, section 4: 4 images, the course's table and loop accounting, two sets of widths.
    const std::vector<std::pair<std::string, std::vector<double>>> published = {
        {"18", {115718400, 236160000, 47232000, 3306240, 276240, 402692880}},
        {"c1=18,c3=16,c5=16,f6=18,out=16", {115718400, 230400000, 46080000, 3306240, 269440, 395774080}}};
    for (const auto& [widths, energies] : published) {
        const test::ToolResult result =
            test::run_tool({"run", "configs/course.yaml", "--images", "0:4", "--accumulator", widths, "--json"});
        const auto json = nlohmann::json::parse(result.out);
        for (std::size_t i = 0; i < 5; ++i) {
            EXPECT_EQ(json["layers"][i + 1]["energy"]["total"].get<double>(), energies[i]) << widths << ", layer " << i;
        }
        EXPECT_EQ(json["total"]["energy"]["total"].get<double>(), energies[5]) << widths;
    }
}

TEST(Compare, OneTableOfAllWidths) {
    const test::ToolResult result = test::run_tool({"compare", kConfig, "--widths", "20,12", "--images", "0:3"});
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, AllOf(HasSubstr("0:3 (3 images)"), HasSubstr("\n20  "), HasSubstr("\n12  "),
                                  HasSubstr("saving against 20 bits")));
    for (const std::string& line : test::lines(result.out)) EXPECT_LE(line.size(), 100U) << line;
}

}  // namespace
}  // namespace widthwise
