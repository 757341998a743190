// SPDX-License-Identifier: Apache-2.0
// Part of compile(): what a schedule may hold, checked before any of it is built.
#pragma once

#include <cstdint>

#include "schedule/schedule.h"

namespace widthwise {

/// Bytes of one feature map for all images of a batch.
inline constexpr std::int64_t kMaxBatchMapBytes = std::int64_t{1} << 26;

/// Column tiles, feature-map rows, taps, output channels and pixels of average-pooling windows, of all layers together:
/// for each of them a schedule holds some ten to forty bytes.
inline constexpr std::int64_t kMaxScheduleEntries = std::int64_t{1} << 21;

/// Blocks of the line buffer's passes, and transfers of strips, of all layers together.
inline constexpr std::int64_t kMaxMoves = std::int64_t{1} << 20;

/// Layers that describe_frame() has described, none of them completed. Throws InputError naming the layer with which
/// a limit is passed.
void check_sizes(const Schedule& schedule);

/// Blocks and transfers of a layer that is complete, behind layers with `before` of them. Throws InputError when those are
/// too many.
std::int64_t check_moves(const LayerSchedule& layer, std::int64_t before);

}  // namespace widthwise
