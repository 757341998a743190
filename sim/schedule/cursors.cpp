// SPDX-License-Identifier: Apache-2.0
#include "schedule/cursors.h"

namespace widthwise {

TileCursor::TileCursor(const LayerSchedule& layer, int strip)
    : layer_(&layer), strip_(&layer.strips[strip]), strip_number_(strip) {
    index_ = {strip_->first_channel_tile, strip_->first_group, strip_->first_tile};
    number_ = strip_->first_number;
    line_pass_ = strip_->first_line_pass;
}

bool TileCursor::next() {
    ++number_;
    ++index_.tile;
    const bool ends_map = index_.tile == strip_->end_tile;
    if (index_.tile == line_pass().end_tile) {
        ++pass_;
        blocks_before_ += static_cast<std::int64_t>(line_pass().blocks.size());
        line_pass_ = ends_map ? strip_->first_line_pass : line_pass_ + 1;
    }
    if (!ends_map) return true;
    index_.tile = strip_->first_tile;
    if (++index_.image_group < strip_->end_group) return true;
    index_.image_group = strip_->first_group;
    return ++index_.channel_tile < strip_->end_channel_tile;
}

WeightFetchCursor::WeightFetchCursor(const std::vector<LayerSchedule>& layers)
    : layer_(layers.data()), end_(layers.data() + layers.size()) {
    begin_layer();
}

void WeightFetchCursor::begin_layer() {
    while (!at_end() && !layer_->has_parameters()) ++layer_;
    strip_ = 0;
    if (!at_end()) begin_strip();
}

void WeightFetchCursor::begin_strip() {
    channel_tile_ = layer_->strips[strip_].first_channel_tile;
    tile_address_ = layer_address_ + layer_->weight_offset(channel_tile_);
}

void WeightFetchCursor::next() {
    part_address_ += bytes();
    if (++part_ < layer_->weight_parts()) return;
    part_ = 0;
    const std::int64_t tile_bytes = part_address_;
    part_address_ = 0;
    if (++fetch_ < layer_->weight_fetches(layer_->strips[strip_])) return;
    fetch_ = 0;
    tile_address_ += tile_bytes;
    if (++channel_tile_ < layer_->strips[strip_].end_channel_tile) return;
    do {
        ++strip_;
    } while (strip_ < layer_->strips.size() && layer_->weight_fetches(layer_->strips[strip_]) == 0);
    if (strip_ < layer_->strips.size()) {
        begin_strip();
        return;
    }
    layer_address_ += layer_->weight_offset(layer_->channel_tile_count());
    ++layer_;
    begin_layer();
}

}  // namespace widthwise
