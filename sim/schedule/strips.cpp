// SPDX-License-Identifier: Apache-2.0
#include "schedule/strips.h"

#include <algorithm>
#include <vector>

#include "schedule/strip_fit.h"

namespace widthwise {
namespace {

/// A whole map, channel after channel.
MapRegion whole_map(const Placement& placement, std::int64_t channel_stride, std::int64_t row_stride) {
    MapRegion region;
    region.address = placement.address;
    region.image_stride = placement.bytes_per_image;
    region.channel_stride = channel_stride;
    region.row_stride = row_stride;
    return region;
}

}  // namespace

Strip whole_strip(const LayerSchedule& layer) {
    Strip strip;
    strip.end_channel_tile = layer.channel_tile_count();
    strip.end_group = layer.image_groups;
    strip.end_tile = static_cast<int>(layer.tiles.size());
    strip.end_line_pass = static_cast<int>(layer.line_passes.size());
    strip.input = whole_map(layer.input_placement, std::int64_t{layer.map_height} * layer.line_bytes, layer.line_bytes);
    const auto plane = [](const Shape& map) { return std::int64_t{map.height} * map.width; };
    strip.addend = whole_map(layer.addend_placement, plane(layer.sums), layer.sums.width);
    strip.output = whole_map(layer.output_placement, plane(layer.output) * layer.value_bytes,
                             std::int64_t{layer.output.width} * layer.value_bytes);
    return strip;
}

namespace {

class StripDescriber {
public:
    StripDescriber(LayerSchedule& layer, const HardwareParams& hardware, std::int64_t address)
        : layer_(layer), rows_(layer), fitter_(layer, hardware), whole_(whole_strip(layer)) {
        const StripChannels channels = strip_channels(layer, layer.extents.channel_tiles);
        const int images = layer.image_columns ? layer.array_columns : 1;
        copies_ = layer.strip_places();
        if (layer.input_place.in_dram && !layer.fully_connected)
            ring_rows_ = fitter_.ring_rows(layer.extents, layer.prefetches);
        input_row_ = std::int64_t{channels.read} * layer.input.width;
        input_bytes_ = layer.fully_connected ? layer.input.elements() * images : ring_rows_ * input_row_ * images;
        addend_bytes_ = std::int64_t{channels.made} * layer.extents.rows * layer.sums.width * images;
        const int output_rows = widthwise::output_rows(layer, layer.extents, 0).count();
        output_bytes_ = std::int64_t{channels.made} * output_rows * layer.output.width * layer.value_bytes * images;
        input_ = address;
        addend_ = input_;
        if (layer.input_place.in_dram)
            addend_ += input_bytes_ * (layer.fully_connected && !fitter_.input_stays(layer.extents) ? copies_ : 1);
        output_ = addend_ + (layer.addend_place.in_dram ? addend_bytes_ * copies_ : 0);
    }

    void run() {
        const int tiles = layer_.extents.channel_tiles;
        for (int tile = 0; tile < layer_.channel_tile_count(); tile += tiles) {
            for (int group = 0; group < layer_.image_groups; ++group) {
                for (int number = 0; number < static_cast<int>(layer_.row_strips.size()); ++number) {
                    add_strip(tile, std::min(tile + tiles, layer_.channel_tile_count()), group, number);
                }
                ++boxes_;
            }
        }
        keep_weights();
    }

private:
    void add_strip(int first_tile, int end_tile, int group, int number) {
        const RowStrip& rows = layer_.row_strips[number];
        Strip strip;
        strip.first_channel_tile = first_tile;
        strip.end_channel_tile = end_tile;
        strip.first_group = group;
        strip.end_group = group + 1;
        strip.first_tile = rows.first_tile;
        strip.end_tile = rows.end_tile;
        strip.first_line_pass = rows.first_line_pass;
        strip.end_line_pass = rows.end_line_pass;
        if (!layer_.strips.empty())
            strip.first_number = layer_.strips.back().first_number + layer_.strips.back().tile_count();
        first_image_ = layer_.first_image(group);
        end_image_ = layer_.first_image(group + 1);
        first_channel_ = layer_.first_channel(first_tile);
        end_channel_ = layer_.first_channel(end_tile);
        index_ = static_cast<int>(layer_.strips.size());
        place_input(strip, number);
        place_addend(strip, number);
        place_output(strip, number);
        strip.end_fetch = static_cast<int>(layer_.fetches.size());
        strip.end_store = static_cast<int>(layer_.stores.size());
        layer_.strips.push_back(strip);
    }

    /// Of what there are two of, the one of this strip.
    [[nodiscard]] std::int64_t copy() const { return index_ % copies_; }

    void place_input(Strip& strip, int number) {
        if (!layer_.input_place.in_dram) {
            strip.input = whole_.input;
            return;
        }
        MapRegion& region = strip.input;
        region.first_image = first_image_;
        if (layer_.fully_connected) {
            place_vector(region);
            return;
        }
        region.address = input_;
        region.image_stride = ring_rows_ * input_row_;
        region.channel_stride = layer_.input.width;
        region.row_stride = input_row_;
        region.first_channel = layer_.first_line_channel(strip.first_channel_tile);
        region.ring_rows = ring_rows_;
        const bool stays = fitter_.input_stays(layer_.extents);
        region.ring_offset = stays ? 0 : static_cast<int>(std::int64_t{boxes_} * rows_.count() % ring_rows_);
        if (stays && index_ > 0) return;
        const RowRange needed = rows_.needed_by(sum_rows(layer_, layer_.extents, number));
        const int there = number == 0 ? 0 : rows_.needed_by(sum_rows(layer_, layer_.extents, number - 1)).end;
        for (int image = first_image_; image < end_image_; ++image)
            fetch_rows(region, image, {std::max(needed.first, there), needed.end});
    }

    /// The whole input of a fully connected layer, in the order of its taps.
    void place_vector(MapRegion& region) {
        const bool stays = fitter_.input_stays(layer_.extents);
        region.address = input_ + (stays ? 0 : copy() * input_bytes_);
        region.image_stride = layer_.input.elements();
        region.row_stride = layer_.line_bytes;
        if (stays && index_ > 0) return;
        for (int image = first_image_; image < end_image_; ++image) {
            Transfer& fetch = add(layer_.fetches, layer_.input_place);
            fetch.offset += image * layer_.input.elements();
            fetch.bytes = layer_.input.elements();
            fetch.address = region.at(image, 0, 0);
            fetch.line_bytes = layer_.input.width;
            fetch.channels = layer_.input.channels;
            fetch.channel_stride = std::int64_t{layer_.input.height} * layer_.input.width;
            fetch.row_stride = layer_.input.width;
        }
    }

    /// Numbers of rows that taps read. What lies side by side in DRAM and in the ring comes at once.
    void fetch_rows(const MapRegion& region, int image, const RowRange& numbers) {
        const Shape& map = layer_.input;
        const int channels = strip_channels_read();
        int before = -1;
        for (int number = numbers.first; number < numbers.end; ++number) {
            const int y = rows_.row(number);
            const bool follows = before >= 0 && channels == map.channels && y == before + 1 &&
                                 (number + region.ring_offset) % region.ring_rows != 0;
            before = y;
            const std::int64_t bytes = std::int64_t{channels} * map.width;
            if (follows) {
                layer_.fetches.back().bytes += bytes;
                continue;
            }
            Transfer& fetch = add(layer_.fetches, layer_.input_place);
            fetch.offset +=
                image * map.elements() + (std::int64_t{y} * map.channels + region.first_channel) * map.width;
            fetch.bytes = bytes;
            fetch.address = region.at(image, region.first_channel, number);
            fetch.line_bytes = map.width;
            fetch.channels = channels;
            fetch.channel_stride = region.channel_stride;
            fetch.row_stride = region.row_stride;
        }
    }

    [[nodiscard]] int strip_channels_read() const {
        if (layer_.groups == 1) return layer_.line_channels;
        return (end_channel_ - first_channel_) / (layer_.sums.channels / layer_.groups) * layer_.line_channels;
    }

    /// Channel after channel, so that neighbouring pixels lie side by side over the ends of rows.
    void place_addend(Strip& strip, int number) {
        if (!layer_.addend_place.in_dram) {
            strip.addend = whole_.addend;
            return;
        }
        const RowRange rows = sum_rows(layer_, layer_.extents, number);
        const int width = layer_.sums.width;
        MapRegion& region = strip.addend;
        region.address = addend_ + copy() * addend_bytes_;
        region.row_stride = width;
        region.channel_stride = std::int64_t{layer_.extents.rows} * width;
        region.image_stride = (end_channel_ - first_channel_) * region.channel_stride;
        region.first_image = first_image_;
        region.first_channel = first_channel_;
        region.first_row = rows.first;
        for (int image = first_image_; image < end_image_; ++image)
            move_rows(layer_.fetches, layer_.addend_place, layer_.sums, 1, region, image, rows);
    }

    /// Row after row, as in DRAM.
    void place_output(Strip& strip, int number) {
        if (!layer_.output_place.in_dram) {
            strip.output = whole_.output;
            return;
        }
        const RowRange rows = output_rows(layer_, layer_.extents, number);
        MapRegion& region = strip.output;
        region.address = output_ + copy() * output_bytes_;
        region.channel_stride = std::int64_t{layer_.output.width} * layer_.value_bytes;
        region.row_stride = (end_channel_ - first_channel_) * region.channel_stride;
        region.image_stride = rows.count() * region.row_stride;
        region.first_image = first_image_;
        region.first_channel = first_channel_;
        region.first_row = rows.first;
        for (int image = first_image_; image < end_image_; ++image)
            move_rows(layer_.stores, layer_.output_place, layer_.output, layer_.value_bytes, region, image, rows);
    }

    /// The strip's channels of rows of a map; all at once if they are all channels.
    void move_rows(std::vector<Transfer>& transfers, const MapPlace& place, const Shape& map, int value_bytes,
                   const MapRegion& region, int image, const RowRange& rows) {
        const std::int64_t line = std::int64_t{map.width} * value_bytes;
        const int channels = end_channel_ - first_channel_;
        const int together = channels == map.channels ? rows.count() : 1;
        for (int row = rows.first; row < rows.end; row += together) {
            Transfer& transfer = add(transfers, place);
            transfer.offset +=
                image * map.elements() * value_bytes + (std::int64_t{row} * map.channels + first_channel_) * line;
            transfer.bytes = channels * line * together;
            transfer.address = region.at(image, first_channel_, row);
            transfer.line_bytes = static_cast<int>(line);
            transfer.channels = channels;
            transfer.channel_stride = region.channel_stride;
            transfer.row_stride = region.row_stride;
        }
    }

    Transfer& add(std::vector<Transfer>& transfers, const MapPlace& place) const {
        Transfer& transfer = transfers.emplace_back();
        transfer.area = place.area;
        transfer.offset = place.offset;
        transfer.strip = index_;
        return transfer;
    }

    /// The weights of a single channel tile stay from strip to strip.
    void keep_weights() {
        for (std::size_t s = 1; s < layer_.strips.size(); ++s) {
            Strip& strip = layer_.strips[s];
            Strip& before = layer_.strips[s - 1];
            if (layer_.extents.channel_tiles > 1 || strip.first_channel_tile != before.first_channel_tile) continue;
            strip.fetches_weights = before.releases_weights = false;
        }
    }

    LayerSchedule& layer_;
    ReadRows rows_;
    StripFitter fitter_;
    Strip whole_;
    int copies_ = 1;
    int ring_rows_ = 0;
    std::int64_t input_row_ = 0;  ///< bytes of a row in the ring
    std::int64_t input_bytes_ = 0, addend_bytes_ = 0, output_bytes_ = 0;
    std::int64_t input_ = 0, addend_ = 0, output_ = 0;  ///< addresses
    int boxes_ = 0;                                     ///< of channels and images, before this one
    // Of the strip that is described:
    int index_ = 0;
    int first_image_ = 0, end_image_ = 0;
    int first_channel_ = 0, end_channel_ = 0;
};

}  // namespace

void describe_strips(LayerSchedule& layer, const HardwareParams& hardware, std::int64_t address) {
    layer.strips.clear();
    if (layer.in_strips()) StripDescriber(layer, hardware, address).run();
    else layer.strips = {whole_strip(layer)};
}

}  // namespace widthwise
