// SPDX-License-Identifier: Apache-2.0
#include "text/suggestion.h"

#include <gtest/gtest.h>

namespace widthwise {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsSubstitutionsAndSwaps) {
    EXPECT_EQ(edit_distance("columns", "columns"), 0U);
    EXPECT_EQ(edit_distance("colums", "columns"), 1U);
    EXPECT_EQ(edit_distance("columnss", "columns"), 1U);
    EXPECT_EQ(edit_distance("colunms", "columns"), 1U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("abc", ""), 3U);
}

TEST(EditDistance, IgnoresCase) { EXPECT_EQ(edit_distance("ROWS", "rows"), 0U); }

TEST(Suggestion, NamesTheNearestPlausibleWord) {
    EXPECT_EQ(suggestion("colums", {"rows", "columns"}), ", did you mean 'columns'?");
    EXPECT_EQ(suggestion("satruate", {"wrap", "saturate"}), ", did you mean 'saturate'?");
    EXPECT_EQ(suggestion("frequency", {"rows", "columns"}), "");
    EXPECT_EQ(suggestion(std::string(5000, 'a'), {"rows"}), "");
    EXPECT_EQ(suggestion("rows", {}), "");
    EXPECT_EQ(suggestion("rows", {std::string(50'000'000, 'a'), "row"}), ", did you mean 'row'?");
}

}  // namespace
}  // namespace widthwise
