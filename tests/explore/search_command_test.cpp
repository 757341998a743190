// SPDX-License-Identifier: Apache-2.0
// widthwise search from outside.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> kShort = {"search", "configs/course.yaml", "--images", "0:200", "--from", "12", "--to",
                                         "24"};

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

TEST(SearchCommand, WritesItsFilesAndCanBeRepeated) {
    const test::TemporaryFolder folder;
    const test::ToolResult result =
        test::run_tool(with(kShort, {"--max-loss", "1", "--json", "--quiet", "--out", folder.path("out")}));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, test::read_file(folder.path("out/search.json")));
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_TRUE(json["exact"].get<bool>());
    EXPECT_LE(json["best"]["loss_points"].get<double>(), 1.0);
    EXPECT_LE(json["best"]["energy_per_inference"].get<double>(),
              json["uniform"]["energy_per_inference"].get<double>());
    EXPECT_EQ(json["alone"].size(), 5U);
    EXPECT_EQ(json["command"], "widthwise search configs/course.yaml --images 0:200 --max-loss 1 --from 12 --to 24");
    const auto evaluations = test::lines(test::read_file(folder.path("out/evaluations.csv")));
    EXPECT_THAT(evaluations[0],
                testing::StartsWith("evaluation,step,bits_c1,bits_c3,bits_c5,bits_f6,bits_out,total_bits"));
    EXPECT_EQ(test::lines(test::read_file(folder.path("out/pareto.csv"))).size(), json["pareto"].size() + 1);

    // A run with these widths finds the same accuracy and energy.
    const test::ToolResult run = test::run_tool({"run", "configs/course.yaml", "--engine", "fast", "--images", "0:200",
                                                 "--json", "--quiet", "--accumulator", json["best"]["accumulator"]});
    ASSERT_EQ(run.status, 0) << run.err;
    const auto summary = nlohmann::json::parse(run.out);
    EXPECT_EQ(summary["accuracy"]["correct"], json["best"]["correct"]);
    EXPECT_DOUBLE_EQ(summary["per_inference"]["energy"]["total"].get<double>(),
                     json["best"]["energy_per_inference"].get<double>());
}

/// Without labels the widest's classes decide: nothing is lost when all images keep theirs. On other images the widths are
/// tried again.
TEST(SearchCommand, NeedsNoLabelsAndValidates) {
    const test::TemporaryFolder folder;
    const std::string config =
        folder.write("unlabelled.yaml", "network: " + test::repository("models/lenet5.onnx") +
                                            "\nimages: " + test::repository("traces/mnist/t10k-images-idx3-ubyte.gz") +
                                            "\nenergy: {table: course}\n");
    const std::vector<std::string> words = {"search",  config,   "--images", "0:200",       "--from",
                                            "14",      "--to",   "24",       "--agreement", "--validate",
                                            "300:500", "--json", "--quiet",  "--jobs",      "1"};
    const test::ToolResult result = test::run_tool(words);
    ASSERT_EQ(result.status, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_EQ(json["judged_by"], "agreement");
    EXPECT_EQ(json["labelled"], 200);
    EXPECT_EQ(json["widest"]["accuracy_percent"], 100.0);
    EXPECT_EQ(json["best"]["correct"], 200);
    EXPECT_THAT(json["command"].get<std::string>(), testing::EndsWith(" --validate 300:500 --agreement"));
    const auto& points = json["validation"]["points"];
    EXPECT_EQ(points.front()["name"], "widest");
    EXPECT_EQ(points.back()["name"], "chosen");
    EXPECT_EQ(points.front()["labelled"], 0);
    // Two runs say the same of the chosen widths.
    const auto predictions = [&](const std::string& widths) {
        const std::string out = folder.path("out" + std::to_string(widths.size()));
        const test::ToolResult run = test::run_tool({"run", config, "--engine", "fast", "--images", "300:500",
                                                     "--quiet", "--accumulator", widths, "--out", out});
        EXPECT_EQ(run.status, 0) << run.err;
        return test::lines(test::read_file(out + "/predictions.csv"));
    };
    const auto widest = predictions("24");
    const auto chosen = predictions(json["best"]["accumulator"]);
    std::size_t changed = 0;
    for (std::size_t i = 1; i < widest.size(); ++i) changed += widest[i] != chosen[i] ? 1U : 0U;
    EXPECT_EQ(points.back()["changed"], changed);
}

/// The report says what was kept.
TEST(SearchCommand, IsReportedByWhatItKept) {
    const test::TemporaryFolder folder;
    for (const bool agreement : {false, true}) {
        const std::string out = folder.path(agreement ? "agreement" : "accuracy");
        std::vector<std::string> words = with(kShort, {"--limit", "100", "--quiet", "--out", out});
        if (agreement) words.emplace_back("--agreement");
        ASSERT_EQ(test::run_tool(words).status, 0);
        ASSERT_EQ(test::run_tool({"report", out, "--quiet"}).status, 0);
        const std::string kept = agreement ? "agreement" : "accuracy";
        EXPECT_THAT(test::read_file(out + "/report.html"),
                    AllOf(HasSubstr("Pareto front: " + kept + " against energy"),
                          HasSubstr("points of " + kept + " lost"), HasSubstr("\"" + kept + " (%)\"")));
    }
}

TEST(SearchCommand, ValidatesOnOtherImagesOnly) {
    for (const char* images : {"0:200", "199:300", "50:60"}) {
        const test::ToolResult result = test::run_tool(with(kShort, {"--validate", images}));
        EXPECT_EQ(result.status, 2);
        EXPECT_THAT(result.err, AllOf(HasSubstr("--validate: images "), HasSubstr("0:200"))) << images;
    }
    EXPECT_THAT(test::run_tool(with(kShort, {"--validate", "200:10001"})).err, HasSubstr("--validate"));
}

TEST(SearchCommand, PrintsChoiceProofAndFront) {
    const test::ToolResult result = test::run_tool(with(kShort, {"--minimise", "bits"}));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, AllOf(HasSubstr("chosen"), HasSubstr("exact: "), HasSubstr("Pareto front"),
                                  HasSubstr("least bits in all, widths 12 to 24, at most 0 points lost"),
                                  HasSubstr("--accumulator c1=")));
    for (const std::string& line : test::lines(result.out)) EXPECT_LE(line.size(), 100U) << line;
}

TEST(SearchCommand, SaysWhenItIsAHeuristic) {
    const test::ToolResult result = test::run_tool(with(kShort, {"--limit", "10"}));
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, AllOf(HasSubstr("heuristic: "), HasSubstr("nothing below")));
}

TEST(SearchCommand, RefusesBadOptions) {
    const auto refusal = [](const std::vector<std::string>& options) {
        const test::ToolResult result = test::run_tool(with({"search", "configs/course.yaml"}, options));
        EXPECT_EQ(result.status, 2);
        return result.err;
    };
    EXPECT_THAT(refusal({"--max-loss", "-1"}), HasSubstr("--max-loss: -1 is out of range (allowed: 0..100)"));
    EXPECT_THAT(refusal({"--max-loss", "some"}), HasSubstr("--max-loss: 'some' is not a number"));
    EXPECT_THAT(refusal({"--max-loss", "nan"}), HasSubstr("--max-loss: 'nan' is not a number"));
    EXPECT_THAT(refusal({"--minimise", "enrgy"}), HasSubstr("did you mean 'energy'?"));
    EXPECT_THAT(refusal({"--from", "1"}), HasSubstr("--from: 1 is out of range (allowed: 2..48)"));
    EXPECT_THAT(refusal({"--from", "20", "--to", "19"}), HasSubstr("--to: 19 is out of range (allowed: 20..48)"));
    EXPECT_THAT(refusal({"--from", "40"}), HasSubstr("--from: 40 is above the widest, 32"));
    EXPECT_THAT(refusal({"--limit", "0"}), HasSubstr("--limit: 0 is out of range"));
    EXPECT_THAT(refusal({"--images", "5:5"}), HasSubstr("--images"));
}

TEST(SearchCommand, NeedsLabels) {
    const test::TemporaryFolder folder;
    const std::string config =
        folder.write("c.yaml", fmt::format("network: {}\nimages: {}\n", test::repository("models/lenet5.onnx"),
                                           test::repository("traces/mnist/t10k-images-idx3-ubyte.gz")));
    const test::ToolResult result = test::run_tool({"search", config});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, AllOf(HasSubstr("names no labels"), HasSubstr("--agreement")));
}

}  // namespace
}  // namespace widthwise
