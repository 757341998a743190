// SPDX-License-Identifier: Apache-2.0
// One layer of the schedule model.
#pragma once

#include "record/record.h"
#include "schedule/dma_timer.h"
#include "schedule/edge.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Follows the tiles of a layer that begins at edge `start`; returns the edge at which the next phase begins. Fills
/// cycles (total, compute, stalls).
Edge time_layer(const Schedule& schedule, const LayerSchedule& layer, Edge start, DmaTimer& dma, CycleCounts& cycles);

}  // namespace widthwise
