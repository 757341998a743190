// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/map_plan.h"

#include <algorithm>
#include <numeric>

#include "engine/fast/block_map.h"
#include "engine/fast/fast_layer.h"

namespace widthwise::fast {

MapPlan::MapPlan(const Schedule& schedule, std::span<const int> kept) {
    const auto layers = static_cast<int>(schedule.layers.size());
    const auto index = [](int layer) { return static_cast<std::size_t>(layer + 1); };
    std::vector<int> last_reader(index(layers), -1);
    for (const LayerSchedule& layer : schedule.layers) {
        last_reader[index(layer.input_layer)] = layer.index;
        if (layer.adds_map()) last_reader[index(layer.addition->layer)] = layer.index;
    }
    last_reader.back() = layers;
    for (const int layer : kept) last_reader[index(layer)] = layers;

    places_.resize(index(layers));
    std::vector<int> busy_until;  ///< of each place: the layer that reads it last
    for (int layer = -1; layer < layers; ++layer) {
        const std::int64_t bytes = layer < 0 ? map_bytes(schedule.layers.front().input, 1)
                                             : block_bytes(schedule.layers[static_cast<std::size_t>(layer)], 1);
        // The free place that has to grow least.
        std::size_t best = largest_.size();
        for (std::size_t p = 0; p < largest_.size(); ++p) {
            if (busy_until[p] >= layer) continue;
            const auto waste = [&](std::size_t place) {
                const std::int64_t missing = bytes - largest_[place];
                return missing > 0 ? 2 * missing : -missing;
            };
            if (best == largest_.size() || waste(p) < waste(best)) best = p;
        }
        if (best == largest_.size()) {
            largest_.push_back(0);
            busy_until.push_back(-1);
        }
        largest_[best] = std::max(largest_[best], bytes);
        // What nobody reads is busy while it is made.
        busy_until[best] = std::max(last_reader[index(layer)], layer);
        places_[index(layer)] = best;
    }
}

std::int64_t MapPlan::bytes(int images) const {
    return std::accumulate(largest_.begin(), largest_.end(), std::int64_t{0}) * images;
}

}  // namespace widthwise::fast
