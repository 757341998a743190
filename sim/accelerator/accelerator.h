// SPDX-License-Identifier: Apache-2.0
// The whole accelerator: the units of the block diagram and the links between them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "accelerator/activation_buffer/activation_buffer.h"
#include "accelerator/dma/dma.h"
#include "accelerator/dram/dram.h"
#include "accelerator/line_buffer/line_buffer.h"
#include "accelerator/pe_array/pe_array.h"
#include "accelerator/pool_unit/pool_unit.h"
#include "accelerator/requant_unit/requant_unit.h"
#include "accelerator/residual_unit/residual_unit.h"
#include "accelerator/sequencer/sequencer.h"
#include "accelerator/weight_buffer/weight_buffer.h"

namespace widthwise {

/// When a batch begins, and what has gone before it.
struct BatchStart {
    std::uint64_t cycle = 0;
    std::int64_t weight_parts = 0;  ///< fetched, streamed
};

class Accelerator : public sc_core::sc_module {
public:
    sc_core::sc_in<bool> clk{"clk"};
    sc_core::sc_in<bool> reset{"reset"};

    /// `record` collects the counts; it must have one entry per layer before the first start.
    Accelerator(const sc_core::sc_module_name& name, const HardwareParams& hardware, const sc_core::sc_time& period,
                RunRecord& record);

    /// Puts the network's weights into DRAM and lays out the space for images and results of a batch.
    void install(const Schedule& schedule);
    /// Runs one batch from the next edge on; `inputs` are the images' quantized bytes, one after the other. Every
    /// schedule started must have the weights (network, tiling, tap order) of the installed one.
    void start(const Schedule& schedule, std::span<const std::uint8_t> inputs, std::function<void()> on_done);
    /// Runs a part of a batch alone, after reset: from the next edge on, which is that of `timing.transfers.since`, the
    /// transfer in flight; then the part. The memories hold what they would.
    void start_part(const Schedule& schedule, const ClockedPart& part, const PartTiming& timing, const LayerMaps& maps,
                    const BatchStart& batch, std::function<void()> on_done);
    /// Whether the part, when it has ended, has stored `maps.output`.
    [[nodiscard]] bool has_stored(const Schedule& schedule, const ClockedPart& part, const LayerMaps& maps) const;
    /// The last batch's results, image after image.
    [[nodiscard]] std::vector<std::uint8_t> outputs(const Schedule& schedule) const;
    void set_probe(const ResultProbe& probe);

    /// `weight_bits`: of the PEs' weight registers, 8, or 9 where a network has such weights.
    void add_waves(WaveList& wave, int weight_bits);
    /// A word for the line buffer is on its way.
    [[nodiscard]] bool fills() const { return activation_buffer2line_buffer_.valid.read(); }

private:
    template <typename Self, typename Visitor>
    static void visit_links(Self& self, Visitor&& visit);
    void connect();
    [[nodiscard]] std::vector<Unit*> units();
    void lay_out(const Schedule& schedule);
    void restore_map(const MapPlace& place, const Placement& placement, const Shape& map, int images,
                     std::span<const std::uint8_t> values);
    void restore_strips(const LayerSchedule& layer, const ClockedPart& part, const TransferState& transfers,
                        const LayerMaps& maps);
    void restore_weights(const Schedule& schedule, const TransferState& transfers, std::int64_t parts_before);
    [[nodiscard]] bool holds_strip(const LayerSchedule& layer, int strip, std::span<const std::uint8_t> output) const;

    DramLayout layout_;
    LayerTable layers_;
    // Links, named after their two ends.
    Link<TileCommand> sequencer2line_buffer_{"sequencer2line_buffer"};
    Link<TileCommand> sequencer2weight_buffer_{"sequencer2weight_buffer"};
    Link<TileCommand> sequencer2pe_array_{"sequencer2pe_array"};
    Link<DmaCommand> sequencer2dma_{"sequencer2dma"};
    Link<Token> dma2sequencer_{"dma2sequencer"};
    Link<Token> weight_buffer2sequencer_{"weight_buffer2sequencer"};
    Link<Token> pool_unit2sequencer_{"pool_unit2sequencer"};
    Link<DramRequest> dma2dram_request_{"dma2dram_request"};
    Link<Word> dma2dram_data_{"dma2dram_data"};
    Link<Word> dram2dma_{"dram2dma"};
    Link<WeightWrite> dma2weight_buffer_{"dma2weight_buffer"};
    Link<ActivationWrite> dma2activation_buffer_{"dma2activation_buffer"};
    Link<ActivationRead> dma2activation_buffer_read_{"dma2activation_buffer_read"};
    Link<Word> activation_buffer2dma_{"activation_buffer2dma"};
    Link<ActivationRead> line_buffer2activation_buffer_{"line_buffer2activation_buffer"};
    Link<Word> activation_buffer2line_buffer_{"activation_buffer2line_buffer"};
    Link<Activations> line_buffer2pe_array_{"line_buffer2pe_array"};
    Link<WeightOperands> weight_buffer2pe_array_{"weight_buffer2pe_array"};
    Link<BiasOperands> weight_buffer2pe_array_bias_{"weight_buffer2pe_array_bias"};
    Link<Parameters> weight_buffer2requant_unit_{"weight_buffer2requant_unit"};
    Link<PsumBeat> pe_array2requant_unit_{"pe_array2requant_unit"};
    Link<OutputBeat> requant_unit2pool_unit_{"requant_unit2pool_unit"};
    Link<OutputBeat> requant_unit2residual_unit_{"requant_unit2residual_unit"};
    Link<ActivationRead> residual_unit2activation_buffer_{"residual_unit2activation_buffer"};
    Link<Word> activation_buffer2residual_unit_{"activation_buffer2residual_unit"};
    Link<OutputBeat> residual_unit2pool_unit_{"residual_unit2pool_unit"};
    Link<ActivationWrite> pool_unit2activation_buffer_{"pool_unit2activation_buffer"};
    sc_core::sc_signal<Stall> line_buffer_starved_by_{"line_buffer_starved_by", Stall::fill};
    sc_core::sc_signal<Stall> weight_buffer_starved_by_{"weight_buffer_starved_by", Stall::dram};
    sc_core::sc_signal<bool> computing_{"computing"};
    sc_core::sc_signal<bool> draining_{"draining"};

public:
    Sequencer sequencer;
    Dram dram;
    Dma dma;
    WeightBuffer weight_buffer;
    ActivationBuffer activation_buffer;
    LineBuffer line_buffer;
    PeArray pe_array;
    RequantUnit requant_unit;
    ResidualUnit residual_unit;
    PoolUnit pool_unit;
};

}  // namespace widthwise
