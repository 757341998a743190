// SPDX-License-Identifier: Apache-2.0
#include "accelerator/sequencer/sequencer.h"

#include <array>
#include <utility>

namespace widthwise {

Sequencer::Sequencer(const sc_core::sc_module_name& name, const sc_core::sc_time& period, RunRecord& record)
    : Unit(name), period_(period), record_(record) {}

void Sequencer::start(const Schedule& schedule, const DramLayout& layout, std::function<void()> on_done) {
    schedule_ = &schedule;
    layout_ = layout;
    on_done_ = std::move(on_done);
    start_requested_ = true;
    start_event_.notify(sc_core::SC_ZERO_TIME);
}

std::uint64_t Sequencer::cycle() const { return sc_core::sc_time_stamp().value() / period_.value(); }

void Sequencer::do_reset() {
    state_ = State::idle;
    weights_loaded_ = false;
    layer_ = 0;
    prefetched_ = 0;
    slots_free_ = 2;
    line_buffer.clear();
    weight_buffer.clear();
    pe_array.clear();
    dma.clear();
    dma_done.drive_ready(true);
    slot_released.drive_ready(true);
    layer_stored.drive_ready(true);
}

void Sequencer::step() {
    acted_ = dma_loaded_ = false;
    if (dma.transferring()) {
        dma.clear();
        acted_ = true;
    }
    if (slot_released.transferring()) ++slots_free_;
    switch (state_) {
        case State::idle:
            if (start_requested_) begin();
            break;
        case State::setup:
            if (dma_done.transferring()) {
                weights_loaded_ = true;
                end_phase(record_.setup);
                begin_load();
            }
            break;
        case State::load:
            // The input is moved first; weight tiles may follow at once and end in any state.
            if (dma_done.transferring() && dma_done.data().kind == static_cast<std::uint8_t>(DmaCommand::Kind::input)) {
                end_phase(record_.load);
                begin_layer(0);
            }
            break;
        case State::fill:
        case State::compute:
        case State::drain: follow_layer(); break;
        case State::store:
            if (dma_done.transferring() &&
                dma_done.data().kind == static_cast<std::uint8_t>(DmaCommand::Kind::output)) {
                end_phase(record_.store);
                finish();
            }
            break;
    }
    if (schedule_ != nullptr && state_ != State::idle && state_ != State::setup) prefetch_weights();
}

void Sequencer::begin() {
    start_requested_ = false;
    phase_start_ = cycle();
    record_.images += static_cast<std::uint64_t>(schedule_->images);
    if (!streamed() && !weights_loaded_) {
        state_ = State::setup;
        issue_dma(DmaCommand::Kind::weights, kSetupPhase, layout_.weights, 0, schedule_->weight_bytes);
        if (schedule_->weight_bytes > 0) return;
        dma.clear();  // a network of pooling layers only
        weights_loaded_ = true;
    }
    begin_load();
}

void Sequencer::begin_load() {
    state_ = State::load;
    prefetch_ = WeightFetchCursor(schedule_->layers);
    issue_dma(DmaCommand::Kind::input, kLoadPhase, layout_.input, schedule_->input.address, schedule_->input_bytes);
}

void Sequencer::begin_layer(int layer) {
    layer_ = layer;
    state_ = State::fill;
    acted_ = true;
    const LayerSchedule& begun = schedule_->layers[static_cast<std::size_t>(layer_)];
    for (auto* next : {&next_for_line_buffer_, &next_for_weight_buffer_, &next_for_pe_array_}) next->emplace(begun);
    tiles_for_pe_array_ = 0;
    issue_tiles();
}

void Sequencer::follow_layer() {
    // Until the array has taken its first command, what it shows is the end of the layer before.
    const bool array_begun = tiles_for_pe_array_ > 1 || !pe_array.valid();
    issue_tiles();
    if (array_begun) state_ = computing.read() ? State::compute : draining.read() ? State::drain : State::fill;
    if (!layer_stored.transferring()) return;
    LayerRecord& record = record_.layers[static_cast<std::size_t>(layer_)];
    end_phase(record);
    if (layer_ + 1 < static_cast<int>(schedule_->layers.size())) begin_layer(layer_ + 1);
    else begin_store();
}

/// Each unit takes its commands at its own pace; all of them see the same tiles in the same order.
void Sequencer::issue_tiles() {
    issue_tile(line_buffer, next_for_line_buffer_);
    issue_tile(weight_buffer, next_for_weight_buffer_);
    if (issue_tile(pe_array, next_for_pe_array_)) ++tiles_for_pe_array_;
}

bool Sequencer::issue_tile(LinkOut<TileCommand>& link, std::optional<TileCursor>& next) {
    if (!link.can_load()) return false;
    if (!next) {
        if (link.valid()) {
            link.clear();
            acted_ = true;
        }
        return false;
    }
    const LayerSchedule& layer = schedule_->layers[static_cast<std::size_t>(layer_)];
    link.load(TileCommand{&layer, next->index(), next->number(), next->ends_weights()});
    if (!next->next()) next.reset();
    acted_ = true;
    return true;
}

void Sequencer::begin_store() {
    state_ = State::store;
    issue_dma(DmaCommand::Kind::output, kStorePhase, layout_.output, schedule_->output.address,
              schedule_->output_bytes);
}

void Sequencer::finish() {
    state_ = State::idle;
    if (on_done_) on_done_();
}

void Sequencer::issue_dma(DmaCommand::Kind kind, int layer, std::int64_t dram_address, std::int64_t address,
                          std::int64_t bytes) {
    DmaCommand command;
    command.kind = kind;
    command.layer = layer;
    command.dram_address = dram_address;
    command.address = address;
    command.bytes = bytes;
    dma.load(command);
    acted_ = dma_loaded_ = true;
}

/// Streamed weights: as soon as one of the two slots is free the next part is fetched, across layers, within a batch
/// (so that every batch takes the same time).
void Sequencer::prefetch_weights() {
    if (!streamed() || slots_free_ == 0 || dma_loaded_ || !dma.can_load() || prefetch_.at_end()) return;
    const std::int64_t slot = prefetched_ % 2 * (schedule_->hardware.weight_buffer.bytes / 2);
    issue_dma(DmaCommand::Kind::weights, prefetch_.layer().index, layout_.weights + prefetch_.address(), slot,
              prefetch_.bytes());
    prefetch_.next();
    ++prefetched_;
    --slots_free_;
}

/// Closes the running phase at this edge; the next one begins at the same edge. What neither a tap nor a counted stall
/// took is waiting for DRAM around the layers, and start-up and the last results' way in a layer.
void Sequencer::end_phase(LayerRecord& record) {
    const std::uint64_t now = cycle();
    const std::uint64_t cycles = now - phase_start_;
    phase_start_ = now;
    record.cycles.total += cycles;
    std::uint64_t counted = record.cycles.compute;
    for (const std::uint64_t stall : record.cycles.stalls) counted += stall;
    record.cycles[layer() ? Stall::drain : Stall::dram] += record.cycles.total - counted;
    const auto& array = schedule_->hardware.array;
    record.events[Event::clock] += cycles;
    record.events[Event::pe_idle] = record.cycles.total * static_cast<std::uint64_t>(array.rows * array.columns) -
                                    record.events[Event::mac_multiply] - record.events[Event::mac_gated];
}

bool Sequencer::idle() const {
    return !acted_ && !dma_done.valid() && !slot_released.valid() && !layer_stored.valid() &&
           !(state_ == State::idle && start_requested_);
}

void Sequencer::wake_events(sc_core::sc_event_or_list& events) const {
    events |= start_event_;
    for (const LinkOut<TileCommand>* link : {&line_buffer, &weight_buffer, &pe_array}) {
        events |= link->ready_rises();
    }
    events |= dma.ready_rises();
    events |= dma_done.valid_rises();
    events |= slot_released.valid_rises();
    events |= layer_stored.valid_rises();
    events |= computing.value_changed_event();
    events |= draining.value_changed_event();
}

namespace {
constexpr std::array<std::string_view, 7> kStates = {"IDLE", "SETUP", "LOAD", "FILL", "COMPUTE", "DRAIN", "STORE"};
}

std::string_view Sequencer::phase() const { return kStates[static_cast<std::size_t>(state_)]; }

std::optional<std::int32_t> Sequencer::layer() const {
    const bool in_layer = state_ == State::fill || state_ == State::compute || state_ == State::drain;
    return in_layer ? std::optional(layer_) : std::nullopt;
}

void Sequencer::add_waves(WaveList& wave, const std::string& scope) const {
    wave.add_words(scope, "state", state_, kStates);
    wave.add(scope, "layer", layer_, 16);
    wave.add(scope, "slots_free", slots_free_, 3);
}

}  // namespace widthwise
