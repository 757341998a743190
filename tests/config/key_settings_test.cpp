// SPDX-License-Identifier: Apache-2.0
// Single keys that options and axes change.
#include "config/key_settings.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "config/config_keys.h"
#include "config/config_writer.h"
#include "config/unusual_config.h"
#include "kit/refusal.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const std::vector<std::string>& texts) {
    return test::refusal([&] { parse_key_settings("--set", texts); });
}

TEST(KeySettings, SetEveryKeyAsAFileDoes) {
    const RunConfig other = test::unusual_config();
    const std::vector<KeyText> texts = key_texts(other);
    ASSERT_EQ(texts.size(), config_keys().size());
    RunConfig all;
    all.path = other.path;
    for (const KeyText& text : texts) {
        SCOPED_TRACE(text.key);
        const std::vector<KeySetting> setting = parse_key_settings("--set", {text.key + "=" + text.yaml});
        RunConfig one;
        EXPECT_NE(key_text(one, text.key), text.shown) << "not a case: this is the default";
        set_key(one, setting.front(), "");
        EXPECT_EQ(key_text(one, text.key), text.shown);
        const std::vector<UnusedKey> key = {{text.key, ""}};
        EXPECT_EQ(to_yaml(one, ".", key), to_yaml({}, ".", key)) << "another key was changed";
        set_key(all, setting.front(), "");
    }
    EXPECT_EQ(all, other);
}

TEST(KeySettings, PathsCountFromTheFolder) {
    const auto settings = parse_key_settings("--set", {"network=sub/n.onnx", "energy.table=t.yaml"});
    RunConfig config;
    for (const KeySetting& setting : settings) set_key(config, setting, "there");
    EXPECT_EQ(config.network, "there/sub/n.onnx");
    EXPECT_EQ(config.energy_table, "there/t.yaml");
    set_key(config, settings.front(), "");
    EXPECT_EQ(config.network, "sub/n.onnx");
}

TEST(KeySettings, RefuseValuesAsAFileDoesNamingTheOption) {
    EXPECT_EQ(refusal({"array.rows=300"}), "--set: array.rows: 300 is out of range (allowed: 1..256)");
    EXPECT_EQ(refusal({"array.rows=many"}), "--set: array.rows: expects an integer in 1..256, got 'many'");
    EXPECT_EQ(refusal({"array.rows=\"8\""}), "--set: array.rows: expects an integer in 1..256, got the text \"8\"");
    EXPECT_EQ(refusal({"array.rows="}), "--set: array.rows: has no value (an empty text is spelled \"\")");
    EXPECT_EQ(refusal({"network=''"}), "--set: network: expects a path, got an empty text");
    EXPECT_EQ(refusal({"accumulator.overflow=satrate"}),
              "--set: accumulator.overflow: 'satrate' is not one of the allowed words (allowed: saturate, wrap), did "
              "you mean 'saturate'?");
    EXPECT_EQ(refusal({"accumulator.order=[row, row, channel]"}),
              "--set: accumulator.order: names a loop twice (allowed: row, column and channel, each once, outermost "
              "first)");
    EXPECT_EQ(refusal({"accumulator.layers={c1: 99}"}),
              "--set: accumulator.layers.c1: 99 is out of range (allowed: 2..48)");
    EXPECT_THAT(refusal({"accumulator.order=[row"}),
                testing::StartsWith("--set: accumulator.order:1:1: not valid YAML"));
}

TEST(KeySettings, RefuseKeysThatDoNotExist) {
    EXPECT_THAT(refusal({"array.row=8"}),
                AllOf(HasSubstr("--set: unknown key 'array.row' (allowed: array.rows, array."),
                      HasSubstr("did you mean 'array.rows'?")));
    EXPECT_THAT(refusal({"aray.rows=8"}), AllOf(HasSubstr("widthwise schema --table"), HasSubstr("'array.rows'?")));
    EXPECT_THAT(refusal({"lanes=8"}), HasSubstr("did you mean 'requantization.lanes'?"));
    EXPECT_THAT(refusal({"rows=8"}), HasSubstr("did you mean 'array.rows' or 'line_buffer.rows'?"));
    EXPECT_EQ(
        refusal({"dram=8"}),
        "--set: 'dram' is a section (allowed: its keys dram.name, dram.latency, dram.bytes_per_cycle, dram.bytes)");
    EXPECT_EQ(refusal({"array.rows"}), "--set: 'array.rows' is no KEY=VALUE, such as array.rows=16");
    EXPECT_EQ(refusal({"=8"}), "--set: '=8' is no KEY=VALUE, such as array.rows=16");
    EXPECT_EQ(refusal({"array.rows=8", "batch=2", "array.rows=9"}), "--set: the key array.rows is given twice");
}

}  // namespace
}  // namespace widthwise
