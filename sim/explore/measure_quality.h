// SPDX-License-Identifier: Apache-2.0
// The maps and outputs of several accumulator settings against those of a reference, on the same images.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "config/hardware.h"
#include "engine/images.h"
#include "network/network.h"
#include "results/quality.h"

namespace widthwise {

/// Of the reference's maps and outputs that are held at a time.
inline constexpr std::int64_t kQualityBlockBytes = std::int64_t{256} << 20;

/// Of each variant. All must have the layers of the reference, as hardware has that differs in its accumulators alone.
/// Values are those of both engines; images [first, end) go through in blocks of which the reference's maps
/// and outputs take up to `block_bytes`, one batch at least.
/// `report` counts images, (variants + 1) times each.
std::vector<Quality> measure_quality(const Network& network, const HardwareParams& reference,
                                     std::span<const HardwareParams> variants, int first, int end, int threads,
                                     const ImageSource& source, const std::function<void(int)>& report,
                                     std::int64_t block_bytes = kQualityBlockBytes);

}  // namespace widthwise
