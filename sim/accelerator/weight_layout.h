// SPDX-License-Identifier: Apache-2.0
// How a weight tile lies in DRAM and in the weight buffer: first each channel's parameters, then for each tap one weight
// per channel. Numbers are little-endian.
#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "schedule/layer_schedule.h"

namespace widthwise {

/// What a channel has beside its weights. What its layer has none of is as initialised, and takes no bytes.
struct ChannelParameters {
    std::int32_t bias = 0;
    RequantScale scale;
    std::uint8_t weight_zero_point = 0;
    std::uint8_t constant = 0;  ///< that an addition adds, as stored
    friend bool operator==(const ChannelParameters&, const ChannelParameters&) = default;
    friend std::ostream& operator<<(std::ostream& out, const ChannelParameters& p) {
        return out << "bias " << p.bias << " multiplier " << p.scale.multiplier << " shift " << p.scale.shift
                   << " divisor " << p.scale.divisor << " factor " << p.scale.factor << " constant " << int{p.constant};
    }
};

/// Behind what is in `bytes`: layer.weight_tile_bytes(channel_tile) more.
void append_weight_tile(std::vector<std::uint8_t>& bytes, const LayerSchedule& layer, int channel_tile);

/// Of the channel whose layer.parameter_bytes() lie at `bytes`.
ChannelParameters channel_parameters(const LayerSchedule& layer, const std::uint8_t* bytes);

}  // namespace widthwise
