// SPDX-License-Identifier: Apache-2.0
// The ResidualUnit's distances: from a beat to the grant of its operands, from operands to the sums; with constants, from
// a beat to its sums.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "accelerator/kit/link_bench.h"
#include "accelerator/kit/rule_monitor.h"

namespace widthwise::test {

class ResidualRules {
public:
    struct Links {
        const LinkMonitor<OutputBeat>& values;
        const LinkMonitor<ActivationRead>& requests;
        const LinkMonitor<Word>& operands;
        const LinkMonitor<OutputBeat>& outputs;
    };

    ResidualRules(Bench& bench, const Links& links)
        : layers_(bench.layers),
          links_(links),
          ask_(
              "residual_unit_asks", bench, std::vector{Rule::ask}, links.requests.cycles,
              [this](std::size_t i) { return std::optional(edge_of(links_.values.cycles, beat_that_reads(i))); },
              [this] { return links_.requests.held(); }),
          sum_(
              "residual_unit_adds", bench, std::vector{Rule::sum}, links.outputs.cycles,
              [this](std::size_t i) -> std::optional<std::uint64_t> {
                  if (!reads(links_.outputs.data[i])) return std::nullopt;
                  const auto end = links_.outputs.data.begin() + static_cast<std::ptrdiff_t>(i);
                  const auto before = std::count_if(links_.outputs.data.begin(), end,
                                                    [this](const OutputBeat& beat) { return reads(beat); });
                  return edge_of(links_.operands.cycles, static_cast<std::size_t>(before));
              },
              [this] { return links_.outputs.held(); }),
          constants_(
              "residual_unit_adds_constants", bench, std::vector{Rule::ask, Rule::sum}, links.outputs.cycles,
              [this](std::size_t i) -> std::optional<std::uint64_t> {
                  if (reads(links_.outputs.data[i])) return std::nullopt;
                  return edge_of(links_.values.cycles, i);
              },
              [this] { return links_.outputs.held(); }) {}

private:
    [[nodiscard]] bool reads(const OutputBeat& beat) const { return layers_.of(beat.position).adds_map(); }

    /// Of the beats that read an operand the i-th.
    [[nodiscard]] std::size_t beat_that_reads(std::size_t i) const {
        const auto& beats = links_.values.data;
        std::size_t at = 0;
        for (std::size_t before = 0; at < beats.size(); ++at) {
            if (reads(beats[at]) && before++ == i) break;
        }
        return at;
    }

    const LayerTable& layers_;
    Links links_;
    RuleMonitor ask_, sum_, constants_;
};

}  // namespace widthwise::test
