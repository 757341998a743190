// SPDX-License-Identifier: Apache-2.0
#include "schedule/line_passes.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "schedule/line_fit.h"
#include "schedule/read_rows.h"
#include "schedule/size_limits.h"
#include "schedule/tiling.h"

namespace widthwise {
namespace {

struct Range {
    int first = 0;
    int last = 0;
};

/// First and last pixel of a row that kernel columns [first_column, end_column) read for the outputs of the tiles; none
/// where they see padding only.
std::optional<Range> pixels_read(const LayerSchedule& layer, int first_output, int last_output, const TapPart& part,
                                 int dilation) {
    std::optional<Range> read;
    const int stride = layer.stride_width;
    for (int column = part.first_column; column < part.end_column; ++column) {
        const int offset = column * dilation - layer.pad_left;
        int first = first_output * stride + offset;
        int last = last_output * stride + offset;
        if (first < 0) first += ceil_div(-first, stride) * stride;
        if (last >= layer.line_bytes) last -= ceil_div(last - layer.line_bytes + 1, stride) * stride;
        if (first > last) continue;
        if (!read) read = Range{first, last};
        read = Range{std::min(read->first, first), std::max(read->last, last)};
    }
    return read;
}

/// Output columns of a tile: those of its pixels if they lie in one row, or else all.
Range output_columns(const LayerSchedule& layer, const ColumnTile& tile) {
    if (layer.image_columns) return {0, 0};
    if (tile.first_y != tile.last_y) return {0, layer.sums.width - 1};
    const int x = tile.first - tile.first_y * layer.sums.width;
    return {x, x + tile.count - 1};
}

class PassDescriber {
public:
    explicit PassDescriber(LayerSchedule& layer) : layer_(layer), kernel_(layer.kernel_taps), rows_(layer) {
        row_dilation_ = dilation(layer.kernel_height, kernel_.height);
        column_dilation_ = dilation(layer.kernel_width, kernel_.width);
    }

    /// Each row that a tap reads passes once, as far as the tiles of the pass read it.
    void describe_whole_rows(bool striped) {
        layer_.parts = {{layer_.tap_count, 0, kernel_.height, 0, kernel_.width, 0, layer_.line_channels}};
        for (LinePass& pass : layer_.line_passes) {
            std::optional<Range> pixels = Range{0, layer_.line_bytes - 1};
            if (striped) {
                const Range first = output_columns(layer_, layer_.tiles[pass.first_tile]);
                const Range last = output_columns(layer_, layer_.tiles[pass.end_tile - 1]);
                pixels = pixels_read(layer_, first.first, last.last, layer_.parts.front(), column_dilation_);
            }
            if (pixels) {
                for (const int y : rows_read_by(pass)) add_block(pass, y, *pixels, 0, layer_.line_channels);
            }
            pass.first_of_part = {0, static_cast<int>(pass.blocks.size())};
        }
        describe_windows();
    }

    /// Each tile's pass holds what the parts of its taps read, one after the other.
    void describe_parts(const TapOrder& order, const ReductionCut& cut) {
        cut_taps(order, cut);
        for (LinePass& pass : layer_.line_passes) {
            const ColumnTile& tile = layer_.tiles[pass.first_tile];
            const Range outputs = output_columns(layer_, tile);
            for (const TapPart& part : layer_.parts) {
                pass.first_of_part.push_back(static_cast<int>(pass.blocks.size()));
                const auto pixels = pixels_read(layer_, outputs.first, outputs.last, part, column_dilation_);
                if (!pixels) continue;
                for (const int y : rows_of(tile, part))
                    add_block(pass, y, *pixels, part.first_channel, part.end_channel);
            }
            pass.first_of_part.push_back(static_cast<int>(pass.blocks.size()));
        }
        describe_windows_of_parts();
    }

    /// A vector, word after word: each leaves with its last byte.
    void describe_words() {
        for (int y = 0; y < layer_.map_height; ++y) {
            layer_.parts.push_back(
                {std::min((y + 1) * layer_.line_bytes, layer_.tap_count), y, y + 1, 0, layer_.line_bytes, 0, 1});
        }
        LinePass& pass = layer_.line_passes.front();
        for (int y = 0; y < layer_.map_height; ++y) {
            pass.first_of_part.push_back(y);
            add_block(pass, y, {0, layer_.line_bytes - 1}, 0, 1);
        }
        pass.first_of_part.push_back(layer_.map_height);
        describe_windows_of_parts();
    }

private:
    void add_block(LinePass& pass, int y, const Range& pixels, int first_channel, int end_channel) const {
        LineBlock block{y, first_channel, end_channel - first_channel, pixels.first, pixels.last + 1 - pixels.first, 0};
        if (layer_.fully_connected) block.bytes = layer_.bytes_of_line(y);
        if (!pass.blocks.empty()) block.first_line = pass.blocks.back().first_line + pass.blocks.back().channels;
        pass.blocks.push_back(block);
    }

    /// All rows that a tap reads, or those that the taps of some tiles do.
    [[nodiscard]] std::vector<int> rows_read_by(const LinePass& pass) const {
        if (layer_.row_strips.size() == 1) return rows_.all();
        std::set<int> read;
        for (int t = pass.first_tile; t < pass.end_tile; ++t) {
            // Tiles of one row read the same.
            if (t > pass.first_tile && layer_.tiles[t].last_y == layer_.tiles[t - 1].first_y) continue;
            for (const int y : rows_of(layer_.tiles[t], layer_.parts.front())) {
                if (layer_.row_position[y] >= 0) read.insert(y);
            }
        }
        return {read.begin(), read.end()};
    }

    void describe_windows() {
        for (const LinePass& pass : layer_.line_passes) {
            const auto above = [&](int y) {  // blocks of the pass that lie above a row
                const auto at = std::partition_point(pass.blocks.begin(), pass.blocks.end(),
                                                     [y](const LineBlock& block) { return block.row < y; });
                return static_cast<int>(at - pass.blocks.begin());
            };
            for (int t = pass.first_tile; t < pass.end_tile; ++t) {
                const ColumnTile& tile = layer_.tiles[t];
                LineWindow window{0, static_cast<int>(pass.blocks.size()), t, t + 1};
                if (!layer_.fully_connected) {
                    window.first_block = above(tile.first_y * layer_.stride_height - layer_.pad_top);
                    window.end_block =
                        above(tile.last_y * layer_.stride_height - layer_.pad_top + layer_.kernel_height);
                }
                add_window(window, t > pass.first_tile);
            }
        }
    }

    void describe_windows_of_parts() {
        for (const LinePass& pass : layer_.line_passes)
            add_window({0, static_cast<int>(pass.blocks.size()), pass.first_tile, pass.end_tile}, false);
    }

    void add_window(const LineWindow& window, bool same_pass) {
        std::vector<LineWindow>& windows = layer_.windows;
        if (same_pass && windows.back().first_block == window.first_block &&
            windows.back().end_block == window.end_block) {
            windows.back().end_tile = window.end_tile;
        } else {
            windows.push_back(window);
        }
        layer_.tile_window.push_back(static_cast<int>(windows.size()) - 1);
    }

    /// Feature-map rows that the part's kernel rows read for the tile, from above.
    [[nodiscard]] std::set<int> rows_of(const ColumnTile& tile, const TapPart& part) const {
        std::set<int> rows;
        for (int output = tile.first_y; output <= tile.last_y; ++output) {
            for (int row = part.first_row; row < part.end_row; ++row) {
                const int y = output * layer_.stride_height - layer_.pad_top + row * row_dilation_;
                if (y >= 0 && y < layer_.map_height) rows.insert(y);
            }
        }
        return rows;
    }

    void cut_taps(const TapOrder& order, const ReductionCut& cut) {
        TapPart whole{0, 0, kernel_.height, 0, kernel_.width, 0, layer_.line_channels};
        cut_loop(order, cut, 0, whole);
    }

    void cut_loop(const TapOrder& order, const ReductionCut& cut, int loop, TapPart& part) {
        if (loop > cut.loop) {
            const int before = layer_.parts.empty() ? 0 : layer_.parts.back().end_tap;
            part.end_tap = before + (part.end_row - part.first_row) * (part.end_column - part.first_column) *
                                        (part.end_channel - part.first_channel);
            layer_.parts.push_back(part);
            return;
        }
        int& first = order[loop] == TapLoop::row      ? part.first_row
                     : order[loop] == TapLoop::column ? part.first_column
                                                      : part.first_channel;
        int& end = order[loop] == TapLoop::row      ? part.end_row
                   : order[loop] == TapLoop::column ? part.end_column
                                                    : part.end_channel;
        const int extent = end;
        const int step = loop == cut.loop ? cut.step : 1;
        for (int at = 0; at < extent; at += step) {
            first = at;
            end = std::min(at + step, extent);
            cut_loop(order, cut, loop + 1, part);
        }
        first = 0;
        end = extent;
    }

    LayerSchedule& layer_;
    KernelTaps kernel_;
    int row_dilation_ = 1;
    int column_dilation_ = 1;
    ReadRows rows_;
};

void clear_passes(LayerSchedule& layer) {
    layer.parts.clear();
    layer.windows.clear();
    layer.tile_window.clear();
    for (LinePass& pass : layer.line_passes) pass = {pass.first_tile, pass.end_tile, {}, {}};
}

/// Before they are listed.
void check_blocks(const LayerSchedule& layer, const HardwareParams& hardware, const LineFit& fit) {
    std::int64_t blocks = layer.map_height;
    if (fit.cut) {
        std::int64_t parts = 1;
        const TapOrder& order = hardware.accumulator.order;
        for (int loop = 0; loop <= fit.cut->loop; ++loop) {
            const int extent = order[loop] == TapLoop::row      ? layer.kernel_taps.height
                               : order[loop] == TapLoop::column ? layer.kernel_taps.width
                                                                : layer.line_channels;
            parts *= ceil_div(extent, loop == fit.cut->loop ? fit.cut->step : 1);
        }
        bool rows_cut = false;
        for (int loop = 0; loop <= fit.cut->loop; ++loop)
            rows_cut = rows_cut || (order[loop] == TapLoop::row && (loop < fit.cut->loop || fit.cut->step == 1));
        blocks = static_cast<std::int64_t>(layer.tiles.size()) * parts * (rows_cut ? 1 : layer.kernel_taps.height);
    }
    if (blocks <= kMaxMoves) return;
    refuse(layer,
           fmt::format("line_buffer.bytes: {} holds so little of what the array reads at once that it comes in {} "
                       "parts (allowed: up to {}); enlarge it",
                       hardware.line_buffer.bytes, blocks, kMaxMoves));
}

/// Of the blocks as they have come out.
void measure_blocks(LayerSchedule& layer) {
    layer.block_lines = 1;
    layer.line_stride = 1;
    for (const LinePass& pass : layer.line_passes) {
        for (const LineBlock& block : pass.blocks) {
            layer.block_lines = std::max(layer.block_lines, block.channels);
            layer.line_stride = std::max(layer.line_stride, block.bytes);
        }
    }
}

}  // namespace

void describe_line_passes(LayerSchedule& layer, const HardwareParams& hardware, bool strips) {
    PassDescriber describer(layer);
    describer.describe_whole_rows(false);
    const LineFitter fitter(layer, hardware, strips);
    if (fitter.fits_whole()) {
        layer.block_lines = layer.line_channels;
        layer.line_stride = layer.line_bytes;
        layer.buffer_blocks = fitter.rows_held();
        return;
    }
    const LineFit fit = fitter.choose();
    check_blocks(layer, hardware, fit);
    layer.line_fit = fit;
    clear_passes(layer);
    if (layer.fully_connected) {
        describer.describe_words();
    } else {
        describe_nest(layer, hardware, fit);
        describe_column_tiles(layer);
        if (fit.cut) describer.describe_parts(hardware.accumulator.order, *fit.cut);
        else describer.describe_whole_rows(true);
    }
    measure_blocks(layer);
    layer.buffer_blocks = fitter.blocks_held(layer.block_places().bytes);
}

}  // namespace widthwise
