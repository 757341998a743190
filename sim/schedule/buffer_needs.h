// SPDX-License-Identifier: Apache-2.0
// What a network needs of the buffers, whatever they have.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/hardware.h"
#include "network/network.h"

namespace widthwise {

/// A capacity in bytes.
struct BufferNeed {
    std::string_view key;  ///< "activation_buffer.bytes"
    std::int64_t has = 0;  ///< what the hardware has; 0: as much as a layer needs
    /// The least with which nothing is cut: all weights stay on the chip (unless weight_buffer.storage is streamed), all maps
    /// of a batch lie in the activation buffer, whole rows pass the line buffer (once for each tile of channels), and no pool
    /// is parted from the layer before it.
    std::int64_t needs = 0;
};

struct BufferNeeds {
    std::vector<BufferNeed> capacities;
    // With these capacities. Strips and parts can move less than a whole map, where rows or pixels of it are never read.
    std::int64_t dram_bytes = 0;         ///< that a batch moves: its input and output
    std::int64_t line_buffer_bytes = 0;  ///< that it fills the line buffer with
};

/// For batches of `images` images. Other keys are as in `hardware`; those that bound strips and weight_buffer.storage do
/// not count. Throws
/// InputError where the network cannot run with buffers of any size.
BufferNeeds buffer_needs(const Network& network, const HardwareParams& hardware, int images);

}  // namespace widthwise
