// SPDX-License-Identifier: Apache-2.0
// The PeArray's distances: from operands to the tap, from a tile's last tap to its sums.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "accelerator/kit/link_bench.h"
#include "accelerator/kit/rule_monitor.h"
#include "config/hardware.h"
#include "schedule/schedule.h"

namespace widthwise::test {

class PeArrayRules {
public:
    struct Links {
        const LinkMonitor<TileCommand>& command;
        const LinkMonitor<Activations>& activations;
        const LinkMonitor<WeightOperands>& weights;
        const LinkMonitor<BiasOperands>& bias;
        const LinkMonitor<PsumBeat>& sums;
    };

    /// Nothing holds up a tap but what its cause counts; only a beat that nobody takes holds up the next.
    PeArrayRules(Bench& bench, const HardwareParams& hardware, const Links& links)
        : layers_(bench.layers),
          hardware_(hardware),
          links_(links),
          issue_(
              "array_issues", bench, std::vector{Rule::issue}, links.activations.cycles,
              [this](std::size_t i) { return cause_of_tap(i); }, [] { return false; }),
          settle_(
              "sums_settle", bench, std::vector{Rule::settle}, links.sums.loaded,
              [this](std::size_t i) { return shadow() ? std::nullopt : cause_of_beat(i); },
              [this] { return links_.sums.held(); }),
          copy_(
              "sums_settle_in_shadow", bench, std::vector{Rule::settle, Rule::copy}, links.sums.loaded,
              [this](std::size_t i) { return shadow() ? cause_of_beat(i) : std::nullopt; },
              [this] { return links_.sums.held(); }) {
        bench.on_restart([this] {
            tiles_.clear();
            tap_tile_ = beat_tile_ = biases_ = 0;
        });
    }

private:
    /// A tile's part of all taps and beats, by their numbers.
    struct Tile {
        std::size_t first_tap, end_tap, first_beat, end_beat;
        std::uint64_t skew;               ///< edges between the first PE and the last
        std::optional<std::size_t> bias;  ///< that comes with its first tap
    };

    [[nodiscard]] bool shadow() const { return hardware_.array.shadow_accumulators; }

    /// Of the tiles that the array has been told of.
    const std::vector<Tile>& tiles() {
        while (tiles_.size() < links_.command.count()) {
            const TileCommand& command = links_.command.data[tiles_.size()];
            const LayerSchedule& layer = layers_.of(command);
            const auto rows = static_cast<std::size_t>(layer.channels_in_tile(command.index.channel_tile));
            const auto columns = static_cast<std::size_t>(tile_columns(layer, command.index));
            const auto lanes = static_cast<std::size_t>(hardware_.requant.lanes);
            const std::size_t runs = layer.image_columns ? columns : rows;
            const std::size_t length = layer.image_columns ? rows : columns;
            const std::size_t tap = tiles_.empty() ? 0 : tiles_.back().end_tap;
            const std::size_t beat = tiles_.empty() ? 0 : tiles_.back().end_beat;
            const bool systolic = hardware_.array.interconnect == Interconnect::systolic;
            tiles_.push_back({tap, tap + layer.taps.size(), beat, beat + runs * ((length + lanes - 1) / lanes),
                              systolic ? rows + columns - 2 : 0,
                              layer.preloads_bias() && layers_.begins_channel_tile(command) ? std::optional(biases_++)
                                                                                            : std::nullopt});
        }
        return tiles_;
    }

    std::uint64_t cause_of_tap(std::size_t i) {
        while (tap_tile_ < tiles().size() && tiles_[tap_tile_].end_tap <= i) ++tap_tile_;
        if (tap_tile_ == tiles_.size()) return kNever;
        const Tile& tile = tiles_[tap_tile_];
        std::uint64_t cause = std::max(edge_of(links_.activations.loaded, i), edge_of(links_.weights.loaded, i));
        const bool first = i == tile.first_tap;
        if (first) cause = std::max(cause, links_.command.cycles[tap_tile_]);
        if (first && tile.bias) cause = std::max(cause, edge_of(links_.bias.loaded, *tile.bias));
        if (tap_tile_ == 0) return cause;
        const Tile& before = tiles_[tap_tile_ - 1];
        if (first) cause = std::max(cause, links_.activations.cycles[before.end_tap - 1] + before.skew);
        // The one place for a finished tile is free when the last beat of the tile before is in the output register.
        if (shadow() ? i + 1 == tile.end_tap : first) {
            cause = std::max(cause, edge_of(links_.sums.loaded, before.end_beat - 1));
        }
        return cause;
    }

    std::optional<std::uint64_t> cause_of_beat(std::size_t i) {
        while (beat_tile_ < tiles().size() && tiles_[beat_tile_].end_beat <= i) ++beat_tile_;
        if (beat_tile_ == tiles_.size()) return kNever;
        const Tile& tile = tiles_[beat_tile_];
        if (i != tile.first_beat) return std::nullopt;
        const std::uint64_t last_tap = edge_of(links_.activations.cycles, tile.end_tap - 1);
        return last_tap == kNever ? kNever : last_tap + tile.skew;
    }

    const LayerTable& layers_;
    HardwareParams hardware_;
    Links links_;
    std::vector<Tile> tiles_;
    std::size_t tap_tile_ = 0;   ///< of the tap that was asked for last
    std::size_t beat_tile_ = 0;  ///< likewise
    std::size_t biases_ = 0;     ///< of the tiles so far
    RuleMonitor issue_, settle_, copy_;
};

}  // namespace widthwise::test
