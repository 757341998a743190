// SPDX-License-Identifier: Apache-2.0
// run --shapes-only: a batch without values, of a network and of a list of layers.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

const std::string kConfig = test::repository("configs/widthwise-8x8.yaml");

Json json_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--json", "--quiet"});
    const test::ToolResult result = test::run_tool(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
}

/// What a schedule decides alone is what a run of the same images counts.
TEST(ShapesOnly, EqualsARunOfOneBatch) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"widthwise-8x8", "0:1"}, {"widthwise-16x16", "0:8"}, {"edge-4x4-streamed", "0:1"}, {"fashion-resnet", "0:1"}};
    for (const auto& [name, images] : cases) {
        const std::string config = test::repository("configs/" + name + ".yaml");
        const Json run =
            json_of({"run", config, "--engine", "fast", "--images", images, "--set", "array.zero_gating=false"});
        const Json shapes = json_of({"run", config, "--shapes-only", "--set", "array.zero_gating=false"});
        EXPECT_EQ(shapes["per_inference"], run["per_inference"]) << name;
        EXPECT_EQ(shapes["setup"], run["setup"]) << name;
        ASSERT_EQ(shapes["layers"].size(), run["layers"].size()) << name;
        for (std::size_t l = 0; l < run["layers"].size(); ++l) {
            for (const char* part : {"name", "cycles", "utilisation", "macs", "energy", "events"})
                EXPECT_EQ(shapes["layers"][l][part], run["layers"][l][part]) << name << ' ' << l << ' ' << part;
        }
        EXPECT_EQ(shapes["shapes_only"], true);
        EXPECT_EQ(shapes["engine"], "schedule");
        EXPECT_TRUE(shapes["data"]["images"].is_null());
        EXPECT_TRUE(shapes["accuracy"].is_null());
        EXPECT_TRUE(shapes["total"]["overflow"].is_null());
        EXPECT_FALSE(run.contains("shapes_only"));
    }
}

class ShapeList : public testing::Test {
protected:
    [[nodiscard]] std::string config(const std::string& more = "") const {
        return folder_.write("shapes.yaml", "name: shapes\nnetwork: layers.csv\n" + more);
    }
    test::TemporaryFolder folder_;
};

/// Each layer reads its map and weights from DRAM and writes its output there; what a list takes is what its layers do.
TEST_F(ShapeList, IsTheSumOfItsLayers) {
    const std::string header = "name,channels,height,width,filters,kernel_height,kernel_width,padding,groups\n";
    const std::vector<std::string> rows = {"a,3,20,20,16,3,3,1,1\n", "b,16,20,20,16,3,3,1,16\n",
                                           "c,40,1,7,12,1,1,0,1\n"};
    const std::vector<std::int64_t> macs = {20 * 20 * 16 * 27, 20 * 20 * 16 * 9, 7 * 12 * 40};
    const std::vector<std::int64_t> written = {20 * 20 * 16, 20 * 20 * 16, 7 * 12};
    const std::vector<std::int64_t> read = {3 * 20 * 20, 16 * 20 * 20, 40 * 7};
    const std::string file = config("weight_buffer: {storage: streamed}\n");
    std::string all;
    double cycles = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        all += rows[i];
        folder_.write("layers.csv", header + rows[i]);
        const Json one = json_of({"run", file, "--shapes-only"});
        EXPECT_EQ(one["per_inference"]["macs"], macs[i]);
        const Json& events = one["total"]["events"];
        EXPECT_EQ(events["dram.write"], written[i]);
        EXPECT_GT(events["dram.read"], read[i]) << "weights too";
        cycles += one["per_inference"]["cycles"].get<double>();
    }
    folder_.write("layers.csv", header + all);
    const Json list = json_of({"run", file, "--shapes-only"});
    EXPECT_EQ(list["layers"].size(), 5U) << "load, layers, store";
    EXPECT_EQ(list["total"]["events"]["dram.write"], written[0] + written[1] + written[2]);
    EXPECT_NEAR(list["per_inference"]["cycles"].get<double>(), cycles, 0.03 * cycles) << "starts are prefetched";
    EXPECT_LE(list["per_inference"]["cycles"].get<double>(), cycles);
}

TEST_F(ShapeList, RunsScaleSimsFormsOnShippedHardware) {
    const Json json = json_of({"run", test::repository("configs/widthwise-16x16.yaml"), "--shapes-only", "--set",
                               "network=" + test::repository("models/alexnet.csv"), "--set", "dram.bytes=4294967296"});
    EXPECT_EQ(json["layers"].size(), 10U);
    // Published: 666 million in the convolutions, 58.6 in the dense layers.
    EXPECT_EQ(json["per_inference"]["macs"],
              105415200 + 223948800 + 149520384 + 112140288 + 74760192 + 37748736 + 16777216 + 4096000);
}

TEST_F(ShapeList, IsCheckedWithoutImages) {
    folder_.write("layers.csv", "Layer, M, N, K,\nq, 12, 34, 56,\n");
    const test::ToolResult result = test::run_tool({"check", config()});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, testing::AllOf(HasSubstr("images            none"), HasSubstr("DRAM traffic")));
    for (const std::string& line : test::lines(result.out)) EXPECT_LE(line.size(), 250U);
}

TEST_F(ShapeList, WritesResultsThatAReportReads) {
    folder_.write("layers.csv", "Layer, M, N, K,\nq, 12, 34, 56,\nr, 56, 7, 8,\n");
    const std::string out = folder_.path("out");
    const test::ToolResult run = test::run_tool({"run", config(), "--shapes-only", "--out", out});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.out, testing::AllOf(HasSubstr("images          none: a batch of 1 by its shapes"),
                                        HasSubstr("accuracy        not known: shapes only"),
                                        testing::Not(HasSubstr("overflow"))));
    const test::ToolResult report = test::run_tool({"report", out});
    EXPECT_EQ(report.status, 0) << report.err;
    const std::string page = test::read_file(out + "/report.html");
    EXPECT_THAT(page, testing::AllOf(HasSubstr("none: a batch of 1 by its shapes"), Not(HasSubstr("overflowed"))));
}

TEST_F(ShapeList, RefusesWhatNeedsValues) {
    folder_.write("layers.csv", "Layer, M, N, K,\nq, 12, 34, 56,\n");
    const std::string images = "images: " + test::repository("traces/mnist/t10k-images-idx3-ubyte.gz") + "\n";
    const auto refused = [](const std::vector<std::string>& arguments, const std::string& part) {
        const test::ToolResult result = test::run_tool(arguments);
        EXPECT_EQ(result.status, 2) << part;
        EXPECT_THAT(result.err, HasSubstr(part));
    };
    const std::string of_list = config(images);
    for (const char* command : {"run", "compare", "search"})
        refused({command, of_list},
                "layers.csv: is a list of layers' shapes, which only run --shapes-only and check take");
    refused({"inspect", folder_.path("layers.csv")}, "is a list of layers' shapes");
    refused({"run", of_list, "--shapes-only", "--images", "0:1"}, "--images: use it without --shapes-only");
    refused({"run", of_list, "--shapes-only", "--engine", "fast"}, "--engine: use it without --shapes-only");
    refused({"run", of_list, "--shapes-only", "--vcd", folder_.path("w.vcd")}, "--vcd: use it without --shapes-only");
    const std::string imageless =
        folder_.write("imageless.yaml", "name: imageless\nnetwork: " + test::repository("models/lenet5.onnx") + "\n");
    refused({"run", imageless}, "imageless.yaml:1:1: the required key 'images' is missing; only run --shapes-only");
    EXPECT_EQ(test::run_tool({"run", imageless, "--shapes-only", "--quiet"}).status, 0);
    EXPECT_EQ(test::run_tool({"check", imageless, "--quiet"}).status, 0);
    const std::string sweep =
        folder_.write("sweep.yaml", "config: imageless.yaml\naxes:\n  accumulator.bits: [14, 20]\n");
    refused({"sweep", sweep}, "the required key 'images' is missing");
}

}  // namespace
}  // namespace widthwise
