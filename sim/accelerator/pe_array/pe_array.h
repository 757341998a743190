// SPDX-License-Identifier: Apache-2.0
// rows x columns processing elements, output stationary: array rows = output channels, columns = output pixels (or
// images).
//
// A PE is a three-stage pipeline: operand registers, product register, adder into the accumulator. `broadcast`: all PEs
// work on the same tap in the same cycle. `systolic`: PE (r, c) works on it r + c cycles later, operands being handed
// on from neighbour to neighbour; a tile of K taps occupies the array K + rows + columns - 2 cycles.
// Finished sums move into the shadow accumulators in one cycle and leave from there, `lanes` a cycle, while the next
// tile computes; without shadow accumulators they leave from the accumulators and the array waits.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "accelerator/link/command_queue.h"
#include "accelerator/link/counters.h"
#include "accelerator/link/layer_table.h"
#include "accelerator/link/link.h"
#include "accelerator/link/unit.h"
#include "accelerator/pe_array/pe_grid.h"

namespace widthwise {

class PeArray : public Unit {
public:
    LinkIn<TileCommand> command{*this, "command"};                                ///< Sequencer
    LinkIn<Activations> activations{*this, "activations", Ready::combinational};  ///< LineBuffer
    LinkIn<WeightOperands> weights{*this, "weights", Ready::combinational};       ///< WeightBuffer
    LinkIn<BiasOperands> bias{*this, "bias", Ready::combinational};               ///< WeightBuffer
    LinkOut<PsumBeat> sums{*this, "sums"};                                        ///< RequantUnit
    sc_core::sc_in<Stall> activations_starved_by{"activations_starved_by"};
    sc_core::sc_in<Stall> weights_starved_by{"weights_starved_by"};
    sc_core::sc_out<bool> computing{"computing"};  ///< Sequencer: a tap of the layer has been issued, more will be
    sc_core::sc_out<bool> draining{"draining"};    ///< Sequencer: the layer's last tap has been issued

    PeArray(const sc_core::sc_module_name& name, const HardwareParams& hardware, const LayerTable& layers,
            RunRecord& record);

    void add_waves(WaveList& wave, const std::string& scope) const override;
    /// Of the PEs' weight registers in waveforms: 8, or 9 where a network has such weights.
    void show_weight_bits(int bits) { shown_weight_bits_ = bits; }
    // At the last edge:
    [[nodiscard]] bool issued() const { return issued_; }
    [[nodiscard]] std::optional<Stall> stall() const { return stalled_ ? std::optional(last_stall_) : std::nullopt; }
    /// Elements that work on the tile.
    [[nodiscard]] std::int64_t elements() const { return std::int64_t{rows_} * columns_; }
    [[nodiscard]] bool drains() const { return shadow_busy_; }

private:
    /// A tile whose last tap has been issued: its sums become final, then leave.
    struct Leaving {
        TileCommand tile;
        int rows = 0;
        int columns = 0;
        std::int32_t settles_in = 0;  ///< cycles until the sums are final and may move on; 0: they have
        std::int32_t beat = 0;
        std::int32_t beats = 0;
    };

    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;
    void drive_ready();

    void begin_tile();
    void issue_tap();
    void take_bias();
    void count_stall();
    void decide_next_cycle();
    void settle();
    std::int64_t settle_output(int row, int column);
    void drain();
    void load_beat();

    ArrayParams params_;
    int lanes_;
    bool loop_accounting_;
    PsumStatistics statistics_;
    const LayerTable& layers_;
    RunRecord& record_;

    CommandQueue commands_;
    sc_core::sc_signal<bool> may_issue_{"may_issue"};
    sc_core::sc_signal<bool> needs_bias_{"needs_bias"};  ///< the next tap is taken together with its channels' bias
    bool tile_begun_ = false;
    TileCommand tile_;  ///< being computed
    int rows_ = 0;      ///< working in it
    int columns_ = 0;
    std::int32_t tap_ = 0;
    std::int32_t skew_wait_ = 0;       ///< cycles until the previous tile's wavefront has left
    Stall blocked_by_ = Stall::drain;  ///< why may_issue is low

    std::unique_ptr<PeGrid> grid_;
    /// The bias of the channel tile at work, and those that are still on their way through the array with its first taps.
    std::vector<std::vector<std::int32_t>> biases_;
    std::size_t newest_bias_ = 0;
    bool leaving_busy_ = false;  ///< the one place for a finished tile is taken
    Leaving leaving_;
    std::vector<std::int64_t> shadow_;
    PsumBeat beat_;
    bool issued_ = false;   ///< at the last edge, for the waveform
    bool stalled_ = false;  ///< at the last edge a begun tile had no tap, because of last_stall_
    bool shadow_busy_ = false;
    Stall last_stall_ = Stall::fill;
    int shown_weight_bits_ = 8;
};

}  // namespace widthwise
