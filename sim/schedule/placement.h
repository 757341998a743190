// SPDX-License-Identifier: Apache-2.0
// Part of compile(): where feature maps and weights lie in the buffers.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Not even the smallest strip of a layer fits the activation buffer.
class StripsDoNotFit : public InputError {
public:
    StripsDoNotFit(const LayerSchedule& layer, const std::string& what, std::int64_t needed_bytes)
        : InputError("layer '" + layer.name + "': " + what), needed(needed_bytes) {}
    std::int64_t needed;  ///< bytes of the buffer
};

/// A layer's pool cannot be worked on together with what is before it: in strips, or because of the pool's row buffer.
class PoolNeedsItsOwnLayer : public StripsDoNotFit {
public:
    PoolNeedsItsOwnLayer(const LayerSchedule& layer, const std::string& what, std::int64_t needed_bytes)
        : StripsDoNotFit(layer, what, needed_bytes), pool(layer.pooling->operator_index) {}
    int pool;  ///< into Network::operators
};

/// A chain of layers uses the activation buffer as ping-pong halves: each layer reads one and writes the other. Where
/// layers branch, a feature map stays as long as a later layer reads it, and each new one goes to the lowest free
/// address. What does not fit goes to DRAM, the largest maps first, and the layers that read and write it are worked on in
/// strips. Weights must have been placed. Throws PoolNeedsItsOwnLayer, or InputError when not even the smallest strip fits,
/// naming how large the buffer must be.
void place_feature_maps(Schedule& schedule);

/// Capacity of the activation buffer from which on all maps of a batch lie in it together; 0 where layers are apart. The
/// layers must be connected.
std::int64_t whole_maps_bytes(Schedule schedule);

/// Weight tiles one after the other; decides weight_buffer.storage: auto, and the parts in which streamed tiles are
/// fetched. Throws InputError when the weight buffer is too small.
void place_weights(Schedule& schedule);

}  // namespace widthwise
