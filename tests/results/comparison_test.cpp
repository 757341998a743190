// SPDX-License-Identifier: Apache-2.0
#include "results/comparison.h"

#include <gtest/gtest.h>

#include "kit/file_text.h"
#include "results/made_up_run.h"
#include "results/tables.h"

namespace widthwise {
namespace {

class ComparisonTest : public testing::Test {
protected:
    ComparisonTest() {
        comparison_.command = "widthwise compare config.yaml";
        comparison_.runs.emplace_back(12, narrow_.report());
        comparison_.runs.emplace_back(20, wide_.report());
    }
    test::MadeUpRun narrow_{12};
    test::MadeUpRun wide_{20};
    Comparison comparison_;
};

TEST_F(ComparisonTest, SavesAgainstTheWidestWhateverTheOrder) {
    EXPECT_EQ(comparison_.widest().bits, 20);
    EXPECT_EQ(comparison_.saving(comparison_.runs[1]), 0);
    // Only the adders' energy depends on the width here: 480,000 additions of 0.1 pJ per 32 bits or so.
    EXPECT_GT(comparison_.saving(comparison_.runs[0]), 0);
    EXPECT_LT(comparison_.saving(comparison_.runs[0]), 0.1);
    EXPECT_DOUBLE_EQ(overflowed_outputs(comparison_.runs[0].report), 0.05);
}

TEST_F(ComparisonTest, TextHasOneRowPerWidthAndStatesTheImages) {
    const std::string text = comparison_text(comparison_);
    EXPECT_NE(text.find("10:14 (4 images)"), std::string::npos);
    EXPECT_NE(text.find("\n12  "), std::string::npos);
    EXPECT_NE(text.find("\n20  "), std::string::npos);
    EXPECT_NE(text.find("66.67"), std::string::npos);
    EXPECT_NE(text.find("saving against 20 bits"), std::string::npos);
}

TEST_F(ComparisonTest, CsvAndJsonAgree) {
    const auto rows = test::lines(comparison_csv(comparison_));
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_TRUE(rows[1].starts_with("12,4,66.6666666666667,3852,35,5,pJ,")) << rows[1];
    const auto json = comparison_json(comparison_);
    EXPECT_EQ(json["widest_bits"], 20);
    EXPECT_EQ(json["widths"].size(), 2U);
    EXPECT_EQ(json["widths"][0]["bits"], 12);
    EXPECT_EQ(json["widths"][0]["overflowed_outputs_percent"], 5.0);
    EXPECT_EQ(json["widths"][0]["layers"].size(), 7U);
    EXPECT_EQ(json["images"]["count"], 4);
}

}  // namespace
}  // namespace widthwise
