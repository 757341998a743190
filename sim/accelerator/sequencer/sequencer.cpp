// SPDX-License-Identifier: Apache-2.0
#include "accelerator/sequencer/sequencer.h"

#include <array>
#include <utility>

namespace widthwise {
namespace {

DmaCommand command_of(DmaCommand::Kind kind, int layer, std::int64_t dram_address, std::int64_t address,
                      std::int64_t bytes) {
    DmaCommand command;
    command.kind = kind;
    command.layer = layer;
    command.dram_address = dram_address;
    command.address = address;
    command.bytes = bytes;
    return command;
}

}  // namespace

Sequencer::Sequencer(const sc_core::sc_module_name& name, const sc_core::sc_time& period, RunRecord& record)
    : Unit(name), period_(period), record_(record) {}

void Sequencer::start(const Schedule& schedule, const DramLayout& layout, std::function<void()> on_done) {
    schedule_ = &schedule;
    layout_ = layout;
    on_done_ = std::move(on_done);
    resumption_.reset();
    start_requested_ = true;
    start_event_.notify(sc_core::SC_ZERO_TIME);
}

std::uint64_t Sequencer::cycle() const { return sc_core::sc_time_stamp().value() / period_.value(); }

void Sequencer::do_reset() {
    state_ = State::idle;
    weights_loaded_ = false;
    layer_ = 0;
    prefetched_ = 0;
    slots_free_ = kStreamedWeightPlaces;
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
        case State::resume: follow_resume(); break;
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
        case State::wait:
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
    if (schedule_ != nullptr && state_ != State::idle && state_ != State::setup) issue_transfers();
}

void Sequencer::begin() {
    start_requested_ = false;
    if (resumption_) {
        begin_resume();
        return;
    }
    phase_start_ = cycle();
    record_.images += static_cast<std::uint64_t>(schedule_->images);
    const bool loads_weights = !streamed() && !weights_loaded_ && schedule_->weight_bytes > 0;
    if (!loads_weights) {
        begin_load();
        return;
    }
    state_ = State::setup;
    issue_dma(command_of(DmaCommand::Kind::weights, kSetupPhase, layout_.weights, 0, schedule_->weight_bytes));
}

void Sequencer::begin_load() {
    prefetch_ = WeightFetchCursor(schedule_->layers);
    if (schedule_->input_in_strips) {
        begin_layer(0);
        return;
    }
    state_ = State::load;
    issue_dma(command_of(DmaCommand::Kind::input, kLoadPhase, layout_.input, schedule_->input.address,
                         schedule_->input_bytes));
}

void Sequencer::begin_layer(int layer) {
    layer_ = layer;
    state_ = State::wait;
    acted_ = true;
    wait_start_ = cycle();
    strip_ = fetches_issued_ = fetches_done_ = stores_issued_ = stores_done_ = 0;
    try_begin_strip();
}

void Sequencer::try_begin_strip() {
    const LayerSchedule& layer = current();
    const Strip& strip = layer.strips[strip_];
    // Results go where those of the strip before lay, or of the one before that.
    const int freed = strip_ - layer.strip_places();
    if (fetches_done_ < strip.end_fetch || (freed >= 0 && stores_done_ < layer.strips[freed].end_store)) return;
    record_.layers[layer_].cycles[Stall::dram] += cycle() - wait_start_;
    if (resumption_ && strip_ == resumption_->part.end_strip) {
        end_phase(record_.layers[layer_]);
        finish();
        return;
    }
    state_ = State::fill;
    acted_ = true;
    for (auto* next : {&next_for_line_buffer_, &next_for_weight_buffer_, &next_for_pe_array_}) {
        next->emplace(layer, strip_);
    }
    tiles_for_pe_array_ = 0;
    issue_tiles();
}

void Sequencer::follow_layer() {
    take_transfer();
    if (state_ != State::wait) follow_strip();
    else if (strip_ < static_cast<int>(current().strips.size())) try_begin_strip();
    else end_layer_if_done();
}

/// A fetch or a store of the layer has ended.
void Sequencer::take_transfer() {
    if (!dma_done.transferring()) return;
    const auto kind = static_cast<DmaCommand::Kind>(dma_done.data().kind);
    if (kind == DmaCommand::Kind::input) ++fetches_done_;
    if (kind == DmaCommand::Kind::output) ++stores_done_;
}

void Sequencer::follow_strip() {
    // Until the array has taken its first command, what it shows is the end of the strip before.
    const bool array_begun = tiles_for_pe_array_ > 1 || !pe_array.valid();
    issue_tiles();
    if (array_begun) state_ = computing.read() ? State::compute : draining.read() ? State::drain : State::fill;
    if (strip_stored.transferring()) end_strip();
}

void Sequencer::end_strip() {
    state_ = State::wait;
    wait_start_ = cycle();
    if (++strip_ < static_cast<int>(current().strips.size())) try_begin_strip();
    else end_layer_if_done();
}

void Sequencer::end_layer_if_done() {
    if (stores_done_ < static_cast<int>(current().stores.size())) return;
    LayerRecord& record = record_.layers[layer_];
    record.cycles[Stall::dram] += cycle() - wait_start_;
    end_phase(record);
    if (resumption_) finish();
    else if (layer_ + 1 < static_cast<int>(schedule_->layers.size())) begin_layer(layer_ + 1);
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
    const TileCommand command{layer_, next->strip(), next->index(), next->number(), next->ends_weights()};
    check_wires(command);
    link.load(command);
    if (!next->next()) next.reset();
    acted_ = true;
    return true;
}

void Sequencer::begin_store() {
    if (schedule_->output_in_strips) {
        finish();
        return;
    }
    state_ = State::store;
    issue_dma(command_of(DmaCommand::Kind::output, kStorePhase, layout_.output, schedule_->output.address,
                         schedule_->output_bytes));
}

void Sequencer::finish() {
    state_ = State::idle;
    if (on_done_) on_done_();
}

void Sequencer::issue_dma(const DmaCommand& command) {
    check_wires(command);
    dma.load(command);
    acted_ = dma_loaded_ = true;
}

/// One command at an edge. Weights go first, since the array stands still without them; then what strips read, then
/// what they have made.
void Sequencer::issue_transfers() {
    if (dma_loaded_ || !dma.can_load()) return;
    if (issue_weights()) return;
    if (layer() && !issue_fetch()) issue_store();
}

/// Streamed: as soon as one of the two slots is free the next part is fetched, across layers, within a batch (so that
/// every batch takes the same time).
bool Sequencer::issue_weights() {
    if (!streamed() || slots_free_ == 0 || prefetch_.at_end()) return false;
    issue_weights_command();
    return true;
}

void Sequencer::issue_weights_command() {
    issue_dma(command_of(DmaCommand::Kind::weights, prefetch_.layer().index, layout_.weights + prefetch_.address(),
                         weight_places(schedule_->hardware.weight_buffer).address(prefetched_), prefetch_.bytes()));
    prefetch_.next();
    ++prefetched_;
    --slots_free_;
}

/// For the strip that is begun next; or for the one behind the strip that is worked on, where there is room for both.
bool Sequencer::issue_fetch() {
    const LayerSchedule& layer = current();
    if (fetches_issued_ == static_cast<int>(layer.fetches.size())) return false;
    if (layer.fetches[fetches_issued_].strip >= strip_ + layer.strip_places()) return false;
    issue_fetch_command();
    return true;
}

void Sequencer::issue_fetch_command() {
    const Transfer& transfer = current().fetches[fetches_issued_];
    DmaCommand command = command_of(DmaCommand::Kind::input, layer_, layout_.of(transfer.area) + transfer.offset,
                                    transfer.address, transfer.bytes);
    command.line_bytes = transfer.line_bytes;
    command.channels = transfer.channels;
    command.channel_stride = transfer.channel_stride;
    command.row_stride = transfer.row_stride;
    issue_dma(command);
    ++fetches_issued_;
}

/// Of the strips that have been worked on.
bool Sequencer::issue_store() {
    const LayerSchedule& layer = current();
    if (stores_issued_ == static_cast<int>(layer.stores.size())) return false;
    if (layer.stores[stores_issued_].strip >= strip_) return false;
    issue_store_command();
    return true;
}

void Sequencer::issue_store_command() {
    const Transfer& transfer = current().stores[stores_issued_];
    issue_dma(command_of(DmaCommand::Kind::output, layer_, layout_.of(transfer.area) + transfer.offset,
                         transfer.address, transfer.bytes));
    ++stores_issued_;
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

bool Sequencer::works() const {
    return acted_ || state_ == State::resume || (state_ == State::idle && start_requested_);
}

void Sequencer::add_wake_events(sc_core::sc_event_or_list& events) const {
    events |= start_event_;
    events |= computing.value_changed_event();
    events |= draining.value_changed_event();
}

namespace {
constexpr std::array<std::string_view, 9> kStates = {"IDLE",  "SETUP", "LOAD", "FILL",  "COMPUTE",
                                                     "DRAIN", "STORE", "WAIT", "RESUME"};
}

std::string_view Sequencer::phase() const { return kStates[static_cast<std::size_t>(state_)]; }

std::optional<std::int32_t> Sequencer::layer() const {
    const bool in_layer = (state_ == State::resume && batch_edge() >= resumption_->timing.layer_begin) ||
                          state_ == State::fill || state_ == State::compute || state_ == State::drain ||
                          state_ == State::wait;
    return in_layer ? std::optional(layer_) : std::nullopt;
}

void Sequencer::add_waves(WaveList& wave, const std::string& scope) const {
    wave.add_words(scope, "state", state_, kStates);
    wave.add(scope, "layer", layer_, 16);
    wave.add(scope, "slots_free", slots_free_, 3);
}

}  // namespace widthwise
