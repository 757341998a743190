// SPDX-License-Identifier: Apache-2.0
// Pooling, for all words of a block's pixels.
#pragma once

#include <vector>

#include "engine/fast/block_map.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

class LanePooling {
public:
    /// Of a layer with a pool; `values`: of what the stages before put out.
    LanePooling(const LayerSchedule& layer, const StoredRange& values);
    /// `map` has the layer's sums.
    void run(const BlockMap& map, BlockMap& output) const;

private:
    /// Where a window lies in the map.
    struct Pixels {
        int first_y = 0;
        int end_y = 0;
        int first_x = 0;
        int end_x = 0;
        [[nodiscard]] int count() const { return (end_y - first_y) * (end_x - first_x); }
    };
    [[nodiscard]] Pixels pixels_of(int y, int x) const;
    /// Calls `visit` with the words of each pixel, row by row.
    template <typename Visitor>
    void for_each_pixel(const BlockMap& map, int group, const Pixels& pixels, Visitor&& visit) const;
    void take_maximum(const BlockMap& map, int group, const Pixels& pixels, std::uint8_t* output) const;
    void take_average(const BlockMap& map, int group, const Pixels& pixels, std::uint8_t* output) const;

    const LayerSchedule& layer_;
    StoredRange values_, results_;
};

}  // namespace widthwise::fast
