// SPDX-License-Identifier: Apache-2.0
#include "text/list_text.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace widthwise {
namespace {

using testing::ElementsAre;

TEST(ListParts, AreTrimmedAndKeepQuotedNamesTogether) {
    EXPECT_THAT(list_parts("18"), ElementsAre("18"));
    EXPECT_THAT(list_parts(" 20, 18 ,\t16"), ElementsAre("20", "18", "16"));
    EXPECT_THAT(list_parts(""), ElementsAre(""));
    EXPECT_THAT(list_parts("1,,2,"), ElementsAre("1", "", "2", ""));
    EXPECT_THAT(list_parts(R"(18, "a,b"=16,c=14)"), ElementsAre("18", R"("a,b"=16)", "c=14"));
    EXPECT_THAT(list_parts(R"("say ""a,b"""=16,c=14)"), ElementsAre(R"("say ""a,b"""=16)", "c=14"));
    EXPECT_THAT(list_parts(R"(a"b,c"d=1)"), ElementsAre("a\"b", "c\"d=1")) << "quotes count where a name begins";
    EXPECT_THAT(list_parts(R"("open,c=14)"), ElementsAre(R"("open,c=14)"));
}

TEST(NamedPart, IsNameAndValue) {
    const auto pair = [](const char* part) {
        const NamedPart named = named_part(part);
        return named.name + "|" + named.value;
    };
    EXPECT_EQ(pair("c1=18"), "c1|18");
    EXPECT_EQ(pair("c1 = 18"), "c1|18");
    EXPECT_EQ(pair(R"("a=1" = 16)"), "a=1|16");
    EXPECT_EQ(pair(R"(" "=16)"), " |16");
    EXPECT_FALSE(has_name("18"));
    EXPECT_TRUE(has_name("\"18\""));
    EXPECT_THROW(named_part("\"open=18"), std::invalid_argument);
    EXPECT_THROW(named_part("\"a\"18"), std::invalid_argument);
    EXPECT_THROW(named_part("\"a\""), std::invalid_argument);
}

TEST(ListName, EveryNameReadsBack) {
    for (const char* name : {"c1", "a,b", "a=1", "\"", "\"\"", "a\"b", "\"a,b\"=3", " ", " a", "a\t", "", "=", ",",
                             "-x", "18", "a\nb", "\x1b[31m"}) {
        const std::string list = "20," + list_name(name) + "=18," + list_name(name) + "=16";
        const std::vector<std::string> parts = list_parts(list);
        ASSERT_EQ(parts.size(), 3U) << list;
        EXPECT_EQ(named_part(parts[1]).name, name);
        EXPECT_EQ(named_part(parts[2]).name, name);
        EXPECT_EQ(named_part(parts[2]).value, "16");
        EXPECT_EQ(from_list_name(list_name(name)), name);
    }
    EXPECT_EQ(list_name("conv1/Conv_2"), "conv1/Conv_2");
    EXPECT_EQ(from_list_name("a,b"), "a,b");
    EXPECT_EQ(from_list_name("\"a\"b"), "\"a\"b");
}

}  // namespace
}  // namespace widthwise
