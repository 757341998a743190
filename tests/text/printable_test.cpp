// SPDX-License-Identifier: Apache-2.0
#include "text/printable.h"

#include <gtest/gtest.h>

namespace widthwise {
namespace {

TEST(Printable, WhatAScreenWouldObeyIsEscaped) {
    EXPECT_EQ(printable("conv1/Conv_2 (ünï → 漢字)"), "conv1/Conv_2 (ünï → 漢字)");
    EXPECT_EQ(printable("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
    EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(printable("two\nlines\r\ttab\x7f"), "two\\nlines\\r\\ttab\\x7f");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "\\x9b31m")
        << "the one-character form of ESC [";
    EXPECT_EQ(printable("a\xe2\x80\xae"
                        "b\xe2\x81\xa6"
                        "c\xef\xbb\xbf"),
              "a\\u202eb\\u2066c\\ufeff");
    EXPECT_EQ(printable("\xf3\xa0\x81\x81"), "\\U000e0041");
}

TEST(Printable, WhatIsNoUtf8IsEscapedByteByByte) {
    EXPECT_EQ(printable("a\xff\xfe"), "a\\xff\\xfe");
    EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond the last character";
    EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82") << "cut short";
    EXPECT_EQ(printable("\xe2\x82\xe2\x82\xac"), "\\xe2\\x82€");
}

TEST(Printable, ASecondTimeChangesNothing) {
    const std::string once = printable("\x1b\xff\n\\x41");
    EXPECT_EQ(printable(once), once);
}

TEST(Printable, LineFeedsStayWhereTextHasLines) { EXPECT_EQ(printable("a\nb\x1b", LineFeeds::kept), "a\nb\\x1b"); }

TEST(PrintableJson, StaysJson) {
    EXPECT_EQ(printable_json("{\n  \"a\": \"ü\x7f\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81\"\n}"),
              "{\n  \"a\": \"ü\\u007f\\u009b\\u202e\\udb40\\udc41\"\n}");
}

TEST(ValidUtf8, LeavesCharactersAlone) { EXPECT_EQ(valid_utf8("a\x1b\n\xff€"), "a\x1b\n\\xff€"); }

TEST(ShownName, IsShortOneLineAndKeepsBothEnds) {
    EXPECT_EQ(shown_name("c1"), "c1");
    const std::string shown = shown_name("begin" + std::string(10'000'000, 'x') + "end\n");
    EXPECT_EQ(screen_width(shown), kLongestShownName);
    EXPECT_TRUE(shown.starts_with("beginxx"));
    EXPECT_TRUE(shown.ends_with("xxend\\n"));
}

TEST(MessageText, HasALimit) {
    EXPECT_EQ(message_text("config.yaml:3:1: name: ..."), "config.yaml:3:1: name: ...");
    EXPECT_EQ(screen_width(message_text(std::string(10'000'000, '\x1b'))), kLongestMessage);
}

TEST(Shortened, CutsBetweenCharacters) { EXPECT_EQ(shortened("äöüßäöüß", 6), "äö..üß"); }

}  // namespace
}  // namespace widthwise
