// SPDX-License-Identifier: Apache-2.0
// Part of compile(): what the ResidualUnit does in a layer.
#pragma once

#include "config/hardware.h"
#include "schedule/describe_layer.h"

namespace widthwise {

/// Throws InputError when a factor cannot be had, or the activation buffer has no port for the operand.
void describe_addition(LayerSchedule& layer, const Network& network, const HardwareParams& hardware,
                       const LayerOperators& operators);

}  // namespace widthwise
