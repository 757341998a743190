// SPDX-License-Identifier: Apache-2.0
// The addition of another feature map, for all lanes of a block.
#pragma once

#include "engine/fast/block_map.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

class LaneAddition {
public:
    /// Of a layer with an addition; `values`: of what the stages before put out.
    LaneAddition(const LayerSchedule& layer, const StoredRange& values) : layer_(layer), values_(values) {}
    /// `output` gets the size of the layer's sums. Lanes 0..lanes-1 are computed and seen by `probe`.
    void run(const BlockMap& values, const BlockMap& operands, BlockMap& output, int lanes,
             const LaneProbe& probe) const;

private:
    const LayerSchedule& layer_;
    StoredRange values_;
};

}  // namespace widthwise::fast
