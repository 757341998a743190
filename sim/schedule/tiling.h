// SPDX-License-Identifier: Apache-2.0
// Part of compile(): how a layer's outputs are cut into tiles, and which rows of its input each of them needs.
#pragma once

#include <string>

#include "schedule/schedule.h"

namespace widthwise {

constexpr int ceil_div(std::int64_t a, std::int64_t b) { return static_cast<int>((a + b - 1) / b); }

/// Throws InputError "layer 'NAME': what".
[[noreturn]] void refuse(const LayerSchedule& layer, const std::string& what);

/// The nest, and the channel tiles and image groups that it comes to; the map, sums, groups, number of taps and
/// image_columns of the layer must be known. A kernel of height x width taps.
void describe_nest(LayerSchedule& layer, const HardwareParams& hardware, int kernel_height, int kernel_width);

/// How many column tiles a pass has.
std::int64_t column_tiles(const LayerSchedule& layer);

/// Column tiles, after describe_nest().
void describe_column_tiles(LayerSchedule& layer);

/// Rows in fill order and the window of rows of each column tile.
void describe_windows(LayerSchedule& layer);

/// How many rows the line buffer holds. Throws InputError when it is too small for what the array reads at once.
void size_line_buffer(LayerSchedule& layer, const LineBufferParams& params);

}  // namespace widthwise
