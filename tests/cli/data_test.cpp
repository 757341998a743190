// SPDX-License-Identifier: Apache-2.0
// Files of images and labels through the whole tool: a network that puts out what it takes shows what became of them.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "data/array_file.h"
#include "data/idx_bytes.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "network/onnx_builder.h"

namespace widthwise {
namespace {

using testing::HasSubstr;
using testing::Not;

using Bytes = std::vector<std::uint8_t>;

constexpr float kScale = 0.02F;
constexpr int kZeroPoint = 100;

class DataFiles : public testing::Test {
protected:
    /// 1x1 convolution of three channels by the unit matrix; input and output of one scale and zero point.
    std::string copying_network(std::int64_t height, std::int64_t width) {
        test::ChainBuilder builder({-1, 3, height, width});
        builder.qdq<std::uint8_t>("x", kScale, kZeroPoint);
        builder.conv({3, 3, 1, 1}, {4, 0, 0, 0, 4, 0, 0, 0, 4});  // of scale 0.25
        builder.qdq<std::uint8_t>("y", kScale, kZeroPoint);
        return folder_.write("copy.onnx", builder.bytes());
    }

    std::string config(const std::string& images, const std::string& preprocessing, const std::string& more = "") {
        return folder_.write("config.yaml",
                             fmt::format("network: copy.onnx\nimages: {}\npreprocessing: {{fit: none, {}}}\n{}"
                                         "accumulator: {{bits: 32}}\nrequantization: {{mode: float32}}\n",
                                         images, preprocessing, more));
    }

    /// What the network puts out for these images, both engines agreeing.
    Bytes outputs(const std::string& configuration, const std::string& range) {
        const test::ToolResult result =
            test::run_tool({"run", configuration, "--images", range, "--engine", "both", "--jobs", "2", "--quiet",
                            "--force", "--dump-layers", folder_.path("layers")});
        EXPECT_EQ(result.status, 0) << result.err;
        return result.status == 0 ? read_idx(folder_.path("layers/conv_node.npy")).values : Bytes{};
    }

    void refuse(const std::string& command, const std::string& configuration, const std::vector<std::string>& parts) {
        std::vector<std::string> arguments = {command, configuration};
        if (command == "run") arguments.insert(arguments.end(), {"--engine", "fast", "--out", folder_.path("out")});
        const test::ToolResult result = test::run_tool(arguments);
        EXPECT_EQ(result.status, 2) << result.err;
        for (const std::string& part : parts) EXPECT_THAT(result.err, HasSubstr(part));
        EXPECT_FALSE(std::filesystem::exists(folder_.path("out")));
    }

    test::TemporaryFolder folder_;
};

/// In float64, which agrees with float32 away from ties.
std::uint8_t quantized(double real) {
    const double exact = real / kScale;
    EXPECT_GT(std::abs(exact - std::floor(exact) - 0.5), 1e-3) << "too near a tie";
    return static_cast<std::uint8_t>(std::clamp(std::nearbyint(exact) + kZeroPoint, 0.0, 255.0));
}

const std::vector<int> kPixels = {0, 255, 10, 200, 128, 3, 77, 90, 254, 1, 33, 150};  // C x H x W of 3 x 2 x 2

TEST_F(DataFiles, MeanAndDeviationOfEachChannel) {
    copying_network(2, 2);
    folder_.write("images.idx", test::idx(8, {1, 3, 2, 2}, kPixels));
    const Bytes found =
        outputs(config("images.idx", "mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225]"), "0:1");
    const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
    Bytes expected;
    for (std::size_t i = 0; i < 12; ++i)
        expected.push_back(quantized((kPixels[i] / 255.0 - mean[i / 4]) / deviation[i / 4]));
    EXPECT_EQ(found, expected);
}

TEST_F(DataFiles, NpyOfBytesInBothLayoutsPlainAndPacked) {
    copying_network(2, 2);
    Bytes expected;
    std::string planes, pixels;
    for (const int pixel : kPixels) {
        expected.push_back(quantized(pixel / 255.0));
        planes += static_cast<char>(pixel);
    }
    for (std::size_t p = 0; p < 4; ++p) {
        for (std::size_t c = 0; c < 3; ++c) pixels += planes[c * 4 + p];
    }
    folder_.write("chw.npy", test::npy("|u1", "1, 3, 2, 2", planes));
    folder_.write("hwc.npy", test::npy("|u1", "1, 2, 2, 3", pixels));
    folder_.write("hwc.gz", test::gzipped(test::npy("|u1", "1, 2, 2, 3", pixels)));
    for (const char* file : {"chw.npy", "hwc.npy", "hwc.gz"}) {
        EXPECT_EQ(outputs(config(file, "scale: auto"), "0:1"), expected) << file;
    }
    EXPECT_EQ(outputs(config("hwc.npy", "layout: hwc"), "0:1"), expected);
    refuse("check", config("hwc.npy", "layout: chw"), {"images of 2x2x3", "channels differ, expected 3"});
    const auto check = test::run_tool({"check", config("hwc.npy", "scale: auto")});
    EXPECT_THAT(check.out, HasSubstr("\nimage format      uint8, height x width x channels\n"));
    const auto json = nlohmann::json::parse(test::run_tool({"check", folder_.path("config.yaml"), "--json"}).out);
    EXPECT_EQ(json["image_format"], (nlohmann::json{{"type", "uint8"}, {"layout", "hwc"}}));
    EXPECT_THAT(test::run_tool({"check", config("chw.npy", "scale: auto")}).out, Not(HasSubstr("image format")));
}

TEST_F(DataFiles, RealNumbersWithoutAndWithScale) {
    copying_network(2, 2);
    std::vector<float> values;
    Bytes shifted, scaled;
    for (const int pixel : kPixels) {
        values.push_back(static_cast<float>(pixel) / 100 - 1);
        shifted.push_back(quantized(pixel / 100.0 - 1 - 0.003));
        scaled.push_back(quantized((pixel / 100.0 - 1) / 4.1));
    }
    folder_.write("images.npy", test::npy("<f4", "1, 3, 2, 2", test::bytes_of(values)));
    folder_.write("images.idx", test::float_idx({1, 3, 2, 2}, values));
    for (const char* file : {"images.npy", "images.idx"}) {
        EXPECT_EQ(outputs(config(file, "mean: 0.003"), "0:1"), shifted);
        EXPECT_EQ(outputs(config(file, "scale: 1/4.1"), "0:1"), scaled);
    }
    values[7] = std::nanf("");
    folder_.write("nan.npy", test::npy("<f4", "1, 3, 2, 2", test::bytes_of(values)));
    refuse("run", config("nan.npy", "scale: 1"), {"nan.npy: image 0 holds nan at [1][1][1], expected finite numbers"});
}

TEST_F(DataFiles, TheNetworksIntegersAsTheyAre) {
    copying_network(2, 2);
    folder_.write("images.idx", test::idx(8, {1, 3, 2, 2}, kPixels));
    EXPECT_EQ(outputs(config("images.idx", "quantized: true"), "0:1"), Bytes(kPixels.begin(), kPixels.end()));
    folder_.write("small.idx", test::idx(8, {1, 3, 1, 1}, {7, 8, 9}));
    std::string padded = config("small.idx", "quantized: true");
    std::string text = test::read_file(padded);
    text.replace(text.find("none"), 4, "pad");
    folder_.write("config.yaml", text);
    EXPECT_EQ(outputs(padded, "0:1"), (Bytes{7, 100, 100, 100, 8, 100, 100, 100, 9, 100, 100, 100}));
    const auto check = test::run_tool({"check", config("images.idx", "quantized: true, scale: 1/2, mean: 3")});
    EXPECT_THAT(check.out, HasSubstr("\nwithout effect    preprocessing.scale: preprocessing.quantized: true takes"));
    EXPECT_THAT(check.out, HasSubstr("\nwithout effect    preprocessing.mean: "));
    folder_.write("signed.npy", test::npy("|i1", "1, 3, 2, 2", std::string(11, '\1') + '\xff'));
    refuse("run", config("signed.npy", "quantized: true"), {"value 11 of image 0 is -1", "allowed: 0..255"});
}

TEST_F(DataFiles, ListsOfAnotherLengthAreRefusedWithFileAndKey) {
    copying_network(2, 2);
    folder_.write("images.idx", test::idx(8, {1, 3, 2, 2}, kPixels));
    const std::vector<std::string> parts = {
        "config.yaml: preprocessing.mean: 2 values for the network's input 'x_q' of 3"};
    refuse("check", config("images.idx", "mean: [1, 2]"), parts);
    folder_.write("sweep.yaml", "config: config.yaml\naxes: {accumulator_bits: [16]}\n");
    refuse("sweep", folder_.path("sweep.yaml"), parts);
}

TEST_F(DataFiles, ResolvedFilesHoldWhatWasDone) {
    copying_network(2, 2);
    folder_.write("images.idx", test::idx(8, {1, 3, 2, 2}, kPixels));
    const auto resolved = [&](const std::string& preprocessing) {
        const auto result = test::run_tool({"run", config("images.idx", preprocessing), "--engine", "fast", "--quiet",
                                            "--force", "--out", folder_.path("results")});
        EXPECT_EQ(result.status, 0) << result.err;
        const std::string text = test::read_file(folder_.path("results/config.yaml"));
        const std::size_t start = text.find("preprocessing:");
        return text.substr(start, text.find("clock_mhz") - start);
    };
    EXPECT_EQ(resolved("mean: [0.5, 1, -2]"),
              "preprocessing:\n  fit: none\n  scale: 0.00392156862745098\n  mean: [0.5, 1, -2]\n  deviation: 1\n"
              "  layout: auto\n");
    EXPECT_EQ(resolved("quantized: true"), "preprocessing:\n  fit: none\n  layout: auto\n  quantized: true\n");
    const auto again = test::run_tool(
        {"run", folder_.path("results/config.yaml"), "--engine", "fast", "--quiet", "--out", folder_.path("again")});
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(test::read_file(folder_.path("again/layers.csv")), test::read_file(folder_.path("results/layers.csv")));
}

TEST_F(DataFiles, LabelsOfAllFormats) {
    copying_network(16, 16);  // 768 outputs, so that a class may be above 255
    std::string images(std::size_t(2) * 768, '\x05');
    images[700] = '\x09';
    images[768 + 3] = '\x09';
    folder_.write("images.npy", test::npy("|u1", "2, 3, 16, 16", images));
    folder_.write("labels.npy", test::npy("<i8", "2,", test::bytes_of<std::int64_t>({700, 4})));
    folder_.write("labels.txt", "700\n4\n");
    for (const char* file : {"labels.npy", "labels.txt"}) {
        const auto result =
            test::run_tool({"run", config("images.npy", "quantized: true", fmt::format("labels: {}\n", file)),
                            "--engine", "fast", "--json", "--quiet", "--force", "--out", folder_.path("out")});
        ASSERT_EQ(result.status, 0) << result.err;
        EXPECT_EQ(nlohmann::json::parse(result.out)["accuracy"]["correct"], 1);
        EXPECT_THAT(test::read_file(folder_.path("out/predictions.csv")), HasSubstr("\n0,700,700\n"));
        EXPECT_THAT(test::read_file(folder_.path("out/predictions.csv")), HasSubstr("\n1,4,3\n"));
    }
    std::filesystem::remove_all(folder_.path("out"));
    folder_.write("labels.txt", "700\n\n");
    refuse("run", config("images.npy", "quantized: true", "labels: labels.txt\n"),
           {"labels.txt: line 2: ", "an empty line"});
    folder_.write("labels.txt", "700\n768\n");
    refuse("run", config("images.npy", "quantized: true", "labels: labels.txt\n"),
           {"image 1 has the label 768", "768 classes"});
}

/// More images than are held in memory: 24,000 of 3 x 32 x 32 bytes, all 0 but for some.
class ManyImages : public DataFiles {
protected:
    void SetUp() override {
        copying_network(32, 32);
        std::string values(kCount * kValues, '\0');
        for (const std::size_t image : {kFirst, kFirst + 1, kFirst + 39, kCount - 1}) {
            for (std::size_t i = 0; i < kValues; ++i) values[image * kValues + i] = static_cast<char>(image + i * 7);
        }
        const std::string all = test::npy("|u1", fmt::format("{}, 3, 32, 32", kCount), values);
        folder_.write("all.npy", all);
        folder_.write("all.npy.gz", test::gzipped(all));
        folder_.write("some.npy", test::npy("|u1", "40, 3, 32, 32", values.substr(kFirst * kValues, 40 * kValues)));
    }

    static constexpr std::size_t kCount = 24000;
    static constexpr std::size_t kValues = 3072;
    static constexpr std::size_t kFirst = 13333;
    const std::string buffers_ = "line_buffer: {bytes: 1000000}\nactivation_buffer: {bytes: 1000000}\n";
    const std::string range_ = fmt::format("{}:{}", kFirst, kFirst + 40);
};

TEST_F(ManyImages, GiveWhatFewGive) {
    const Bytes expected = outputs(config("some.npy", "quantized: true", buffers_), "0:40");
    ASSERT_EQ(expected.size(), 40 * kValues);
    EXPECT_EQ(expected[kValues], static_cast<std::uint8_t>(kFirst + 1));
    for (const char* file : {"all.npy", "all.npy.gz"}) {
        EXPECT_EQ(outputs(config(file, "quantized: true", buffers_), range_), expected) << file;
    }
}

TEST_F(ManyImages, TakeNoMemoryForTheirNumber) {
    const auto result = test::run_tool({"run", config("all.npy", "quantized: true", buffers_), "--images", "0:64",
                                        "--engine", "fast", "--quiet", "--jobs", "1"});
    const auto few = test::run_tool({"run", config("some.npy", "quantized: true", buffers_), "--images", "0:40",
                                     "--engine", "fast", "--quiet", "--jobs", "1"});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_LT(result.peak_bytes, few.peak_bytes + (std::int64_t{40} << 20));  // the file has 70 MiB
}

TEST_F(ManyImages, InSweepsAndSearches) {
    std::string labels;
    for (std::size_t i = 0; i < kCount; ++i) labels += "0\n";
    folder_.write("labels.txt", labels);
    const auto sweep = [&](const char* file, std::size_t first) {
        config(file, "quantized: true", buffers_ + "labels: labels.txt\n");
        folder_.write("sweep.yaml",
                      fmt::format("config: config.yaml\nimages: [{}, {}]\naxes: {{accumulator_bits: [8, 9, 16]}}\n",
                                  first, first + 40));
        const auto result = test::run_tool({"sweep", folder_.path("sweep.yaml"), "--json", "--quiet"});
        EXPECT_EQ(result.status, 0) << result.err;
        return nlohmann::json::parse(result.out)["points"];
    };
    const auto search = [&](const char* file, const std::string& range) {
        const auto result =
            test::run_tool({"search", config(file, "quantized: true", buffers_ + "labels: labels.txt\n"), "--images",
                            range, "--json", "--quiet", "--max-loss", "10"});
        EXPECT_EQ(result.status, 0) << result.err;
        return nlohmann::json::parse(result.out)["best"];
    };
    const auto all = sweep("all.npy", kFirst);
    EXPECT_EQ(all.size(), 3U);
    EXPECT_EQ(sweep("all.npy.gz", kFirst), all);
    EXPECT_EQ(search("all.npy", range_), search("all.npy.gz", range_));
    folder_.write("labels.txt", labels.substr(0, 80));
    EXPECT_EQ(sweep("some.npy", 0), all);
}

TEST_F(ManyImages, CutShortAreRefusedBeforeWorkStarts) {
    std::string packed = test::read_file(folder_.path("all.npy.gz"));
    packed.resize(packed.size() - 10);
    folder_.write("all.npy.gz", packed);
    refuse("run", config("all.npy.gz", "quantized: true", buffers_), {"all.npy.gz: the gzip stream is cut short"});
    std::filesystem::resize_file(folder_.path("all.npy"), 70000000);
    refuse("run", config("all.npy", "quantized: true", buffers_), {"expected 73728000", "the file is cut short"});
}

}  // namespace
}  // namespace widthwise
