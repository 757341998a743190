// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/stages/pooling.h"

#include <algorithm>

#include "engine/fast/requantize_lanes.h"

namespace widthwise::fast {

LanePooling::LanePooling(const LayerSchedule& layer, const StoredRange& values)
    : layer_(layer),
      values_(values),
      plain_maximum_(layer.pooling->is_max && layer.pooling->format.clamp_low <= values.low &&
                     layer.pooling->format.clamp_high >= values.high) {}

LanePooling::Pixels LanePooling::pixels_of(int y, int x) const {
    const Window& w = layer_.pooling->window;
    const int top = y * w.stride_height - w.pad_top;
    const int left = x * w.stride_width - w.pad_left;
    return {std::max(0, top), std::min(layer_.sums.height, top + w.kernel_height), std::max(0, left),
            std::min(layer_.sums.width, left + w.kernel_width)};
}

template <typename Visitor>
void LanePooling::for_each_pixel(const BlockMap& map, int channel, const Pixels& pixels, Visitor&& visit) const {
    for (int y = pixels.first_y; y < pixels.end_y; ++y) {
        const std::ptrdiff_t row = (std::ptrdiff_t{channel} * layer_.sums.height + y) * layer_.sums.width;
        for (int x = pixels.first_x; x < pixels.end_x; ++x) visit(map[static_cast<std::size_t>(row + x)]);
    }
}

void LanePooling::pool_by_definition(const BlockMap& map, int channel, const Pixels& pixels, int lanes,
                                     LaneBytes& output) const {
    const Pooling& stage = *layer_.pooling;
    for (int lane = 0; lane < lanes; ++lane) {
        PoolPartial partial;
        for_each_pixel(map, channel, pixels, [&](const LaneBytes& pixel) {
            pool_add(partial, values_.value(pixel.lane[lane]), stage.input_zero_point, stage.input_scale);
        });
        output.lane[lane] = static_cast<std::uint8_t>(pooled(stage, partial));
    }
}

void LanePooling::run(const BlockMap& map, BlockMap& output, int lanes, const LaneProbe& probe) const {
    const LayerSchedule& l = layer_;
    const StoredRange range = range_of(l.pooling->format);
    output.resize(static_cast<std::size_t>(l.output.elements()));
    std::size_t at = 0;
    for (int c = 0; c < l.output.channels; ++c) {
        for (int oy = 0; oy < l.output.height; ++oy) {
            for (int ox = 0; ox < l.output.width; ++ox, ++at) {
                const Pixels pixels = pixels_of(oy, ox);
                LaneBytes& result = output[at];
                if (plain_maximum_) {
                    const std::ptrdiff_t row = (std::ptrdiff_t{c} * l.sums.height + pixels.first_y) * l.sums.width;
                    result = map[static_cast<std::size_t>(row + pixels.first_x)];
                    for_each_pixel(map, c, pixels,
                                   [&](const LaneBytes& p) { max_lanes(result, p, values_.is_signed); });
                } else {
                    pool_by_definition(map, c, pixels, lanes, result);
                }
                for (int lane = 0; probe && lane < lanes; ++lane) {
                    probe(l.pooling->operator_index, lane, c, oy * l.output.width + ox, range.value(result.lane[lane]));
                }
            }
        }
    }
}

}  // namespace widthwise::fast
