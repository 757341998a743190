// SPDX-License-Identifier: Apache-2.0
#include "text/spreadsheet_text.h"

#include <gtest/gtest.h>

namespace widthwise {
namespace {

TEST(SpreadsheetText, OrdinaryTextStays) {
    for (const char* text : {"", "c1", "conv1/Conv", "a=b", "x-y", "18", "lenet5.onnx", "don't"}) {
        EXPECT_EQ(spreadsheet_text(text), text);
    }
}

TEST(SpreadsheetText, NothingBeginsAFormula) {
    for (const char* text : {"=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "  =1", "\n+1", "＝1", "－1",
                             "＋1", "＠1", "'quoted"}) {
        EXPECT_EQ(spreadsheet_text(text), std::string("'") + text);
    }
}

TEST(SpreadsheetText, ReadsBack) {
    for (const char* text : {"", "c1", "=1+1", "'", "''", "'=x", "- a", " b ", "\t"}) {
        EXPECT_EQ(from_spreadsheet_text(spreadsheet_text(text)), text);
    }
}

}  // namespace
}  // namespace widthwise
