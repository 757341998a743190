// SPDX-License-Identifier: Apache-2.0
// Part of compile(): how a layer's outputs are cut into tiles.
#pragma once

#include <string>

#include "mapping/dataflows/output_stationary.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Throws InputError "layer 'NAME': what".
[[noreturn]] void refuse(const LayerSchedule& layer, const std::string& what);

/// The nest, and the channel tiles and image groups that it comes to; the map, sums, groups, number of taps and
/// image_columns of the layer must be known.
void describe_nest(LayerSchedule& layer, const HardwareParams& hardware, const LineFit& fit = {});

/// How many column tiles a map has.
std::int64_t column_tiles(const LayerSchedule& layer);

/// Column tiles and the passes that they belong to, after describe_nest(); blocks are left open.
void describe_column_tiles(LayerSchedule& layer);

}  // namespace widthwise
