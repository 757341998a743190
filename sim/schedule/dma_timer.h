// SPDX-License-Identifier: Apache-2.0
// When transfers between DRAM and the chip end: a part of the schedule model.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "schedule/cursors.h"
#include "schedule/edge.h"
#include "schedule/residence.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Words of a transfer.
Edge words(std::int64_t bytes, int per_cycle);
/// From the edge at which the Dma takes a command until the last word is at its place.
Edge fetch_edges(const DramParams& dram, std::int64_t bytes);
Edge store_edges(const DramParams& dram, std::int64_t bytes);

/// What goes on between DRAM and the chip when a strip begins, and since when that is all that there is to know: from
/// the edge `since` on a Dma that was idle until then does the same.
struct TransferState {
    Edge since = 0;  ///< not after the strip's beginning
    /// The Sequencer commands it at `since`; it is the one that the Dma works on when the strip begins, if there is
    /// one.
    std::optional<TransferKind> in_flight;
    // Commanded before, and ended: parts of weights of the batch, fetches and stores of the layer.
    std::int64_t weight_parts = 0;
    int fetches = 0;
    int stores = 0;
    std::int64_t weight_parts_used = 0;  ///< when the strip begins
    std::vector<Edge> slots_freed;       ///< edges at which the Sequencer knows of a part used up, from the first on
    std::vector<Edge> strips_stored;     ///< and of the layer's strips, likewise
};

/// The Dma working through its commands during a batch: parts of streamed weights, and what the strips of a layer read
/// and make. A command is chosen when the one before has been taken, among those that may go by then: weights first,
/// then what is read. So whoever asks for the end of one must have said before what else may go until then.
class DmaTimer {
public:
    explicit DmaTimer(const Schedule& schedule);
    /// The batch's input is commanded at edge 0. Returns the edge at which the Sequencer knows that it is there.
    Edge load_input();
    /// Edge at which the next part of weights has arrived completely.
    Edge next_weights();
    /// The part that arrived last was used up: its last tap's weights were read at `edge`.
    void release_weights(Edge edge);

    void begin_layer(const LayerSchedule& layer, Edge edge);
    /// The Sequencer knows at `edge` that the layer's next strip is stored in the activation buffer.
    void end_strip(Edge edge);
    /// Edge at which the Sequencer knows that the first `count` fetches, or stores, of the layer have ended.
    Edge fetched(int count);
    Edge stored(int count);
    /// For a strip that begins at `edge`, before which all that can happen is known.
    [[nodiscard]] TransferState state_at(Edge edge) const;

private:
    struct Command {
        TransferKind kind = TransferKind::weights;
        Edge commanded = 0;
    };
    /// Edge from which on a command of the kind may go; none while that is not known.
    [[nodiscard]] std::optional<Edge> ready(TransferKind kind) const;
    /// The next command of all; none if nothing is known to allow one.
    [[nodiscard]] std::optional<Command> next() const;
    void advance();
    void run(TransferKind kind);
    [[nodiscard]] TransferState finished() const;

    const Schedule& schedule_;
    bool streamed_;
    Edge accept_ = 0;                          ///< the Dma took the last command
    Edge finish_ = 0;                          ///< and finished it
    TransferKind kind_ = TransferKind::fetch;  ///< of that command
    WeightFetchCursor fetch_;
    std::vector<Edge> arrivals_;  ///< of parts of weights
    std::size_t awaited_ = 0;     ///< of them asked for
    ResidenceTimes weights_;      ///< parts of weights, as the Sequencer knows of them
    const LayerSchedule* layer_ = nullptr;
    Edge layer_start_ = 0;
    ResidenceTimes strips_{1, 0, 0};  ///< of the layer, in the activation buffer
    std::vector<Edge> fetched_, stored_;
};

}  // namespace widthwise
