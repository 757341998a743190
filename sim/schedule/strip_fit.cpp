// SPDX-License-Identifier: Apache-2.0
#include "schedule/strip_fit.h"

#include <algorithm>
#include <tuple>

namespace widthwise {
namespace {

std::int64_t product(std::int64_t a, std::int64_t b, std::int64_t c) { return a * b * c; }

int images_of(const LayerSchedule& layer) { return layer.image_columns ? layer.array_columns : 1; }

/// Rows of the output that begin in a strip of so many rows of the sums.
int output_rows_of(const LayerSchedule& layer, int rows) {
    if (rows >= layer.sums.height) return layer.output.height;
    return layer.pooling ? std::min(rows / layer.pooling->window.stride_height, layer.output.height) : rows;
}

}  // namespace

RowRange sum_rows(const LayerSchedule& layer, const StripExtents& extents, int number) {
    const int first = number * extents.rows;
    return {first, std::min(first + extents.rows, layer.sums.height)};
}

RowRange output_rows(const LayerSchedule& layer, const StripExtents& extents, int number) {
    const int of_strip = output_rows_of(layer, extents.rows);
    const int first = std::min(number * of_strip, layer.output.height);
    return {first, std::min(first + of_strip, layer.output.height)};
}

StripChannels strip_channels(const LayerSchedule& layer, int channel_tiles) {
    const int of_group = layer.sums.channels / layer.groups;
    if (layer.groups == 1) return {std::min(of_group, channel_tiles * layer.array_rows), layer.line_channels};
    const int groups = layer.channel_tiles[channel_tiles - 1].group + 1;
    return {groups * of_group, groups * layer.line_channels};
}

StripFitter::StripFitter(const LayerSchedule& layer, const HardwareParams& hardware)
    : layer_(layer),
      hardware_(hardware),
      streamed_(hardware.weight_buffer.storage == WeightStorage::streamed && layer.has_parameters()),
      rows_(layer) {
    if (layer.input_place.in_dram && !layer.fully_connected) measure_rings();
}

void StripFitter::measure_rings() {
    const int height = layer_.sums.height;
    rings_.resize(static_cast<std::size_t>(height) + 1);
    for (int rows = 1; rows <= height; ++rows) {
        Ring& ring = rings_[rows];
        RowRange before;
        const int first_count = rows_.needed_by({0, std::min(rows, height)}).count();
        for (int first = 0; first < height; first += rows) {
            const RowRange needed = rows_.needed_by({first, std::min(first + rows, height)});
            ring.one = std::max(ring.one, needed.count());
            if (first > 0) ring.two = std::max(ring.two, needed.end - before.first);
            before = needed;
        }
        ring.two = std::max(ring.two, ring.one);
        ring.across = std::max(ring.two, before.count() + first_count);
    }
}

bool StripFitter::input_stays(const StripExtents& extents) const {
    return layer_.groups == 1 && layer_.image_groups == 1 && row_strips(extents) == 1;
}

int StripFitter::ring_rows(const StripExtents& extents, bool prefetches) const {
    const Ring& ring = rings_[extents.rows];
    if (!prefetches || input_stays(extents)) return std::max(1, ring.one);
    const bool boxes = strips(extents) > row_strips(extents);
    return std::max(1, boxes ? ring.across : ring.two);
}

int StripFitter::row_strips(const StripExtents& extents) const { return ceil_div(layer_.sums.height, extents.rows); }

/// Rows of the sums can be parted between pooling windows.
bool StripFitter::windows_are_apart() const {
    if (!layer_.pooling) return true;
    const Window& window = layer_.pooling->window;
    return window.pad_top == 0 && window.kernel_height <= window.stride_height;
}

namespace {

/// Of ascending numbers those up to `most`, or else the first; 0: all.
void keep_up_to(std::vector<int>& numbers, int most) {
    if (most == 0) return;
    const auto end = std::upper_bound(numbers.begin() + 1, numbers.end(), most);
    numbers.erase(end, numbers.end());
}

}  // namespace

std::vector<StripExtents> StripFitter::candidates() const {
    std::vector<int> rows;
    const int step = layer_.pooling ? layer_.pooling->window.stride_height : 1;
    for (int r = step; windows_are_apart() && r < layer_.sums.height; r += step) rows.push_back(r);
    rows.push_back(layer_.sums.height);
    keep_up_to(rows, hardware_.activation_buffer.strip_rows);
    const int tiles = layer_.groups == 1 ? 1 : layer_.channel_tile_count() / layer_.groups;
    std::vector<int> channels;  // of so many tiles
    for (int t = tiles; t <= layer_.channel_tile_count(); t += tiles)
        channels.push_back(strip_channels(layer_, t).made);
    keep_up_to(channels, hardware_.activation_buffer.strip_channels);
    std::vector<StripExtents> all;
    for (int i = 1; i <= static_cast<int>(channels.size()); ++i) {
        for (const int r : rows) all.push_back({r, i * tiles});
    }
    return all;
}

std::int64_t StripFitter::bytes(const StripExtents& extents, bool prefetches) const {
    const StripChannels channels = strip_channels(layer_, extents.channel_tiles);
    const std::int64_t copies = prefetches ? 2 : 1;
    std::int64_t bytes = 0;
    if (layer_.input_place.in_dram && layer_.fully_connected) {
        bytes += layer_.input.elements() * (input_stays(extents) ? 1 : copies);
    } else if (layer_.input_place.in_dram) {
        bytes += product(ring_rows(extents, prefetches), channels.read, layer_.input.width);
    }
    if (layer_.addend_place.in_dram) bytes += product(channels.made, extents.rows, layer_.sums.width) * copies;
    if (layer_.output_place.in_dram) {
        bytes += product(channels.made, output_rows_of(layer_, extents.rows), layer_.output.width) *
                 layer_.value_bytes * copies;
    }
    return bytes * images_of(layer_);
}

std::int64_t StripFitter::least_bytes() const {
    std::int64_t least = INT64_MAX;
    for (const StripExtents& extents : candidates()) least = std::min(least, bytes(extents, false));
    return least;
}

std::int64_t StripFitter::strips(const StripExtents& extents) const {
    return product(ceil_div(layer_.channel_tile_count(), extents.channel_tiles), layer_.image_groups,
                   row_strips(extents));
}

/// A row each at worst, of input, operand and output.
std::int64_t StripFitter::transfers(const StripExtents& extents) const {
    const int blocks = ceil_div(layer_.channel_tile_count(), extents.channel_tiles);
    const std::int64_t rows = std::int64_t{rows_.count()} + layer_.sums.height + layer_.output.height;
    return strips(extents) + product(blocks, layer_.images, rows);
}

std::int64_t StripFitter::traffic(const StripExtents& extents) const {
    const std::int64_t images = layer_.images;
    const int blocks = ceil_div(layer_.channel_tile_count(), extents.channel_tiles);
    std::int64_t traffic = 0;
    if (layer_.input_place.in_dram) {
        const std::int64_t once = layer_.fully_connected
                                      ? layer_.input.elements()
                                      : product(rows_.count(), layer_.input.channels, layer_.input.width);
        traffic += once * images * (layer_.groups > 1 || input_stays(extents) ? 1 : blocks);
    }
    if (layer_.addend_place.in_dram) traffic += layer_.sums.elements() * images;
    if (layer_.output_place.in_dram) traffic += layer_.output_bytes() * images;
    if (!streamed_) return traffic;
    const std::int64_t weights = layer_.weight_offset(layer_.channel_tile_count());
    // Parts come again for each column tile, and tiles for each strip that finds other weights in their place.
    if (layer_.weight_parts() > 1) return traffic + weights * layer_.image_groups * column_tiles(extents);
    const bool stay = extents.channel_tiles == 1;
    return traffic + weights * (stay ? 1 : std::int64_t{layer_.image_groups} * row_strips(extents));
}

/// Of one map.
std::int64_t StripFitter::column_tiles(const StripExtents& extents) const {
    if (layer_.image_columns) return 1;
    const int columns = layer_.array_columns, width = layer_.sums.width;
    if (hardware_.array.mapping == Mapping::row) return std::int64_t{layer_.sums.height} * ceil_div(width, columns);
    std::int64_t tiles = 0;
    for (int number = 0; number < row_strips(extents); ++number)
        tiles += ceil_div(std::int64_t{sum_rows(layer_, extents, number).count()} * width, columns);
    return tiles;
}

std::optional<StripChoice> StripFitter::choose(std::int64_t space) const {
    std::optional<StripChoice> best;
    const auto rank = [](const StripChoice& c) { return std::tuple(c.traffic, c.strips, -c.extents.rows); };
    for (const StripExtents& extents : candidates()) {
        if (bytes(extents, false) > space) continue;
        const bool prefetches = hardware_.activation_buffer.prefetch_strips && bytes(extents, true) <= space;
        const StripChoice choice{extents, prefetches, traffic(extents), strips(extents), transfers(extents)};
        if (!best || rank(choice) < rank(*best)) best = choice;
    }
    return best;
}

}  // namespace widthwise
