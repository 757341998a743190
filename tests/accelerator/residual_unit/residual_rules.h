// SPDX-License-Identifier: Apache-2.0
// The ResidualUnit's distances: from a beat to the grant of its operands, from operands to the sums.
#pragma once

#include <cstddef>
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
        : links_(links),
          ask_(
              "residual_unit_asks", bench, std::vector{Rule::ask}, links.requests.cycles,
              [this](std::size_t i) { return std::optional(edge_of(links_.values.cycles, i)); },
              [this] { return links_.requests.held(); }),
          sum_(
              "residual_unit_adds", bench, std::vector{Rule::sum}, links.outputs.cycles,
              [this](std::size_t i) { return std::optional(edge_of(links_.operands.cycles, i)); },
              [this] { return links_.outputs.held(); }) {}

private:
    Links links_;
    RuleMonitor ask_, sum_;
};

}  // namespace widthwise::test
