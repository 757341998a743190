// SPDX-License-Identifier: Apache-2.0
// Part of compile(): what the PoolUnit does in a layer.
#pragma once

#include "config/hardware.h"
#include "schedule/schedule.h"

namespace widthwise {

/// All but the factors of averages. Throws InputError when one beat can complete more windows than the unit writes at once.
void describe_pooling(LayerSchedule& layer, const Network& network, const HardwareParams& hardware, int index);

/// Bytes of the row buffer that the layer needs: a window for each channel of a tile, row of windows that can be open at
/// once, and column. A maximum takes one byte; a sum what stored integers less their zero point can add up to, in float32
/// four, but for averages of a whole map or by a shift.
std::int64_t pool_row_buffer_bytes(const LayerSchedule& layer);

/// Once the layer's tiles are known. Throws PoolNeedsItsOwnLayer where the row buffer is too small for the pool together
/// with what is before it, and InputError where it is too small for the pool alone.
void check_pool_row_buffer(const LayerSchedule& layer, const HardwareParams& hardware);

/// The factors of averages, by number of pixels. Throws InputError when one cannot be had.
void complete_pooling(LayerSchedule& layer, const Network& network);

}  // namespace widthwise
