// SPDX-License-Identifier: Apache-2.0
#include "schedule/dma_timer.h"

#include <algorithm>

#include "common/error.h"
#include "schedule/timing_rules.h"

namespace widthwise {

Edge words(std::int64_t bytes, int per_cycle) { return (bytes + per_cycle - 1) / per_cycle; }

Edge fetch_edges(const DramParams& dram, std::int64_t bytes) {
    // Of the words the first comes with the answer.
    return edges(Rule::request) + edges(Rule::answer) + dram.latency + words(bytes, dram.bytes_per_cycle) - 1 +
           edges(Rule::move);
}

Edge store_edges(const DramParams& dram, std::int64_t bytes) {
    return edges(Rule::request) + edges(Rule::grant) + edges(Rule::arrive) + words(bytes, dram.bytes_per_cycle) - 1 +
           edges(Rule::move);
}

DmaTimer::DmaTimer(const Schedule& schedule)
    : schedule_(schedule),
      streamed_(schedule.hardware.weight_buffer.storage == WeightStorage::streamed),
      weights_(weight_places(schedule.hardware.weight_buffer).count, 0, 0) {
    if (streamed_) fetch_ = WeightFetchCursor(schedule.layers);
}

Edge DmaTimer::load_input() {
    accept_ = edges(Rule::command);
    finish_ = accept_ + fetch_edges(schedule_.hardware.dram, schedule_.input_bytes);
    return finish_ + edges(Rule::report);
}

std::optional<Edge> DmaTimer::ready(TransferKind kind) const {
    if (kind == TransferKind::weights) {
        if (!streamed_ || fetch_.at_end()) return std::nullopt;
        return weights_.place_free(static_cast<std::int64_t>(arrivals_.size()));
    }
    if (layer_ == nullptr) return std::nullopt;
    if (kind == TransferKind::fetch) {
        if (fetched_.size() == layer_->fetches.size()) return std::nullopt;
        return strips_.place_free(layer_->fetches[fetched_.size()].strip);
    }
    if (stored_.size() == layer_->stores.size()) return std::nullopt;
    return strips_.given_up(layer_->stores[stored_.size()].strip);
}

/// A command waits in the Sequencer's register from the edge at which the one before was taken, once it may go.
std::optional<DmaTimer::Command> DmaTimer::next() const {
    std::optional<Command> next;
    for (const TransferKind kind : {TransferKind::weights, TransferKind::fetch, TransferKind::store}) {
        const std::optional<Edge> from = ready(kind);
        if (!from || (next && std::max(accept_, *from) >= next->commanded)) continue;
        next = Command{kind, std::max(accept_, *from)};
    }
    return next;
}

void DmaTimer::advance() {
    const std::optional<Command> command = next();
    if (!command) throw SimulationError("the Dma waits for a transfer that nothing allows");
    accept_ = std::max(command->commanded, finish_) + edges(Rule::command);
    kind_ = command->kind;
    run(command->kind);
}

void DmaTimer::run(TransferKind kind) {
    const DramParams& dram = schedule_.hardware.dram;
    switch (kind) {
        case TransferKind::weights:
            finish_ = accept_ + fetch_edges(dram, fetch_.bytes());
            fetch_.next();
            arrivals_.push_back(finish_);
            return;
        case TransferKind::fetch:
            finish_ = accept_ + fetch_edges(dram, layer_->fetches[fetched_.size()].bytes);
            fetched_.push_back(finish_ + edges(Rule::report));
            return;
        case TransferKind::store:
            finish_ = accept_ + store_edges(dram, layer_->stores[stored_.size()].bytes);
            stored_.push_back(finish_ + edges(Rule::report));
            return;
    }
}

Edge DmaTimer::next_weights() {
    ++awaited_;
    while (arrivals_.size() < awaited_) advance();
    return arrivals_[awaited_ - 1];
}

void DmaTimer::release_weights(Edge edge) { weights_.give_up(weights_.first_held() + 1, edge + edges(Rule::report)); }

void DmaTimer::begin_layer(const LayerSchedule& layer, Edge edge) {
    layer_ = &layer;
    layer_start_ = edge;
    strips_ = ResidenceTimes(layer.strip_places(), 0, edge);
    fetched_.clear();
    stored_.clear();
}

void DmaTimer::end_strip(Edge edge) { strips_.give_up(strips_.first_held() + 1, edge); }

Edge DmaTimer::fetched(int count) {
    if (count == 0) return layer_start_;
    while (static_cast<int>(fetched_.size()) < count) advance();
    return fetched_[count - 1];
}

Edge DmaTimer::stored(int count) {
    if (count == 0) return layer_start_;
    while (static_cast<int>(stored_.size()) < count) advance();
    return stored_[count - 1];
}

/// What has been commanded so far, as if all of it had ended.
TransferState DmaTimer::finished() const {
    TransferState state;
    state.weight_parts = static_cast<std::int64_t>(arrivals_.size());
    state.fetches = static_cast<int>(fetched_.size());
    state.stores = static_cast<int>(stored_.size());
    return state;
}

TransferState DmaTimer::state_at(Edge edge) const {
    DmaTimer timer = *this;
    TransferState state = timer.finished();
    state.since = edge;
    // The Dma takes one command at a time: of those commanded before `edge` only the last one that it has taken by then
    // can still be in flight.
    for (std::optional<Command> command = timer.next(); command && command->commanded < edge; command = timer.next()) {
        const TransferState before = timer.finished();
        timer.advance();
        if (timer.accept_ > edge) break;
        state = timer.finish_ < edge ? timer.finished() : before;
        state.since = edge;
        if (timer.finish_ < edge) continue;
        state.since = timer.accept_ - edges(Rule::command);
        state.in_flight = timer.kind_;
    }
    state.weight_parts_used = weights_.first_held();
    state.slots_freed = weights_.edges();
    state.strips_stored = strips_.edges();
    return state;
}

}  // namespace widthwise
