// SPDX-License-Identifier: Apache-2.0
#include "accelerator/kit/commands.h"

#include <cstddef>
#include <cstdint>

namespace widthwise::test {

std::vector<TileIndex> plain_tiles(const LayerSchedule& layer) {
    std::vector<TileIndex> tiles;
    for (int m = 0; m < layer.channel_tile_count(); ++m) {
        for (int g = 0; g < layer.image_groups; ++g) {
            for (int t = 0; t < static_cast<int>(layer.tiles.size()); ++t) tiles.push_back({m, g, t});
        }
    }
    return tiles;
}

std::vector<TileCommand> plain_commands(const LayerSchedule& layer) {
    std::vector<TileCommand> commands;
    const std::vector<TileIndex> tiles = plain_tiles(layer);
    for (std::size_t n = 0; n < tiles.size(); ++n) {
        const bool ends_weights = n + 1 == tiles.size() || tiles[n + 1].channel_tile != tiles[n].channel_tile;
        commands.push_back({layer.index, 0, tiles[n], static_cast<std::int64_t>(n), ends_weights});
    }
    return commands;
}

}  // namespace widthwise::test
