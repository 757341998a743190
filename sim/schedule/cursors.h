// SPDX-License-Identifier: Apache-2.0
// Walks over a compiled layer, in the order of its nest.
#pragma once

#include <cstdint>
#include <vector>

#include "schedule/schedule.h"

namespace widthwise {

/// Walks over the tiles of a strip.
class TileCursor {
public:
    explicit TileCursor(const LayerSchedule& layer, int strip = 0);
    /// Goes on; false after the last tile.
    bool next();
    [[nodiscard]] const TileIndex& index() const { return index_; }
    [[nodiscard]] int strip() const { return strip_number_; }
    [[nodiscard]] std::int64_t number() const { return number_; }  ///< of the tile in the layer
    [[nodiscard]] int pass() const { return pass_; }               ///< of the tile, in the strip
    [[nodiscard]] const LinePass& line_pass() const { return layer_->line_passes[line_pass_]; }
    [[nodiscard]] std::int64_t blocks_before() const { return blocks_before_; }  ///< in the passes before, of the strip
    [[nodiscard]] const LineWindow& window() const { return layer_->windows[layer_->tile_window[index_.tile]]; }
    /// It is the last tile that the channel tile's weights are there for.
    [[nodiscard]] bool ends_weights() const {
        return strip_->releases_weights && index_.tile + 1 == strip_->end_tile &&
               index_.image_group + 1 == strip_->end_group;
    }

private:
    const LayerSchedule* layer_;
    const Strip* strip_;
    int strip_number_;
    TileIndex index_;
    std::int64_t number_ = 0;
    int pass_ = 0;
    int line_pass_ = 0;
    std::int64_t blocks_before_ = 0;
};

/// Walks over the parts of weights that a batch fetches, streamed, in the order in which the tiles use them.
class WeightFetchCursor {
public:
    WeightFetchCursor() = default;
    explicit WeightFetchCursor(const std::vector<LayerSchedule>& layers);
    [[nodiscard]] bool at_end() const { return layer_ == end_; }
    [[nodiscard]] const LayerSchedule& layer() const { return *layer_; }
    [[nodiscard]] std::int64_t bytes() const { return layer_->weight_part_bytes(channel_tile_, part_); }
    /// Where the part lies in DRAM, from the first layer's first tile on.
    [[nodiscard]] std::int64_t address() const { return tile_address_ + part_address_; }
    void next();

private:
    void begin_layer();
    void begin_strip();

    const LayerSchedule* layer_ = nullptr;
    const LayerSchedule* end_ = nullptr;
    std::size_t strip_ = 0;
    int channel_tile_ = 0;
    int part_ = 0;
    std::int64_t fetch_ = 0;          ///< of the channel tile's in the strip
    std::int64_t layer_address_ = 0;  ///< of the layer's first tile
    std::int64_t tile_address_ = 0;
    std::int64_t part_address_ = 0;  ///< within the tile
};

}  // namespace widthwise
