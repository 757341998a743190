// SPDX-License-Identifier: Apache-2.0
// The Sequencer's distance: its commands are taken one edge after what they follow from, on each of its links.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "accelerator/kit/link_bench.h"
#include "accelerator/kit/rule_monitor.h"
#include "schedule/schedule.h"

namespace widthwise::test {

/// In networks with strips, only of the tiles within one: what a strip or a transfer follows from depends on the
/// transfers of others there, which the equality of the two engines holds to their edges.
class SequencerRules {
public:
    struct Links {
        std::array<const LinkMonitor<TileCommand>*, 3> tiles;
        const LinkMonitor<DmaCommand>& dma;
        const LinkMonitor<Token>& dma_done;
        const LinkMonitor<Token>& slot_released;
        const LinkMonitor<Token>& strip_stored;
        const std::vector<std::uint64_t>& starts;  ///< of batches
    };

    SequencerRules(Bench& bench, const Schedule& schedule, const Links& links)
        : table_(bench.layers),
          layers_(schedule.layers.size()),
          strips_(std::any_of(schedule.layers.begin(), schedule.layers.end(),
                              [](const LayerSchedule& layer) { return layer.in_strips(); })),
          links_(links) {
        bench.on_restart([this] { begun_ = {}; });
        for (std::size_t link = 0; link < links_.tiles.size(); ++link) {
            const LinkMonitor<TileCommand>& tiles = *links_.tiles[link];
            monitors_.emplace_back(("commands_tiles" + std::to_string(link)).c_str(), bench, std::vector{Rule::command},
                                   tiles.cycles, [this, link](std::size_t i) { return cause_of_tile(link, i); },
                                   [&tiles] { return tiles.held(); });
        }
        monitors_.emplace_back(
            "commands_transfers", bench, std::vector{Rule::command}, links_.dma.cycles,
            [this](std::size_t i) { return cause_of_transfer(i); }, [this] { return links_.dma.held(); });
    }

private:
    /// The edge at which the n-th transfer of a kind was reported.
    [[nodiscard]] std::uint64_t reported(DmaCommand::Kind kind, std::size_t n) const {
        for (std::size_t i = 0; i < links_.dma_done.count(); ++i) {
            if (links_.dma_done.data[i].kind == static_cast<std::uint8_t>(kind) && n-- == 0) {
                return links_.dma_done.cycles[i];
            }
        }
        return kNever;
    }
    /// How many commands of a kind come before command i.
    [[nodiscard]] std::size_t before(DmaCommand::Kind kind, std::size_t i) const {
        const auto& data = links_.dma.data;
        return static_cast<std::size_t>(std::count_if(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(i),
                                                      [kind](const DmaCommand& c) { return c.kind == kind; }));
    }

    /// A layer begins with the end of the layer before, or of the batch's input; in it one tile follows the other.
    std::optional<std::uint64_t> cause_of_tile(std::size_t link, std::size_t i) {
        const LinkMonitor<TileCommand>& tiles = *links_.tiles[link];
        if (tiles.data[i].number != table_.strip_of(tiles.data[i]).first_number) return tiles.cycles[i - 1];
        if (strips_) return std::nullopt;
        const std::size_t layer = begun_[link]++;
        if (layer % layers_ == 0) return reported(DmaCommand::Kind::input, layer / layers_);
        return edge_of(links_.strip_stored.cycles, layer - 1);
    }

    [[nodiscard]] std::optional<std::uint64_t> cause_of_transfer(std::size_t i) const {
        if (strips_) return std::nullopt;
        const std::uint64_t free = i == 0 ? 0 : links_.dma.cycles[i - 1];
        return std::max(free, cause_of_kind(links_.dma.data[i], i));
    }
    [[nodiscard]] std::uint64_t cause_of_kind(const DmaCommand& command, std::size_t i) const {
        const std::size_t batch = before(DmaCommand::Kind::output, i);
        switch (command.kind) {
            case DmaCommand::Kind::weights: {
                if (command.layer == kSetupPhase) return edge_of(links_.starts, batch);
                constexpr std::size_t kSlots = 2;
                const std::size_t tile = before(DmaCommand::Kind::weights, i);
                return tile < kSlots ? edge_of(links_.starts, batch)
                                     : edge_of(links_.slot_released.cycles, tile - kSlots);
            }
            case DmaCommand::Kind::input: {
                const bool after_setup = i > 0 && links_.dma.data[i - 1].layer == kSetupPhase;
                return after_setup ? reported(DmaCommand::Kind::weights, 0) : edge_of(links_.starts, batch);
            }
            case DmaCommand::Kind::output: break;
        }
        return edge_of(links_.strip_stored.cycles, (batch + 1) * layers_ - 1);
    }

    const LayerTable& table_;
    std::size_t layers_;
    bool strips_;
    Links links_;
    std::array<std::size_t, 3> begun_{};  ///< layers, on each link
    std::list<RuleMonitor> monitors_;
};

}  // namespace widthwise::test
