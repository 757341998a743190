// SPDX-License-Identifier: Apache-2.0
#include "schedule/timing_rules.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace widthwise {
namespace {

TEST(TimingRules, StandAtTheirOwnPlaceUnderNamesOfTheirOwn) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kTimingRules.size(); ++i) {
        EXPECT_EQ(static_cast<std::size_t>(kTimingRules[i].rule), i);
        EXPECT_TRUE(names.insert(kTimingRules[i].name).second) << kTimingRules[i].name;
        EXPECT_GE(kTimingRules[i].edges, 1);
    }
}

/// The page of the accelerator shows each rule as it is, and no other.
TEST(TimingRules, AreThoseOfTheDocumentation) {
    std::ifstream page(WIDTHWISE_SOURCE_DIR "/sim/accelerator/README.md");
    std::string line, table, expected;
    while (std::getline(page, line) && line != "| rule | from | to | edges |") continue;
    ASSERT_TRUE(page) << "no table of rules";
    std::getline(page, line);  // the line below the heads
    while (std::getline(page, line) && line.starts_with('|')) table += line + '\n';
    for (const TimingRule& rule : kTimingRules) {
        expected += fmt::format("| `{}` | {} | {} | {} |\n", rule.name, rule.from, rule.to, rule.edges);
    }
    EXPECT_EQ(table, expected);
}

}  // namespace
}  // namespace widthwise
