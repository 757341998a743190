// SPDX-License-Identifier: Apache-2.0
// What ships about the keys is what is made from them; keys without effect; values that are written.
#include "config/config_keys.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config/config_writer.h"
#include "config/hardware.h"
#include "config/key_use.h"
#include "config/run_config.h"
#include "config/schema.h"
#include "kit/file_text.h"

namespace widthwise {
namespace {

std::string shipped(const std::string& name) { return test::read_file(test::repository("configs/" + name)); }

TEST(ConfigSchema, IsWhatShips) {
    EXPECT_EQ(shipped("schema.json"), config_schema()) << "renew it: widthwise schema > configs/schema.json";
}

TEST(ConfigTable, IsWhatTheDocumentationShows) {
    const std::string page = shipped("README.md");
    const std::string table = config_table();
    const std::size_t start = page.find(table.substr(0, table.find('\n') + 1));
    ASSERT_NE(start, std::string::npos) << "configs/README.md has no table of keys";
    EXPECT_EQ(page.substr(start, page.find("\n\n", start) + 1 - start), table) << "renew it: widthwise schema --table";
}

TEST(ConfigKeys, AllSayWhatTheyMean) {
    for (const ConfigKey& key : config_keys()) {
        EXPECT_TRUE(key.meaning.ends_with(".")) << key.key << ": " << key.meaning;
        EXPECT_NE(config_schema().find(nlohmann::json(key.meaning).dump()), std::string::npos) << key.key;
    }
}

/// Every value that a key may leave without effect, other than its default.
HardwareParams other_values() {
    HardwareParams hardware;
    hardware.array.mapping = Mapping::flat;
    hardware.array.interconnect = Interconnect::systolic;
    hardware.array.zero_gating = true;
    hardware.array.weight_bits = 7;
    hardware.accumulator.format = {20, Overflow::wrap, OverflowCheck::per_output};
    hardware.accumulator.order = {TapLoop::channel, TapLoop::row, TapLoop::column};
    hardware.accumulator.bias = BiasMode::requant;
    hardware.accumulator.statistics = PsumStatistics::every_add;
    hardware.accumulator.layer_bits = {{"c1", 9}};
    hardware.requant = {RequantMode::shift, Rounding::floor, 9, 3};
    hardware.pool = {Rounding::floor, 40};
    hardware.line_buffer.rows = 5;
    hardware.activation_buffer.strip_rows = 3;
    hardware.activation_buffer.strip_channels = 4;
    hardware.activation_buffer.prefetch_strips = false;
    hardware.weight_buffer = {77, WeightStorage::streamed, 3};
    hardware.loop_accounting = true;
    return hardware;
}

TEST(KeyNeeds, CopyTheKeyThatTheyName) {
    for (const KeyNeed& need : key_needs()) {
        SCOPED_TRACE(need.key);
        RunConfig config;
        const RunConfig defaults;
        need.copy(other_values(), config.hardware);
        EXPECT_NE(config, defaults);
        const std::vector<UnusedKey> key = {{need.key, need.otherwise}};
        EXPECT_NE(to_yaml(config), to_yaml(defaults));
        EXPECT_EQ(to_yaml(config, ".", key), to_yaml(defaults, ".", key)) << "another key was copied";
        EXPECT_FALSE(need.otherwise.empty());
    }
}

TEST(UnusedKeys, NameEachKeyOnceWithTheFirstReason) {
    HardwareParams hardware;
    hardware.requant.mode = RequantMode::float32;
    KeyUsers users;
    users.weights = users.requantized = users.common_width = users.convolution = users.kernel_loops = users.map_lines =
        true;
    users.output_rows = users.strips = true;
    std::vector<std::string> found;
    for (const UnusedKey& unused : unused_keys(hardware, users)) {
        found.push_back(fmt::format("{}: {}", unused.key, unused.reason));
    }
    EXPECT_EQ(found, (std::vector<std::string>{
                         "accumulator.bias: no layer has a bias",
                         "requantization.rounding: requantization.mode: float32 and onnx round half to even",
                         "requantization.multiplier_bits: only requantization.mode: fixed_point and additions of "
                         "integers have a multiplier",
                         "pooling.rounding: requantization.mode: float32 and onnx round half to even",
                         "pooling.row_buffer_bytes: no layer pools"}));
}

TEST(ToYaml, LeavesOutKeysAndSectionsThatLoseAllOfThem) {
    const std::vector<UnusedKey> unused = {
        {"pooling.rounding", ""}, {"pooling.row_buffer_bytes", ""}, {"line_buffer.rows", ""}};
    const std::string text = to_yaml(RunConfig{}, ".", unused);
    EXPECT_EQ(text.find("pooling"), std::string::npos);
    EXPECT_NE(text.find("\n    keeps: [inputs]\n    fill_bytes_per_cycle: 8\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace widthwise
