// SPDX-License-Identifier: Apache-2.0
// What every unit knows of the layers before a run begins, as registers of a configuration: how each is cut and
// computed. Commands and beats name a layer by its number here. How the registers are written is not modelled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "accelerator/link/payloads.h"
#include "schedule/layer_schedule.h"

namespace widthwise {

class LayerTable {
public:
    /// Before a batch. The layers must stay where they are until the next call.
    void hold(std::span<const LayerSchedule> layers) { layers_ = layers; }
    [[nodiscard]] const LayerSchedule& operator[](std::int32_t layer) const {
        return layers_[static_cast<std::size_t>(layer)];
    }
    /// That a command or a beat belongs to.
    template <typename T>
    [[nodiscard]] const LayerSchedule& of(const T& payload) const {
        return (*this)[payload.layer];
    }
    template <typename T>
    [[nodiscard]] const Strip& strip_of(const T& payload) const {
        return of(payload).strips[payload.strip];
    }
    /// The tile is the last of its strip.
    [[nodiscard]] bool ends_strip(const TileCommand& tile) const {
        const Strip& strip = strip_of(tile);
        return tile.number + 1 == strip.first_number + strip.tile_count();
    }
    /// The tile is the first, or the last, of its channel tile in the strip.
    [[nodiscard]] bool begins_channel_tile(const TileCommand& tile) const {
        const Strip& strip = strip_of(tile);
        return tile.index.tile == strip.first_tile && tile.index.image_group == strip.first_group;
    }
    [[nodiscard]] bool ends_channel_tile(const TileCommand& tile) const {
        const Strip& strip = strip_of(tile);
        return tile.index.tile + 1 == strip.end_tile && tile.index.image_group + 1 == strip.end_group;
    }

private:
    std::span<const LayerSchedule> layers_;
};

}  // namespace widthwise
