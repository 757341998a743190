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
#include "schedule/clocked_part.h"
#include "schedule/cursors.h"

namespace widthwise {

/// Where the Sequencer's Dma commands find things in DRAM.
struct DramLayout {
    std::int64_t weights = 0;
    std::int64_t input = 0;
    std::int64_t output = 0;
    std::int64_t maps = 0;  ///< between layers
    std::int64_t end = 0;
    [[nodiscard]] std::int64_t of(DramArea area) const {
        return area == DramArea::input ? input : area == DramArea::output ? output : maps;
    }
};

class Sequencer : public Unit {
public:
    LinkOut<TileCommand> line_buffer{*this, "line_buffer"};
    LinkOut<TileCommand> weight_buffer{*this, "weight_buffer"};
    LinkOut<TileCommand> pe_array{*this, "pe_array"};
    LinkOut<DmaCommand> dma{*this, "dma"};
    LinkIn<Token> dma_done{*this, "dma_done"};
    LinkIn<Token> slot_released{*this, "slot_released"};  ///< WeightBuffer
    LinkIn<Token> strip_stored{*this, "strip_stored"};    ///< PoolUnit
    sc_core::sc_in<bool> computing{"computing"};          ///< PeArray
    sc_core::sc_in<bool> draining{"draining"};            ///< PeArray

    Sequencer(const sc_core::sc_module_name& name, const sc_core::sc_time& period, RunRecord& record);

    /// Runs the schedule once, for one batch, from the next edge on. Weights that are resident are loaded first, the
    /// first time. `on_done` is called at the edge at which the last output byte has left.
    void start(const Schedule& schedule, const DramLayout& layout, std::function<void()> on_done);

    /// Runs a part of a batch alone, after reset, from the next edge on: first, from `timing.transfers.since` on, the
    /// transfer that is in flight when the part begins; then the part. `batch_cycle`: the cycle at which the batch
    /// began. `weight_parts_before`: fetched by the batches before it. `on_done` is called at the edge at which the
    /// part ends.
    void start_part(const Schedule& schedule, const DramLayout& layout, const ClockedPart& part,
                    const PartTiming& timing, std::uint64_t batch_cycle, std::int64_t weight_parts_before,
                    std::function<void()> on_done);

    void add_waves(WaveList& wave, const std::string& scope) const override;
    /// The state, in capitals.
    [[nodiscard]] std::string_view phase() const;
    /// The layer being worked on; none around the layers.
    [[nodiscard]] std::optional<std::int32_t> layer() const;
    /// Stores of the layer that have ended.
    [[nodiscard]] std::int32_t stores_done() const { return stores_done_; }
    /// Neither idle nor loading resident weights.
    [[nodiscard]] bool works_on_batch() const { return state_ != State::idle && state_ != State::setup; }

private:
    enum class State : std::uint8_t { idle, setup, load, fill, compute, drain, store, wait, resume };

    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;
    void add_wake_events(sc_core::sc_event_or_list& events) const override;

    void begin();
    void begin_resume();
    void follow_resume();
    void begin_part();
    [[nodiscard]] Edge batch_edge() const;
    void begin_load();
    void begin_layer(int layer);
    /// The next strip, if what it reads is there and its results have a place.
    void try_begin_strip();
    void begin_store();
    void finish();
    void follow_layer();
    void follow_strip();
    void take_transfer();
    void end_strip();
    void end_layer_if_done();
    void issue_tiles();
    /// Whether a command was put on the link.
    bool issue_tile(LinkOut<TileCommand>& link, std::optional<TileCursor>& next);
    void issue_dma(const DmaCommand& command);
    void issue_transfers();
    bool issue_weights();
    bool issue_fetch();
    bool issue_store();
    void issue_fetch_command();
    void issue_store_command();
    void issue_weights_command();
    void end_phase(LayerRecord& record);
    [[nodiscard]] bool streamed() const { return schedule_->hardware.weight_buffer.storage == WeightStorage::streamed; }
    [[nodiscard]] const LayerSchedule& current() const { return schedule_->layers[layer_]; }
    [[nodiscard]] std::uint64_t cycle() const;

    sc_core::sc_time period_;
    RunRecord& record_;
    sc_core::sc_event start_event_;
    bool start_requested_ = false;
    const Schedule* schedule_ = nullptr;
    DramLayout layout_;
    std::function<void()> on_done_;
    /// Of a part that runs alone.
    struct Resumption {
        ClockedPart part;
        PartTiming timing;
        std::uint64_t batch_cycle = 0;
        std::int64_t weight_parts_before = 0;
    };
    std::optional<Resumption> resumption_;

    State state_ = State::idle;
    bool weights_loaded_ = false;
    bool acted_ = false;       ///< something changed at this edge
    bool dma_loaded_ = false;  ///< a Dma command was issued at this edge
    std::int32_t layer_ = 0;
    std::uint64_t phase_start_ = 0;  ///< cycle
    std::uint64_t wait_start_ = 0;   ///< cycle from which on the layer waits for transfers
    // Of the layer:
    std::int32_t strip_ = 0;           ///< worked on, or to be begun next
    std::int32_t fetches_issued_ = 0;  ///< transfers, as are the others
    std::int32_t fetches_done_ = 0;
    std::int32_t stores_issued_ = 0;
    std::int32_t stores_done_ = 0;
    /// The tile that each unit is told next; none after the layer's last.
    std::optional<TileCursor> next_for_line_buffer_, next_for_weight_buffer_, next_for_pe_array_;
    std::int64_t tiles_for_pe_array_ = 0;  ///< put on its link in this layer
    WeightFetchCursor prefetch_;           ///< streamed: the next weights to fetch
    std::int64_t prefetched_ = 0;          ///< parts fetched, since reset: decides the slot
    std::int32_t slots_free_ = kStreamedWeightPlaces;
};

}  // namespace widthwise
