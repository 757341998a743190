// SPDX-License-Identifier: Apache-2.0
// The Sequencer beginning in the middle of a batch.
#include <algorithm>
#include <utility>

#include "accelerator/sequencer/sequencer.h"
#include "common/error.h"

namespace widthwise {

void Sequencer::start_part(const Schedule& schedule, const DramLayout& layout, const ClockedPart& part,
                           const PartTiming& timing, std::uint64_t batch_cycle, std::int64_t weight_parts_before,
                           std::function<void()> on_done) {
    start(schedule, layout, std::move(on_done));
    resumption_ = Resumption{part, timing, batch_cycle, weight_parts_before};
}

Edge Sequencer::batch_edge() const { return static_cast<Edge>(cycle() - resumption_->batch_cycle); }

namespace {

/// How many of the edges, which ascend, have come.
std::int64_t up_to(const std::vector<Edge>& edges, Edge now) {
    return std::upper_bound(edges.begin(), edges.end(), now) - edges.begin();
}

}  // namespace

/// What was commanded before `since` has ended; the command of that edge is known.
void Sequencer::begin_resume() {
    const TransferState& transfers = resumption_->timing.transfers;
    state_ = State::resume;
    acted_ = true;
    layer_ = resumption_->part.layer;
    prefetch_ = WeightFetchCursor(schedule_->layers);
    for (std::int64_t part = 0; part < transfers.weight_parts; ++part) prefetch_.next();
    prefetched_ = resumption_->weight_parts_before + transfers.weight_parts;
    slots_free_ = kStreamedWeightPlaces -
                  static_cast<std::int32_t>(transfers.weight_parts - up_to(transfers.slots_freed, batch_edge()));
    strip_ = static_cast<std::int32_t>(up_to(transfers.strips_stored, batch_edge()));
    fetches_issued_ = fetches_done_ = transfers.fetches;
    stores_issued_ = stores_done_ = transfers.stores;
    if (transfers.in_flight) {
        switch (*transfers.in_flight) {
            case TransferKind::weights: issue_weights_command(); break;
            case TransferKind::fetch: issue_fetch_command(); break;
            case TransferKind::store: issue_store_command(); break;
        }
    }
    if (batch_edge() >= resumption_->timing.begin) begin_part();
}

/// Until the part begins: its layer, or the one before it, ends strips and uses up weights at the edges of the model.
void Sequencer::follow_resume() {
    const TransferState& transfers = resumption_->timing.transfers;
    const auto happens = [this](const std::vector<Edge>& edges) {
        return std::binary_search(edges.begin(), edges.end(), batch_edge());
    };
    take_transfer();
    if (happens(transfers.slots_freed)) ++slots_free_;
    if (happens(transfers.strips_stored)) ++strip_;
    if (batch_edge() == resumption_->timing.begin) begin_part();
}

void Sequencer::begin_part() {
    if (batch_edge() != resumption_->timing.begin) throw SimulationError("a part begins too late");
    phase_start_ = wait_start_ = cycle();
    if (resumption_->part.first_strip == 0) {
        begin_layer(layer_);
        return;
    }
    state_ = State::wait;
    try_begin_strip();
    if (state_ == State::wait) throw SimulationError("a strip does not begin where the schedule model has it");
}

}  // namespace widthwise
