// SPDX-License-Identifier: Apache-2.0
// Images through an engine, spread over worker processes or threads; the answer is the same for any number of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/run_options.h"
#include "cli/workload.h"
#include "results/layer_dump.h"
#include "results/run_report.h"
#include "trace/timeline_writer.h"
#include "trace/vcd_writer.h"
#include "trace/wave_limits.h"
#include "trace/wave_views.h"

namespace widthwise {

struct WaveRequest {
    std::string vcd, fst;  ///< paths; "": not that format
    VcdWords vcd_words = VcdWords::numbers;
    WaveLimits limits;
    std::uint64_t most_cycles = WaveLimits::kUnlimited;  ///< of waveforms
    std::vector<std::string> layers;                     ///< names in the schedule's order
    std::vector<WaveViewWriter::Files> views;
    std::string link_trace;  ///< path; "": none
    std::string timeline;    ///< likewise
    WaveLimits timeline_limits;
    std::vector<TimelineWriter::Layer> timeline_layers;
    int elements = 0;  ///< of the array
};

struct SimulationRequest {
    std::vector<HardwareParams> variants;  ///< each simulates all images
    HalfOpenRange images;
    EngineChoice engine = EngineChoice::systemc;
    int jobs = 1;
    bool show_progress = false;
    bool histograms = false;             ///< of the finished psums, per layer
    LayerDump* dump = nullptr;           ///< with one variant only
    std::optional<WaveRequest> wave;     ///< with one variant and one job only, or a part
    std::optional<PartRequest> part;     ///< clocked alone, with one variant only; the fast engine runs the rest
    const Schedule* schedule = nullptr;  ///< with a part: of the variant
};

/// Images that a run takes when none are named, if there are so many.
int default_images(EngineChoice engine);

/// The outcome of each variant. An InterruptGuard must exist. Throws SimulationError when both engines run and
/// disagree.
std::vector<RunOutcome> simulate(const Workload& workload, const SimulationRequest& request,
                                 const InterruptGuard& guard);

/// How far the values of each variant lie from those of the reference, in a pass of its own on the fast engine,
/// whatever the request's. An InterruptGuard must exist.
std::vector<Quality> simulated_quality(const Workload& workload, const SimulationRequest& request,
                                       const HardwareParams& reference);

/// `images` in up to `parts` runs of nearly the same length that start at multiples of `batch` from its first image.
std::vector<HalfOpenRange> shards(const HalfOpenRange& images, int batch, int parts);

/// A record and predicted classes as bytes, for another process of the same executable.
std::string encode_outcome(const RunOutcome& outcome);
RunOutcome decode_outcome(const std::string& bytes);

}  // namespace widthwise
