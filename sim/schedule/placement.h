// SPDX-License-Identifier: Apache-2.0
// Part of compile(): where feature maps and weights lie in the buffers.
#pragma once

#include "schedule/schedule.h"

namespace widthwise {

/// A chain of layers uses the activation buffer as ping-pong halves: each layer reads one and writes the other. Where
/// layers branch, a feature map stays as long as a later layer reads it, and each new one goes to the lowest free
/// address. Throws InputError when the buffer is too small, naming how large it must be.
void place_feature_maps(Schedule& schedule);

/// Weight tiles one after the other; decides weight_buffer.storage: auto, and the parts in which streamed tiles are
/// fetched. Throws InputError when the weight buffer is too small.
void place_weights(Schedule& schedule);

}  // namespace widthwise
