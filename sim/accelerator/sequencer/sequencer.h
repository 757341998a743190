// SPDX-License-Identifier: Apache-2.0
// Executes the compiled schedule: brings the images in, walks the tiles of every layer, takes the results out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "accelerator/link/counters.h"
#include "accelerator/link/link.h"
#include "accelerator/link/unit.h"

namespace widthwise {

/// Where the Sequencer's Dma commands find things in DRAM.
struct DramLayout {
    std::int64_t weights = 0;
    std::int64_t input = 0;
    std::int64_t output = 0;
    std::int64_t end = 0;
};

class Sequencer : public Unit {
public:
    LinkOut<TileCommand> line_buffer{"line_buffer"};
    LinkOut<TileCommand> weight_buffer{"weight_buffer"};
    LinkOut<TileCommand> pe_array{"pe_array"};
    LinkOut<DmaCommand> dma{"dma"};
    LinkIn<Token> dma_done{"dma_done"};
    LinkIn<Token> slot_released{"slot_released"};  ///< WeightBuffer
    LinkIn<Token> layer_stored{"layer_stored"};    ///< PoolUnit
    sc_core::sc_in<bool> computing{"computing"};   ///< PeArray
    sc_core::sc_in<bool> draining{"draining"};     ///< PeArray

    Sequencer(const sc_core::sc_module_name& name, const sc_core::sc_time& period, RunRecord& record);

    /// Runs the schedule once, for one batch, from the next edge on. Weights that are resident are loaded first, the
    /// first time. `on_done` is called at the edge at which the last output byte has left.
    void start(const Schedule& schedule, const DramLayout& layout, std::function<void()> on_done);

    void add_waves(WaveList& wave, const std::string& scope) const;
    /// The state, in capitals.
    [[nodiscard]] std::string_view phase() const;
    /// The layer being worked on; none around the layers.
    [[nodiscard]] std::optional<std::int32_t> layer() const;
    /// Neither idle nor loading resident weights.
    [[nodiscard]] bool works_on_batch() const { return state_ != State::idle && state_ != State::setup; }

private:
    enum class State : std::uint8_t { idle, setup, load, fill, compute, drain, store };

    void do_reset() override;
    void step() override;
    [[nodiscard]] bool idle() const override;
    void wake_events(sc_core::sc_event_or_list& events) const override;

    void begin();
    void begin_load();
    void begin_layer(int layer);
    void begin_store();
    void finish();
    void follow_layer();
    void issue_tiles();
    /// Whether a command was put on the link.
    bool issue_tile(LinkOut<TileCommand>& link, std::optional<TileCursor>& next);
    void issue_dma(DmaCommand::Kind kind, int layer, std::int64_t dram_address, std::int64_t address,
                   std::int64_t bytes);
    void prefetch_weights();
    void end_phase(LayerRecord& record);
    [[nodiscard]] bool streamed() const { return schedule_->hardware.weight_buffer.storage == WeightStorage::streamed; }
    [[nodiscard]] std::uint64_t cycle() const;

    sc_core::sc_time period_;
    RunRecord& record_;
    sc_core::sc_event start_event_;
    bool start_requested_ = false;
    const Schedule* schedule_ = nullptr;
    DramLayout layout_;
    std::function<void()> on_done_;

    State state_ = State::idle;
    bool weights_loaded_ = false;
    bool acted_ = false;       ///< something changed at this edge
    bool dma_loaded_ = false;  ///< a Dma command was issued at this edge
    std::int32_t layer_ = 0;
    std::uint64_t phase_start_ = 0;  ///< cycle
    /// The tile that each unit is told next; none after the layer's last.
    std::optional<TileCursor> next_for_line_buffer_, next_for_weight_buffer_, next_for_pe_array_;
    std::int64_t tiles_for_pe_array_ = 0;  ///< put on its link in this layer
    WeightFetchCursor prefetch_;           ///< streamed: the next weights to fetch
    std::int64_t prefetched_ = 0;          ///< parts fetched, since reset: decides the slot
    std::int32_t slots_free_ = 2;
};

}  // namespace widthwise
