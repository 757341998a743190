// SPDX-License-Identifier: Apache-2.0
// Both engines on the same network, hardware and images.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "network/network.h"

namespace widthwise {

/// Where the engines differ, as text: outputs, every operator's values, overflow, psum statistics, cycles, stalls by
/// cause, events, histograms; and where histograms or the elements' busy cycles do not add up. Empty when they agree.
/// Builds a SystemC engine, of which a process can have one. `images` are quantized, one byte per value of the
/// network's input.
std::string engine_difference(const Network& network, const HardwareParams& hardware,
                              const std::vector<std::vector<std::uint8_t>>& images);

}  // namespace widthwise
