// SPDX-License-Identifier: Apache-2.0
// The fixed distances between edges, one row each. The model adds them by name, and the benches hold each unit to its own:
// a unit has registers, not these numbers. sim/accelerator/README.md shows the table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace widthwise {

enum class Rule : std::uint8_t {
    command,
    request,
    answer,
    move,
    report,
    grant,
    arrive,
    issue,
    settle,
    copy,
    take,
    requantize,
    ask,
    sum,
    pool,
    stored,
};

/// `to` comes `edges` after `from`, where nothing has to wait.
struct TimingRule {
    Rule rule;
    std::string_view name;
    std::string_view from;
    std::string_view to;
    int edges;
};

inline constexpr std::array kTimingRules{
    TimingRule{Rule::command, "command", "the Sequencer puts a command on a link", "the unit takes it", 1},
    TimingRule{Rule::request, "request", "the Dma takes a command", "its request is taken", 1},
    TimingRule{Rule::answer, "answer", "the Dram takes a request to read",
               "its first word is taken, beside dram.latency", 2},
    TimingRule{Rule::move, "move", "the Dma takes a word", "its other side takes it", 1},
    TimingRule{Rule::report, "report", "the last word of a transfer is taken", "the Sequencer takes the token", 1},
    TimingRule{Rule::grant, "grant", "the LineBuffer asks for a word", "the activation buffer grants it", 1},
    TimingRule{Rule::arrive, "arrive", "the activation buffer grants a word", "it is there", 1},
    TimingRule{Rule::issue, "issue", "a tap's operands are in the registers of their links", "the array issues the tap",
               1},
    TimingRule{Rule::settle, "settle", "the array issues a tile's last tap", "its sums are final", 3},
    TimingRule{Rule::copy, "copy", "the sums are final", "they are in the shadow accumulators", 1},
    TimingRule{Rule::take, "take", "a beat is in the array's output register", "the RequantUnit takes it", 1},
    TimingRule{Rule::requantize, "requantize", "the RequantUnit takes a beat", "the next unit takes it", 4},
    TimingRule{Rule::ask, "ask", "the ResidualUnit takes a beat",
               "its operands are granted, or its constants are there", 1},
    TimingRule{Rule::sum, "sum", "the ResidualUnit takes operands", "the PoolUnit takes the sums", 2},
    TimingRule{Rule::pool, "pool", "the PoolUnit takes a beat", "its results are written", 1},
    TimingRule{Rule::stored, "stored", "a layer's last results are written", "the next phase begins", 1},
};

constexpr int edges(Rule rule) { return kTimingRules[static_cast<std::size_t>(rule)].edges; }

}  // namespace widthwise
