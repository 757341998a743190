// SPDX-License-Identifier: Apache-2.0
// On-chip SRAM for weights. Resident: all tiles, loaded once. Streamed: two slots, one in use while the Dma fills the
// other. Each tap needs one weight per working row; a read port narrower than that takes several cycles a tap.
#pragma once

#include <cstdint>

#include "accelerator/link/command_queue.h"
#include "accelerator/link/counters.h"
#include "accelerator/link/link.h"
#include "accelerator/link/unit.h"
#include "common/zero_pages.h"

namespace widthwise {

class WeightBuffer : public Unit {
public:
    LinkIn<WeightWrite> fill{*this, "fill"};            ///< Dma
    LinkIn<TileCommand> command{*this, "command"};      ///< Sequencer
    LinkOut<Token> released{*this, "released"};         ///< Sequencer: a slot is free again (streamed)
    LinkOut<WeightOperands> weights{*this, "weights"};  ///< PeArray
    sc_core::sc_out<Stall> starved_by{"starved_by"};    ///< why `weights` is not valid: dram or weights

    WeightBuffer(const sc_core::sc_module_name& name, const WeightBufferParams& params, RunRecord& record);

    void add_waves(WaveList& wave, const std::string& scope) const override;

    /// Begins in the middle of a batch, after reset: so many parts of weights have arrived and been used up (resident:
    /// 1 and 0). The caller puts those that are still to be used into memory().
    void restore(std::int64_t parts_filled, std::int64_t parts_used);
    [[nodiscard]] ZeroBytes& memory() { return memory_; }

private:
    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;
    void accept_fill();
    void assemble();
    void load_operands();
    void finish_tile();
    void finish_part();
    [[nodiscard]] bool streamed() const { return params_.storage == WeightStorage::streamed; }
    [[nodiscard]] bool tile_present() const;
    [[nodiscard]] std::int64_t slot_address() const;

    WeightBufferParams params_;
    RunRecord& record_;
    ZeroBytes memory_;
    CommandQueue commands_;
    std::int32_t tap_ = 0;                     ///< of the front command's tile, next to be loaded
    std::int32_t part_ = 0;                    ///< of that tile's weights, streamed
    const std::uint8_t* next_word_ = nullptr;  ///< where that tap's weights lie
    std::int32_t beats_ = 0;                   ///< of that tap's weights, read so far
    std::int64_t parts_filled_ = 0;            ///< parts of weights that have arrived (resident: 1 once all have)
    std::int64_t parts_used_ = 0;              ///< parts finished with
    std::uint32_t releases_ = 0;               ///< owed to the Sequencer
    WeightOperands operands_;
    bool reading_ = false;
    bool writing_ = false;
};

}  // namespace widthwise
