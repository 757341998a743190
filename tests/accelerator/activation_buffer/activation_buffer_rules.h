// SPDX-License-Identifier: Apache-2.0
// The ActivationBuffer's distances: from the question for a word to the grant, and to the word.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "accelerator/kit/link_bench.h"
#include "accelerator/kit/rule_monitor.h"

namespace widthwise::test {

class ActivationBufferRules {
public:
    /// One that reads, by its two links.
    struct Reader {
        const LinkMonitor<ActivationRead>& request;
        const LinkMonitor<Word>& data;
    };
    struct Links {
        Reader fill, operands, output;
        const LinkMonitor<ActivationWrite>& results;
    };

    /// With one port a write goes before any read but the Dma's; operands go before a fill.
    ActivationBufferRules(Bench& bench, int ports, const Links& links) : links_(links) {
        const auto written = [this, ports] { return ports == 1 && links_.results.offered(); };
        watch(bench, "operands", links_.operands, written);
        watch(bench, "fill", links_.fill, [this, written] { return written() || links_.operands.request.offered(); });
        watch(bench, "output", links_.output, [] { return false; });
    }

private:
    /// `taken`: at an edge, the port is somebody else's.
    void watch(Bench& bench, const std::string& name, const Reader& reader, std::function<bool()> taken) {
        monitors_.emplace_back(("grants_" + name).c_str(), bench, std::vector{Rule::grant}, reader.request.cycles,
                               [&reader](std::size_t i) { return std::optional(edge_of(reader.request.loaded, i)); },
                               [&reader, taken = std::move(taken)] { return taken() || reader.data.held(); });
        monitors_.emplace_back((name + "_arrive").c_str(), bench, std::vector{Rule::arrive}, reader.data.cycles,
                               [&reader](std::size_t i) { return std::optional(edge_of(reader.request.cycles, i)); },
                               [&reader] { return reader.data.held(); });
    }

    Links links_;
    std::list<RuleMonitor> monitors_;
};

}  // namespace widthwise::test
