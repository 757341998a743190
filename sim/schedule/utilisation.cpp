// SPDX-License-Identifier: Apache-2.0
#include "schedule/utilisation.h"

#include "schedule/compile.h"

namespace widthwise {

std::vector<std::uint64_t> busy_cycles(const LayerSchedule& layer, const ArrayParams& array) {
    const auto rows = static_cast<std::size_t>(array.rows);
    const auto columns = static_cast<std::size_t>(array.columns);
    std::vector<std::uint64_t> busy(rows * columns, 0);
    if (!layer.computation) return busy;
    // Every channel tile meets every column tile of every image group.
    std::vector<std::uint64_t> row_tiles(rows, 0), column_tiles(columns, 0);
    for (int t = 0; t < layer.channel_tile_count(); ++t) {
        for (int r = 0; r < layer.channels_in_tile(t); ++r) ++row_tiles[static_cast<std::size_t>(r)];
    }
    for (int group = 0; group < layer.image_groups; ++group) {
        for (int tile = 0; tile < static_cast<int>(layer.tiles.size()); ++tile) {
            const int count = tile_columns(layer, {0, group, tile});
            for (int c = 0; c < count; ++c) ++column_tiles[static_cast<std::size_t>(c)];
        }
    }
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
            busy[r * columns + c] = row_tiles[r] * column_tiles[c] * layer.taps.size();
        }
    }
    return busy;
}

std::vector<std::vector<std::uint64_t>> busy_cycles(const Schedule& schedule, std::uint64_t images) {
    const ArrayParams& array = schedule.hardware.array;
    std::vector<std::vector<std::uint64_t>> busy(
        schedule.layers.size(), std::vector<std::uint64_t>(static_cast<std::size_t>(array.rows * array.columns), 0));
    const auto add = [&](const Schedule& batch, std::uint64_t times) {
        for (std::size_t l = 0; l < busy.size(); ++l) {
            const std::vector<std::uint64_t> once = busy_cycles(batch.layers[l], array);
            for (std::size_t i = 0; i < once.size(); ++i) busy[l][i] += times * once[i];
        }
    };
    const auto batch = static_cast<std::uint64_t>(schedule.images);
    add(schedule, images / batch);
    if (images % batch != 0) add(compile(*schedule.network, schedule.hardware, static_cast<int>(images % batch)), 1);
    return busy;
}

}  // namespace widthwise
