// SPDX-License-Identifier: Apache-2.0
// The accelerator files in configs/: each loads, and writing it out and reading it back changes nothing.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "config/config_keys.h"
#include "config/config_writer.h"
#include "config/hardware.h"
#include "config/run_config.h"
#include "config/validate.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using test::TemporaryFolder;

const std::string kConfigs = WIDTHWISE_SOURCE_DIR "/configs/";

std::vector<std::string> shipped_files() {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(kConfigs)) {
        if (entry.path().extension() == ".yaml") files.push_back(entry.path().filename().string());
    }
    std::sort(files.begin(), files.end());
    return files;
}

class ShippedConfig : public testing::TestWithParam<std::string> {};

TEST_P(ShippedConfig, SurvivesTheRoundTrip) {
    const TemporaryFolder folder;
    const RunConfig config = load_run_config(kConfigs + GetParam());
    RunConfig again = load_run_config(folder.write("again.yaml", to_yaml(config, folder.path())));
    again.path = config.path;
    EXPECT_EQ(again, config);
    EXPECT_EQ(to_yaml(again, folder.path()), to_yaml(config, folder.path()));
}

TEST_P(ShippedConfig, IsValidAndNamedAfterItsFile) {
    const RunConfig config = load_run_config(kConfigs + GetParam());
    EXPECT_NO_THROW(validate(config.hardware));
    EXPECT_EQ(config.hardware.name + ".yaml", GetParam());
    EXPECT_TRUE(std::filesystem::exists(config.images)) << config.images;
    EXPECT_TRUE(config.labels.empty() || std::filesystem::exists(config.labels)) << config.labels;
    EXPECT_TRUE(std::filesystem::exists(kConfigs + "energy/" + config.energy_table + ".yaml"));
}

TEST_P(ShippedConfig, TellsEditorsItsSchema) {
    std::ifstream file(kConfigs + GetParam());
    std::string first;
    std::getline(file, first);
    EXPECT_EQ(first, "# yaml-language-server: $schema=schema.json");
}

INSTANTIATE_TEST_SUITE_P(Files, ShippedConfig, testing::ValuesIn(shipped_files()), [](const auto& parameter) {
    std::string name = parameter.param.substr(0, parameter.param.find('.'));
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(ShippedConfigs, AreThoseOfThePage) {
    EXPECT_EQ(shipped_files(),
              (std::vector<std::string>{"course-network.yaml", "course.yaml", "edge-4x4-streamed.yaml",
                                        "fashion-lenet5.yaml", "fashion-resnet.yaml", "fashion-resnet8.yaml",
                                        "narrow-8x8.yaml", "onnxruntime.yaml", "systolic-8x8.yaml", "tiny-16x16.yaml",
                                        "widthwise-16x16.yaml", "widthwise-8x8.yaml"}));
}

TEST(ShippedConfigs, TheDefaultHasTheDefaultsAndEveryKey) {
    const std::string path = kConfigs + "widthwise-8x8.yaml";
    const RunConfig config = load_run_config(path);
    HardwareParams expected;
    expected.name = "widthwise-8x8";
    expected.accumulator.format.bits = 18;
    EXPECT_EQ(config.hardware, expected);
    EXPECT_EQ(config.preprocessing, Preprocessing{});
    const std::vector<std::string> given = load_config_file(path).keys;
    for (const ConfigKey& key : config_keys()) EXPECT_THAT(given, testing::Contains(key.key));
}

TEST(ToYaml, WritesRelativePathsFromTheFolderOfTheFile) {
    RunConfig config;
    config.network = "models/n.onnx";
    config.images = "/data/i.gz";
    config.energy_table = "tables/mine.yaml";
    const std::string text = to_yaml(config, "results/run");
    EXPECT_NE(text.find("network: \"../../models/n.onnx\"\nimages: \"/data/i.gz\"\nprepro"), std::string::npos) << text;
    EXPECT_NE(text.find("table: \"../../tables/mine.yaml\"\n"), std::string::npos) << text;
}

TEST(ToYaml, RoundTripsAwkwardText) {
    const TemporaryFolder folder;
    RunConfig config;
    config.hardware.name = "it's: \"8\" \\ [x] # {y} \xc3\xa9";
    config.hardware.accumulator.layer_bits = {{"conv/1: \"a\"", 16}, {"~", 17}};
    config.hardware.clock_mhz = 1.0 / 3;
    config.preprocessing.scale = 1e-300;
    config.preprocessing.mean = {0.485, 0.456, 0.1};
    config.preprocessing.deviation = {1.0 / 3};
    config.preprocessing.layout = Preprocessing::Layout::hwc;
    config.network = "/a b/\"n\".onnx";
    config.images = "/i: #1";
    RunConfig again = load_run_config(folder.write("again.yaml", to_yaml(config, folder.path())));
    again.path.clear();
    EXPECT_EQ(again, config);
}

}  // namespace
}  // namespace widthwise
