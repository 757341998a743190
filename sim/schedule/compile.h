// SPDX-License-Identifier: Apache-2.0
// Network and hardware become a schedule.
#pragma once

#include "schedule/schedule.h"

namespace widthwise {

/// Compiles for batches of `images` images (1..hardware.batch). `network` must outlive the result. Throws InputError
/// when the hardware cannot run the network: a line buffer smaller than the kernel's rows, buffers too small, unknown
/// layer in accumulator widths. Throws SimulationError when sums leave that are not the network's output: an importer
/// does not make such a network.
Schedule compile(const Network& network, const HardwareParams& hardware, int images);

}  // namespace widthwise
