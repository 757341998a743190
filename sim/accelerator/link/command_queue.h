// SPDX-License-Identifier: Apache-2.0
// The two-entry queue in which units take tile commands: deep enough that tiles follow each other without a gap.
#pragma once

#include <deque>

#include "accelerator/link/link.h"
#include "accelerator/link/payloads.h"

namespace widthwise {

class CommandQueue {
public:
    static constexpr std::size_t kDepth = 2;

    /// At every edge, before anything else.
    void accept(const LinkIn<TileCommand>& link) {
        if (link.transferring()) queue_.push_back(link.data());
    }
    /// At every edge, after everything else: ready for the next cycle.
    void drive_ready(LinkIn<TileCommand>& link) const { link.drive_ready(queue_.size() < kDepth); }

    void clear() { queue_.clear(); }
    void pop() { queue_.pop_front(); }
    [[nodiscard]] bool empty() const { return queue_.empty(); }
    [[nodiscard]] const TileCommand& front() const { return queue_.front(); }

private:
    std::deque<TileCommand> queue_;
};

}  // namespace widthwise
