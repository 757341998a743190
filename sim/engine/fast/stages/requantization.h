// SPDX-License-Identifier: Apache-2.0
// Stored integers that are requantized once more, for all lanes of a block.
#pragma once

#include <array>

#include "engine/fast/block_map.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

class StoredRequantization {
public:
    /// Of a layer with a requantization and no computation.
    explicit StoredRequantization(const LayerSchedule& layer);
    /// `output` gets the size of `input`; `probe` sees lanes 0..lanes-1.
    void run(const BlockMap& input, BlockMap& output, int lanes, const LaneProbe& probe) const;

private:
    const LayerSchedule& layer_;
    std::array<std::uint8_t, 256> results_{};  ///< of each byte
};

}  // namespace widthwise::fast
