// SPDX-License-Identifier: Apache-2.0
// Part of compile(): what of a layer's input passes the line buffer, and when. Each block is there from the first tap on
// that reads it until the last one; a row that no tap reads has no block.
#pragma once

#include "config/hardware.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Blocks of all passes, parts of the taps and windows of the tiles, after the taps. Where the rows that the array reads
/// at once do not fit, in this order: stripes of the map's columns, as wide as possible, between
/// which no pooling window lies; or each tile fetches what it
/// reads, in parts if it must, such that the fewest bytes are filled. Throws InputError when not even a line of one tap
/// fits, or a configured number of rows does not. `strips`: some layer of the network is worked on in strips.
void describe_line_passes(LayerSchedule& layer, const HardwareParams& hardware, bool strips);

}  // namespace widthwise
