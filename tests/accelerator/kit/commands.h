// SPDX-License-Identifier: Apache-2.0
// What the Sequencer tells the units, written down as plainly as possible.
#pragma once

#include <vector>

#include "accelerator/link/payloads.h"
#include "schedule/schedule.h"

namespace widthwise::test {

/// Commands of one layer's tiles in the documented loop order: channel tiles > image groups > column tiles.
std::vector<TileIndex> plain_tiles(const LayerSchedule& layer);
/// The commands that the Sequencer gives for them.
std::vector<TileCommand> plain_commands(const LayerSchedule& layer);

}  // namespace widthwise::test
