// SPDX-License-Identifier: Apache-2.0
#include "results/tables.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kit/file_text.h"
#include "text/printable.h"

namespace widthwise {
namespace {

TEST(Grouped, SeparatesThousands) {
    EXPECT_EQ(grouped(std::uint64_t{0}), "0");
    EXPECT_EQ(grouped(std::uint64_t{999}), "999");
    EXPECT_EQ(grouped(std::uint64_t{1000}), "1,000");
    EXPECT_EQ(grouped(std::uint64_t{1234567}), "1,234,567");
    EXPECT_EQ(grouped(std::int64_t{-100}), "-100");
    EXPECT_EQ(grouped(std::int64_t{-123456}), "-123,456");
    EXPECT_EQ(grouped(std::numeric_limits<std::int64_t>::min()), "-9,223,372,036,854,775,808");
    EXPECT_EQ(grouped(1234.5, 2), "1,234.50");
    EXPECT_EQ(grouped(-1234.5, 0), "-1,234");
    EXPECT_EQ(grouped(-0.001, 1), "0.0");
}

TEST(Significant, KeepsDigitsWithoutExponent) {
    EXPECT_EQ(significant(0), "0");
    EXPECT_EQ(significant(0.012346), "0.01235");
    EXPECT_EQ(significant(1.2346), "1.235");
    EXPECT_EQ(significant(123.45), "123.5");
    EXPECT_EQ(significant(1234.5), "1,234");
    EXPECT_EQ(significant(1234567), "1,234,567");
    EXPECT_EQ(significant(-2.5, 2), "-2.5");
}

TEST(Average, HasADecimalOnlyWhenNotWhole) {
    EXPECT_EQ(average(2822), "2,822");
    EXPECT_EQ(average(2822.25), "2,822.2");
}

TEST(WithoutNoise, KeepsFifteenDigits) {
    EXPECT_EQ(without_noise(0.1 + 0.2), 0.3);
    EXPECT_EQ(without_noise(100 * (7.0 / 100)), 7.0);
    EXPECT_EQ(without_noise(-1e300 / 3), -3.33333333333333e299);
    EXPECT_EQ(without_noise(0), 0);
    EXPECT_TRUE(std::isinf(without_noise(std::numeric_limits<double>::infinity())));
}

TEST(Percent, OfARatio) {
    EXPECT_EQ(percent(0.98765), "98.77");
    EXPECT_EQ(percent(-0.5, 0), "-50");
}

TEST(TextTable, AlignsNamesLeftAndNumbersRight) {
    TextTable table({"layer", "stall\nfill", "MACs"});
    table.add_row({"c1", "5", "117,600"});
    table.add_rule();
    table.add_row({"total", "12", "9"});
    EXPECT_EQ(table.text(),
              "       stall\n"
              "layer   fill     MACs\n"
              "---------------------\n"
              "c1         5  117,600\n"
              "---------------------\n"
              "total     12        9\n");
}

TEST(TextTable, NarrowsGapsBeforeItSplits) {
    TextTable table({"n", "aaaa", "bbbb"});
    table.add_row({"x", "1", "2"});
    EXPECT_EQ(test::lines(table.text(13))[0], "n  aaaa  bbbb");
    EXPECT_EQ(test::lines(table.text(11))[0], "n aaaa bbbb");
}

TEST(TextTable, SplitsWideTablesAndRepeatsTheFirstColumn) {
    TextTable table({"n", "aaaa", "upper\nbbbb"});
    table.add_row({"x", "1", "2"});
    EXPECT_EQ(table.text(9),
              "n  aaaa\n"
              "-------\n"
              "x     1\n"
              "\n"
              "   upper\n"
              "n   bbbb\n"
              "--------\n"
              "x      2\n");
}

TEST(TextTable, NeverExceedsTheScreen) {
    std::vector<std::string> headers = {"layer"};
    std::vector<std::string> row = {"/features/features.0/conv/a_very_long_name_as_exporters_write_them/Conv_quant"};
    for (int i = 0; i < 20; ++i) {
        headers.push_back("header " + std::to_string(i));
        row.push_back("1,234,567");
    }
    TextTable table(headers);
    table.add_row(row);
    for (const std::string& line : test::lines(table.text())) EXPECT_LE(screen_width(line), kScreenColumns) << line;
    EXPECT_NE(table.text().find("Conv_quant"), std::string::npos) << "the end of a long name tells it apart";
}

TEST(TextTable, CountsCharactersAndKeepsControlCharactersOut) {
    TextTable table({"layer", "n"});
    table.add_row({"größe", "1"});
    table.add_row({"a\x1b[2Jb", "2"});
    EXPECT_EQ(screen_width("größe"), 5U);
    const auto lines = test::lines(table.text());
    EXPECT_EQ(lines[2], "größe      1");
    EXPECT_EQ(lines[3], R"(a\x1b[2Jb  2)");
}

TEST(TextTable, OneColumn) {
    TextTable table({"layer"});
    table.add_row({"c1"});
    EXPECT_EQ(table.text(), "layer\n-----\nc1\n");
}

}  // namespace
}  // namespace widthwise
