// SPDX-License-Identifier: Apache-2.0
// Which memory each feature map of a block of images has while it is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "schedule/schedule.h"

namespace widthwise::fast {

/// Maps whose lives do not meet share a place. A layer's number stands for its output, -1 for the network's input.
class MapPlan {
public:
    /// `kept`: layers whose outputs stay until the end, beside the last one.
    explicit MapPlan(const Schedule& schedule, std::span<const int> kept = {});

    [[nodiscard]] std::size_t places() const { return largest_.size(); }
    [[nodiscard]] std::size_t place(int layer) const { return places_[static_cast<std::size_t>(layer + 1)]; }
    /// Of all places, for a block of so many images.
    [[nodiscard]] std::int64_t bytes(int images) const;

private:
    std::vector<std::size_t> places_;
    std::vector<std::int64_t> largest_;  ///< bytes of one image
};

}  // namespace widthwise::fast
