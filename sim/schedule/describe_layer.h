// SPDX-License-Identifier: Apache-2.0
// Part of compile(): everything about one layer that does not depend on the others.
#pragma once

#include <string>

#include "schedule/schedule.h"

namespace widthwise {

/// Indices into Network::operators of what one layer does, in this order; -1 where it does not. The first one there is
/// reads the layer's input, each of the others the output of the one before.
struct LayerOperators {
    int computing = -1;  ///< convolution or fully connected
    int addition = -1;
    int pool = -1;
};

/// Throws InputError when the hardware cannot run the layer. Index, placements and weight addresses are left open.
LayerSchedule describe_layer(const Network& network, const HardwareParams& hardware, int images,
                             const LayerOperators& operators);

/// Names of layers in configurations and networks are compared in lower case.
std::string lower_case(std::string text);

}  // namespace widthwise
