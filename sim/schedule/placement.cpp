// SPDX-License-Identifier: Apache-2.0
#include "schedule/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/error.h"
#include "schedule/tiling.h"

namespace widthwise {

namespace {

bool is_chain(const Schedule& schedule) {
    return std::all_of(schedule.layers.begin(), schedule.layers.end(), [](const LayerSchedule& layer) {
        return layer.input_layer == layer.index - 1 && !layer.addition;
    });
}

void place_halves(Schedule& schedule) {
    const std::int64_t bytes = schedule.hardware.activation_buffer.bytes;
    const std::int64_t half = bytes / 2;
    std::int64_t address = 0;
    const auto place = [&](const LayerSchedule& layer, std::int64_t bytes_per_image, const char* role) {
        const Placement placement{address, bytes_per_image};
        const std::int64_t needed = bytes_per_image * schedule.images;
        if (needed > half) {
            refuse(layer, fmt::format("activation_buffer.bytes: {} (two halves of {}) cannot hold its {} of {} bytes; "
                                      "needs at least {}",
                                      bytes, half, role, needed, 2 * needed));
        }
        address = half - address;
        return placement;
    };
    const LayerSchedule& first = schedule.layers.front();
    Placement current = place(first, first.input.elements(), "input");
    schedule.input = current;
    for (LayerSchedule& layer : schedule.layers) {
        layer.input_placement = current;
        current = place(layer, layer.output_bytes(), "output");
        layer.output_placement = current;
    }
    schedule.output = current;
}

/// A feature map while it is needed. Layer -1 stands for the load of the network's input.
struct FeatureMap {
    Placement placement;
    std::int64_t bytes = 0;  ///< of the batch
    int last_reader = -1;
};

/// The lowest address at which `bytes` fit between the maps that are in use.
std::int64_t lowest_address(std::vector<FeatureMap> in_use, std::int64_t bytes) {
    std::sort(in_use.begin(), in_use.end(),
              [](const FeatureMap& a, const FeatureMap& b) { return a.placement.address < b.placement.address; });
    std::int64_t address = 0;
    for (const FeatureMap& map : in_use) {
        if (map.placement.address - address >= bytes) break;
        address = std::max(address, map.placement.address + map.bytes);
    }
    return address;
}

void place_branches(Schedule& schedule) {
    const auto layers = static_cast<int>(schedule.layers.size());
    std::vector<FeatureMap> maps(static_cast<std::size_t>(layers) + 1);  // [layer + 1]: its output
    const auto map_of = [&](int layer) -> FeatureMap& { return maps[static_cast<std::size_t>(layer + 1)]; };
    for (const LayerSchedule& layer : schedule.layers) {
        map_of(layer.input_layer).last_reader = layer.index;
        if (layer.addition.has_value()) map_of(layer.addition->layer).last_reader = layer.index;
    }
    map_of(layers - 1).last_reader = layers;  // the store
    std::int64_t needed = 0;
    const LayerSchedule* largest = &schedule.layers.front();
    for (int writer = -1; writer < layers; ++writer) {
        FeatureMap& map = map_of(writer);
        const std::int64_t bytes_per_image = writer < 0
                                                 ? schedule.layers.front().input.elements()
                                                 : schedule.layers[static_cast<std::size_t>(writer)].output_bytes();
        map.bytes = bytes_per_image * schedule.images;
        std::vector<FeatureMap> in_use;
        for (int other = -1; other < writer; ++other) {
            if (map_of(other).last_reader >= writer) in_use.push_back(map_of(other));
        }
        map.placement = {lowest_address(in_use, map.bytes), bytes_per_image};
        if (map.placement.address + map.bytes > needed) {
            needed = map.placement.address + map.bytes;
            largest = &schedule.layers[static_cast<std::size_t>(std::max(writer, 0))];
        }
    }
    if (needed > schedule.hardware.activation_buffer.bytes) {
        refuse(*largest, fmt::format("activation_buffer.bytes: {} cannot hold the feature maps that are in use at the "
                                     "same time; needs at least {}",
                                     schedule.hardware.activation_buffer.bytes, needed));
    }
    for (LayerSchedule& layer : schedule.layers) {
        layer.input_placement = map_of(layer.input_layer).placement;
        layer.output_placement = map_of(layer.index).placement;
        if (layer.addition.has_value()) layer.addend_placement = map_of(layer.addition->layer).placement;
    }
    schedule.input = map_of(-1).placement;
    schedule.output = map_of(layers - 1).placement;
}

}  // namespace

void place_feature_maps(Schedule& schedule) {
    schedule.input_bytes = schedule.layers.front().input.elements() * schedule.images;
    schedule.output_bytes = schedule.layers.back().output_bytes() * schedule.images;
    if (is_chain(schedule)) place_halves(schedule);
    else place_branches(schedule);
}

namespace {

/// What can be streamed together with the next part in the other half of the buffer.
void part_weights(LayerSchedule& layer, const WeightBufferParams& params) {
    const std::int64_t half = params.bytes / 2;
    const int rows = layer.channels_in_tile(0);  // no tile has more
    const std::int64_t taps = half / rows - layer.parameter_bytes();
    if (taps < 1) {
        refuse(layer, fmt::format("weight_buffer.bytes: {} cannot hold twice the weights of one tap and the parameters "
                                  "of {} channels, one in use and one prefetched; needs at least {}",
                                  params.bytes, rows, 2 * rows * (1 + std::int64_t{layer.parameter_bytes()})));
    }
    layer.weight_part_taps = static_cast<int>(std::min<std::int64_t>(taps, layer.tap_count));
}

}  // namespace

void place_weights(Schedule& schedule) {
    WeightBufferParams& params = schedule.hardware.weight_buffer;
    int tiles = 0;
    for (LayerSchedule& layer : schedule.layers) {
        layer.weight_address = schedule.weight_bytes;
        layer.first_weight_tile = tiles;
        layer.weight_part_taps = layer.tap_count;
        tiles += layer.channel_tiles;
        for (int t = 0; t < layer.channel_tiles; ++t) schedule.weight_bytes += layer.weight_tile_bytes(t);
    }
    const bool fits = schedule.weight_bytes <= params.bytes;
    if (params.storage == WeightStorage::automatic)
        params.storage = fits ? WeightStorage::resident : WeightStorage::streamed;
    if (params.storage == WeightStorage::resident && !fits) {
        throw InputError(
            fmt::format("weight_buffer.bytes: {} cannot hold all weights and channel parameters of the network, "
                        "{} bytes; enlarge it or set weight_buffer.storage: auto or streamed",
                        params.bytes, schedule.weight_bytes));
    }
    if (params.storage == WeightStorage::resident) return;
    for (LayerSchedule& layer : schedule.layers) {
        if (layer.computation) part_weights(layer, params);
    }
}

}  // namespace widthwise
