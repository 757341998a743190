// SPDX-License-Identifier: Apache-2.0
// Moves bytes between the Dram and the on-chip buffers, one command at a time.
#pragma once

#include <cstdint>

#include "accelerator/link/counters.h"
#include "accelerator/link/link.h"
#include "accelerator/link/unit.h"

namespace widthwise {

class Dma : public Unit {
public:
    LinkIn<DmaCommand> command{*this, "command"};
    LinkOut<Token> done{*this, "done"};  ///< one per command, kind = DmaCommand::Kind
    LinkOut<DramRequest> request{*this, "request"};
    LinkIn<Word> read_data{*this, "read_data", Ready::combinational};
    LinkOut<Word> write_data{*this, "write_data"};
    LinkOut<WeightWrite> weights{*this, "weights"};
    LinkOut<ActivationWrite> input{*this, "input"};
    LinkOut<ActivationRead> output_request{*this, "output_request"};
    LinkIn<Word> output_data{*this, "output_data", Ready::combinational};

    Dma(const sc_core::sc_module_name& name, const DramParams& params);

    void add_waves(WaveList& wave, const std::string& scope) const override;
    /// "fetch", "store" or "report" (a transfer's end, to the Sequencer); "" while idle.
    [[nodiscard]] std::string_view transfer() const;

private:
    /// report: the last word has left, but the token of the command before has not been taken yet.
    enum class State : std::uint8_t { idle, fetch, store, report };

    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;
    void drive_ready();
    void begin();
    void fetch();
    void store();
    void finish();
    void forward_weights(const Word& word);
    void forward_input(const Word& word);
    [[nodiscard]] std::int64_t next_address();

    DramParams params_;
    void enter(State state);

    State state_ = State::idle;
    sc_core::sc_signal<bool> fetching_{"fetching"};  ///< state_ as drive_ready() sees it
    sc_core::sc_signal<bool> storing_{"storing"};
    DmaCommand current_;
    std::int64_t requested_ = 0;  ///< bytes asked of the activation buffer
    std::int64_t moved_ = 0;      ///< bytes handed on
    // Of input that comes in lines: where the next byte belongs.
    std::int32_t line_byte_ = 0;
    std::int32_t channel_ = 0;
    std::int64_t row_address_ = 0;  ///< of the row's first channel
    WeightWrite weight_write_;
    ActivationWrite activation_write_;
};

}  // namespace widthwise
