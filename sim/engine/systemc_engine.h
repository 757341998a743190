// SPDX-License-Identifier: Apache-2.0
// Runs images through the clocked SystemC model. It defines cycles, stalls and waveforms.
#pragma once

#include <memory>

#include "engine/images.h"
#include "record/record.h"
#include "schedule/clocked_part.h"
#include "schedule/schedule.h"

namespace widthwise {

class WaveWriter;

/// Of a run, what has gone before the batch that a part belongs to, and before its layer.
struct PartStart {
    int first_image = 0;  ///< of the batch
    int images = 1;       ///< in it
    int batches = 0;      ///< before it
    std::uint64_t setup_cycles = 0;
    std::uint64_t batch_cycles = 0;     ///< of all batches before
    std::uint64_t overflow_events = 0;  ///< of the batches before, and of the layers before in this one
};

/// What a part did.
struct PartRecord {
    std::uint64_t begin_cycle = 0, end_cycle = 0;  ///< of the run
    PartTiming timing;                             ///< as the schedule model has it
    LayerRecord layer;
    bool stored_as_expected = false;
};

/// One elaborated accelerator. SystemC allows one elaboration per process, so there may be one engine per process; work
/// for another hardware description goes to another process.
class SystemcEngine {
public:
    SystemcEngine(const Network& network, const HardwareParams& hardware);
    /// `schedule`: of the network, for batches of hardware.batch.
    SystemcEngine(const Network& network, Schedule schedule);
    ~SystemcEngine();
    SystemcEngine(const SystemcEngine&) = delete;
    SystemcEngine& operator=(const SystemcEngine&) = delete;

    /// Records waveforms of everything that follows. Before the first run(); `writer` must outlive the engine.
    void record_waveform(WaveWriter& writer);
    /// Reports every operator's values of everything that follows.
    void report_values(ValueSink sink);
    /// Every record that follows has histograms of the finished psums.
    void collect_histograms();

    /// Runs images [first, end) in batches of hardware.batch. May be called again; counts of each call are its own, but
    /// the set-up (resident weights) happens, and is counted, in the first call only.
    RunRecord run(int first, int end, const ImageSource& source, const OutputSink& sink);

    /// Of a batch of so many images: as many as the hardware says, or fewer.
    const Schedule& schedule(int images);
    /// Clocks a part of a batch alone, instead of run() and once per engine. `maps.output` is needed for what strips
    /// before the part have made, and is compared with what the part stores. The waveform holds the part's cycles, with
    /// the times that they have in a whole run; a register that the part has not written yet is at its reset value,
    /// where a whole run shows what was left in it.
    PartRecord run_part(const ClockedPart& part, const PartStart& start, const LayerMaps& maps);

private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace widthwise
