// SPDX-License-Identifier: Apache-2.0
// A feature map of a block of images, as the fast engine keeps it, and what reads its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "arithmetic/requantize.h"
#include "engine/fast/kernels.h"

namespace widthwise::fast {

/// Feature maps of a block, CHW, one LaneBytes per value (of sums that leave: per byte of a value).
using BlockMap = std::vector<LaneBytes>;
/// Takes one operator's value of one lane: (operator index, lane, channel, pixel, value).
using LaneProbe = std::function<void(int, int, int, int, std::int64_t)>;

/// What stored bytes stand for, and between which integers they lie.
struct StoredRange {
    bool is_signed = false;
    int low = 0;
    int high = 0;
    [[nodiscard]] int value(std::uint8_t byte) const { return is_signed ? static_cast<std::int8_t>(byte) : int{byte}; }
};

/// Of what a stage with this format puts out. A byte is a two's complement number if one can be negative; else both
/// readings agree.
inline StoredRange range_of(const RequantFormat& format) {
    return {format.clamp_low < 0, format.clamp_low, format.clamp_high};
}

}  // namespace widthwise::fast
