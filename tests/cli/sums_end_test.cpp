// SPDX-License-Identifier: Apache-2.0
// The commands on LeNet-5 without its last quantizer: sums leave.
#include <gmock/gmock.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "data/dataset.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "network/float_end.h"
#include "report/csv_reader.h"
#include "results/npy.h"

namespace widthwise {
namespace {

using testing::HasSubstr;

class SumsEnd : public testing::Test {
protected:
    SumsEnd() {
        folder_.write("m.onnx", test::with_float_end(test::repository("models/lenet5.onnx")));
        config_ = folder_.write(
            "c.yaml", "network: m.onnx\nimages: " + test::repository("traces/mnist/t10k-images-idx3-ubyte.gz") +
                          "\nlabels: " + test::repository("traces/mnist/t10k-labels-idx1-ubyte.gz") +
                          "\npreprocessing: {fit: pad, scale: 1/255}\naccumulator: {bits: 20}\n"
                          "requantization: {mode: float32}\n");
    }
    std::string output_of(const std::vector<std::string>& arguments) const {
        const test::ToolResult result = test::run_tool(arguments);
        EXPECT_EQ(result.status, 0) << result.err;
        return result.out;
    }

    test::TemporaryFolder folder_;
    std::string config_;
};

TEST_F(SumsEnd, CheckAndInspectSayHowManyBytes) {
    EXPECT_THAT(output_of({"check", config_}), HasSubstr("10 sums of out, 3 bytes each, without requantization"));
    const auto check = nlohmann::json::parse(output_of({"check", config_, "--json"}));
    EXPECT_EQ(check["output"],
              nlohmann::json::parse(R"({"sums_leave": true, "bytes_per_sum": 3, "bytes_per_image": 30})"));
    EXPECT_FALSE(
        nlohmann::json::parse(output_of({"check", "configs/widthwise-8x8.yaml", "--json"})).contains("output"));

    EXPECT_THAT(output_of({"inspect", config_}), HasSubstr("10x1x1 sums, without requantization, 3 bytes each"));
    EXPECT_THAT(output_of({"inspect", folder_.path("m.onnx")}), HasSubstr("ceil(accumulator bits / 8) bytes each"));
    const auto of_config = nlohmann::json::parse(output_of({"inspect", config_, "--json"}))["layers"].back();
    EXPECT_EQ(of_config["output"]["bytes_per_sum"], 3);
    EXPECT_EQ(of_config["output"]["bytes"], 30);
    EXPECT_EQ(of_config["clamp"], nullptr);
    const auto alone = nlohmann::json::parse(output_of({"inspect", folder_.path("m.onnx"), "--json"}))["layers"].back();
    EXPECT_EQ(alone["output"]["sums_leave"], true);
    EXPECT_EQ(alone["output"]["bytes"], nullptr);
    const double input_scale = alone["input"]["scale"];
    const double weight_scale = alone["weights"]["scales"][0];
    EXPECT_NEAR(alone["output"]["scales"][0].get<double>() / (input_scale * weight_scale), 1, 1e-6);
}

/// Rounding is monotonic: ONNX Runtime's quantized logits of the whole network are greatest where the sums are.
TEST_F(SumsEnd, ClassesAreThoseOfOnnxRuntime) {
    output_of({"run", config_, "--images", "0:100", "--quiet", "--engine", "both", "--out", folder_.path("out"),
               "--dump-layers", folder_.path("layers")});
    const IdxTensor golden = read_idx(test::repository("tests/goldens/lenet5/out.idx.gz"));
    const auto logit = [&](std::size_t image, std::size_t c) {
        const std::uint8_t byte = golden.values[image * 10 + c];
        return golden.is_signed ? int{static_cast<std::int8_t>(byte)} : int{byte};
    };
    const CsvTable predictions = CsvTable::read(folder_.path("out/predictions.csv"));
    const std::string header = npy_header(NpyType::int64, {100, 10, 1, 1});
    const std::string sums = test::read_file(folder_.path("layers/out.npy"));
    ASSERT_EQ(sums.substr(0, header.size()), header);
    ASSERT_EQ(sums.size(), header.size() + 8000);
    for (std::size_t image = 0; image < 100; ++image) {
        const auto sum = [&](std::size_t c) {
            std::int64_t value = 0;
            std::memcpy(&value, sums.data() + header.size() + (image * 10 + c) * 8, 8);
            return value;
        };
        const auto predicted = static_cast<std::size_t>(predictions.integer(image, predictions.column("predicted")));
        bool is_greatest = true;
        for (std::size_t c = 0; c < 10; ++c) {
            is_greatest &= sum(predicted) >= sum(c) && logit(image, predicted) >= logit(image, c);
        }
        EXPECT_TRUE(is_greatest) << image;
    }
    const auto layers = nlohmann::json::parse(test::read_file(folder_.path("layers/layers.json")));
    EXPECT_EQ(layers["operators"].back()["type"], "int64");
    const auto summary = nlohmann::json::parse(test::read_file(folder_.path("out/summary.json")));
    EXPECT_EQ(summary["total"]["events"]["dram.write"], 100 * 10 * 3);
    EXPECT_GE(summary["accuracy"]["correct"], 99);
}

/// Widths of one, two and three bytes of the sums are told apart, though values are computed once for several.
TEST_F(SumsEnd, SweepsCountTheBytesOfEachWidth) {
    const std::string sweep =
        folder_.write("sweep.yaml",
                      "config: c.yaml\nimages: [0, 8]\naxes:\n  layer_accumulators: [{out: 8}, {out: 16}, {out: 17}, "
                      "{out: 24}, {out: 40}]\n");
    output_of({"sweep", sweep, "--out", folder_.path("sweep"), "--quiet"});
    const CsvTable points = CsvTable::read(folder_.path("sweep/points.csv"));
    ASSERT_EQ(points.rows(), 5U);
    std::size_t point = 0;
    for (const char* width : {"8", "16", "17", "24", "40"}) {
        const auto run = nlohmann::json::parse(output_of({"run", config_, "--images", "0:8", "--engine", "fast",
                                                          "--accumulator", std::string("out=") + width, "--json"}));
        const auto found = [&](const char* name) { return points.number(point, points.column(name)); };
        EXPECT_EQ(found("cycles_per_inference"), run["per_inference"]["cycles"]) << width;
        EXPECT_NEAR(found("energy_per_inference"), run["per_inference"]["energy"]["total"], 1e-6) << width;
        EXPECT_EQ(found("correct"), run["accuracy"]["correct"]) << width;
        ++point;
    }
}

}  // namespace
}  // namespace widthwise
