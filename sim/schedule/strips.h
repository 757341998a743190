// SPDX-License-Identifier: Apache-2.0
// Part of compile(): the strips of a layer, with what they move.
#pragma once

#include <cstdint>

#include "config/hardware.h"
#include "schedule/schedule.h"

namespace widthwise {

/// The layer in one strip, its maps where they are placed in the activation buffer.
Strip whole_strip(const LayerSchedule& layer);

/// The strips of a layer that is complete but for them. Where maps lie in DRAM the layer's extents say how large they are;
/// their inputs, operands and results lie in the activation buffer from `address` on.
void describe_strips(LayerSchedule& layer, const HardwareParams& hardware, std::int64_t address);

}  // namespace widthwise
