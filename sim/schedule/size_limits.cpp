// SPDX-License-Identifier: Apache-2.0
#include "schedule/size_limits.h"

#include <fmt/format.h>

#include "schedule/tiling.h"

namespace widthwise {
namespace {

void check_map(const LayerSchedule& layer, const Shape& shape, const char* role, int value_bytes = 1) {
    const std::int64_t bytes = shape.elements() * value_bytes * layer.images;
    if (bytes <= kMaxBatchMapBytes) return;
    refuse(layer, fmt::format("its {} of {}x{}x{} takes {} bytes for a batch of {} (allowed: up to {})", role,
                              shape.channels, shape.height, shape.width, bytes, layer.images, kMaxBatchMapBytes));
}

std::int64_t averaged_pixels(const LayerSchedule& layer) {
    if (!layer.pooling || layer.pooling->is_max) return 0;
    return std::int64_t{layer.pooling->window.kernel_height} * layer.pooling->window.kernel_width;
}

}  // namespace

void check_sizes(const Schedule& schedule) {
    std::int64_t entries = 0;
    for (const LayerSchedule& layer : schedule.layers) {
        check_map(layer, layer.input, "input");
        check_map(layer, layer.sums, "map of sums");
        check_map(layer, layer.output, "output", layer.value_bytes);
        const std::int64_t tiles = column_tiles(layer);
        const std::int64_t averaged = averaged_pixels(layer);
        entries += tiles + layer.map_height + layer.tap_count + layer.sums.channels + averaged;
        if (entries <= kMaxScheduleEntries) continue;
        refuse(layer,
               fmt::format("with its {} column tiles (array.columns: {}), {} rows of input, {} taps, {} channels "
                           "and {} pixels to average over, the schedule has {} entries (allowed: up to {} for "
                           "all layers together)",
                           tiles, schedule.hardware.array.columns, layer.map_height, layer.tap_count,
                           layer.sums.channels, averaged, entries, kMaxScheduleEntries));
    }
}

std::int64_t check_moves(const LayerSchedule& layer, std::int64_t before) {
    std::int64_t moves = static_cast<std::int64_t>(layer.fetches.size() + layer.stores.size());
    for (const LinePass& pass : layer.line_passes) moves += static_cast<std::int64_t>(pass.blocks.size());
    if (before + moves > kMaxMoves) {
        refuse(layer,
               fmt::format("with it the maps of all layers come in more than {} parts; enlarge line_buffer.bytes or "
                           "activation_buffer.bytes",
                           kMaxMoves));
    }
    return moves;
}

}  // namespace widthwise
