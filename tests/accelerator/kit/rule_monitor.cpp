// SPDX-License-Identifier: Apache-2.0
#include "accelerator/kit/rule_monitor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace widthwise::test {

RuleMonitor::RuleMonitor(const sc_core::sc_module_name& module_name, Bench& bench, std::vector<Rule> rules,
                         const std::vector<std::uint64_t>& events, Cause cause, Held held)
    : sc_module(module_name),
      bench_(bench),
      rules_(std::move(rules)),
      events_(events),
      cause_(std::move(cause)),
      held_(std::move(held)) {
    for (const Rule rule : rules_) distance_ += static_cast<std::uint64_t>(edges(rule));
    SC_HAS_PROCESS(RuleMonitor);
    SC_METHOD(watch);
    sensitive << bench.clock.posedge_event();
    dont_initialize();
    bench.on_restart([this] {
        held_edges_.clear();
        seen_ = checked_ = 0;
        failed_ = false;
    });
    bench.watch(rules_, [this] { return checked_; });
}

/// Events of this edge wait for the next: other monitors may not have seen it yet.
void RuleMonitor::watch() {
    if (bench_.reset.read()) return;
    while (seen_ < events_.size() && events_[seen_] < bench_.cycle()) check(seen_++);
    if (held_()) held_edges_.push_back(bench_.cycle());
}

void RuleMonitor::check(std::size_t i) {
    const std::optional<std::uint64_t> cause = cause_(i);
    if (!cause) return;
    ++checked_;
    const std::uint64_t at = events_[i];
    if (*cause == kNever || at < *cause) {
        fail(i, "before its cause");
        return;
    }
    const std::uint64_t least = *cause + distance_;
    const auto from = std::upper_bound(held_edges_.begin(), held_edges_.end(), *cause);
    const auto held = static_cast<std::uint64_t>(std::lower_bound(from, held_edges_.end(), at) - from);
    const std::string seen = "at distance " + std::to_string(at - *cause) + " from its cause at edge " +
                             std::to_string(*cause) + ", expected ";
    if (at < least) fail(i, seen + "at least " + std::to_string(distance_));
    else if (at > least + held) {
        fail(i, seen + std::to_string(distance_) + " and up to " + std::to_string(held) + " more, when held up");
    }
}

void RuleMonitor::fail(std::size_t i, const std::string& why) {
    if (std::exchange(failed_, true)) return;
    std::string names;
    for (const Rule rule : rules_) {
        names += (names.empty() ? "" : " + ") + std::string(kTimingRules[static_cast<std::size_t>(rule)].name);
    }
    ADD_FAILURE() << "rule " << names << ", " << name() << ": event " << i << " at edge " << events_[i] << ", " << why;
}

}  // namespace widthwise::test
