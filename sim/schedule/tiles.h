// SPDX-License-Identifier: Apache-2.0
// What the loop nest of a layer is cut into.
//
// Words of the nest (mapping/loop_nest.h) in a layer:
//   channel tile   up to `rows` output channels, one per array row
//   image group    one image; or up to `columns` images where the columns work on different images
//   column tile    up to `columns` output pixels (or images), one per array column
//   window         the feature-map rows that a run of column tiles reads from the line buffer
//   tap            one (channel, row, column) of the kernel: one MAC in every working PE
//   block          lines of one feature-map row that lie in the line buffer together, and leave it together
// A pass is what streams through the line buffer in one go, block after block: the feature map, once for each (channel
// tile, image group); or a stripe of it; or what one tile reads (line_passes.h).
#pragma once

#include <vector>

#include "layer/fields.h"

namespace widthwise {

/// One step of the accumulation. For fully connected layers `row` is the fill word (chunk) that holds the input and
/// `column` its byte within the word.
struct Tap {
    int channel = 0;  ///< within the group
    int row = 0;      ///< of the span of the kernel
    int column = 0;
    int weight = 0;  ///< offset within the channel's weights
};

/// Consecutive output channels of one group, one per array row.
struct ChannelTile {
    int group = 0;
    int first = 0;  ///< among the channels of all groups
    int count = 0;  ///< 1..rows
    friend bool operator==(const ChannelTile&, const ChannelTile&) = default;
};

/// Consecutive output pixels of one image (or images of one group), one per array column.
struct ColumnTile {
    int first = 0;  ///< pixel index y * width + x within the sums' feature map; 0 in image-column layers
    int count = 0;  ///< 1..columns (image-column layers: the group decides)
    int first_y = 0;
    int last_y = 0;
};

/// One tile of the loop nest, as the Sequencer names it to the units.
struct TileIndex {
    int channel_tile = 0;
    int image_group = 0;
    int tile = 0;  ///< into LayerSchedule::tiles
    friend bool operator==(const TileIndex&, const TileIndex&) = default;
};

/// One beat of the drain: `count` finished sums leave the shadow accumulators together, neighbours along one row of the
/// array (pixels of one channel), or along one column in image-column layers (channels of one image).
struct DrainBeat {
    int row = 0;
    int column = 0;
    int count = 0;
};
/// Of one feature-map row `channels` lines from `first_channel` (within the group) on, for each image of the group; of
/// each line `bytes` from pixel `x` on.
struct LineBlock {
    int row = 0;
    int first_channel = 0;
    int channels = 0;
    int x = 0;
    int bytes = 0;
    int first_line = 0;  ///< lines of one image in the blocks of the pass before
    friend bool operator==(const LineBlock&, const LineBlock&) = default;
};

/// The blocks that column tiles [first_tile, end_tile) read, in the order in which they are filled. Those of a tile
/// that is cut into parts lie part after part: part p from first_of_part[p] on; else there is one.
struct LinePass {
    int first_tile = 0;
    int end_tile = 0;
    std::vector<LineBlock> blocks;
    std::vector<int> first_of_part;  ///< one more than there are parts
    friend bool operator==(const LinePass&, const LinePass&) = default;
};

/// Consecutive taps of the order of accumulation that read the same blocks: `end_tap` is one past the last. Loops of a
/// cut reduction are at kernel rows [first_row, end_row), and so on (not dilated).
struct TapPart {
    int end_tap = 0;
    int first_row = 0, end_row = 0;
    int first_column = 0, end_column = 0;
    int first_channel = 0, end_channel = 0;
    friend bool operator==(const TapPart&, const TapPart&) = default;
};

/// Blocks that a run of column tiles needs, by their positions in the pass.
struct LineWindow {
    int first_block = 0;  ///< position of the oldest block that must stay in the line buffer
    int end_block = 0;    ///< one past the newest block needed
    int first_tile = 0;
    int end_tile = 0;
};

template <FieldsOf<Tap> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [channel, row, column, weight] = self;
    visit("channel", channel, Role::map_values);
    visit("row", row, Role::map_values);
    visit("column", column, Role::map_values);
    visit("weight", weight, Role::values);
}

}  // namespace widthwise
