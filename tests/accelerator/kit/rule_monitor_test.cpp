// SPDX-License-Identifier: Apache-2.0
// The monitor of rules on made-up events: what it lets pass, what it does not, and what it says then.
#include "accelerator/kit/rule_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>

#include <algorithm>
#include <string>
#include <vector>

#include "accelerator/kit/watched_rules.h"

namespace widthwise::test {
namespace {

using Edges = std::vector<std::uint64_t>;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kCause = 10;
constexpr std::uint64_t kLength = 40;  ///< of a run, in edges

/// The failures of a monitor of events with these causes, while what is on its way is held up at some edges.
std::vector<std::string> failures(const std::vector<Rule>& rules, const Edges& causes, const Edges& events,
                                  const Edges& held = {}) {
    Bench bench(0);
    const RuleMonitor monitor(
        "monitor", bench, rules, events, [&](std::size_t i) { return std::optional(edge_of(causes, i)); },
        [&] { return std::find(held.begin(), held.end(), bench.cycle()) != held.end(); });
    testing::TestPartResultArray results;
    {
        const testing::ScopedFakeTestPartResultReporter reporter(&results);
        bench.run(kLength);
    }
    EXPECT_EQ(monitor.checked(), events.size());
    std::vector<std::string> messages;
    for (int i = 0; i < results.size(); ++i) messages.emplace_back(results.GetTestPartResult(i).message());
    return messages;
}

std::uint64_t after(std::uint64_t more) { return kCause + static_cast<std::uint64_t>(edges(Rule::requantize)) + more; }

TEST(RuleMonitor, PassesTheDistance) {
    EXPECT_THAT(failures({Rule::requantize}, {kCause, kCause + 1}, {after(0), after(1)}), ElementsAre());
}

TEST(RuleMonitor, NamesTheRuleOfAnEventThatComesTooSoon) {
    EXPECT_THAT(failures({Rule::requantize}, {kCause}, {after(0) - 1}),
                ElementsAre(AllOf(HasSubstr("rule requantize, monitor: event 0 at edge 13"),
                                  HasSubstr("at distance 3 from its cause at edge 10, expected at least 4"))));
}

TEST(RuleMonitor, NamesTheRuleOfAnEventThatComesTooLate) {
    EXPECT_THAT(
        failures({Rule::requantize}, {kCause}, {after(1)}),
        ElementsAre(AllOf(HasSubstr("rule requantize"), HasSubstr("expected 4 and up to 0 more, when held up"))));
}

TEST(RuleMonitor, AnEventMayBeLateByTheEdgesThatItIsHeldUp) {
    // Not those before its cause, nor the one at which it comes.
    EXPECT_THAT(failures({Rule::requantize}, {kCause}, {after(2)}, {kCause + 1, kCause + 3}), ElementsAre());
}

TEST(RuleMonitor, AnEventMayBeLateByNoEdgeMore) {
    EXPECT_THAT(failures({Rule::requantize}, {kCause}, {after(2)}, {kCause - 1, kCause, kCause + 1, after(2)}),
                ElementsAre(HasSubstr("up to 1 more, when held up")));
}

TEST(RuleMonitor, AnEventNeedsItsCause) {
    EXPECT_THAT(failures({Rule::ask}, {}, {kCause}), ElementsAre(HasSubstr("rule ask, monitor: event 0")));
}

TEST(RuleMonitor, AddsUpTheRulesOfAWay) {
    const auto way = static_cast<std::uint64_t>(edges(Rule::settle) + edges(Rule::copy));
    EXPECT_THAT(failures({Rule::settle, Rule::copy}, {kCause, kCause}, {kCause + way, kCause + way + 1}),
                ElementsAre(HasSubstr("rule settle + copy, monitor: event 1")));
}

TEST(RuleMonitor, SaysTheFirstFailureOfARun) {
    EXPECT_EQ(failures({Rule::ask}, {kCause, kCause, kCause}, {kCause, kCause, kCause}).size(), 1U);
}

/// A rule that stands in the table is watched in the bench of a unit, and in the whole accelerator.
TEST(WatchedRules, AreAllRules) {
    for (const TimingRule& rule : kTimingRules) {
        const auto watched_in = [&](bool accelerator) {
            return std::any_of(kWatchedRules.begin(), kWatchedRules.end(), [&](const WatchedRule& row) {
                return row.rule == rule.rule && (row.bench == kWholeAccelerator) == accelerator;
            });
        };
        EXPECT_TRUE(watched_in(false)) << "no unit's bench watches the rule " << rule.name;
        EXPECT_TRUE(watched_in(true)) << "the accelerator's bench does not watch the rule " << rule.name;
    }
}

}  // namespace
}  // namespace widthwise::test
