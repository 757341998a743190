// SPDX-License-Identifier: Apache-2.0
// Which bench watches which of the rules of schedule/timing_rules.h, in each of its runs. A bench that declares other
// monitors than its rows say fails.
#pragma once

#include <array>
#include <set>
#include <string_view>

#include "schedule/timing_rules.h"

namespace widthwise::test {

struct WatchedRule {
    std::string_view bench;
    Rule rule;
};

/// The bench of all units together.
inline constexpr std::string_view kWholeAccelerator = "accelerator";

inline constexpr std::array kWatchedRules{
    WatchedRule{"sequencer", Rule::command},
    WatchedRule{"dma", Rule::request},
    WatchedRule{"dma", Rule::move},
    WatchedRule{"dma", Rule::report},
    WatchedRule{"dram", Rule::answer},
    WatchedRule{"activation_buffer", Rule::grant},
    WatchedRule{"activation_buffer", Rule::arrive},
    WatchedRule{"line_buffer", Rule::arrive},
    WatchedRule{"pe_array", Rule::issue},
    WatchedRule{"pe_array", Rule::settle},
    WatchedRule{"pe_array", Rule::copy},
    WatchedRule{"requant_unit", Rule::take},
    WatchedRule{"requant_unit", Rule::requantize},
    WatchedRule{"residual_unit", Rule::ask},
    WatchedRule{"residual_unit", Rule::sum},
    WatchedRule{"pool_unit", Rule::pool},
    WatchedRule{"pool_unit", Rule::stored},
    WatchedRule{kWholeAccelerator, Rule::command},
    WatchedRule{kWholeAccelerator, Rule::request},
    WatchedRule{kWholeAccelerator, Rule::answer},
    WatchedRule{kWholeAccelerator, Rule::move},
    WatchedRule{kWholeAccelerator, Rule::report},
    WatchedRule{kWholeAccelerator, Rule::grant},
    WatchedRule{kWholeAccelerator, Rule::arrive},
    WatchedRule{kWholeAccelerator, Rule::issue},
    WatchedRule{kWholeAccelerator, Rule::settle},
    WatchedRule{kWholeAccelerator, Rule::copy},
    WatchedRule{kWholeAccelerator, Rule::take},
    WatchedRule{kWholeAccelerator, Rule::requantize},
    WatchedRule{kWholeAccelerator, Rule::ask},
    WatchedRule{kWholeAccelerator, Rule::sum},
    WatchedRule{kWholeAccelerator, Rule::pool},
    WatchedRule{kWholeAccelerator, Rule::stored},
};

/// What a bench has to watch.
inline std::set<Rule> rules_watched_by(std::string_view bench) {
    std::set<Rule> rules;
    for (const WatchedRule& row : kWatchedRules) {
        if (row.bench == bench) rules.insert(row.rule);
    }
    return rules;
}

}  // namespace widthwise::test
