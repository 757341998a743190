// SPDX-License-Identifier: Apache-2.0
#include "accelerator/dma/dma.h"

#include <algorithm>

namespace widthwise {

Dma::Dma(const sc_core::sc_module_name& name, const DramParams& params) : Unit(name), params_(params) {
    SC_HAS_PROCESS(Dma);
    SC_METHOD(drive_ready);
    sensitive << fetching_ << storing_ << weights.valid_changed() << weights.ready_changed() << input.valid_changed()
              << input.ready_changed() << write_data.valid_changed() << write_data.ready_changed();
}

/// A word is taken when the register that it moves to is free.
void Dma::drive_ready() {
    read_data.drive_ready(fetching_.read() && weights.can_load() && input.can_load());
    output_data.drive_ready(storing_.read() && write_data.can_load());
}

void Dma::enter(State state) {
    state_ = state;
    fetching_.write(state == State::fetch);
    storing_.write(state == State::store);
}

void Dma::do_reset() {
    enter(State::idle);
    requested_ = moved_ = 0;
}

void Dma::step() {
    if (done.transferring()) done.clear();
    if (request.transferring()) request.clear();
    switch (state_) {
        case State::idle:
            if (command.transferring()) begin();
            break;
        case State::fetch: fetch(); break;
        case State::store: store(); break;
        case State::report: finish(); break;
    }
}

void Dma::begin() {
    current_ = command.data();
    requested_ = moved_ = 0;
    line_byte_ = channel_ = 0;
    row_address_ = current_.address;
    command.drive_ready(false);
    const bool output = current_.kind == DmaCommand::Kind::output;
    DramRequest burst;
    burst.write = output;
    burst.layer = current_.layer;
    burst.address = current_.dram_address;
    burst.bytes = current_.bytes;
    request.load(burst);
    enter(output ? State::store : State::fetch);
}

void Dma::fetch() {
    const bool to_weights = current_.kind == DmaCommand::Kind::weights;
    const bool last_left = moved_ == current_.bytes && (to_weights ? weights.transferring() : input.transferring());
    if (weights.transferring()) weights.clear();
    if (input.transferring()) input.clear();
    if (last_left) {
        finish();
    } else if (read_data.transferring()) {
        if (to_weights) forward_weights(read_data.data());
        else forward_input(read_data.data());
    }
}

void Dma::forward_weights(const Word& word) {
    weight_write_.layer = current_.layer;
    weight_write_.address = static_cast<std::int32_t>(current_.address + moved_);
    weight_write_.bytes = word.bytes;
    moved_ += word.bytes.count;
    weight_write_.last = moved_ == current_.bytes;
    weights.load(weight_write_);
}

void Dma::forward_input(const Word& word) {
    activation_write_.layer = current_.layer;
    activation_write_.addresses.count = activation_write_.bytes.count = word.bytes.count;
    for (int i = 0; i < word.bytes.count; ++i) {
        activation_write_.addresses[i] = static_cast<std::int32_t>(next_address());
        activation_write_.bytes[i] = word.bytes[i];
    }
    moved_ += word.bytes.count;
    input.load(activation_write_);
}

/// Of the next byte of the input.
std::int64_t Dma::next_address() {
    const std::int64_t address = row_address_ + channel_ * current_.channel_stride + line_byte_;
    ++line_byte_;
    if (line_byte_ == current_.line_bytes) {
        line_byte_ = 0;
        if (++channel_ == current_.channels) {
            channel_ = 0;
            row_address_ += current_.row_stride;
        }
    }
    return address;
}

void Dma::store() {
    if (output_request.can_load()) {
        if (requested_ < current_.bytes) {
            ActivationRead read;
            read.layer = current_.layer;
            read.address = static_cast<std::int32_t>(current_.address + requested_);
            read.bytes = static_cast<int>(std::min<std::int64_t>(params_.bytes_per_cycle, current_.bytes - requested_));
            requested_ += read.bytes;
            output_request.load(read);
        } else {
            output_request.clear();
        }
    }
    const bool last_left = moved_ == current_.bytes && write_data.transferring();
    if (write_data.transferring()) write_data.clear();
    if (output_data.transferring()) {
        const Word& word = output_data.data();
        moved_ += word.bytes.count;
        write_data.load(word);
    }
    if (last_left) finish();
}

void Dma::finish() {
    if (!done.can_load()) {
        enter(State::report);
        return;
    }
    enter(State::idle);
    command.drive_ready(true);
    done.load(Token{static_cast<std::uint8_t>(current_.kind)});
}

bool Dma::works() const { return state_ != State::idle; }

std::string_view Dma::transfer() const {
    static constexpr std::array<std::string_view, 4> kNames = {"", "fetch", "store", "report"};
    return kNames[static_cast<std::size_t>(state_)];
}

void Dma::add_waves(WaveList& wave, const std::string& scope) const {
    static constexpr std::array<std::string_view, 4> kStates = {"IDLE", "FETCH", "STORE", "REPORT"};
    wave.add_words(scope, "state", state_, kStates);
    wave.add(scope, "requested", requested_, 32);
    wave.add(scope, "moved", moved_, 32);
}

}  // namespace widthwise
