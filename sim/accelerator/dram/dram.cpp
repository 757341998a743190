// SPDX-License-Identifier: Apache-2.0
#include "accelerator/dram/dram.h"

#include <algorithm>

namespace widthwise {

Dram::Dram(const sc_core::sc_module_name& name, const DramParams& params, RunRecord& record)
    : Unit(name), params_(params), record_(record) {}

void Dram::do_reset() {
    state_ = State::idle;
    wait_ = 0;
    done_bytes_ = 0;
}

void Dram::step() {
    if (read_data.transferring()) read_data.clear();
    switch (state_) {
        case State::idle:
            if (request.transferring()) accept_request();
            break;
        case State::latency:
            if (--wait_ == 0) state_ = State::read;
            break;
        case State::read: send_word(); break;
        case State::write: receive_word(); break;
    }
}

void Dram::accept_request() {
    burst_ = request.data();
    done_bytes_ = 0;
    request.drive_ready(false);
    if (burst_.write) {
        state_ = State::write;
        write_data.drive_ready(true);
    } else {
        wait_ = params_.latency;
        state_ = State::latency;
    }
}

void Dram::send_word() {
    if (!read_data.can_load()) return;
    const auto count = static_cast<int>(std::min<std::int64_t>(params_.bytes_per_cycle, burst_.bytes - done_bytes_));
    word_.bytes.count = count;
    std::copy_n(memory.begin() + burst_.address + done_bytes_, count, word_.bytes.values.begin());
    done_bytes_ += count;
    word_.last = done_bytes_ == burst_.bytes;
    read_data.load(word_);
    record_of(record_, burst_.layer).events[Event::dram_read] += static_cast<std::uint64_t>(count);
    if (word_.last) {
        state_ = State::idle;
        request.drive_ready(true);
    }
}

void Dram::receive_word() {
    if (!write_data.transferring()) return;
    const Word& word = write_data.data();
    std::copy_n(word.bytes.values.begin(), word.bytes.count, memory.begin() + burst_.address + done_bytes_);
    done_bytes_ += word.bytes.count;
    record_of(record_, burst_.layer).events[Event::dram_write] += static_cast<std::uint64_t>(word.bytes.count);
    if (done_bytes_ >= burst_.bytes) {
        state_ = State::idle;
        write_data.drive_ready(false);
        request.drive_ready(true);
    }
}

bool Dram::works() const { return state_ != State::idle; }

void Dram::add_waves(WaveList& wave, const std::string& scope) const {
    static constexpr std::array<std::string_view, 4> kStates = {"IDLE", "LATENCY", "READ", "WRITE"};
    wave.add_words(scope, "state", state_, kStates);
    wave.add(scope, "wait", wait_, 17);
    wave.add(scope, "done_bytes", done_bytes_, 32);
}

}  // namespace widthwise
