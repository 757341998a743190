// SPDX-License-Identifier: Apache-2.0
#include "schedule/schedule.h"

namespace widthwise {

std::vector<int> Schedule::last_operators() const {
    std::vector<int> all;
    for (const LayerSchedule& layer : layers) all.push_back(layer.last_operator());
    return all;
}

int Schedule::channel_tiles() const {
    int tiles = 0;
    for (const LayerSchedule& layer : layers) tiles += layer.channel_tile_count();
    return tiles;
}

}  // namespace widthwise
