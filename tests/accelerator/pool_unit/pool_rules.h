// SPDX-License-Identifier: Apache-2.0
// The PoolUnit's distances: from a beat to the write that it completes, from the last write to the token.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "accelerator/kit/link_bench.h"
#include "accelerator/kit/rule_monitor.h"

namespace widthwise::test {

class PoolRules {
public:
    struct Links {
        const LinkMonitor<OutputBeat>& outputs;
        const LinkMonitor<OutputBeat>& additions;
        const LinkMonitor<ActivationWrite>& results;
        const LinkMonitor<Token>& stored;
    };

    PoolRules(Bench& bench, const Links& links)
        : layers_(bench.layers),
          links_(links),
          pool_(
              "pool_unit_writes", bench, std::vector{Rule::pool}, links.results.cycles,
              [this](std::size_t i) { return cause_of_write(i); }, [this] { return links_.results.held(); }),
          stored_(
              "pool_unit_has_stored", bench, std::vector{Rule::stored}, links.stored.cycles,
              [this](std::size_t i) { return cause_of_token(i); },
              [this] { return links_.results.held() || links_.stored.held(); }) {
        bench.on_restart([this] {
            beats_.clear();
            writing_.clear();
            last_.clear();
            outputs_ = additions_ = 0;
        });
    }

private:
    struct Beat {
        std::uint64_t edge;
        std::optional<std::size_t> write;  ///< that it completes
    };

    /// Without pooling each beat is written; with it, one that has the last pixel of a window.
    [[nodiscard]] bool completes_a_write(const OutputBeat& beat) const {
        const LayerSchedule& layer = layers_.of(beat.position);
        if (!layer.pooling) return true;
        const Window& w = layer.pooling->window;
        for (int i = 0; i < beat.values.count; ++i) {
            const int pixel = beat.position.pixel + (beat.position.along_channels ? 0 : i);
            if (ends_a_window(pixel / layer.sums.width, layer.sums.height, layer.output.height, w.kernel_height,
                              w.stride_height, w.pad_top) &&
                ends_a_window(pixel % layer.sums.width, layer.sums.width, layer.output.width, w.kernel_width,
                              w.stride_width, w.pad_left)) {
                return true;
            }
        }
        return false;
    }

    /// Along one side of the map: the row or column `at` is the last of one of the windows.
    static bool ends_a_window(int at, int extent, int windows, int kernel, int stride, int pad) {
        for (int window = 0; window < windows; ++window) {
            if (std::min(window * stride - pad + kernel, extent) - 1 == at) return true;
        }
        return false;
    }

    /// Beats come over two links, never at the same edge.
    void follow() {
        while (outputs_ < links_.outputs.count() || additions_ < links_.additions.count()) {
            const bool output = edge_of(links_.outputs.cycles, outputs_) < edge_of(links_.additions.cycles, additions_);
            const auto& link = output ? links_.outputs : links_.additions;
            std::size_t& next = output ? outputs_ : additions_;
            Beat beat{link.cycles[next], std::nullopt};
            if (completes_a_write(link.data[next])) {
                beat.write = writing_.size();
                writing_.push_back(beats_.size());
            }
            if (link.data[next].position.last_of_strip) last_.push_back(beats_.size());
            beats_.push_back(beat);
            ++next;
        }
    }

    std::optional<std::uint64_t> cause_of_write(std::size_t i) {
        follow();
        return i < writing_.size() ? beats_[writing_[i]].edge : kNever;
    }

    /// The last write, or the edge at which the last beat would have been written.
    std::optional<std::uint64_t> cause_of_token(std::size_t i) {
        follow();
        if (i >= last_.size()) return kNever;
        const Beat& beat = beats_[last_[i]];
        if (beat.write) return edge_of(links_.results.cycles, *beat.write);
        return beat.edge + static_cast<std::uint64_t>(edges(Rule::pool));
    }

    const LayerTable& layers_;
    Links links_;
    std::vector<Beat> beats_;
    std::vector<std::size_t> writing_;  ///< beats that complete a write
    std::vector<std::size_t> last_;     ///< beats that end a strip
    std::size_t outputs_ = 0, additions_ = 0;
    RuleMonitor pool_, stored_;
};

}  // namespace widthwise::test
