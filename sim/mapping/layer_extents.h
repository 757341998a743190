// SPDX-License-Identifier: Apache-2.0
// What a dataflow builds a nest from, whichever it is: the layer's extents, and how the compiler has cut it.
#pragma once

#include <optional>

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

/// A loop of the reduction, cut: what all loops further in and `step` positions of this one read is in the line buffer
/// together.
struct ReductionCut {
    int loop = 0;  ///< into accumulator.order
    int step = 1;
    friend bool operator==(const ReductionCut&, const ReductionCut&) = default;
};

/// How a map that does not fit the line buffer passes it. Without either, its rows pass one after the other, once for
/// all output channels of a tile.
struct LineFit {
    /// Output columns of a stripe, a multiple of array.columns: what they read passes row by row before the next stripe
    /// begins. 0: all.
    int stripe_columns = 0;
    /// Every tile fetches what it reads, in these parts.
    std::optional<ReductionCut> cut;
    friend bool operator==(const LineFit&, const LineFit&) = default;
};

/// What of a layer is worked on at a time, of one image or group of images, where maps lie in DRAM. 0: all.
struct StripExtents {
    int rows = 0;           ///< of the sums
    int channel_tiles = 0;  ///< all rows of some are done before the next are begun
    friend bool operator==(const StripExtents&, const StripExtents&) = default;
};

}  // namespace widthwise
