// SPDX-License-Identifier: Apache-2.0
// Part of compile(): how a layer's outputs are cut into tiles, and which rows of its input each of them needs.
#pragma once

#include <string>

#include "schedule/schedule.h"

namespace widthwise {

constexpr int ceil_div(std::int64_t a, std::int64_t b) { return static_cast<int>((a + b - 1) / b); }

/// Throws InputError "layer 'NAME': what".
[[noreturn]] void refuse(const LayerSchedule& layer, const std::string& what);

/// Channel tiles and image groups; the map, sums, groups and image_columns of the layer must be known.
void describe_tile_counts(LayerSchedule& layer, const ArrayParams& array);

/// How many column tiles describe_column_tiles() makes.
std::int64_t column_tiles(const LayerSchedule& layer, const ArrayParams& array);

/// Column tiles, after describe_tile_counts().
void describe_column_tiles(LayerSchedule& layer, const ArrayParams& array);

/// Rows in fill order and the window of rows of each column tile.
void describe_windows(LayerSchedule& layer);

/// How many rows the line buffer holds. Throws InputError when it is too small for what the array reads at once.
void size_line_buffer(LayerSchedule& layer, const LineBufferParams& params);

}  // namespace widthwise
