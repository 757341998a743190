// SPDX-License-Identifier: Apache-2.0
// run and compare with --quality: two references that are both exact give the same figures.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

using Json = nlohmann::json;

const std::string kConfig = test::repository("configs/widthwise-8x8.yaml");

Json compared(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"compare", kConfig,    "--widths", "14,20",  "--images",
                                          "5:9",     "--engine", "both",     "--json", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const test::ToolResult result = test::run_tool(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
}

TEST(QualityOption, OfCompareIsAgainstTheWidest) {
    const Json json = compared({"--quality"});
    const Json& narrow = json["widths"][0];
    const Json& wide = json["widths"][1];
    EXPECT_EQ(wide["agreement_percent"], 100);
    EXPECT_EQ(wide["quality"]["agreeing"], 4);
    EXPECT_EQ(wide["quality"]["output"]["different_values"], 0);
    EXPECT_TRUE(wide["quality"]["output"]["sqnr_db"].is_null());
    EXPECT_EQ(narrow["quality"]["reference_bits"], 20);
    EXPECT_EQ(narrow["quality"]["images"], 4);
    EXPECT_EQ(narrow["agreement_percent"], narrow["quality"]["agreeing"].get<double>() / 4 * 100);
    std::vector<std::string> layers;
    for (const Json& layer : narrow["quality"]["layers"]) layers.push_back(layer["name"]);
    EXPECT_THAT(layers, testing::ElementsAre("c1", "c3", "c5", "f6"));
    EXPECT_EQ(narrow["quality"]["layers"][0]["values"], 4 * 6 * 14 * 14);
    EXPECT_EQ(narrow["quality"]["output"]["values"], 4 * 10);
    EXPECT_GT(narrow["quality"]["output"]["different_values"], 0);
    EXPECT_THAT(json["command"].get<std::string>(), testing::EndsWith(" --quality"));
    EXPECT_FALSE(compared({})["widths"][0].contains("quality"));
}

TEST(QualityOption, OfCompareNeedsTwoWidths) {
    const test::ToolResult result = test::run_tool({"compare", kConfig, "--widths", "14", "--quality"});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, testing::HasSubstr("--quality: compares each width with the widest of --widths"));
}

/// Of a sweep's points each is compared with itself with exact sums, as run does it.
TEST(QualityOption, OfRunIsThatOfASweep) {
    const test::TemporaryFolder folder;
    const std::string sweep =
        folder.write("sweep.yaml", "config: " + kConfig + "\nimages: [5, 9]\naxes:\n  accumulator.bits: [14, 20]\n");
    const test::ToolResult swept = test::run_tool({"sweep", sweep, "--json", "--quiet"});
    ASSERT_EQ(swept.status, 0) << swept.err;
    const Json points = Json::parse(swept.out)["points"];
    for (const std::size_t point : {0U, 1U}) {
        const test::ToolResult run =
            test::run_tool({"run", kConfig, "--accumulator", point == 0 ? "14" : "20", "--images", "5:9", "--engine",
                            "fast", "--quality", "--json", "--quiet"});
        const Json quality = Json::parse(run.out)["quality"];
        const Json& agreement = points[point]["agreement"];
        EXPECT_EQ(agreement["images"], 4);
        EXPECT_EQ(agreement["agreeing"], quality["agreeing"]);
        EXPECT_EQ(agreement["output_sqnr_db"], quality["output"]["sqnr_db"]);
        EXPECT_EQ(agreement["output_largest_error"], quality["output"]["largest_error"]);
        EXPECT_EQ(agreement["output_mean_squared_error"], quality["output"]["mean_squared_error"]);
    }
    EXPECT_LT(points[0]["agreement"]["output_sqnr_db"].get<double>(), 30);
    EXPECT_EQ(points[1]["agreement"]["percent"], 100);
}

/// No sum of LeNet-5 leaves 20 bits on these images, and none at all the width that run takes.
TEST(QualityOption, OfRunIsAgainstExactSums) {
    const test::TemporaryFolder folder;
    const test::ToolResult result =
        test::run_tool({"run", kConfig, "--accumulator", "14", "--images", "5:9", "--engine", "fast", "--quality",
                        "--jobs", "1", "--out", folder.path("out")});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, testing::HasSubstr("of 4 images have the same class"));
    Json quality = Json::parse(test::read_file(folder.path("out/summary.json")))["quality"];
    EXPECT_EQ(quality["reference_bits"], 22);
    Json expected = compared({"--quality"})["widths"][0]["quality"];
    expected["reference_bits"] = 22;
    EXPECT_EQ(quality, expected);
}

}  // namespace
}  // namespace widthwise
