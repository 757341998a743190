// SPDX-License-Identifier: Apache-2.0
// Runs images through the clocked SystemC model. It defines cycles, stalls and waveforms.
#pragma once

#include <memory>

#include "engine/images.h"
#include "record/record.h"
#include "schedule/schedule.h"

namespace widthwise {

class WaveWriter;

/// One elaborated accelerator. SystemC allows one elaboration per process, so there may be one engine per process; work
/// for another hardware description goes to another process.
class SystemcEngine {
public:
    SystemcEngine(const Network& network, const HardwareParams& hardware);
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

private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace widthwise
