// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using test::refusal;

enum class Colour { red, green };
constexpr Words<Colour, 2> kColours{{{"red", Colour::red}, {"green", Colour::green}}};

YamlValue value_of(const std::string& text) {
    static constexpr const char* kFile = "f.yaml";
    return YamlValue::parse("key: " + text + "\n", kFile).entries().front().value;
}

TEST(YamlInteger, AcceptsDecimalDigitsWithinTheRange) {
    EXPECT_EQ(value_of("8").integer({1, 256}), 8);
    EXPECT_EQ(value_of("-3").integer({-8, 8}), -3);
    EXPECT_EQ(value_of("9223372036854775807").integer({0, INT64_MAX}), INT64_MAX);
}

TEST(YamlInteger, RefusesEverythingElse) {
    const IntRange range{1, 256};
    for (const std::string bad : {"8.5", "8.0", "0x10", "1e2", "+8", "8 9", "eight", "''", "~", "1_000"}) {
        const std::string message = refusal([&] { static_cast<void>(value_of(bad).integer(range)); });
        EXPECT_TRUE(message.starts_with("f.yaml:1:6: key: expects an integer in 1..256, got ")) << message;
    }
    EXPECT_EQ(refusal([&] { static_cast<void>(value_of("8.5").integer(range)); }),
              "f.yaml:1:6: key: expects an integer in 1..256, got '8.5'");
    EXPECT_EQ(refusal([&] { static_cast<void>(value_of("\"8\"").integer(range)); }),
              "f.yaml:1:6: key: expects an integer in 1..256, got the text \"8\"");
    EXPECT_EQ(refusal([&] { static_cast<void>(value_of("[8]").integer(range)); }),
              "f.yaml:1:6: key: expects an integer in 1..256, got a list");
}

TEST(YamlInteger, RefusesValuesOutOfRange) {
    for (const std::string bad : {"0", "257", "-1", "99999999999999999999999"}) {
        EXPECT_EQ(refusal([&] {
                      static_cast<void>(value_of(bad).integer({1, 256}));
                  }),
                  "f.yaml:1:6: key: " + bad + " is out of range (allowed: 1..256)");
    }
}

TEST(YamlReal, AcceptsNumbersWithinTheRange) {
    EXPECT_EQ(value_of("500").real({0, 10000, true}), 500.0);
    EXPECT_EQ(value_of("0.00392156862745098").real({0, 1}), 0.00392156862745098);
    EXPECT_EQ(value_of("-1e-3").real({-1, 1}), -1e-3);
}

TEST(YamlReal, RefusesWordsAndValuesOutOfRange) {
    const RealRange range{0, 10000, true};
    const auto message = [&](const std::string& bad) {
        return refusal([&] { static_cast<void>(value_of(bad).real(range)); });
    };
    EXPECT_EQ(message("0"), "f.yaml:1:6: key: 0 is out of range (allowed: above 0, up to 10000)");
    EXPECT_EQ(message("10000.5"), "f.yaml:1:6: key: 10000.5 is out of range (allowed: above 0, up to 10000)");
    EXPECT_EQ(message("fast"), "f.yaml:1:6: key: expects a number in the range above 0, up to 10000, got 'fast'");
    EXPECT_EQ(message("nan"), "f.yaml:1:6: key: expects a number in the range above 0, up to 10000, got 'nan'");
    EXPECT_EQ(message("inf"), "f.yaml:1:6: key: expects a number in the range above 0, up to 10000, got 'inf'");
    EXPECT_EQ(message("1e999"),
              "f.yaml:1:6: key: 1e999 is not representable (expects a number in the range above 0, up to 10000)");
}

TEST(YamlRatio, AcceptsNumbersAndFractions) {
    const RealRange range{0, 10, true};
    EXPECT_EQ(value_of("1/255").ratio(range), 1.0 / 255);
    EXPECT_EQ(value_of("\"1 / 255\"").ratio(range), 1.0 / 255);
    EXPECT_EQ(value_of("0.5").ratio(range), 0.5);
}

TEST(YamlRatio, RefusesWhatIsNeither) {
    const RealRange range{0, 10, true};
    const auto message = [&](const std::string& bad) {
        return refusal([&] { static_cast<void>(value_of(bad).ratio(range)); });
    };
    EXPECT_EQ(message("1/0"), "f.yaml:1:6: key: 1/0 is out of range (allowed: above 0, up to 10)");
    EXPECT_EQ(message("0/0"), "f.yaml:1:6: key: 0/0 is out of range (allowed: above 0, up to 10)");
    const std::string expected =
        "f.yaml:1:6: key: expects a number or a fraction like 1/255 in the range above 0, "
        "up to 10, got '";
    EXPECT_EQ(message("1/2/3"), expected + "1/2/3'");
    EXPECT_EQ(message("1/"), expected + "1/'");
    EXPECT_EQ(message("1/x"), expected + "1/x'");
}

TEST(YamlBoolean, IsTrueOrFalseOnly) {
    EXPECT_TRUE(value_of("true").boolean());
    EXPECT_FALSE(value_of("false").boolean());
    for (const std::string bad : {"yes", "on", "True", "1", "\"true\"", "{}"}) {
        const std::string message = refusal([&] { static_cast<void>(value_of(bad).boolean()); });
        EXPECT_TRUE(message.starts_with("f.yaml:1:6: key: expects true or false, got ")) << message;
    }
}

TEST(YamlWord, SuggestsTheNearestWord) {
    EXPECT_EQ(value_of("green").word(kColours), Colour::green);
    EXPECT_EQ(refusal([] { static_cast<void>(value_of("gren").word(kColours)); }),
              "f.yaml:1:6: key: 'gren' is not one of the allowed words (allowed: red, green), did you mean 'green'?");
    EXPECT_EQ(refusal([] { static_cast<void>(value_of("7").word(kColours)); }),
              "f.yaml:1:6: key: '7' is not one of the allowed words (allowed: red, green)");
    EXPECT_EQ(refusal([] { static_cast<void>(value_of("{a: 1}").word(kColours)); }),
              "f.yaml:1:6: key: expects text, got a map");
}

TEST(YamlValue, ListsAndMapsKnowTheirKeys) {
    const YamlValue list = value_of("[3, 4]");
    EXPECT_EQ(list.items().at(1).key(), "key[1]");
    EXPECT_EQ(value_of("{inner: {leaf: 1}}").entries().front().value.entries().front().value.key(), "key.inner.leaf");
    EXPECT_EQ(refusal([&] { static_cast<void>(list.entries()); }),
              "f.yaml:1:6: key: expects a map of keys and values, got a list");
    EXPECT_EQ(refusal([] { static_cast<void>(value_of("3").items()); }), "f.yaml:1:6: key: expects a list, got '3'");
    EXPECT_EQ(refusal([] { static_cast<void>(value_of("{[1]: 2}").entries()); }),
              "f.yaml:1:7: key: expects plain keys, got a list");
}

TEST(YamlValue, RefusesKeysGivenTwice) {
    EXPECT_EQ(refusal([] { static_cast<void>(YamlValue::parse("a: 1\nb: 2\na: 3\n", "f.yaml").entries()); }),
              "f.yaml:3:1: a: the key 'a' is given twice");
}

TEST(YamlValue, FollowsAliases) {
    const YamlValue root = YamlValue::parse("a: &width 16\nb: *width\n", "f.yaml");
    EXPECT_EQ(root.entries().back().value.integer({2, 48}), 16);
}

TEST(YamlMap, RefusesUnknownKeysAndThenMissingOnes) {
    YamlMap map(YamlValue::parse("netwrok: x\n", "f.yaml"));
    EXPECT_FALSE(map.require("network").has_value());
    EXPECT_FALSE(map.find("labels").has_value());
    EXPECT_EQ(refusal([&] { map.finish(); }),
              "f.yaml:1:1: netwrok: unknown key 'netwrok' (allowed: labels, network), did you mean 'network'?");
    YamlMap other(YamlValue::parse("labels: x\n", "f.yaml"));
    EXPECT_FALSE(other.require("network").has_value());
    EXPECT_TRUE(other.find("labels").has_value());
    EXPECT_EQ(refusal([&] { other.finish(); }), "f.yaml:1:1: the required key 'network' is missing");
}

TEST(YamlFile, SyntaxErrorsNameLineAndColumn) {
    const std::string message = refusal([] { YamlValue::parse("a: 1\nb: [1, 2\nc: 3\n", "f.yaml"); });
    EXPECT_TRUE(message.starts_with("f.yaml:3:2: not valid YAML: ")) << message;
    const std::string alias = refusal([] { YamlValue::parse("a: *nothing\n", "f.yaml"); });
    EXPECT_TRUE(alias.starts_with("f.yaml:1:4: not valid YAML: ")) << alias;
    EXPECT_TRUE(refusal([] { YamlValue::parse("a: 1\n\tb: 2\n", "f.yaml"); }).starts_with("f.yaml:2:"));
}

TEST(YamlFile, RefusesEmptyUnreadableAndSeveralDocuments) {
    const test::TemporaryFolder folder;
    EXPECT_EQ(refusal([] { YamlValue::parse("", "f.yaml"); }), "f.yaml: the file is empty");
    EXPECT_EQ(refusal([] { YamlValue::parse("# only this\n", "f.yaml"); }), "f.yaml: the file is empty");
    EXPECT_EQ(refusal([] { YamlValue::parse("a: 1\n---\na: 2\n", "f.yaml"); }),
              "f.yaml:2:1: the document ends here, but something follows (allowed: one YAML document)");
    EXPECT_EQ(refusal([] { YamlValue::load("no/such.yaml"); }),
              "no/such.yaml: cannot be read (No such file or directory)");
    EXPECT_EQ(refusal([&] { YamlValue::load(folder.path()); }),
              folder.path() + ": cannot be read (it is a folder, not a regular file)");
}

// What cannot be placed after a document, yaml-cpp 0.7 offers again and again as the next one.
TEST(YamlFile, StopsAtWhatFollowsTheDocument) {
    const auto refused = [](const std::string& text) { return refusal([&] { YamlValue::parse(text, "f.yaml"); }); };
    const std::string rest = ": the document ends here, but something follows (allowed: one YAML document)";
    EXPECT_EQ(refused(","), "f.yaml:1:1" + rest);
    EXPECT_EQ(refused("{a: 1, b: 2},\n"), "f.yaml:1:13" + rest);
    EXPECT_EQ(refused("a: 1\n, b"), "f.yaml:2:1: not valid YAML: end of map not found");
    EXPECT_EQ(refused("[1]]"), "f.yaml:1:4: not valid YAML: illegal flow end");
    EXPECT_EQ(refused("a: 1\n---\nb: 2\n---\nc: 3\n"), "f.yaml:2:1" + rest);
    EXPECT_EQ(YamlValue::parse("---\na: 1\n...\n", "f.yaml").entries().size(), 1U);
}

TEST(YamlFile, RefusesMoreThanTheMostKeysAndValues) {
    const auto list_of = [](int items) {
        std::string text = "a: [";
        for (int i = 0; i < items; ++i) text += "1,";
        return text + "]";
    };
    const int most = kMaxYamlValues - 3;  // beside the map, its key and the list itself
    EXPECT_EQ(YamlValue::parse(list_of(most), "f.yaml").entries().front().value.items().size(), std::size_t(most));
    EXPECT_THAT(refusal([&] { YamlValue::parse(list_of(most + 1), "f.yaml"); }),
                testing::EndsWith(": the file holds more than 50000 keys and values, the most that is read"));
    std::string aliases = "a: &x 1\nb: [";
    for (int i = 0; i < kMaxYamlValues; ++i) aliases += "*x,";
    EXPECT_THAT(refusal([&] { YamlValue::parse(aliases + "]", "f.yaml"); }), testing::HasSubstr("more than 50000"));
}

TEST(YamlFile, RefusesDeepNesting) {
    const auto nested = [](int depth, const std::string& open, const std::string& close) {
        std::string text;
        for (int i = 0; i < depth; ++i) text += open;
        for (int i = 0; i < depth; ++i) text += close;
        return text;
    };
    YamlValue::parse(nested(kMaxYamlDepth, "[", "]"), "f.yaml");
    EXPECT_EQ(refusal([&] { YamlValue::parse(nested(kMaxYamlDepth + 1, "[", "]"), "f.yaml"); }),
              "f.yaml:1:33: maps and lists are nested more than 32 deep, the most that is read");
    for (const std::string open : {"[", "{", "- ", "? ", "{a: ", "[[{"}) {
        EXPECT_THAT(refusal([&] { YamlValue::parse(nested(40000, open, ""), "f.yaml"); }),
                    testing::AnyOf(testing::HasSubstr("nested more than 32 deep"), testing::HasSubstr("not valid YAML"),
                                   testing::HasSubstr("more than 50000 opening brackets")))
            << open;
    }
}

TEST(YamlFile, IsAtMostOneMebibyte) {
    const test::TemporaryFolder folder;
    const std::string comment = "#" + std::string((1U << 20U) - 6, ' ') + "\na: 1";
    ASSERT_EQ(comment.size(), 1U << 20U);
    EXPECT_EQ(YamlValue::load(folder.write("full.yaml", comment)).entries().size(), 1U);
    const std::string large = folder.write("large.yaml", comment + "\n");
    EXPECT_EQ(refusal([&] { YamlValue::load(large); }),
              large + ": 1048577 bytes are too many for a YAML file (allowed: up to 1048576)");
    std::string text;
    text.resize(16U << 20U, ',');
    const std::string commas = folder.write("commas.yaml", text);
    EXPECT_THAT(refusal([&] { YamlValue::load(commas); }), testing::HasSubstr("16777216 bytes are too many"));
}

TEST(YamlFile, RefusesADocumentThatIsNoMap) {
    EXPECT_EQ(refusal([] { YamlMap{YamlValue::parse("- 1\n- 2\n", "f.yaml")}; }),
              "f.yaml:1:1: expects a map of keys and values, got a list");
}

}  // namespace
}  // namespace widthwise
