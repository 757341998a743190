// SPDX-License-Identifier: Apache-2.0
// Off-chip memory: a fixed latency, then `bytes_per_cycle` a cycle; one burst at a time; writes are posted.
#pragma once

#include <cstdint>
#include <vector>

#include "accelerator/link/counters.h"
#include "accelerator/link/link.h"
#include "accelerator/link/unit.h"

namespace widthwise {

class Dram : public Unit {
public:
    LinkIn<DramRequest> request{*this, "request"};
    LinkIn<Word> write_data{*this, "write_data", Ready::withheld};
    LinkOut<Word> read_data{*this, "read_data"};

    Dram(const sc_core::sc_module_name& name, const DramParams& params, RunRecord& record);

    void add_waves(WaveList& wave, const std::string& scope) const override;

    /// The memory's content, for whoever puts images in and takes results out. Grown by the user of the model.
    std::vector<std::uint8_t> memory;

private:
    enum class State : std::uint8_t { idle, latency, read, write };

    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;
    void accept_request();
    void send_word();
    void receive_word();

    DramParams params_;
    RunRecord& record_;
    State state_ = State::idle;
    DramRequest burst_;
    std::int32_t wait_ = 0;        ///< cycles of latency left
    std::int64_t done_bytes_ = 0;  ///< of the burst
    Word word_;
};

}  // namespace widthwise
