// SPDX-License-Identifier: Apache-2.0
// The JSON schema and the page of keys say what the reader does: same keys, types, ranges, words and defaults.
#include "config/config_keys.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "config/config_writer.h"
#include "config/hardware.h"
#include "config/key_use.h"
#include "config/run_config.h"
#include "config/test_files.h"

namespace widthwise {
namespace {

using nlohmann::json;

const std::string kConfigs = WIDTHWISE_SOURCE_DIR "/configs/";

json load_schema() {
    std::ifstream file(kConfigs + "schema.json");
    return json::parse(file);
}

/// Leaf properties by dotted key; checks on the way that every object is closed.
void collect(const json& object, const std::string& prefix, std::map<std::string, json>& leaves) {
    EXPECT_EQ(object.value("additionalProperties", true), false) << prefix;
    for (const auto& [name, property] : object.at("properties").items()) {
        EXPECT_FALSE(property.value("description", "").empty()) << prefix + name;
        if (property.contains("properties")) {
            collect(property, prefix + name + ".", leaves);
        } else {
            leaves[prefix + name] = property;
        }
    }
}

std::map<std::string, json> schema_leaves() {
    std::map<std::string, json> leaves;
    collect(load_schema(), "", leaves);
    return leaves;
}

/// The part of a property that holds type and limits: alternatives like auto are beside it.
json limited_part(const ConfigKey& key, const json& property) {
    if (key.type == "auto or integer") {
        EXPECT_EQ(property.at("oneOf").at(0), json({{"const", "auto"}})) << key.key;
        return property.at("oneOf").at(1);
    }
    if (key.type == "auto, number or fraction") {
        EXPECT_EQ(property.at("oneOf").at(0), json({{"const", "auto"}})) << key.key;
        return property.at("oneOf").at(1);
    }
    if (key.type == "number or list") {
        const json& number = property.at("oneOf").at(0);
        const json list = {{"type", "array"}, {"minItems", 1}, {"items", number}};
        EXPECT_EQ(property.at("oneOf").at(1), list) << key.key;
        return number;
    }
    if (key.type == "map of integers") return property.at("additionalProperties");
    if (key.type == "list") return property.at("items");
    return property;
}

std::string default_text(const json& property) {
    if (!property.contains("default")) return "required";
    const json& value = property.at("default");
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array()) return value.dump();
    return fmt::format("[{}]", fmt::join(value.get<std::vector<std::string>>(), ", "));
}

std::string json_type(const std::string& type) {
    if (type == "integer" || type == "auto or integer" || type == "map of integers") return "integer";
    if (type.find("number") != std::string::npos) return "number";
    return type == "boolean" ? "boolean" : "string";
}

TEST(ConfigSchema, HasTheKeysOfTheReader) {
    std::set<std::string> read;
    for (const ConfigKey& key : config_keys()) read.insert(key.key);
    std::set<std::string> described;
    for (const auto& [key, property] : schema_leaves()) described.insert(key);
    EXPECT_EQ(described, read);
}

TEST(ConfigSchema, HasTheTypesRangesAndWordsOfTheReader) {
    const std::map<std::string, json> leaves = schema_leaves();
    for (const ConfigKey& key : config_keys()) {
        SCOPED_TRACE(key.key);
        const json& property = leaves.at(key.key);
        const json part = limited_part(key, property);
        EXPECT_EQ(part.at("type"), json_type(key.type));
        if (json_type(key.type) == "integer" || json_type(key.type) == "number") {
            EXPECT_EQ(part.at(key.above_low ? "exclusiveMinimum" : "minimum").get<double>(), key.low);
            EXPECT_FALSE(part.contains(key.above_low ? "minimum" : "exclusiveMinimum"));
            EXPECT_EQ(part.at("maximum").get<double>(), key.high);
        }
        if (!key.words.empty()) {
            EXPECT_EQ(part.at("enum").get<std::vector<std::string>>(), key.words);
        } else {
            EXPECT_FALSE(part.contains("enum"));
        }
        EXPECT_EQ(default_text(property), key.fallback);
    }
    EXPECT_EQ(leaves.at("name").at("maxLength").get<std::size_t>(), kLongestName);
}

TEST(ConfigSchema, RequiresWhatTheReaderRequires) {
    std::vector<std::string> required;
    for (const ConfigKey& key : config_keys()) {
        if (key.fallback == "required") required.push_back(key.key);
    }
    EXPECT_EQ(load_schema().at("required").get<std::vector<std::string>>(), required);
}

TEST(ConfigSchema, DescribesEveryKeyThatIsWritten) {
    RunConfig config;
    config.network = "/n";
    config.images = "/i";
    config.labels = "/l";
    config.network_output = "o";
    const std::map<std::string, json> leaves = schema_leaves();
    std::istringstream text(to_yaml(config));
    std::string section;
    std::size_t written = 0;
    for (std::string line; std::getline(text, line);) {
        const bool nested = line.starts_with("  ");
        const std::string key = line.substr(nested ? 2 : 0, line.find(':') - (nested ? 2 : 0));
        if (line.ends_with(":")) {
            section = key + ".";
            continue;
        }
        ++written;
        EXPECT_TRUE(leaves.contains((nested ? section : "") + key)) << line;
    }
    EXPECT_EQ(written, leaves.size());
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
    hardware.pool.rounding = Rounding::floor;
    hardware.line_buffer.rows = 5;
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
    users.output_rows = true;
    std::vector<std::string> found;
    for (const UnusedKey& unused : unused_keys(hardware, users)) {
        found.push_back(fmt::format("{}: {}", unused.key, unused.reason));
    }
    EXPECT_EQ(found, (std::vector<std::string>{
                         "accumulator.bias: no layer has a bias",
                         "requantization.rounding: requantization.mode: float32 rounds half to even",
                         "requantization.multiplier_bits: only requantization.mode: fixed_point and additions of "
                         "integers have a multiplier",
                         "pooling.rounding: requantization.mode: float32 rounds half to even"}));
}

TEST(ToYaml, LeavesOutKeysAndSectionsThatLoseAllOfThem) {
    const std::vector<UnusedKey> unused = {{"pooling.rounding", ""}, {"line_buffer.rows", ""}};
    const std::string text = to_yaml(RunConfig{}, ".", unused);
    EXPECT_EQ(text.find("pooling"), std::string::npos);
    EXPECT_NE(text.find("\nline_buffer:\n  fill_bytes_per_cycle: 8\n"), std::string::npos) << text;
}

TEST(ConfigPage, HasARowForEveryKey) {
    std::ifstream file(kConfigs + "README.md");
    std::stringstream page;
    page << file.rdbuf();
    for (const ConfigKey& key : config_keys()) {
        const bool is_value = !key.fallback.empty() && key.fallback != "required";
        const std::string fallback = is_value ? fmt::format("`{}`", key.fallback) : key.fallback;
        const std::string row = fmt::format("\n| `{}` | {} | {} | {} | ", key.key, key.type, key.allowed, fallback);
        EXPECT_NE(page.str().find(row), std::string::npos) << "configs/README.md lacks the row" << row;
    }
}

}  // namespace
}  // namespace widthwise
