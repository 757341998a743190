// SPDX-License-Identifier: Apache-2.0
// Adds a second feature map to the stream of results: reads its operand from the activation buffer, rescales both,
// adds, rounds. Layers without a residual addition go past it.
#pragma once

#include <array>
#include <deque>

#include "accelerator/link/counters.h"
#include "accelerator/link/layer_table.h"
#include "accelerator/link/link.h"
#include "accelerator/link/unit.h"
#include "accelerator/requant_unit/requant_unit.h"

namespace widthwise {

class ResidualUnit : public Unit {
public:
    LinkIn<OutputBeat> values{*this, "values", Ready::combinational};   ///< RequantUnit
    LinkOut<ActivationRead> operand_request{*this, "operand_request"};  ///< ActivationBuffer
    LinkIn<Word> operands{*this, "operands", Ready::combinational};     ///< ActivationBuffer
    LinkOut<OutputBeat> outputs{*this, "outputs"};                      ///< PoolUnit

    ResidualUnit(const sc_core::sc_module_name& name, const RequantParams& params, const LayerTable& layers,
                 RunRecord& record);

    void add_waves(WaveList& wave, const std::string& scope) const override;

    ResultProbe probe;

private:
    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;
    void drive_ready();
    void request(const OutputBeat& beat);
    void add(const OutputBeat& beat, const std::uint8_t* bytes);
    void put_out();

    int lanes_;
    const LayerTable& layers_;
    RunRecord& record_;
    std::deque<OutputBeat> waiting_;  ///< beats whose operands have been asked for, or are constants: at most three
    // The register between the adder and the rounding shifter.
    bool summed_valid_ = false;
    ResultPosition position_;
    int count_ = 0;
    std::array<std::int64_t, kMaxLanes> sum_{};
    std::array<float, kMaxLanes> real_{};  ///< in the float32 mode
    ActivationRead read_;
    OutputBeat output_;
};

}  // namespace widthwise
