// SPDX-License-Identifier: Apache-2.0
// The addition of another feature map, for all lanes of a block.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/fast/block_map.h"
#include "engine/fast/requantize_lanes.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

class LaneAddition {
public:
    /// Of a layer with an addition; `values`: of what the stages before put out.
    LaneAddition(const LayerSchedule& layer, const StoredRange& values, Dispatch dispatch);
    LaneAddition(LaneAddition&&) = default;  // not copied: the requantizer reads scales_
    /// `output` gets the size of the layer's sums. `operands`: the map that is added; null where constants are. `probe`
    /// sees lanes 0..lanes-1.
    void run(const BlockMap& values, const BlockMap* operands, BlockMap& output, int lanes,
             const LaneProbe& probe) const;

    /// How the vector lanes read one operand's bytes: (byte ^ flip) * multiplier, where constant_ has what signs and zero
    /// points of both come to; or (byte ^ flip) - offset, as a float32.
    struct Reading {
        std::uint8_t flip = 0;
        std::int32_t multiplier = 0;
        std::int32_t offset = 0;
        float ratio = 0.0F;
    };

private:
    /// Values that are added before they are requantized together.
    static constexpr int kChunk = 64;

    void add(const LaneBytes* values, const LaneBytes* operands, LaneBytes* output, int count) const;
    void add_constants(const LaneBytes* values, LaneBytes* output) const;
    void add_integers(const LaneBytes* a, const LaneBytes* b, LaneBytes* output, int count) const;
    void add_one_by_one(const LaneBytes& value, const LaneBytes& operand, LaneBytes& output) const;

    const LayerSchedule& layer_;
    StoredRange values_, operands_;
    Reading a_, b_;
    std::int32_t constant_ = 0;
    std::vector<RequantScale> scales_;  ///< kChunk times the addition's shift
    /// In the integer modes, where sums fit 31 bits.
    std::optional<LaneRequantizer> requantizer_;
};

}  // namespace widthwise::fast
