// SPDX-License-Identifier: Apache-2.0
// One layer of the schedule model. Times are clock edges, as the units of the clocked model see them.
#pragma once

#include <cstdint>
#include <vector>

#include "record/record.h"
#include "schedule/pooling_windows.h"
#include "schedule/schedule.h"

namespace widthwise {

using Edge = std::int64_t;

/// Words of a transfer.
Edge words(std::int64_t bytes, int per_cycle);
/// From the edge at which the Dma takes a command until the last word is at its place.
Edge fetch_edges(const DramParams& dram, std::int64_t bytes);
Edge store_edges(const DramParams& dram, std::int64_t bytes);

/// When parts of streamed weights arrive and their slots are free again: the Dma working through its queue during a batch.
class WeightStream {
public:
    WeightStream(const Schedule& schedule, Edge batch_start);
    /// Edge at which the next part has arrived completely.
    Edge next_arrival();
    /// The part that arrived last was used up: its last tap's weights were read at `edge`.
    void release(Edge edge);

private:
    void advance();

    DramParams dram_;
    WeightFetchCursor fetch_;     ///< the part that arrives next
    std::size_t arrived_ = 0;     ///< parts whose arrival has been computed
    std::vector<Edge> releases_;  ///< of each part used up
    Edge accept_ = 0;             ///< the Dma took the last command
    Edge finish_ = 0;             ///< and finished it
};

/// The line buffer's fill side: when each line of the layer has arrived.
class LineFill {
public:
    LineFill(const LayerSchedule& layer, int ports, Edge first_request);
    /// Edge at which the first `lines` lines of `pass` have arrived.
    Edge arrival(int pass, int lines);
    /// From `edge` on blocks from number `first_block` of the layer on must stay.
    void hold(std::int64_t first_block, Edge edge);
    /// A result is written to the activation buffer at `edge`: with one port no read is granted then.
    void block(Edge edge);
    /// Edges in [first, last] at which a read was denied the port.
    [[nodiscard]] std::uint64_t denied(Edge first, Edge last) const;

private:
    void fill_line();
    void end_pass();
    Edge grant(Edge earliest);

    struct Hold {
        std::int64_t first_block;
        Edge edge;
    };
    const LayerSchedule& layer_;
    bool conflicts_;
    std::vector<Hold> holds_;
    std::size_t hold_ = 0;  ///< the one in force for the block being filled
    std::vector<Edge> blocked_;
    std::size_t next_blocked_ = 0;
    std::vector<Edge> denied_;
    // The line to be filled next, and when the one before was granted its last word.
    int pass_ = 0;
    int image_group_ = 0;  ///< of pass_
    int line_pass_ = 0;    ///< likewise: index into LayerSchedule::line_passes
    int block_ = 0;
    std::int64_t block_number_ = 0;  ///< in the layer
    int line_in_block_ = 0;
    Edge last_grant_;
    std::vector<Edge> arrivals_, previous_arrivals_;  ///< of pass_ and of the pass before
};

/// Follows the tiles of a layer that begins at edge `start`; returns the edge at which the next phase begins. Fills
/// cycles (total, compute, stalls).
Edge time_layer(const Schedule& schedule, const LayerSchedule& layer, Edge start, WeightStream* stream,
                CycleCounts& cycles);

}  // namespace widthwise
