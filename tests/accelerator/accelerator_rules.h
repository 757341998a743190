// SPDX-License-Identifier: Apache-2.0
// Every rule of the timing on the links of the whole accelerator, which are found by their names.
#pragma once

#include <string>

#include "accelerator/activation_buffer/activation_buffer_rules.h"
#include "accelerator/dma/dma_rules.h"
#include "accelerator/dram/dram_rules.h"
#include "accelerator/pe_array/pe_array_rules.h"
#include "accelerator/pool_unit/pool_rules.h"
#include "accelerator/requant_unit/requant_rules.h"
#include "accelerator/residual_unit/residual_rules.h"
#include "accelerator/sequencer/sequencer_rules.h"
#include "schedule/schedule.h"

namespace widthwise::test {

/// A monitor of the link of this name in the module "accelerator".
template <typename T>
class FoundLink : public LinkMonitor<T> {
public:
    FoundLink(const std::string& link, Bench& bench)
        : LinkMonitor<T>((link + "_monitor").c_str(), bench, LinkWires<T>::find("accelerator." + link)) {}
};

/// Made when the accelerator is there, before the simulation begins. `starts`: the edges at which batches begin.
class AcceleratorRules {
public:
    AcceleratorRules(Bench& bench, const Schedule& schedule, const std::vector<std::uint64_t>& starts)
        : bench_(bench),
          sequencer_(bench, schedule,
                     {{&line_buffer_command_, &weight_buffer_command_, &pe_array_command_},
                      dma_command_,
                      dma_done_,
                      slot_released_,
                      strip_stored_,
                      starts}),
          dram_(bench, schedule.hardware.dram.latency, request_, read_data_),
          buffer_(
              bench, schedule.hardware.activation_buffer.ports,
              {{fill_request_, fill_data_}, {operand_request_, operands_}, {output_request_, output_data_}, results_}),
          array_(bench, schedule.hardware, {pe_array_command_, activations_, weights_, bias_, sums_}) {}

private:
    Bench& bench_;
    FoundLink<TileCommand> line_buffer_command_{"sequencer2line_buffer", bench_};
    FoundLink<TileCommand> weight_buffer_command_{"sequencer2weight_buffer", bench_};
    FoundLink<TileCommand> pe_array_command_{"sequencer2pe_array", bench_};
    FoundLink<DmaCommand> dma_command_{"sequencer2dma", bench_};
    FoundLink<Token> dma_done_{"dma2sequencer", bench_};
    FoundLink<Token> slot_released_{"weight_buffer2sequencer", bench_};
    FoundLink<Token> strip_stored_{"pool_unit2sequencer", bench_};
    FoundLink<DramRequest> request_{"dma2dram_request", bench_};
    FoundLink<Word> write_data_{"dma2dram_data", bench_};
    FoundLink<Word> read_data_{"dram2dma", bench_};
    FoundLink<WeightWrite> weight_writes_{"dma2weight_buffer", bench_};
    FoundLink<ActivationWrite> input_{"dma2activation_buffer", bench_};
    FoundLink<ActivationRead> output_request_{"dma2activation_buffer_read", bench_};
    FoundLink<Word> output_data_{"activation_buffer2dma", bench_};
    FoundLink<ActivationRead> fill_request_{"line_buffer2activation_buffer", bench_};
    FoundLink<Word> fill_data_{"activation_buffer2line_buffer", bench_};
    FoundLink<Activations> activations_{"line_buffer2pe_array", bench_};
    FoundLink<WeightOperands> weights_{"weight_buffer2pe_array", bench_};
    FoundLink<BiasOperands> bias_{"weight_buffer2pe_array_bias", bench_};
    FoundLink<Parameters> parameters_{"weight_buffer2requant_unit", bench_};
    FoundLink<PsumBeat> sums_{"pe_array2requant_unit", bench_};
    FoundLink<OutputBeat> outputs_{"requant_unit2pool_unit", bench_};
    FoundLink<OutputBeat> addends_{"requant_unit2residual_unit", bench_};
    FoundLink<ActivationRead> operand_request_{"residual_unit2activation_buffer", bench_};
    FoundLink<Word> operands_{"activation_buffer2residual_unit", bench_};
    FoundLink<OutputBeat> additions_{"residual_unit2pool_unit", bench_};
    FoundLink<ActivationWrite> results_{"pool_unit2activation_buffer", bench_};

    SequencerRules sequencer_;
    DmaRules dma_{bench_,
                  {dma_command_, dma_done_, request_, read_data_, write_data_, weight_writes_, input_, output_data_}};
    DramRules dram_;
    ActivationBufferRules buffer_;
    PeArrayRules array_;
    RequantRules requant_{bench_, {sums_, outputs_, addends_}};
    ResidualRules residual_{bench_, {addends_, operand_request_, operands_, additions_}};
    PoolRules pool_{bench_, {outputs_, additions_, results_, strip_stored_}};
};

}  // namespace widthwise::test
