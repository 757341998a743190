// SPDX-License-Identifier: Apache-2.0
#include "accelerator/dram_order.h"

#include <algorithm>

namespace widthwise {
namespace {

/// Calls move(place by channel, place by row, bytes) for each line of the maps.
template <typename Move>
void visit_lines(std::int64_t bytes, const Shape& map, int value_bytes, Move move) {
    const std::int64_t line = std::int64_t{map.width} * value_bytes;
    const std::int64_t image_bytes = map.elements() * value_bytes;
    for (std::int64_t image = 0; image < bytes; image += image_bytes) {
        for (int c = 0; c < map.channels; ++c) {
            for (int y = 0; y < map.height; ++y) {
                move(image + (std::int64_t{c} * map.height + y) * line,
                     image + (std::int64_t{y} * map.channels + c) * line, line);
            }
        }
    }
}

}  // namespace

std::vector<std::uint8_t> row_after_row(std::span<const std::uint8_t> maps, const Shape& map, int value_bytes) {
    std::vector<std::uint8_t> result(maps.size());
    visit_lines(static_cast<std::int64_t>(maps.size()), map, value_bytes,
                [&](std::int64_t by_channel, std::int64_t by_row, std::int64_t bytes) {
                    std::copy_n(maps.data() + by_channel, bytes, result.data() + by_row);
                });
    return result;
}

std::vector<std::uint8_t> channel_after_channel(std::span<const std::uint8_t> maps, const Shape& map, int value_bytes) {
    std::vector<std::uint8_t> result(maps.size());
    visit_lines(static_cast<std::int64_t>(maps.size()), map, value_bytes,
                [&](std::int64_t by_channel, std::int64_t by_row, std::int64_t bytes) {
                    std::copy_n(maps.data() + by_row, bytes, result.data() + by_channel);
                });
    return result;
}

}  // namespace widthwise
