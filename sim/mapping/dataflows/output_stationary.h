// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/hardware.h"
#include "mapping/loop_nest.h"

namespace widthwise {

/// What a nest needs to know of a layer.
struct LayerExtents {
    int images = 1;  ///< of the batch
    int groups = 1;
    int out_channels = 1;  ///< of a group
    int out_height = 1;
    int out_width = 1;
    int in_channels = 1;  ///< of a group
    int kernel_height = 1;
    int kernel_width = 1;
    bool columns_are_images = false;  ///< the array's columns work on different images instead of pixels
};

/// Sums stay in the array while all their products are added. Rows are output channels of one group, columns output pixels
/// of one image, or images. Outermost the channels, a part of which as large as the array has rows; then the images; then
/// the pixels; innermost the reduction, in accumulator.order. Weights that are streamed come from DRAM part by part, and
/// else stay in the weight buffer.
LoopNest output_stationary(const LayerExtents& layer, const HardwareParams& hardware);

}  // namespace widthwise
