// SPDX-License-Identifier: Apache-2.0
#include "schedule/layer_schedule.h"

#include <algorithm>

namespace widthwise {

std::int64_t LayerSchedule::weight_tile_bytes(int channel_tile) const {
    const std::int64_t channels = channels_in_tile(channel_tile);
    return channels * (std::int64_t{stored_weights()} + parameter_bytes());
}

std::int64_t LayerSchedule::weight_part_bytes(int channel_tile, int part) const {
    const std::int64_t channels = channels_in_tile(channel_tile);
    const int parameters = part == 0 ? parameter_bytes() : 0;
    const int weights = computation ? end_weight_tap(part) - first_weight_tap(part) : 0;
    return channels * (weights + parameters);
}

int LayerSchedule::bytes_of_line(int y) const {
    if (!fully_connected) return line_bytes;
    const std::int64_t rest = input.elements() - std::int64_t{y} * line_bytes;
    return static_cast<int>(std::min<std::int64_t>(rest, line_bytes));
}

namespace {

/// Newest feature-map row that kernel row `r` touches for any pixel of the tile; -1 if it touches padding only.
int newest_row(const LayerSchedule& layer, const ColumnTile& tile, int r) {
    for (int y = tile.last_y; y >= tile.first_y; --y) {
        const int row = y * layer.stride_height - layer.pad_top + r;
        if (row < layer.map_height) return row >= 0 ? row : -1;
    }
    return -1;
}

}  // namespace

int lines_needed(const LayerSchedule& layer, const LinePass& pass, const TileIndex& index, int part, const Tap& tap) {
    const int row = layer.fully_connected ? tap.row : newest_row(layer, layer.tiles[index.tile], tap.row);
    const int first = pass.first_of_part[part];
    const int end = pass.first_of_part[part + 1];
    if (row < 0 || layer.row_position[row] < 0 || first == end) return 0;
    // Rows lie from above; where the pass leaves out some that other tiles read, it is not this far.
    int at = std::min(first + layer.row_position[row] - layer.row_position[pass.blocks[first].row], end - 1);
    while (pass.blocks[at].row > row) --at;
    const LineBlock& block = pass.blocks[at];
    return (block.first_line + tap.channel - block.first_channel + 1) * layer.images_in_group(index.image_group);
}

int drain_beats(const LayerSchedule& layer, int rows, int columns, int lanes) {
    const int along = layer.image_columns ? rows : columns;
    const int across = layer.image_columns ? columns : rows;
    return across * ((along + lanes - 1) / lanes);
}

DrainBeat drain_beat(const LayerSchedule& layer, int rows, int columns, int lanes, int b) {
    const int along = layer.image_columns ? rows : columns;
    const int per_run = (along + lanes - 1) / lanes;
    const int run = b / per_run;
    const int first = (b % per_run) * lanes;
    const int count = std::min(lanes, along - first);
    return layer.image_columns ? DrainBeat{first, run, count} : DrainBeat{run, first, count};
}

}  // namespace widthwise
