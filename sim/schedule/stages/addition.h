// SPDX-License-Identifier: Apache-2.0
// Part of compile(): what the ResidualUnit does in a layer.
#pragma once

#include "config/hardware.h"
#include "schedule/describe_layer.h"
#include "schedule/edge.h"
#include "schedule/timing_rules.h"

namespace widthwise {

/// Throws InputError when a factor cannot be had, or the activation buffer has no port for the operand.
void describe_addition(LayerSchedule& layer, const Network& network, const HardwareParams& hardware,
                       const LayerOperators& operators);

/// Edges from the taking of a beat by the ResidualUnit until the PoolUnit takes its sums: operands asked for, read
/// (unless they are constants), added, rounded; 0 without an addition.
inline Edge addition_latency(const LayerSchedule& layer) {
    if (!layer.addition) return 0;
    return edges(Rule::ask) + (layer.adds_map() ? edges(Rule::arrive) : 0) + edges(Rule::sum);
}

}  // namespace widthwise
