// SPDX-License-Identifier: Apache-2.0
// Part of compile(): everything about one layer that does not depend on the others.
#pragma once

#include <string>

#include "config/key_use.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Indices into Network::operators of what one layer does, in this order; -1 where it does not. The first one there is
/// reads the layer's input, each of the others the output of the one before.
struct LayerOperators {
    int computing = -1;       ///< convolution or fully connected, with its requantization
    int requantization = -1;  ///< of stored integers; not behind a computation
    int addition = -1;
    int pool = -1;
    [[nodiscard]] int before_addition() const { return computing >= 0 ? computing : requantization; }
    [[nodiscard]] int first() const {
        return before_addition() >= 0 ? before_addition() : addition >= 0 ? addition : pool;
    }
};

/// What of a layer can use a key of the configuration.
KeyUsers key_users(const Network& network, const HardwareParams& hardware, const LayerOperators& operators);

/// All but what complete_layer() adds: cheap however large the layer is. Keys that the layer does not use have no
/// influence, whatever the other layers use. Throws InputError when the hardware cannot run the layer. Index, placements
/// and weight addresses are left open.
LayerSchedule describe_frame(const Network& network, const HardwareParams& hardware, int images,
                             const LayerOperators& operators);

/// Taps, weights and factors, column tiles, rows in fill order and windows, which grow with the layer: only for
/// schedules that have passed check_sizes(). Throws InputError when the line buffer is too small or a factor cannot be
/// had. `strips`: some layer of the network is worked on in strips.
void complete_layer(LayerSchedule& layer, const Network& network, const HardwareParams& hardware, bool strips);

/// Width of the accumulators in the layer of the operator called `name`.
int accumulator_bits(const AccumulatorParams& params, const std::string& name);

}  // namespace widthwise
