// SPDX-License-Identifier: Apache-2.0
#include "results/csv.h"

#include <gtest/gtest.h>

#include <limits>

namespace widthwise {
namespace {

TEST(CsvWriter, QuotesWhatNeedsIt) {
    CsvWriter csv;
    csv.text("plain").text("a,b").text("say \"hi\"").text("two\nlines").empty().end_row();
    EXPECT_EQ(csv.str(), "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\n");
}

TEST(CsvWriter, NoTextIsAFormulaAndNoNumberIsChanged) {
    CsvWriter csv;
    csv.text("=cmd|' /C calc'!A0").text("-x").text("+1").text("@a").text("'b").text("a;=b").number(-3).number(-0.5);
    csv.end_row();
    EXPECT_EQ(csv.str(), "'=cmd|' /C calc'!A0,'-x,'+1,'@a,''b,\"a;=b\",-3,-0.5\n");
}

TEST(CsvWriter, NumbersHaveNoNoise) {
    CsvWriter csv;
    csv.number(std::int64_t{-3}).number(0.1 + 0.2).number(100.0).number(std::numeric_limits<double>::quiet_NaN());
    csv.number(std::numeric_limits<std::uint64_t>::max()).end_row();
    EXPECT_EQ(csv.str(), "-3,0.3,100,,18446744073709551615\n");
}

TEST(CsvWriter, EnergiesAreExact) {
    CsvWriter csv;
    csv.number(Energy(3, 0.1)).number(Energy(1234567890123456789, 0.1)).end_row();
    EXPECT_EQ(csv.str(), "0.3,123456789012345678.9\n");
}

TEST(CsvWriter, AnEmptyFirstCellKeepsItsPlace) {
    CsvWriter csv;
    csv.empty().number(1).end_row();
    csv.number(2).end_row();
    EXPECT_EQ(csv.str(), ",1\n2\n");
}

}  // namespace
}  // namespace widthwise
