// SPDX-License-Identifier: Apache-2.0
#include "schedule/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "common/error.h"
#include "schedule/size_limits.h"
#include "schedule/strip_fit.h"
#include "schedule/tiling.h"

namespace widthwise {

namespace {

bool is_chain(const Schedule& schedule) {
    return std::all_of(schedule.layers.begin(), schedule.layers.end(), [](const LayerSchedule& layer) {
        return layer.input_layer == layer.index - 1 && !layer.adds_map();
    });
}

/// False when one of the maps does not fit its half.
bool place_halves(Schedule& schedule) {
    const std::int64_t half = schedule.hardware.activation_buffer.bytes / 2;
    std::int64_t address = 0;
    bool fits = true;
    const auto place = [&](std::int64_t bytes_per_image) {
        const Placement placement{address, bytes_per_image};
        fits = fits && bytes_per_image * schedule.images <= half;
        address = half - address;
        return placement;
    };
    schedule.input = place(schedule.layers.front().input.elements());
    Placement current = schedule.input;
    for (LayerSchedule& layer : schedule.layers) {
        layer.input_placement = current;
        current = place(layer.output_bytes());
        layer.output_placement = current;
    }
    schedule.output = current;
    return fits;
}

/// A feature map while it is needed. Layer -1 stands for the load of the network's input.
struct FeatureMap {
    std::int64_t address = 0;
    std::int64_t bytes_per_image = 0;
    std::int64_t bytes = 0;  ///< of the batch
    int writer = -1;
    int last_reader = -1;
    bool in_dram = false;
    [[nodiscard]] bool in_use(int layer) const { return !in_dram && writer <= layer && last_reader >= layer; }
};

/// The lowest address at which `bytes` fit between the maps that are in use.
std::int64_t lowest_address(std::vector<FeatureMap> in_use, std::int64_t bytes) {
    std::sort(in_use.begin(), in_use.end(),
              [](const FeatureMap& a, const FeatureMap& b) { return a.address < b.address; });
    std::int64_t address = 0;
    for (const FeatureMap& map : in_use) {
        if (map.address - address >= bytes) break;
        address = std::max(address, map.address + map.bytes);
    }
    return address;
}

struct Space {
    std::int64_t address = 0;
    std::int64_t bytes = 0;
};

/// Places maps by their lifetime; those that find no place go to DRAM.
class MapPlacer {
public:
    explicit MapPlacer(Schedule& schedule)
        : schedule_(schedule), capacity_(schedule.hardware.activation_buffer.bytes), maps_(layers() + 1) {
        for (int writer = -1; writer < layers(); ++writer) {
            FeatureMap& map = of(writer);
            map.writer = writer;
            map.bytes_per_image =
                writer < 0 ? schedule.layers.front().input.elements() : schedule.layers[writer].output_bytes();
            map.bytes = map.bytes_per_image * schedule.images;
        }
        for (const LayerSchedule& layer : schedule.layers) {
            of(layer.input_layer).last_reader = layer.index;
            if (layer.adds_map()) of(layer.addition->layer).last_reader = layer.index;
        }
        of(layers() - 1).last_reader = layers();  // the store
        if (!schedule.network->layers_apart) return;
        for (FeatureMap& map : maps_) map.in_dram = true;
    }

    /// The end of all maps, each at its lowest address.
    std::int64_t end_of_whole_maps() {
        std::int64_t end = 0;
        for (FeatureMap& map : maps_) {
            place(map);
            end = std::max(end, map.address + map.bytes);
        }
        return end;
    }

    /// Moves maps to DRAM, the largest first, until each layer has the room that it needs.
    void place_all() {
        while (!try_places()) {
        }
        assign();
        for (LayerSchedule& layer : schedule_.layers) {
            if (!layer.in_strips()) continue;
            const Space space = largest_space(layer.index);
            const StripChoice choice = *StripFitter(layer, schedule_.hardware).choose(space.bytes);
            if (choice.transfers > kMaxMoves) {
                refuse(layer,
                       fmt::format("activation_buffer.bytes: {} holds so little of its maps that they come in {} "
                                   "transfers (allowed: up to {}); enlarge it",
                                   capacity_, choice.transfers, kMaxMoves));
            }
            layer.extents = choice.extents;
            layer.prefetches = choice.prefetches;
            layer.strips_address = space.address;
            layer.strips_room = space.bytes;
        }
        schedule_.input_in_strips = of(-1).in_dram;
        schedule_.output_in_strips = of(layers() - 1).in_dram;
    }

private:
    [[nodiscard]] int layers() const { return static_cast<int>(schedule_.layers.size()); }
    FeatureMap& of(int layer) { return maps_[layer + 1]; }

    void place(FeatureMap& map) {
        std::vector<FeatureMap> in_use;
        for (const FeatureMap& other : maps_) {
            if (other.writer < map.writer && other.in_use(map.writer)) in_use.push_back(other);
        }
        map.address = lowest_address(in_use, map.bytes);
    }

    /// False when a map had to go to DRAM.
    bool try_places() {
        for (FeatureMap& map : maps_) {
            if (map.in_dram) continue;
            place(map);
            if (map.address + map.bytes > capacity_) {
                spill(map.writer);
                return false;
            }
        }
        assign();
        for (const LayerSchedule& layer : schedule_.layers) {
            if (!layer.in_strips() ||
                StripFitter(layer, schedule_.hardware).least_bytes() <= largest_space(layer.index).bytes)
                continue;
            spill(layer.index);
            return false;
        }
        return true;
    }

    /// The largest map that is in the buffer while the layer is worked on.
    void spill(int layer) {
        FeatureMap* largest = nullptr;
        for (FeatureMap& map : maps_) {
            if (map.in_use(layer) && (largest == nullptr || map.bytes > largest->bytes)) largest = &map;
        }
        if (largest == nullptr) refuse_strips(schedule_.layers[std::max(layer, 0)]);
        largest->in_dram = true;
    }

    [[noreturn]] void refuse_strips(const LayerSchedule& layer) const {
        const std::int64_t least = StripFitter(layer, schedule_.hardware).least_bytes();
        const std::string what = fmt::format(
            "activation_buffer.bytes: {} cannot hold what the smallest strip of it reads and makes; needs at "
            "least {}",
            capacity_, least);
        if (layer.pooling && layer.first_operator() != layer.pooling->operator_index)
            throw PoolNeedsItsOwnLayer(layer, what, least);
        throw StripsDoNotFit(layer, what, least);
    }

    [[nodiscard]] Space largest_space(int layer) const {
        std::vector<FeatureMap> in_use;
        std::copy_if(maps_.begin(), maps_.end(), std::back_inserter(in_use),
                     [layer](const FeatureMap& map) { return map.in_use(layer); });
        std::sort(in_use.begin(), in_use.end(),
                  [](const FeatureMap& a, const FeatureMap& b) { return a.address < b.address; });
        Space largest;
        std::int64_t address = 0;
        const auto offer = [&](std::int64_t end) {
            if (end - address > largest.bytes) largest = {address, end - address};
        };
        for (const FeatureMap& map : in_use) {
            offer(map.address);
            address = std::max(address, map.address + map.bytes);
        }
        offer(capacity_);
        return largest;
    }

    /// Tells the layers.
    void assign() {
        schedule_.map_bytes = 0;
        std::vector<MapPlace> places;
        for (const FeatureMap& map : maps_) {
            MapPlace& place = places.emplace_back();
            place.in_dram = map.in_dram;
            place.area = map.writer < 0               ? DramArea::input
                         : map.writer + 1 == layers() ? DramArea::output
                                                      : DramArea::maps;
            if (!map.in_dram || place.area != DramArea::maps) continue;
            place.offset = schedule_.map_bytes;
            schedule_.map_bytes += map.bytes;
        }
        const auto placement = [&](int layer) {
            const FeatureMap& map = of(layer);
            return Placement{map.in_dram ? 0 : map.address, map.bytes_per_image};
        };
        for (LayerSchedule& layer : schedule_.layers) {
            layer.input_placement = placement(layer.input_layer);
            layer.input_place = places[layer.input_layer + 1];
            layer.output_placement = placement(layer.index);
            layer.output_place = places[layer.index + 1];
            if (schedule_.network->layers_apart && layer.index > 0) give_input(layer);
            if (!layer.adds_map()) continue;
            layer.addend_placement = placement(layer.addition->layer);
            layer.addend_place = places[layer.addition->layer + 1];
        }
        schedule_.input = placement(-1);
        schedule_.output = placement(layers() - 1);
    }

    /// A map in DRAM that no layer writes.
    void give_input(LayerSchedule& layer) {
        layer.input_placement = {0, layer.input.elements()};
        layer.input_place = {true, DramArea::maps, schedule_.map_bytes};
        schedule_.map_bytes += layer.input.elements() * schedule_.images;
    }

    Schedule& schedule_;
    std::int64_t capacity_;
    std::vector<FeatureMap> maps_;  ///< [layer + 1]: its output
};

}  // namespace

void place_feature_maps(Schedule& schedule) {
    schedule.input_bytes = schedule.layers.front().input.elements() * schedule.images;
    schedule.output_bytes = schedule.layers.back().output_bytes() * schedule.images;
    if (!schedule.network->layers_apart && is_chain(schedule) && place_halves(schedule)) return;
    MapPlacer(schedule).place_all();
}

std::int64_t whole_maps_bytes(Schedule schedule) {
    if (schedule.network->layers_apart) return 0;
    const std::int64_t lifetimes = MapPlacer(schedule).end_of_whole_maps();
    if (!is_chain(schedule)) return lifetimes;
    std::int64_t largest = schedule.layers.front().input.elements();
    for (const LayerSchedule& layer : schedule.layers) largest = std::max(largest, layer.output_bytes());
    return std::min(lifetimes, 2 * largest * schedule.images);
}

namespace {

/// What can be streamed together with the next part in the other half of the buffer.
void part_weights(LayerSchedule& layer, const WeightBufferParams& params, std::int64_t resident_bytes) {
    const std::int64_t half = params.bytes / 2;
    const int rows = layer.channels_in_tile(0);  // no tile has more
    const int least = layer.computation ? 1 : 0;
    const std::int64_t taps = half / rows - layer.parameter_bytes();
    if (taps < least) {
        refuse(layer,
               fmt::format("weight_buffer.bytes: {} cannot hold twice the weights of one tap and the parameters "
                           "of {} channels, one in use and one prefetched; needs at least {}",
                           params.bytes, rows,
                           std::min(resident_bytes, 2 * rows * (least + std::int64_t{layer.parameter_bytes()}))));
    }
    if (layer.computation) layer.weight_part_taps = static_cast<int>(std::min<std::int64_t>(taps, layer.tap_count));
}

}  // namespace

void place_weights(Schedule& schedule) {
    WeightBufferParams& params = schedule.hardware.weight_buffer;
    int tiles = 0;
    for (LayerSchedule& layer : schedule.layers) {
        layer.weight_address = schedule.weight_bytes;
        layer.first_weight_tile = tiles;
        layer.weight_part_taps = layer.tap_count;
        tiles += layer.channel_tile_count();
        for (int t = 0; t < layer.channel_tile_count(); ++t) schedule.weight_bytes += layer.weight_tile_bytes(t);
    }
    const bool fits = schedule.weight_bytes <= params.bytes;
    const std::int64_t resident_bytes =
        params.storage == WeightStorage::automatic ? schedule.weight_bytes : INT64_MAX;  // that would do as well
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
        if (layer.has_parameters()) part_weights(layer, params, resident_bytes);
    }
}

}  // namespace widthwise
