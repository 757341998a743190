// SPDX-License-Identifier: Apache-2.0
// When transfers between DRAM and the chip end: a part of the schedule model.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "schedule/cursors.h"
#include "schedule/edge.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Words of a transfer.
Edge words(std::int64_t bytes, int per_cycle);
/// From the edge at which the Dma takes a command until the last word is at its place.
Edge fetch_edges(const DramParams& dram, std::int64_t bytes);
Edge store_edges(const DramParams& dram, std::int64_t bytes);

/// The Dma working through its commands during a batch: parts of streamed weights, and what the strips of a layer read and
/// make. A command is chosen when the one before has been taken, among those that may go by then: weights first, then what
/// is read. So whoever asks for the end of one must have said before what else may go until then.
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

private:
    enum class Kind : std::uint8_t { weights, fetch, store };
    /// Edge from which on a command of the kind may go; none while that is not known.
    [[nodiscard]] std::optional<Edge> ready(Kind kind) const;
    [[nodiscard]] std::optional<Edge> strips_done(int count) const;
    /// The next command of all.
    void advance();
    void run(Kind kind);

    const Schedule& schedule_;
    bool streamed_;
    Edge accept_ = 0;  ///< the Dma took the last command
    Edge finish_ = 0;  ///< and finished it
    WeightFetchCursor fetch_;
    std::vector<Edge> arrivals_;  ///< of parts of weights
    std::size_t awaited_ = 0;     ///< of them asked for
    std::vector<Edge> releases_;  ///< of each part used up
    const LayerSchedule* layer_ = nullptr;
    Edge layer_start_ = 0;
    std::vector<Edge> strips_;  ///< of the layer: stored
    std::vector<Edge> fetched_, stored_;
};

}  // namespace widthwise
