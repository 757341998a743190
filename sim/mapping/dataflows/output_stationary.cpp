// SPDX-License-Identifier: Apache-2.0
#include "mapping/dataflows/output_stationary.h"

#include <algorithm>

namespace widthwise {
namespace {

/// Pixels of one image side by side: of all its rows, or of one row. The loops over tiles go to `tiles`.
void add_pixels(LoopNest& nest, std::vector<Loop>& tiles, const LayerExtents& layer, const ArrayParams& array,
                const LineFit& fit, const StripExtents& strips) {
    const int rows = strips.rows > 0 ? std::min(strips.rows, layer.out_height) : layer.out_height;
    auto& outermost = nest.at(Memory::dram).loops;
    auto& columns = nest.at(Memory::array).loops;
    if (array.mapping == Mapping::flat) {
        const std::int64_t pixels = std::int64_t{layer.out_height} * layer.out_width;
        const auto side = static_cast<int>(std::min<std::int64_t>(array.columns, pixels));
        const std::int64_t of_strip = std::int64_t{rows} * layer.out_width;
        if (strips.rows > 0) outermost.push_back(loop_over(Dim::out_pixel, pixels, static_cast<int>(of_strip)));
        tiles.push_back(loop_over(Dim::out_pixel, of_strip, side));
        columns.push_back(loop_over(Dim::out_pixel, side, 1, Place::columns));
        return;
    }
    if (strips.rows > 0) outermost.push_back(loop_over(Dim::out_row, layer.out_height, rows));
    const int side = std::min(array.columns, layer.out_width);
    int width = layer.out_width;
    if (fit.stripe_columns > 0) {
        nest.at(Memory::activation_buffer).loops.push_back(loop_over(Dim::out_column, width, fit.stripe_columns));
        width = std::min(width, fit.stripe_columns);
    }
    tiles.push_back(loop_over(Dim::out_row, rows));
    tiles.push_back(loop_over(Dim::out_column, width, side));
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

/// The loops of the reduction, from the outermost on. What a trip of those that are cut off reads passes the line buffer
/// together.
void add_reduction(LoopNest& nest, const LayerExtents& layer, const TapOrder& order, const LineFit& fit) {
    for (int i = 0; i < static_cast<int>(order.size()); ++i) {
        Loop loop = reduction(order[i], layer);
        if (fit.cut && i <= fit.cut->loop) {
            const int step = i == fit.cut->loop ? fit.cut->step : 1;
            nest.at(Memory::activation_buffer).loops.push_back(loop_over(loop.dim, loop.trips, step));
            loop = loop_over(loop.dim, step);
        }
        nest.at(Memory::array).loops.push_back(loop);
    }
}

}  // namespace

LoopNest output_stationary(const LayerExtents& layer, const HardwareParams& hardware, const LineFit& fit,
                           const StripExtents& strips) {
    const ArrayParams& array = hardware.array;
    const bool streamed = hardware.weight_buffer.storage == WeightStorage::streamed;
    const bool in_strips = strips != StripExtents{};
    const int rows = std::min(array.rows, layer.out_channels);
    const int columns = std::min(array.columns, layer.images);
    LoopNest nest = empty_nest();
    const Loop groups = loop_over(Dim::group, layer.groups);
    const Loop channels = loop_over(Dim::out_channel, layer.out_channels, rows);
    auto& outermost = nest.at(Memory::dram).loops;
    if (strips.channel_tiles > 0) {
        outermost.push_back(loop_over(Dim::group, layer.groups, std::max(1, strips.channel_tiles / channels.trips)));
        outermost.push_back(
            loop_over(Dim::out_channel, layer.out_channels, rows * std::min(strips.channel_tiles, channels.trips)));
    }
    nest.at(Memory::array).loops = {loop_over(Dim::out_channel, rows, 1, Place::rows)};
    auto& images = in_strips ? outermost : nest.at(Memory::activation_buffer).loops;
    if (layer.columns_are_images) {
        images.push_back(loop_over(Dim::image, layer.images, columns));
        nest.at(Memory::array).loops.push_back(loop_over(Dim::image, columns, 1, Place::columns));
        if (strips.rows > 0) outermost.push_back(loop_over(Dim::out_row, 1));  // a strip of the only row
    } else {
        images.push_back(loop_over(Dim::image, layer.images));
        add_pixels(nest, nest.at(fit.cut ? Memory::activation_buffer : Memory::line_buffer).loops, layer, array, fit,
                   strips);
    }
    // Further out than the images and pixels above: their memories are further in.
    auto& tiles = nest.at(streamed ? Memory::dram : Memory::weight_buffer).loops;
    if (strips.channel_tiles > 0) {
        tiles.push_back(loop_over(Dim::group, std::max(1, strips.channel_tiles / channels.trips)));
        tiles.push_back(loop_over(Dim::out_channel, std::min(strips.channel_tiles, channels.trips) * rows, rows));
    } else {
        tiles.push_back(groups);
        tiles.push_back(channels);
    }
    add_reduction(nest, layer, hardware.accumulator.order, fit);
    return nest;
}

}  // namespace widthwise
