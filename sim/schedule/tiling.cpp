// SPDX-License-Identifier: Apache-2.0
#include "schedule/tiling.h"

#include <fmt/format.h>

#include "common/error.h"

namespace widthwise {

void refuse(const LayerSchedule& layer, const std::string& what) {
    throw InputError(fmt::format("layer '{}': {}", layer.name, what));
}

void describe_nest(LayerSchedule& layer, const HardwareParams& hardware, const LineFit& fit) {
    LayerExtents extents;
    extents.images = layer.images;
    extents.groups = layer.groups;
    extents.out_channels = layer.sums.channels / layer.groups;
    extents.out_height = layer.sums.height;
    extents.out_width = layer.sums.width;
    extents.in_channels = layer.tap_count / (layer.kernel_taps.height * layer.kernel_taps.width);
    extents.kernel_height = layer.kernel_taps.height;
    extents.kernel_width = layer.kernel_taps.width;
    extents.columns_are_images = layer.image_columns;
    layer.nest = output_stationary(extents, hardware, fit, layer.extents);
    const LoopNest& nest = layer.nest;
    const auto side = [&](Place place) {
        for (const Loop& loop : nest.at(Memory::array).loops) {
            if (loop.place == place) return loop.trips;
        }
        return 1;
    };
    layer.array_rows = side(Place::rows);
    layer.array_columns = side(Place::columns);
    layer.channel_tiles.clear();
    Cursor cursor(nest, Memory::dram, Memory::array, dim_of_channels);
    do {
        const auto group = static_cast<int>(cursor.first(Dim::group));
        const int first = group * extents.out_channels + static_cast<int>(cursor.first(Dim::out_channel));
        layer.channel_tiles.push_back({group, first, cursor.count(Dim::out_channel)});
    } while (cursor.next());
    layer.image_groups = ceil_div(layer.images, layer.image_columns ? layer.array_columns : 1);
}

std::int64_t column_tiles(const LayerSchedule& layer) {
    return layer.nest.trips(Memory::dram, Memory::array, dim_of_pixels);
}

void describe_column_tiles(LayerSchedule& layer) {
    layer.tiles.clear();
    layer.line_passes.clear();
    layer.row_strips.clear();
    if (layer.image_columns) {
        layer.tiles = {{0, layer.array_columns, 0, 0}};
        layer.line_passes = {{0, 1, {}, {}}};
        layer.row_strips = {{0, 1, 0, 1}};
        return;
    }
    layer.tiles.reserve(static_cast<std::size_t>(column_tiles(layer)));
    const int width = layer.sums.width;
    Cursor cursor(layer.nest, Memory::dram, Memory::array, dim_of_pixels);
    Memory moved = Memory::dram;
    do {
        const auto row = static_cast<int>(cursor.first(Dim::out_row));
        const auto first = static_cast<int>(cursor.first(Dim::out_pixel) + cursor.first(Dim::out_column)) + row * width;
        const int count = cursor.count(Dim::out_pixel) * cursor.count(Dim::out_column);
        const auto tile = static_cast<int>(layer.tiles.size());
        const auto pass = static_cast<int>(layer.line_passes.size());
        if (moved == Memory::dram) layer.row_strips.push_back({tile, tile, pass, pass});
        if (moved <= Memory::activation_buffer) layer.line_passes.push_back({tile, tile, {}, {}});
        layer.line_passes.back().end_tile = tile + 1;
        layer.row_strips.back().end_tile = tile + 1;
        layer.row_strips.back().end_line_pass = static_cast<int>(layer.line_passes.size());
        layer.tiles.push_back({first, count, first / width, (first + count - 1) / width});
        if (!cursor.next()) return;
        moved = cursor.moved();
    } while (true);
}

}  // namespace widthwise
