// SPDX-License-Identifier: Apache-2.0
#include "schedule/line_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "schedule/pooling_windows.h"
#include "schedule/read_rows.h"
#include "schedule/tiling.h"

namespace widthwise {
namespace {

constexpr int kMostBlocks = 1 << 20;

/// What one cut of a tile's taps needs.
struct CutCost {
    std::int64_t filled = 0;  ///< bytes of all parts
    std::int64_t held = 0;    ///< of the largest part
    std::int64_t parts = 1;
};

/// Costs of cuts, for tiles away from the map's borders.
class CutCosts {
public:
    CutCosts(const LayerSchedule& layer, const TapOrder& order, int images, int output_rows)
        : layer_(layer), kernel_(layer.kernel_taps), order_(order), images_(images), output_rows_(output_rows) {}

    [[nodiscard]] int extent(int loop) const { return extent(order_[loop]); }

    [[nodiscard]] CutCost of(const ReductionCut& cut) const {
        const int extent_cut = extent(cut.loop);
        std::int64_t outer = 1;  // trips of the loops further out, one position each
        for (int loop = 0; loop < cut.loop; ++loop) outer *= extent(loop);
        CutCost cost;
        cost.parts = outer * ceil_div(extent_cut, cut.step);
        cost.held = bytes_of(cut.loop, cut.step);
        const int rest = extent_cut % cut.step;
        cost.filled = outer * (extent_cut / cut.step * cost.held + (rest > 0 ? bytes_of(cut.loop, rest) : 0));
        return cost;
    }

private:
    [[nodiscard]] int extent(TapLoop loop) const {
        return loop == TapLoop::row ? kernel_.height : loop == TapLoop::column ? kernel_.width : layer_.line_channels;
    }
    /// Of a part that takes `positions` of a loop, one of each loop further out and all of those further in.
    [[nodiscard]] std::int64_t bytes_of(int cut, int positions) const {
        int rows = kernel_.height, columns = kernel_.width, channels = layer_.line_channels;
        for (int loop = 0; loop <= cut; ++loop) {
            int& taken = order_[loop] == TapLoop::row ? rows : order_[loop] == TapLoop::column ? columns : channels;
            taken = loop == cut ? positions : 1;
        }
        return std::int64_t{map_rows(rows)} * channels * images_ * line_bytes(columns);
    }
    static int span(int outputs, int stride, int taps, int taps_span, int all_taps) {
        return (outputs - 1) * stride + (taps - 1) * dilation(taps_span, all_taps) + 1;
    }
    [[nodiscard]] int map_rows(int rows) const {
        const int between = span(output_rows_, layer_.stride_height, rows, layer_.kernel_height, kernel_.height);
        return std::min({rows * output_rows_, between, layer_.map_height});
    }
    [[nodiscard]] int line_bytes(int columns) const {
        if (output_rows_ > 1) return layer_.line_bytes;
        const int outputs = layer_.image_columns ? 1 : layer_.array_columns;
        return std::min(layer_.line_bytes,
                        span(outputs, layer_.stride_width, columns, layer_.kernel_width, kernel_.width));
    }

    const LayerSchedule& layer_;
    const KernelTaps& kernel_;
    const TapOrder& order_;
    int images_;
    int output_rows_ = 1;  ///< of a tile, at most
};

}  // namespace

LineFitter::LineFitter(const LayerSchedule& layer, const HardwareParams& hardware, bool strips)
    : layer_(layer), hardware_(hardware), images_(layer.image_columns ? layer.array_columns : 1) {
    for (const LineWindow& w : layer.windows) needed_ = std::max(needed_, w.end_block - w.first_block);
    for (const ColumnTile& tile : layer.tiles) output_rows_ = std::max(output_rows_, tile.last_y - tile.first_y + 1);
    if (strips && hardware.array.mapping == Mapping::flat && !layer.image_columns) {
        const int rows = ceil_div(layer.array_columns - 1, layer.sums.width) + 1;
        output_rows_ = std::min(rows, layer.sums.height);
        const int input_rows = (output_rows_ - 1) * layer.stride_height + layer.kernel_height;
        needed_ = std::max(1, std::min(input_rows, ReadRows(layer).count()));
    }
    // Where a kernel is dilated a strip leaves out rows in between, which a whole map reads for other rows of sums.
    if (strips && hardware.array.mapping == Mapping::row && !layer.image_columns) {
        const ReadRows rows(layer);
        for (int y = 0; y < layer.sums.height; ++y) needed_ = std::max(needed_, rows.needed_by({y, y + 1}).count());
    }
    row_bytes_ = std::int64_t{layer.line_channels} * layer.line_bytes * images_;
    fitting_ = blocks_held(row_bytes_);
}

int LineFitter::blocks_held(std::int64_t block_bytes) const {
    return static_cast<int>(std::min<std::int64_t>(hardware_.line_buffer.bytes / block_bytes, kMostBlocks));
}

void LineFitter::check_configured_rows() const {
    const LineBufferParams& params = hardware_.line_buffer;
    if (params.rows < needed_) {
        refuse(layer_, fmt::format("line_buffer.rows: {} is less than the {} feature-map rows that the array reads at "
                                   "once (kernel height {}); allowed: {} or more, or auto",
                                   params.rows, needed_, layer_.kernel_height, needed_));
    }
    if (params.rows > fitting_) {
        refuse(layer_, fmt::format("line_buffer.bytes: {} cannot hold line_buffer.rows: {} rows of {} bytes; needs {}, "
                                   "or rows: auto",
                                   params.bytes, params.rows, row_bytes_, params.rows * row_bytes_));
    }
}

bool LineFitter::fits_whole() const {
    if (!layer_.fully_connected && hardware_.line_buffer.rows > 0) check_configured_rows();
    return fitting_ >= needed_;
}

std::int64_t LineFitter::least_bytes() const {
    if (layer_.fully_connected) return row_bytes_;
    return row_bytes_ * (hardware_.line_buffer.rows > 0 ? hardware_.line_buffer.rows : needed_);
}

int LineFitter::rows_held() const {
    // A vector: two of them, so that the next pass can be filled meanwhile.
    if (layer_.fully_connected) return std::min(2 * needed_, fitting_);
    if (hardware_.line_buffer.rows > 0) return hardware_.line_buffer.rows;
    return std::min(needed_ + layer_.stride_height, fitting_);
}

namespace {

/// No pooling window reaches over the borders of stripes of `columns` outputs: each is complete with its stripe.
bool pools_within(const LayerSchedule& layer, int columns) {
    if (!layer.pooling) return true;
    const Window& w = layer.pooling->window;
    const std::vector<PixelWindows> pixels =
        windows_along(layer.sums.width, w.kernel_width, w.stride_width, w.pad_left, layer.output.width);
    for (int x = columns; x < layer.sums.width; x += columns) {
        if (pixels[x - 1].end > pixels[x].first) return false;
    }
    return true;
}

}  // namespace

/// The widest stripe of whole tiles of which the rows fit; 0: none does.
int LineFitter::stripe_columns() const {
    if (layer_.image_columns || hardware_.array.mapping == Mapping::flat) return 0;
    const std::int64_t line = hardware_.line_buffer.bytes / needed_ / layer_.line_channels;  // bytes of each
    if (line < layer_.kernel_width) return 0;
    const std::int64_t outputs = (line - layer_.kernel_width) / layer_.stride_width + 1;
    const auto tiles = static_cast<int>(outputs / layer_.array_columns);
    for (int columns = tiles * layer_.array_columns; columns > 0; columns -= layer_.array_columns) {
        if (pools_within(layer_, columns)) return columns;
    }
    return 0;
}

LineFit LineFitter::choose() const {
    if (layer_.fully_connected) {
        if (fitting_ > 0) return {};
        refuse(layer_, fmt::format("line_buffer.bytes: {} cannot hold a fill word of {} bytes for each of {} images; "
                                   "needs at least {}",
                                   hardware_.line_buffer.bytes, layer_.line_bytes, images_, row_bytes_));
    }
    if (const int columns = stripe_columns(); columns > 0) return {columns, std::nullopt};
    return choose_cut();
}

LineFit LineFitter::choose_cut() const {
    const std::int64_t bytes = hardware_.line_buffer.bytes;
    const CutCosts costs(layer_, hardware_.accumulator.order, images_, output_rows_);
    std::optional<std::tuple<std::int64_t, bool, std::int64_t>> best;
    LineFit fit;
    std::int64_t least = 0;
    for (int loop = 0; loop < static_cast<int>(hardware_.accumulator.order.size()); ++loop) {
        for (int step = costs.extent(loop); step > 0; --step) {
            const CutCost cost = costs.of({loop, step});
            least = cost.held;
            if (cost.held > bytes) continue;
            const auto rank = std::tuple(cost.filled, 2 * cost.held > bytes, cost.parts);
            if (best && *best <= rank) continue;
            best = rank;
            fit.cut = ReductionCut{loop, step};
        }
    }
    if (!best) {
        refuse(layer_,
               fmt::format("line_buffer.bytes: {} cannot hold what a tile reads for one tap of a channel; needs "
                           "at least {}",
                           bytes, std::min(least, needed_ * row_bytes_)));
    }
    return fit;
}

}  // namespace widthwise
