// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/hardware.h"
#include "mapping/layer_extents.h"
#include "mapping/loop_nest.h"

namespace widthwise {

/// Sums stay in the array while all their products are added. Rows are output channels of one group, columns output
/// pixels of one image, or images. A nest's order is that of its levels, and in each that of its loops. Here outermost
/// run the strips of a layer whose maps lie in DRAM; then the groups and the channels, a part of which as large as the
/// array has rows; then the images; then the pixels; innermost the reduction, in accumulator.order. Weights that are
/// streamed come from DRAM part by part, and else stay in the weight buffer.
LoopNest output_stationary(const LayerExtents& layer, const HardwareParams& hardware, const LineFit& fit = {},
                           const StripExtents& strips = {});

}  // namespace widthwise
