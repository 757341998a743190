// SPDX-License-Identifier: Apache-2.0
// A part of a batch that is clocked alone, and what is known of the accelerator when it begins.
#pragma once

#include <cstdint>
#include <vector>

#include "record/record.h"
#include "schedule/dma_timer.h"
#include "schedule/edge.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Strips [first_strip, end_strip) of a layer.
struct ClockedPart {
    int layer = 0;
    int first_strip = 0;
    int end_strip = 1;
};

/// All strips of the layer.
ClockedPart whole_layer(const Schedule& schedule, int layer);
[[nodiscard]] bool is_whole(const Schedule& schedule, const ClockedPart& part);

/// Feature maps of a batch, image after image, as the network has them: what a layer reads, what it adds, and what it
/// makes as that is stored.
struct LayerMaps {
    std::vector<std::uint8_t> input, addend, output;
};

/// When a part begins and ends, as the schedule model has it: edges of its batch. A whole layer begins with the wait
/// for its first strip; else a part begins with its first strip, after the wait, and ends where the strip behind it
/// begins.
struct PartTiming {
    Edge layer_begin = 0;
    Edge begin = 0;
    Edge end = 0;
    TransferState transfers;  ///< when it begins
    CycleCounts cycles;
};

/// `part`: strips that the layer has, one at least.
PartTiming time_part(const Schedule& schedule, const ClockedPart& part);

}  // namespace widthwise
