// SPDX-License-Identifier: Apache-2.0
// Cycles, stalls and event counts of a schedule without stepping a clock.
//
// The accelerator's timing does not depend on values, so one evaluation holds for every batch. The model follows the
// loop nest tile by tile with the units' hand-over rules as recurrences over clock edges: a tap is issued one edge
// after the later of its line's arrival, its weights' arrival and the array's permission. A tile that waits for nothing
// costs a constant; only tiles that may stall are followed tap by tap. sim/accelerator/README.md derives them.
#pragma once

#include "record/record.h"
#include "schedule/schedule.h"

namespace widthwise {

/// What one batch of the schedule takes: everything in the record that does not depend on values (overflow and psum
/// statistics stay empty; with zero gating all multiplications count as `mac.multiply`). `setup` is the one-time load
/// of resident weights.
RunRecord model_schedule(const Schedule& schedule);

/// The same without time: no cycles, and no events that follow from them. Quick, however large the schedule.
RunRecord count_schedule(const Schedule& schedule);

/// Completes what was counted with the values of `images` images (overflow, psums, `mac.gated`) by the models of their
/// batches: as many of `batch_images` as there are, and one of the images that remain (`rest`, ignored when none do).
/// Gated multiplications, which the models count as done, are taken off.
void add_modelled_batches(RunRecord& record, const RunRecord& batch, const RunRecord& rest, int batch_images,
                          std::uint64_t images);

}  // namespace widthwise
