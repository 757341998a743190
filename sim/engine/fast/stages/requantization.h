// SPDX-License-Identifier: Apache-2.0
// Stored integers that are requantized once more.
#pragma once

#include <array>

#include "engine/fast/block_map.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

class StoredRequantization {
public:
    /// Of a layer with a requantization and no computation.
    explicit StoredRequantization(const LayerSchedule& layer);
    void run(const BlockMap& input, BlockMap& output) const;

private:
    bool is_signed_;                           ///< what comes out
    std::array<std::uint8_t, 256> results_{};  ///< of each byte
};

}  // namespace widthwise::fast
