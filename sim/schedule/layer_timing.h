// SPDX-License-Identifier: Apache-2.0
// One layer of the schedule model.
#pragma once

#include <functional>

#include "record/record.h"
#include "schedule/dma_timer.h"
#include "schedule/edge.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Strip `strip` of a layer begins at `edge`, after what it waited for; `cycles` counts the layer up to there, but for
/// what no cause has taken yet.
using StripBegins = std::function<void(int strip, Edge edge, const CycleCounts& cycles)>;

/// Follows the tiles of a layer that begins at edge `start`; returns the edge at which the next phase begins. Fills
/// cycles (total, compute, stalls).
Edge time_layer(const Schedule& schedule, const LayerSchedule& layer, Edge start, DmaTimer& dma, CycleCounts& cycles,
                const StripBegins& strip_begins = {});

}  // namespace widthwise
