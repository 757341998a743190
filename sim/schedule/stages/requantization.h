// SPDX-License-Identifier: Apache-2.0
// Part of compile(): what the RequantUnit does in a layer.
#pragma once

#include "config/hardware.h"
#include "schedule/schedule.h"

namespace widthwise {

/// To the output of the operator `index`, of its sums or, where it has no weights, of stored integers. Its factors are left
/// open.
Requantization describe_requantization(const Network& network, const HardwareParams& hardware, int index);

/// The factor of each channel. Throws InputError when one cannot be had.
void complete_requantization(LayerSchedule& layer, const Network& network);

}  // namespace widthwise
