// SPDX-License-Identifier: Apache-2.0
// Pooling, for all lanes of a block.
#pragma once

#include "engine/fast/block_map.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

class LanePooling {
public:
    /// Of a layer with a pool; `values`: of what the stages before put out.
    LanePooling(const LayerSchedule& layer, const StoredRange& values);
    /// `map` has the layer's sums; `output` gets the size of its output. `probe` sees lanes 0..lanes-1.
    void run(const BlockMap& map, BlockMap& output, int lanes, const LaneProbe& probe) const;

private:
    /// Where a window lies in the map.
    struct Pixels {
        int first_y = 0;
        int end_y = 0;
        int first_x = 0;
        int end_x = 0;
    };
    [[nodiscard]] Pixels pixels_of(int y, int x) const;
    /// Calls `visit` with the lanes of each pixel, row by row.
    template <typename Visitor>
    void for_each_pixel(const BlockMap& map, int channel, const Pixels& pixels, Visitor&& visit) const;
    void pool_by_definition(const BlockMap& map, int channel, const Pixels& pixels, int lanes, LaneBytes& output) const;

    const LayerSchedule& layer_;
    StoredRange values_;
    bool plain_maximum_;  ///< the pool's own clamp does not change the maximum of such values
};

}  // namespace widthwise::fast
