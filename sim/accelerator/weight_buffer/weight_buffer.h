// SPDX-License-Identifier: Apache-2.0
// On-chip SRAM for weights. Resident: all tiles, loaded once. Streamed: two slots, one in use while the Dma fills the
// other. Each tap needs one weight per working row; a read port narrower than that takes several cycles a tap.
// Channel parameters lie before the weights of their tile, have a port of their own and leave with its first tap.
#pragma once

#include <cstdint>

#include "accelerator/buffer/buffer.h"
#include "accelerator/link/command_queue.h"
#include "accelerator/link/layer_table.h"
#include "accelerator/link/link.h"

namespace widthwise {

class WeightBuffer : public Buffer {
public:
    LinkIn<WeightWrite> fill{*this, "fill"};              ///< Dma
    LinkIn<TileCommand> command{*this, "command"};        ///< Sequencer
    LinkOut<Token> released{*this, "released"};           ///< Sequencer: a slot is free again (streamed)
    LinkOut<WeightOperands> weights{*this, "weights"};    ///< PeArray
    LinkOut<BiasOperands> bias{*this, "bias"};            ///< PeArray: with a channel tile's first tap, if preloaded
    LinkOut<Parameters> parameters{*this, "parameters"};  ///< RequantUnit: likewise, in layers that have some
    sc_core::sc_out<Stall> starved_by{"starved_by"};      ///< why `weights` is not valid: dram or weights

    WeightBuffer(const sc_core::sc_module_name& name, const WeightBufferParams& params, const LayerTable& layers,
                 RunRecord& record);

    void add_waves(WaveList& wave, const std::string& scope) const override;

    /// Begins in the middle of a batch, after reset: so many parts of weights have arrived and been used up (resident:
    /// 1 and 0). The caller puts those that are still to be used into memory().
    void restore(std::int64_t parts_filled, std::int64_t parts_used);

private:
    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;
    void accept_fill();
    void assemble();
    [[nodiscard]] bool operands_complete() const;
    [[nodiscard]] bool parameters_due() const;
    void load_operands();
    void load_weights(const LayerSchedule& layer, int rows);
    void load_parameters(const LayerSchedule& layer, int rows);
    void finish_tile();
    void finish_part();
    [[nodiscard]] bool streamed() const { return params_.storage == WeightStorage::streamed; }
    [[nodiscard]] bool tile_present() const;
    [[nodiscard]] std::int64_t part_address() const;

    WeightBufferParams params_;
    const LayerTable& layers_;
    CommandQueue commands_;
    std::int32_t tap_ = 0;                     ///< of the front command's tile, next to be loaded
    std::int32_t part_ = 0;                    ///< of that tile's weights, streamed
    const std::uint8_t* next_word_ = nullptr;  ///< where that tap's weights lie
    std::int32_t beats_ = 0;                   ///< of that tap's weights, read so far
    Residences parts_;                         ///< of weights; resident: one that holds all and stays
    std::uint32_t releases_ = 0;               ///< owed to the Sequencer
    WeightOperands operands_;
    BiasOperands bias_;
    Parameters channels_;  ///< of the channel tile at work
};

}  // namespace widthwise
