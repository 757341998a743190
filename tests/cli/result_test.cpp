// SPDX-License-Identifier: Apache-2.0
// What runs write: the same bytes for any number of jobs, the values of an independent reference, nothing when
// interrupted.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "data/dataset.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "results/npy.h"

namespace widthwise {
namespace {

using testing::ElementsAre;

TEST(RunResults, AreTheSameForAnyNumberOfJobs) {
    // With batches, where shards must start at whole ones, and with a last batch that is not full.
    for (const char* config : {"configs/widthwise-8x8.yaml", "configs/widthwise-16x16.yaml"}) {
        const test::TemporaryFolder folder;
        for (const char* jobs : {"1", "2", "3"}) {
            const test::ToolResult result =
                test::run_tool({"run", config, "--images", "5:24", "--accumulator", "16", "--quiet", "--jobs", jobs,
                                "--histogram", "--out", folder.path(std::string("out") + jobs), "--dump-layers",
                                folder.path(std::string("layers") + jobs)});
            ASSERT_EQ(result.status, 0) << result.err;
        }
        EXPECT_EQ(folder.names().size(), 6U);
        const auto out = test::files_of(folder.path("out1"));
        EXPECT_EQ(out.size(), 7U);
        EXPECT_EQ(out, test::files_of(folder.path("out2")));
        EXPECT_EQ(out, test::files_of(folder.path("out3")));
        EXPECT_EQ(test::files_of(folder.path("layers1")), test::files_of(folder.path("layers2")));
        EXPECT_EQ(test::files_of(folder.path("layers1")), test::files_of(folder.path("layers3")));
    }
}

TEST(RunResults, TheStoredConfigurationRepeatsTheRun) {
    const test::TemporaryFolder folder;
    const auto run = [&](const std::string& config, const std::string& out, const std::vector<std::string>& more) {
        std::vector<std::string> arguments = {"run", config, "--images", "0:2", "--quiet", "--out", folder.path(out)};
        arguments.insert(arguments.end(), more.begin(), more.end());
        EXPECT_EQ(test::run_tool(arguments).status, 0);
    };
    run("configs/widthwise-8x8.yaml", "first", {"--accumulator", "18,c3=15", "--energy", "jouppi-7nm"});
    run(folder.path("first/config.yaml"), "second", {});
    for (const char* file : {"layers.csv", "events.csv", "predictions.csv"}) {
        EXPECT_EQ(test::read_file(folder.path(std::string("first/") + file)),
                  test::read_file(folder.path(std::string("second/") + file)));
    }
}

/// LeNet-5 on two images with these lines in the file; its results but for the command.
std::map<std::string, std::string> results_of(const test::TemporaryFolder& folder, const std::string& lines) {
    const std::string config = folder.write(
        "config.yaml", fmt::format("network: {}\nimages: {}\nlabels: {}\n{}", test::repository("models/lenet5.onnx"),
                                   test::repository("traces/mnist/t10k-images-idx3-ubyte.gz"),
                                   test::repository("traces/mnist/t10k-labels-idx1-ubyte.gz"), lines));
    const test::ToolResult result = test::run_tool(
        {"run", config, "--images", "0:2", "--engine", "fast", "--quiet", "--force", "--out", folder.path("out")});
    EXPECT_EQ(result.status, 0) << result.err;
    return test::files_of(folder.path("out"));
}

TEST(RunResults, KeysWithoutEffectAreAcceptedNamedAndLeftOut) {
    const test::TemporaryFolder folder;
    for (const char* mode : {"float32", "reciprocal"}) {
        const bool is_float = std::string(mode) == "float32";
        const auto plain = results_of(folder, fmt::format("requantization: {{mode: {}}}\n", mode));
        const std::string others = fmt::format(
            "requantization: {{mode: {}, multiplier_bits: 9{}}}\npooling: {{rounding: floor}}\n"
            "accumulator: {{bits: 16, layers: {{c1: 32, c3: 32, c5: 32, f6: 32, out: 32}}}}\n",
            mode, is_float ? ", rounding: floor" : "");
        auto with_others = results_of(folder, others);
        const auto check = nlohmann::json::parse(test::run_tool({"check", folder.path("config.yaml"), "--json"}).out);
        std::vector<std::string> named;
        for (const auto& key : check["keys_without_effect"]) named.push_back(key["key"]);
        std::vector<std::string> expected = {"accumulator.bits", "requantization.multiplier_bits", "pooling.rounding"};
        if (is_float) expected.insert(expected.begin() + 1, "requantization.rounding");
        EXPECT_EQ(named, expected);
        EXPECT_THAT(test::run_tool({"check", folder.path("config.yaml")}).out,
                    testing::HasSubstr("\nwithout effect    pooling.rounding: "));
        for (const char* file : {"layers.csv", "events.csv", "predictions.csv", "summary.json"}) {
            EXPECT_EQ(with_others[file], plain.at(file)) << file;
        }
        EXPECT_EQ(with_others["config.yaml"].find("pooling:\n  rounding"), std::string::npos);
        EXPECT_EQ(with_others["config.yaml"].find("multiplier_bits"), std::string::npos);
    }
}

TEST(RunResults, ForceReplacesThem) {
    const test::TemporaryFolder folder;
    const std::vector<std::string> line = {"run",           "configs/widthwise-8x8.yaml",
                                           "--images",      "0:1",
                                           "--quiet",       "--force",
                                           "--out",         folder.path("out"),
                                           "--dump-layers", folder.path("layers"),
                                           "--vcd",         folder.path("w.vcd"),
                                           "--wave-cycles", "0:100"};
    EXPECT_EQ(test::run_tool(line).status, 0);
    folder.write("out/note", "");
    EXPECT_EQ(test::run_tool(line).status, 0);
    EXPECT_THAT(folder.names(),
                ElementsAre("layers", "out", "w.vcd", "w.vcd.gtkw", "w.vcd.layers", "w.vcd.sucl", "w.vcd.words"));
    EXPECT_FALSE(std::filesystem::exists(folder.path("out/note")));
}

TEST(CompareResults, AreTheSameForAnyNumberOfJobsAndAgreeWithRuns) {
    const test::TemporaryFolder folder;
    for (const char* jobs : {"1", "3"}) {
        ASSERT_EQ(test::run_tool({"compare", "configs/widthwise-8x8.yaml", "--widths", "20,14", "--images", "0:5",
                                  "--quiet", "--jobs", jobs, "--out", folder.path(jobs)})
                      .status,
                  0);
    }
    EXPECT_EQ(test::files_of(folder.path("1")), test::files_of(folder.path("3")));
    const auto comparison = nlohmann::json::parse(test::read_file(folder.path("1/comparison.json")));
    const auto run = nlohmann::json::parse(
        test::run_tool({"run", "configs/widthwise-8x8.yaml", "--accumulator", "14", "--images", "0:5", "--json"}).out);
    EXPECT_EQ(comparison["widths"][1]["bits"], 14);
    EXPECT_EQ(comparison["widths"][1]["layers"], run["layers"]);
    EXPECT_EQ(comparison["widths"][1]["accuracy"], run["accuracy"]);
}

class LayerDumpOf : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Engines, LayerDumpOf, testing::Values("systemc", "fast"),
                         [](const auto& engine) { return std::string(engine.param); });

TEST_P(LayerDumpOf, EqualsOnnxRuntimeBitForBit) {
    const test::TemporaryFolder folder;
    ASSERT_EQ(test::run_tool({"run", "configs/onnxruntime.yaml", "--images", "0:100", "--quiet", "--dump-layers",
                              folder.path("layers"), "--engine", GetParam()})
                  .status,
              0);
    for (const char* name : {"c1", "s2", "c3", "s4", "c5", "f6", "out"}) {
        const IdxTensor golden = read_idx(test::repository(fmt::format("tests/goldens/lenet5/{}.idx.gz", name)));
        const std::vector<std::int64_t> shape(golden.dimensions.begin(), golden.dimensions.end());
        const std::string header = npy_header(golden.is_signed ? NpyType::int8 : NpyType::uint8, shape);
        const std::string dump = test::read_file(folder.path(fmt::format("layers/{}.npy", name)));
        ASSERT_EQ(dump.substr(0, header.size()), header);
        EXPECT_TRUE(std::equal(golden.values.begin(), golden.values.end(),
                               dump.begin() + static_cast<long>(header.size()), dump.end(),
                               [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }))
            << name;
    }
}

TEST(Waveform, IsWrittenWithinItsLimits) {
    const test::TemporaryFolder folder;
    const auto record = [&](const std::string& file, const std::vector<std::string>& more) {
        std::vector<std::string> line = {
            "run", "configs/widthwise-8x8.yaml", "--images", "0:1", "--quiet", "--vcd", folder.path(file)};
        line.insert(line.end(), more.begin(), more.end());
        const test::ToolResult result = test::run_tool(line);
        EXPECT_EQ(result.status, 0) << result.err;
        return test::read_file(folder.path(file));
    };
    const std::string all = record("all.vcd", {"--wave-cycles", "0:9000"});
    const std::string shallow = record("shallow.vcd", {"--wave-cycles", "0:9000", "--wave-depth", "2"});
    const std::string pes = record("pes.vcd", {"--wave-cycles", "0:9000", "--wave-scope", "*.pe_array"});
    EXPECT_THAT(all, testing::HasSubstr("$scope module sequencer $end"));
    EXPECT_LT(shallow.size(), all.size());
    EXPECT_THAT(pes, testing::Not(testing::HasSubstr("$scope module dma $end")));
    const std::string layer = record("layer.vcd", {"--wave-layer", "OUT", "--wave-cycles", "0:100000"});
    EXPECT_GT(layer.size(), 1000U);
    EXPECT_LT(layer.size(), all.size());
}

class Interrupt : public testing::TestWithParam<int> {};

TEST_P(Interrupt, LeavesNothingBehind) {
    const test::TemporaryFolder folder;
    test::Tool tool({"run", "configs/widthwise-8x8.yaml", "--images", "0:10000", "--quiet", "--out", folder.path("out"),
                     "--dump-layers", folder.path("layers"), "--vcd", folder.path("w.vcd")});
    for (int i = 0; i < 1000 && folder.names().size() < 7; ++i) usleep(10000);
    EXPECT_EQ(folder.names().size(), 7U) << "all outputs are under way";
    usleep(100000);
    tool.signal(GetParam());
    const test::ToolResult result = tool.wait();
    EXPECT_EQ(result.status, -GetParam());
    EXPECT_TRUE(folder.names().empty());
}

INSTANTIATE_TEST_SUITE_P(Signals, Interrupt, testing::Values(SIGINT, SIGTERM));

}  // namespace
}  // namespace widthwise
