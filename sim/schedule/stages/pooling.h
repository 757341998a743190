// SPDX-License-Identifier: Apache-2.0
// Part of compile(): what the PoolUnit does in a layer.
#pragma once

#include "config/hardware.h"
#include "schedule/schedule.h"

namespace widthwise {

/// All but the factors of averages. Throws InputError when one beat can complete more windows than the unit writes at once.
void describe_pooling(LayerSchedule& layer, const Network& network, const HardwareParams& hardware, int index);

/// The factors of averages, by number of pixels. Throws InputError when one cannot be had.
void complete_pooling(LayerSchedule& layer, const Network& network);

}  // namespace widthwise
