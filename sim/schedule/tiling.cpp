// SPDX-License-Identifier: Apache-2.0
#include "schedule/tiling.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/error.h"
#include "mapping/dataflows/output_stationary.h"

namespace widthwise {

void refuse(const LayerSchedule& layer, const std::string& what) {
    throw InputError(fmt::format("layer '{}': {}", layer.name, what));
}

void describe_nest(LayerSchedule& layer, const HardwareParams& hardware, int kernel_height, int kernel_width) {
    LayerExtents extents;
    extents.images = layer.images;
    extents.groups = layer.groups;
    extents.out_channels = layer.sums.channels / layer.groups;
    extents.out_height = layer.sums.height;
    extents.out_width = layer.sums.width;
    extents.in_channels = layer.tap_count / (kernel_height * kernel_width);
    extents.kernel_height = kernel_height;
    extents.kernel_width = kernel_width;
    extents.columns_are_images = layer.image_columns;
    layer.nest = output_stationary(extents, hardware);
    const LoopNest& nest = layer.nest;
    const auto side = [&](Place place) {
        for (const Loop& loop : nest.at(Memory::array).loops) {
            if (loop.place == place) return loop.trips;
        }
        return 1;
    };
    layer.array_rows = side(Place::rows);
    layer.array_columns = side(Place::columns);
    layer.channel_tiles = static_cast<int>(nest.trips(Memory::dram, Memory::activation_buffer));
    layer.image_groups = static_cast<int>(nest.trips(Memory::activation_buffer, Memory::line_buffer));
}

std::int64_t column_tiles(const LayerSchedule& layer) { return layer.nest.trips(Memory::line_buffer, Memory::array); }

void describe_column_tiles(LayerSchedule& layer) {
    if (layer.image_columns) {
        layer.tiles = {{0, layer.array_columns, 0, 0}};
        return;
    }
    layer.tiles.reserve(static_cast<std::size_t>(column_tiles(layer)));
    const int width = layer.sums.width;
    Cursor cursor(layer.nest, Memory::line_buffer, Memory::array);
    do {
        const auto row = static_cast<int>(cursor.first(Dim::out_row));
        const auto first = static_cast<int>(cursor.first(Dim::out_pixel) + cursor.first(Dim::out_column)) + row * width;
        const int count = cursor.count(Dim::out_pixel) * cursor.count(Dim::out_column);
        layer.tiles.push_back({first, count, first / width, (first + count - 1) / width});
    } while (cursor.next());
}

namespace {

/// Positions along an axis of `extent` that some tap reads for some output; the others only pass by in padding, between
/// the taps of a dilated kernel, or between the kernels of a stride beyond it. A tap reads every `stride`-th position
/// from its first one on: where such runs begin and end is enough, however many taps and outputs there are.
std::vector<bool> positions_read(int extent, int outputs, int stride, int pad, const std::set<int>& taps) {
    std::vector<int> runs(static_cast<std::size_t>(extent), 0);  // that are open at a position
    for (const int tap : taps) {
        const int first = tap - pad;
        const int begin = first >= 0 ? first : first + ceil_div(-std::int64_t{first}, stride) * stride;
        const int end = first + outputs * stride;
        if (begin >= end || begin >= extent) continue;
        ++runs[begin];
        if (end < extent) --runs[end];
    }
    std::vector<bool> read(static_cast<std::size_t>(extent));
    for (int at = 0; at < extent; ++at) {
        if (at >= stride) runs[at] += runs[at - stride];
        read[at] = runs[at] > 0;
    }
    return read;
}

/// Rows that some tap reads. Where all columns of the taps lie in the padding that is none.
std::vector<bool> rows_read(const LayerSchedule& layer) {
    if (layer.fully_connected) return std::vector<bool>(layer.map_height, true);
    std::set<int> rows;
    std::set<int> columns;
    for (const Tap& tap : layer.taps) {
        rows.insert(tap.row);
        columns.insert(tap.column);
    }
    const std::vector<bool> columns_read =
        positions_read(layer.line_bytes, layer.sums.width, layer.stride_width, layer.pad_left, columns);
    if (std::find(columns_read.begin(), columns_read.end(), true) == columns_read.end()) {
        return std::vector<bool>(layer.map_height, false);
    }
    return positions_read(layer.map_height, layer.sums.height, layer.stride_height, layer.pad_top, rows);
}

}  // namespace

void describe_windows(LayerSchedule& layer) {
    const std::vector<bool> used = rows_read(layer);
    const auto top = [&](const ColumnTile& t) { return t.first_y * layer.stride_height - layer.pad_top; };
    const auto end = [&](const ColumnTile& t) {
        return t.last_y * layer.stride_height - layer.pad_top + layer.kernel_height;
    };
    const auto clip = [&](int y) { return std::clamp(y, 0, layer.map_height); };
    layer.row_position.assign(layer.map_height, -1);
    for (int y = 0; y < layer.map_height; ++y) {
        if (!used[y]) continue;
        layer.row_position[y] = static_cast<int>(layer.fill_rows.size());
        layer.fill_rows.push_back(y);
    }
    // Position in fill order of the first needed row at or below y: as many as are needed above it.
    std::vector<int> positions(layer.map_height + 1, 0);
    for (int y = 0; y < layer.map_height; ++y) positions[y + 1] = positions[y] + (used[y] ? 1 : 0);
    const auto position = [&](int y) { return positions[y]; };
    for (int t = 0; t < layer.tiles_per_pass(); ++t) {
        const ColumnTile& tile = layer.tiles[t];
        LineWindow window{0, static_cast<int>(layer.fill_rows.size()), t, t + 1};
        if (!layer.fully_connected) {
            window.first_row = position(clip(top(tile)));
            window.end_row = position(clip(end(tile)));
        }
        const bool same = !layer.windows.empty() && layer.windows.back().first_row == window.first_row &&
                          layer.windows.back().end_row == window.end_row;
        if (same) layer.windows.back().end_tile = t + 1;
        else layer.windows.push_back(window);
        layer.tile_window.push_back(static_cast<int>(layer.windows.size()) - 1);
    }
}

void size_line_buffer(LayerSchedule& layer, const LineBufferParams& params) {
    int needed = 1;
    for (const LineWindow& w : layer.windows) needed = std::max(needed, w.end_row - w.first_row);
    const std::int64_t row_bytes =
        std::int64_t{layer.line_channels} * layer.line_bytes * (layer.image_columns ? layer.array_columns : 1);
    const auto fitting = static_cast<int>(std::min<std::int64_t>(params.bytes / row_bytes, 1 << 20));
    if (fitting < needed) {
        refuse(layer,
               fmt::format("line_buffer.bytes: {} holds {} of the {} feature-map rows of {} bytes that the array "
                           "reads at once; needs at least {}",
                           params.bytes, fitting, needed, row_bytes, needed * row_bytes));
    }
    if (layer.fully_connected) {  // a vector: two of them, so that the next pass can be filled meanwhile
        layer.buffer_rows = std::min(2 * needed, fitting);
    } else if (params.rows == 0) {
        layer.buffer_rows = std::min(needed + layer.stride_height, fitting);
    } else {
        layer.buffer_rows = params.rows;
        if (params.rows < needed) {
            refuse(layer,
                   fmt::format("line_buffer.rows: {} is less than the {} feature-map rows that the array reads at "
                               "once (kernel height {}); allowed: {} or more, or auto",
                               params.rows, needed, layer.kernel_height, needed));
        }
        if (params.rows > fitting) {
            refuse(layer,
                   fmt::format("line_buffer.bytes: {} cannot hold line_buffer.rows: {} rows of {} bytes; needs {}",
                               params.bytes, params.rows, row_bytes, params.rows * row_bytes));
        }
    }
}

}  // namespace widthwise
