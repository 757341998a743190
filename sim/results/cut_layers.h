// SPDX-License-Identifier: Apache-2.0
// How layers are cut that do not fit the buffers: said by `check`, and in the results of a run.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "schedule/schedule.h"

namespace widthwise {

/// Bytes that a batch moves between DRAM and chip for the layer.
std::int64_t dram_traffic(const LayerSchedule& layer, const HardwareParams& hardware);

/// Null for a layer that fits all buffers, else an object: `strips` (how many, rows and channels of the sums that one has,
/// whether the next one is prefetched), `line_buffer` (columns of a stripe, or parts of a tile), `weight_parts`, and
/// `dram_bytes` of a batch.
nlohmann::ordered_json cut_json(const LayerSchedule& layer, const HardwareParams& hardware);

/// The same as a sentence without an end; "" for a layer that fits.
std::string cut_text(const LayerSchedule& layer, const HardwareParams& hardware);

}  // namespace widthwise
