// SPDX-License-Identifier: Apache-2.0
// A part of a run on the clocked model, the rest without a clock: the fast engine knows every value at the part's
// borders, and the schedule model every edge.
#pragma once

#include <string>

#include "engine/images.h"
#include "engine/systemc_engine.h"
#include "network/network.h"
#include "record/record.h"
#include "schedule/clocked_part.h"

namespace widthwise {

class WaveWriter;

/// Which part of which batch: that of image `image` among those that are run.
struct PartRequest {
    ClockedPart part;
    int image = 0;
    bool histograms = false;  ///< of the finished psums, in the record
};

struct PartRun {
    RunRecord record;  ///< of all images, from the fast engine
    PartRecord clocked;
    int first_image = 0;  ///< of the part's batch
    bool whole = true;    ///< the part is all strips of its layer
    /// What of the part differs from what the fast engine and the schedule model say; empty: nothing.
    std::string difference;
};

/// Runs images [first, end), of which `request.image` is one. `schedule`: of batches of hardware.batch. Waveforms show
/// the part. One SystemC engine is made: a process can have one. `threads`: of the fast engine.
PartRun run_with_part(const Network& network, const Schedule& schedule, const PartRequest& request, int first, int end,
                      int threads, const ImageSource& source, const OutputSink& sink, WaveWriter* wave);

}  // namespace widthwise
