// SPDX-License-Identifier: Apache-2.0
#include "mapping/dataflows/output_stationary.h"

#include <algorithm>

namespace widthwise {
namespace {

/// Pixels of one image side by side: of all its rows, or of one row.
void add_pixels(LoopNest& nest, const LayerExtents& layer, const ArrayParams& array) {
    auto& tiles = nest.at(Memory::line_buffer).loops;
    auto& columns = nest.at(Memory::array).loops;
    if (array.mapping == Mapping::flat) {
        const std::int64_t pixels = std::int64_t{layer.out_height} * layer.out_width;
        const auto side = static_cast<int>(std::min<std::int64_t>(array.columns, pixels));
        tiles = {loop_over(Dim::out_pixel, pixels, side)};
        columns.push_back(loop_over(Dim::out_pixel, side, 1, Place::columns));
        return;
    }
    const int side = std::min(array.columns, layer.out_width);
    tiles = {loop_over(Dim::out_row, layer.out_height), loop_over(Dim::out_column, layer.out_width, side)};
    columns.push_back(loop_over(Dim::out_column, side, 1, Place::columns));
}

Loop reduction(TapLoop loop, const LayerExtents& layer) {
    switch (loop) {
        case TapLoop::channel: return loop_over(Dim::in_channel, layer.in_channels);
        case TapLoop::row: return loop_over(Dim::kernel_row, layer.kernel_height);
        case TapLoop::column: break;
    }
    return loop_over(Dim::kernel_column, layer.kernel_width);
}

}  // namespace

LoopNest output_stationary(const LayerExtents& layer, const HardwareParams& hardware) {
    const ArrayParams& array = hardware.array;
    const bool streamed = hardware.weight_buffer.storage == WeightStorage::streamed;
    const int rows = std::min(array.rows, layer.out_channels);
    LoopNest nest = empty_nest();
    nest.at(streamed ? Memory::dram : Memory::weight_buffer).loops = {
        loop_over(Dim::group, layer.groups), loop_over(Dim::out_channel, layer.out_channels, rows)};
    nest.at(Memory::array).loops = {loop_over(Dim::out_channel, rows, 1, Place::rows)};
    if (layer.columns_are_images) {
        const int columns = std::min(array.columns, layer.images);
        nest.at(Memory::activation_buffer).loops = {loop_over(Dim::image, layer.images, columns)};
        nest.at(Memory::array).loops.push_back(loop_over(Dim::image, columns, 1, Place::columns));
    } else {
        nest.at(Memory::activation_buffer).loops = {loop_over(Dim::image, layer.images)};
        add_pixels(nest, layer, array);
    }
    for (const TapLoop loop : hardware.accumulator.order)
        nest.at(Memory::array).loops.push_back(reduction(loop, layer));
    return nest;
}

}  // namespace widthwise
