// SPDX-License-Identifier: Apache-2.0
// The compiled schedule: what the network and the hardware description become, once, before any image.
// The Sequencer executes it cycle by cycle; the schedule model derives cycles from it without a clock.
#pragma once

#include <cstdint>
#include <vector>

#include "config/hardware.h"
#include "config/key_use.h"
#include "network/network.h"
#include "schedule/layer_schedule.h"

namespace widthwise {

struct Schedule {
    HardwareParams hardware;             ///< as far as the network uses it; the rest holds defaults
    std::vector<UnusedKey> unused_keys;  ///< of the hardware description that was compiled
    const Network* network = nullptr;
    int images = 1;  ///< of the batch this was compiled for
    std::vector<LayerSchedule> layers;
    Placement input;   ///< of the network's input in the activation buffer
    Placement output;  ///< of the network's output
    /// They are moved strip by strip, with the first and the last layer.
    bool input_in_strips = false;
    bool output_in_strips = false;
    /// Of each layer, into Network::operators. Schedules of one network that agree in it have the same layers.
    [[nodiscard]] std::vector<int> last_operators() const;
    /// That a batch needs.
    [[nodiscard]] std::int64_t dram_bytes() const { return weight_bytes + input_bytes + output_bytes + map_bytes; }
    std::int64_t map_bytes = 0;               ///< of maps in DRAM between layers
    std::int64_t input_bytes = 0;             ///< of the batch, moved in by the Dma
    std::int64_t output_bytes = 0;            ///< moved out
    std::int64_t weight_bytes = 0;            ///< all layers' tiles
    [[nodiscard]] int channel_tiles() const;  ///< of all layers
};

}  // namespace widthwise
