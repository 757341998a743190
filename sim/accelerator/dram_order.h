// SPDX-License-Identifier: Apache-2.0
// How maps that pass in strips lie in DRAM.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arithmetic/quantization.h"

namespace widthwise {

/// Maps of a batch, image after image, each channel after channel, as they lie in DRAM: each row after row, in a row
/// channel after channel. Values have `value_bytes` each.
std::vector<std::uint8_t> row_after_row(std::span<const std::uint8_t> maps, const Shape& map, int value_bytes);
/// And back.
std::vector<std::uint8_t> channel_after_channel(std::span<const std::uint8_t> maps, const Shape& map, int value_bytes);

}  // namespace widthwise
