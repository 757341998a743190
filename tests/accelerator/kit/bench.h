// SPDX-License-Identifier: Apache-2.0
// The frame of every bench: clock, reset, the record that the units count into, a limit on cycles.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <systemc>
#include <tuple>
#include <vector>

#include "accelerator/kit/watched_rules.h"
#include "accelerator/link/clock.h"
#include "accelerator/link/layer_table.h"
#include "kit/random.h"
#include "record/record.h"

namespace widthwise::test {

/// The folder of the unit under test, or "accelerator". bench_main.cpp says it.
std::string_view bench_name();

/// Made first in a test; at most one per process.
class Bench {
public:
    explicit Bench(std::uint64_t stall_seed, std::size_t layer_count = 1)
        : seed(stall_seed),
          trace_(__FILE__, __LINE__, "seed " + std::to_string(stall_seed)),
          layer_count_(layer_count) {
        record.layers.resize(layer_count);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    /// In every test of a bench the rules are watched that its rows of kWatchedRules name.
    ~Bench() {
        const std::set<Rule> rules = rules_watched_by(bench_name());
        if (rules.empty()) return;
        for (const TimingRule& rule : kTimingRules) {
            EXPECT_EQ(watched_.contains(rule.rule), rules.contains(rule.rule)) << "monitors of the rule " << rule.name;
        }
    }

    /// Edges since the simulation began; the edge about to happen has this number.
    [[nodiscard]] std::uint64_t cycle() const { return sc_core::sc_time_stamp().value() / period.value(); }

    /// Held for three edges. Counts, transfers and stimuli begin anew.
    void pulse_reset() {
        reset.write(true);  // seen from the edge after the coming one on
        sc_core::sc_start(3 * period);
        reset.write(false);
        sc_core::sc_start(period);
        record = RunRecord{};
        record.layers.resize(layer_count_);
        for (const auto& restart : restarts_) restart();
    }

    /// Steps until done() holds between two edges.
    void run_until(const std::function<bool()>& done, std::uint64_t limit) {
        const std::uint64_t start = cycle();
        while (!done()) {
            if (cycle() - start >= limit) {
                ADD_FAILURE() << "not done after " << limit << " cycles";
                return;
            }
            sc_core::sc_start(period);
        }
    }
    void run(std::uint64_t cycles) {
        if (cycles > 0) sc_core::sc_start(static_cast<double>(cycles) * period);
    }

    /// The whole stimulus once; then again, broken off by a reset at a random cycle; then again to the end. `check`
    /// sees the state after each complete run. Some idle cycles follow each, so that late transfers would be noticed.
    void run_and_interrupt(const std::function<bool()>& done, std::uint64_t limit, const std::function<void()>& check) {
        pulse_reset();
        const std::uint64_t start = cycle();
        run_until(done, limit);
        const std::uint64_t length = cycle() - start;
        run(kTail);
        check();
        for (int interrupt = 0; interrupt < 3; ++interrupt) {
            pulse_reset();
            run(1 + random_.next() % std::max<std::uint64_t>(length, 1));
        }
        pulse_reset();
        run_until(done, limit);
        run(kTail);
        SCOPED_TRACE("after a reset in mid-flight");
        check();
    }

    /// What stands to be restarted when a reset ends (monitors, stimuli).
    void on_restart(std::function<void()> restart) { restarts_.push_back(std::move(restart)); }

    /// A monitor of these rules is there; `checked` tells how many events it has held them to.
    void watch(const std::vector<Rule>& rules, const std::function<std::size_t()>& checked) {
        for (const Rule rule : rules) watched_[rule].push_back(checked);
    }
    /// What no event has reached proves nothing: each of the bench's rules, or those given, has been checked.
    void expect_rules_checked(const std::set<Rule>& rules = rules_watched_by(bench_name())) const {
        for (const Rule rule : rules) {
            std::size_t events = 0;
            for (const auto& checked : watched_.at(rule)) events += checked();
            EXPECT_GT(events, 0U) << "rule " << kTimingRules[static_cast<std::size_t>(rule)].name;
        }
    }

    const std::uint64_t seed;  ///< 0: no stalls
    const sc_core::sc_time period{1, sc_core::SC_NS};
    Clock clock{"clock", period};
    sc_core::sc_signal<bool> reset{"reset"};
    RunRecord record;
    LayerTable layers;  ///< of the units; a test puts its own in

private:
    static constexpr std::uint64_t kTail = 40;
    testing::ScopedTrace trace_;  // prints the seed beside every failure
    Random random_{seed, "interrupt"};
    std::size_t layer_count_;
    std::vector<std::function<void()>> restarts_;
    std::map<Rule, std::vector<std::function<std::size_t()>>> watched_;
};

/// Names tests after the case and the seed of their parameters: "streamed_seed3".
template <typename Case, std::size_t N>
auto case_and_seed(const Case (&cases)[N]) {
    return [&cases](const testing::TestParamInfo<std::tuple<int, int>>& test) {
        return std::string(cases[static_cast<std::size_t>(std::get<0>(test.param))].name) + "_seed" +
               std::to_string(std::get<1>(test.param));
    };
}

/// Edge numbers relative to a first one: what timing tests compare.
inline std::vector<std::int64_t> since(const std::vector<std::uint64_t>& cycles, std::uint64_t first) {
    std::vector<std::int64_t> gaps;
    for (const std::uint64_t cycle : cycles) gaps.push_back(static_cast<std::int64_t>(cycle - first));
    return gaps;
}

/// first, first + step, ...: `n` numbers.
inline std::vector<std::int64_t> every(std::int64_t step, std::int64_t first, std::size_t n) {
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 0; i < n; ++i) numbers.push_back(first + static_cast<std::int64_t>(i) * step);
    return numbers;
}

}  // namespace widthwise::test
