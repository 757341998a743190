// SPDX-License-Identifier: Apache-2.0
// The witness that a fixed distance of schedule/timing_rules.h is kept on the links of a bench, in every run: with
// random stalls and without.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

#include "accelerator/kit/bench.h"
#include "schedule/timing_rules.h"

namespace widthwise::test {

/// The edge of something that has not happened.
inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

/// The edge of the i-th event of a monitor, so far.
inline std::uint64_t edge_of(const std::vector<std::uint64_t>& edges, std::size_t i) {
    return i < edges.size() ? edges[i] : kNever;
}

/// Each event comes no sooner after its cause than the rules say; and no later, but for the edges at which something
/// was held up on its way. Names the rules when that fails.
class RuleMonitor : public sc_core::sc_module {
public:
    /// The edge of the cause of event i, or none where the rules do not speak of the event. Asked once for each event,
    /// in their order, when every monitor has seen the event's edge.
    using Cause = std::function<std::optional<std::uint64_t>(std::size_t i)>;
    /// At an edge: what is on its way is held up.
    using Held = std::function<bool()>;

    /// `rules`: the parts of the way from the cause to the event; `events`: the edges that a monitor has noted.
    RuleMonitor(const sc_core::sc_module_name& module_name, Bench& bench, std::vector<Rule> rules,
                const std::vector<std::uint64_t>& events, Cause cause, Held held);

    /// Events that the rules speak of, since the last reset.
    [[nodiscard]] std::size_t checked() const { return checked_; }

private:
    void watch();
    void check(std::size_t i);
    void fail(std::size_t i, const std::string& why);

    Bench& bench_;
    std::vector<Rule> rules_;
    std::uint64_t distance_ = 0;
    const std::vector<std::uint64_t>& events_;
    Cause cause_;
    Held held_;
    std::vector<std::uint64_t> held_edges_;
    std::size_t seen_ = 0;  ///< events
    std::size_t checked_ = 0;
    bool failed_ = false;  ///< what follows the first failure of a run says no more
};

}  // namespace widthwise::test
