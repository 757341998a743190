// SPDX-License-Identifier: Apache-2.0
// What of a layer is worked on at a time: all of it where its maps lie in the activation buffer, or else boxes of its
// output, whose inputs come from DRAM and whose results go there.
#pragma once

#include <cstdint>
#include <vector>

namespace widthwise {

/// Where a map, or a box of one, lies in the activation buffer. Values of a row lie side by side.
struct MapRegion {
    std::int64_t address = 0;  ///< of the first image, channel and row that it holds
    std::int64_t image_stride = 0;
    std::int64_t channel_stride = 0;
    std::int64_t row_stride = 0;
    int first_image = 0;
    int first_channel = 0;
    int first_row = 0;
    /// Above 0: rows lie in a ring of so many, the one numbered 0 at `ring_offset`, the next behind it.
    int ring_rows = 0;
    int ring_offset = 0;
    /// Of the row's first value.
    [[nodiscard]] std::int64_t at(int image, int channel, int row) const {
        const std::int64_t slot = ring_rows > 0 ? (row + ring_offset) % ring_rows : row - first_row;
        return address + (image - first_image) * image_stride + (channel - first_channel) * channel_stride +
               slot * row_stride;
    }
};

/// What lies in DRAM beside the weights.
enum class DramArea : std::uint8_t { input, output, maps };

/// Where a map lies in DRAM, if it does: image after image, of each row after row, of each channel after channel.
struct MapPlace {
    bool in_dram = false;
    DramArea area = DramArea::maps;
    std::int64_t offset = 0;  ///< within the area
};

/// What a transfer between DRAM and the chip brings in or takes out.
enum class TransferKind : std::uint8_t { weights, fetch, store };

/// Consecutive bytes in DRAM, moved into or out of the activation buffer. On their way in they are lines, `channels` of
/// each row one after the other, and each goes to its place; on their way out they lie in the buffer as in DRAM.
struct Transfer {
    DramArea area = DramArea::maps;
    std::int64_t offset = 0;  ///< within the area
    std::int64_t bytes = 0;
    std::int64_t address = 0;  ///< in the activation buffer, of the first byte
    int line_bytes = 0;
    int channels = 1;
    std::int64_t channel_stride = 0;
    std::int64_t row_stride = 0;
    int strip = 0;  ///< that reads or makes them
};

/// Column tiles and passes [first, end) of the rows of a strip.
struct RowStrip {
    int first_tile = 0, end_tile = 0;            ///< into LayerSchedule::tiles
    int first_line_pass = 0, end_line_pass = 0;  ///< into LayerSchedule::line_passes
};

/// Channel tiles, image groups and column tiles [first, end) of a layer, in this order of loops.
struct Strip {
    int first_channel_tile = 0, end_channel_tile = 0;
    int first_group = 0, end_group = 0;
    int first_tile = 0, end_tile = 0;
    int first_line_pass = 0, end_line_pass = 0;
    std::int64_t first_number = 0;  ///< of its first tile, in the layer
    /// The weights of its channel tiles are fetched for it, not left over from the strip before; and leave with it.
    bool fetches_weights = true;
    bool releases_weights = true;
    MapRegion input;
    MapRegion addend;
    MapRegion output;
    /// Transfers of the layer up to and with the strip's.
    int end_fetch = 0;
    int end_store = 0;
    [[nodiscard]] std::int64_t tile_count() const {
        return std::int64_t{end_channel_tile - first_channel_tile} * (end_group - first_group) *
               (end_tile - first_tile);
    }
};

}  // namespace widthwise
