// SPDX-License-Identifier: Apache-2.0
// On-chip SRAM for feature maps: ping-pong halves for a chain of layers, placed by lifetime where layers branch. With
// two ports it serves a read and a write of the datapath in the same cycle; with one, writes go first and reads wait.
// The Dma has a port beside them: what it moves belongs to another strip.
#pragma once

#include <cstdint>

#include "accelerator/buffer/buffer.h"
#include "accelerator/link/link.h"

namespace widthwise {

class ActivationBuffer : public Buffer {
public:
    LinkIn<ActivationRead> fill_request{*this, "fill_request", Ready::combinational};  ///< LineBuffer
    LinkOut<Word> fill_data{*this, "fill_data"};
    LinkIn<ActivationRead> operand_request{*this, "operand_request", Ready::combinational};  ///< ResidualUnit
    LinkOut<Word> operand_data{*this, "operand_data"};
    LinkIn<ActivationRead> output_request{*this, "output_request", Ready::combinational};  ///< Dma
    LinkOut<Word> output_data{*this, "output_data"};
    LinkIn<ActivationWrite> results{*this, "results", Ready::combinational};  ///< PoolUnit
    LinkIn<ActivationWrite> input{*this, "input", Ready::combinational};      ///< Dma

    ActivationBuffer(const sc_core::sc_module_name& name, const ActivationBufferParams& params, RunRecord& record);

private:
    void step() override;
    /// Who gets the port(s) of the datapath: results on the write side; residual operands, then fill, on the read side.
    /// The Dma has a port of its own.
    void arbitrate();
    void serve(LinkIn<ActivationRead>& request, LinkOut<Word>& data);
    void commit(const ActivationWrite& write);

    ActivationBufferParams params_;
    Word word_;
};

}  // namespace widthwise
