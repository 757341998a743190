// SPDX-License-Identifier: Apache-2.0
// The RequantUnit's distances: from a beat in the array's output register to its taking, and to what leaves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "accelerator/kit/link_bench.h"
#include "accelerator/kit/rule_monitor.h"

namespace widthwise::test {

class RequantRules {
public:
    struct Links {
        const LinkMonitor<PsumBeat>& sums;
        const LinkMonitor<OutputBeat>& outputs;
        const LinkMonitor<OutputBeat>& addends;
    };

    RequantRules(Bench& bench, const Links& links)
        : layers_(bench.layers),
          links_(links),
          take_(
              "requant_unit_takes", bench, std::vector{Rule::take}, links.sums.cycles,
              [this](std::size_t i) { return std::optional(edge_of(links_.sums.loaded, i)); },
              [this] { return stands() || bytes_wait(); }),
          outputs_(
              "requantizes_outputs", bench, std::vector{Rule::requantize}, links.outputs.cycles,
              [this](std::size_t i) { return cause_of(links_.outputs, output_, false, i); },
              [this] { return stands(); }),
          addends_(
              "requantizes_addends", bench, std::vector{Rule::requantize}, links.addends.cycles,
              [this](std::size_t i) { return cause_of(links_.addends, addend_, true, i); },
              [this] { return stands(); }) {
        bench.on_restart([this] { output_ = addend_ = Position{}; });
    }

private:
    /// The beat of sums, and the transfers of it that are left.
    struct Position {
        std::size_t beat = 0;
        std::size_t parts = 0;
    };

    /// The pipeline moves as a whole.
    [[nodiscard]] bool stands() const { return links_.outputs.held() || links_.addends.held(); }

    [[nodiscard]] std::size_t parts_of(const PsumBeat& beat) const {
        const LayerSchedule& layer = layers_.of(beat.position);
        return layer.sums_leave() ? static_cast<std::size_t>(layer.value_bytes) : 1;
    }

    /// Sums that leave byte by byte: more than the first stage holds is still on its way.
    [[nodiscard]] bool bytes_wait() const {
        if (links_.sums.count() == 0 || parts_of(links_.sums.data.back()) == 1) return false;
        std::size_t parts = 0;
        for (const PsumBeat& beat : links_.sums.data) parts += parts_of(beat);
        return parts > links_.outputs.count() + links_.addends.count() + parts_of(links_.sums.data.back());
    }

    /// Of a beat's first part; the others follow it. A first part comes after the parts before.
    std::optional<std::uint64_t> cause_of(const LinkMonitor<OutputBeat>& link, Position& at, bool adds, std::size_t i) {
        if (at.parts > 0) {
            --at.parts;
            return std::nullopt;
        }
        const auto& sums = links_.sums.data;
        while (at.beat < sums.size() && layers_.of(sums[at.beat].position).addition.has_value() != adds) ++at.beat;
        if (at.beat == sums.size()) return kNever;
        at.parts = parts_of(sums[at.beat]) - 1;
        std::uint64_t cause = links_.sums.cycles[at.beat++];
        const auto distance = static_cast<std::uint64_t>(edges(Rule::requantize));
        if (i > 0 && link.cycles[i - 1] + 1 > cause + distance) cause = link.cycles[i - 1] + 1 - distance;
        return cause;
    }

    const LayerTable& layers_;
    Links links_;
    Position output_, addend_;
    RuleMonitor take_, outputs_, addends_;
};

}  // namespace widthwise::test
