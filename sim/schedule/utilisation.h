// SPDX-License-Identifier: Apache-2.0
// Which processing elements work, and for how many cycles. A tile uses the array's rows and columns from 0 on, so an
// element's share follows from the tile sizes alone.
#pragma once

#include <cstdint>
#include <vector>

#include "schedule/schedule.h"

namespace widthwise {

/// Cycles in which each element of rows x columns has an activation and a weight to multiply (gated ones among them),
/// row by row: element (r, c) at r * columns + c. For one batch of the schedule. Their sum is the layer's number of
/// multiplications; a lone pooling layer has none.
std::vector<std::uint64_t> busy_cycles(const LayerSchedule& layer, const ArrayParams& array);

/// The same of all layers, for `images` images in batches as `schedule` has them, the last one being smaller if they do
/// not come out even: [layer][element].
std::vector<std::vector<std::uint64_t>> busy_cycles(const Schedule& schedule, std::uint64_t images);

}  // namespace widthwise
