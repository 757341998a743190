// SPDX-License-Identifier: Apache-2.0
// When lines have arrived in the line buffer: a part of the schedule model.
#pragma once

#include <cstdint>
#include <vector>

#include "schedule/edge.h"
#include "schedule/residence.h"
#include "schedule/schedule.h"

namespace widthwise {

/// The line buffer's fill side: when each line of the layer has arrived.
class LineFill {
public:
    LineFill(const LayerSchedule& layer, const Strip& strip, int ports, Edge first_request);
    /// Edge at which the first `lines` lines of `pass` have arrived.
    Edge arrival(int pass, int lines) {
        if (lines == 0) return 0;
        if (pass_ < pass || (pass_ == pass && static_cast<int>(arrivals_.size()) < lines)) fill_to(pass, lines);
        return (pass_ == pass ? arrivals_ : previous_arrivals_)[lines - 1];
    }
    /// From `edge` on blocks from number `first_block` of the strip on must stay.
    void hold(std::int64_t first_block, Edge edge) { blocks_.give_up(first_block, edge); }
    /// A result is written to the activation buffer at `edge`: with one port no read is granted then.
    void block(Edge edge);
    /// Edges in [first, last] at which a read was denied the port.
    [[nodiscard]] std::uint64_t denied(Edge first, Edge last) const;

private:
    void fill_to(int pass, int lines);
    void fill_line();
    void end_pass();
    Edge grant(Edge earliest);

    const LayerSchedule& layer_;
    const Strip& strip_;
    bool conflicts_;
    ResidenceTimes blocks_;  ///< by number in the strip
    Edge place_free_ = 0;    ///< of the block being filled
    std::vector<Edge> blocked_;
    std::size_t next_blocked_ = 0;
    std::vector<Edge> denied_;
    // The line to be filled next, and when the one before was granted its last word.
    int pass_ = 0;
    int image_group_ = 0;  ///< of pass_
    int line_pass_ = 0;    ///< likewise: index into LayerSchedule::line_passes
    int block_ = 0;
    std::int64_t block_number_ = 0;  ///< in the strip
    int line_in_block_ = 0;
    int lines_in_block_ = 0, words_of_line_ = 0;  ///< once its first line has been filled
    Edge last_grant_;
    std::vector<Edge> arrivals_, previous_arrivals_;  ///< of pass_ and of the pass before
};

}  // namespace widthwise
