// SPDX-License-Identifier: Apache-2.0
// The addition of another feature map, or of a constant, for neighbouring bytes of a map.
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
    LaneAddition(const LayerSchedule& layer, const StoredRange& values, const Kernels& kernels);
    LaneAddition(LaneAddition&&) = default;  // not copied: the requantizer reads scales_
    /// `count` words of a group of four channels that begin at `first_word`; output may be values. `operands`: the map
    /// that is added; null where constants are.
    void run(const std::uint8_t* values, const BlockMap* operands, int group, std::size_t first_word, std::size_t count,
             std::uint8_t* output) const;
    /// A whole map.
    void run(const BlockMap& values, const BlockMap* operands, BlockMap& output) const;

    /// How the vector lanes read one operand's bytes: (byte - offset - zero point) * multiplier, or byte - offset as a
    /// float32.
    struct Reading {
        std::int32_t multiplier = 0;
        std::int32_t offset = 0;
        float ratio = 0.0F;
    };

private:
    /// LaneBytes that are added before they are requantized together.
    static constexpr int kChunk = 32;

    /// Both operands' bytes, and how they are read.
    struct Operands {
        const std::uint8_t* a = nullptr;
        const std::uint8_t* b = nullptr;
        Reading of_a, of_b;
    };
    void add(const std::uint8_t* values, const std::uint8_t* operands, const StoredRange& of_operands,
             std::uint8_t* output, std::size_t bytes) const;
    void add_integers(const Operands& operands, std::uint8_t* output, std::size_t bytes) const;

    const LayerSchedule& layer_;
    StoredRange values_, results_;
    std::vector<RequantScale> scales_;  ///< kChunk times the addition's shift
    /// In the integer modes, where sums fit 31 bits.
    std::optional<LaneRequantizer> requantizer_;
};

}  // namespace widthwise::fast
