// SPDX-License-Identifier: Apache-2.0
#include "schedule/schedule.h"

#include <algorithm>

namespace widthwise {

std::int64_t LayerSchedule::weight_tile_bytes(int channel_tile) const {
    if (!computation) return 0;
    const std::int64_t channels = channels_in_tile(channel_tile);
    return channels * (std::int64_t{tap_count} + parameter_bytes());
}

std::int64_t LayerSchedule::weight_part_bytes(int channel_tile, int part) const {
    const std::int64_t channels = channels_in_tile(channel_tile);
    const int parameters = part + 1 == weight_parts() ? parameter_bytes() : 0;
    return channels * (end_weight_tap(part) - first_weight_tap(part) + parameters);
}

int LayerSchedule::bytes_of_line(int y) const {
    if (!fully_connected) return line_bytes;
    const std::int64_t rest = input.elements() - std::int64_t{y} * line_bytes;
    return static_cast<int>(std::min<std::int64_t>(rest, line_bytes));
}

bool TileCursor::next() {
    if (!cursor_.next()) return false;
    ++number_;
    ++index_.tile;
    const bool ends_map = index_.tile == static_cast<int>(layer_->tiles.size());
    if (index_.tile == line_pass().end_tile) {
        ++pass_;
        blocks_before_ += static_cast<std::int64_t>(line_pass().blocks.size());
        line_pass_ = ends_map ? 0 : line_pass_ + 1;
    }
    if (!ends_map) return true;
    index_.tile = 0;
    if (cursor_.moved_dim() == Dim::image) {
        ++index_.image_group;
        return true;
    }
    index_.image_group = 0;
    ++index_.channel_tile;
    return true;
}

WeightFetchCursor::WeightFetchCursor(const std::vector<LayerSchedule>& layers)
    : layer_(layers.data()), end_(layers.data() + layers.size()) {
    skip_layers_without_weights();
}

void WeightFetchCursor::skip_layers_without_weights() {
    while (!at_end() && !layer_->computation) ++layer_;
}

void WeightFetchCursor::next() {
    part_address_ += bytes();
    if (++part_ < layer_->weight_parts()) return;
    part_ = 0;
    const std::int64_t tile_bytes = part_address_;
    part_address_ = 0;
    if (++fetch_ < layer_->weight_fetches()) return;
    fetch_ = 0;
    tile_address_ += tile_bytes;
    if (++channel_tile_ < layer_->channel_tiles) return;
    channel_tile_ = 0;
    ++layer_;
    skip_layers_without_weights();
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

int Schedule::channel_tiles() const {
    int tiles = 0;
    for (const LayerSchedule& layer : layers) tiles += layer.channel_tiles;
    return tiles;
}

}  // namespace widthwise
