// SPDX-License-Identifier: Apache-2.0
// Every link at every edge, as text: what is compared with another implementation of the same accelerator. A waveform
// need not hold all data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/output_file.h"
#include "trace/wave_limits.h"
#include "trace/wave_writer.h"

namespace widthwise {

/// A line for each link of a cycle in which `valid`, `ready`, or the data of a valid link differ from those of the line
/// before of this link: cycle, link, valid, ready, data, parted by tabs; data is empty while the link is not valid.
class LinkTraceWriter : public WaveWriter {
public:
    /// Writes to `path` itself. Of `limits`, cycles, layer and image count. Throws InputError when they leave nothing,
    /// SimulationError when the file cannot be created.
    LinkTraceWriter(const std::string& path, WaveLimits limits);

    void begin(const WaveList& list, const ClockEdges& edges) override;
    /// Throws SimulationError when the disk does not take the file.
    void sample(std::uint64_t cycle) override;
    [[nodiscard]] bool finished() const override { return finished_; }
    /// Completes the file. Throws SimulationError when the disk did not take it.
    void close();
    [[nodiscard]] std::uint64_t recorded_cycles() const { return recorded_cycles_; }

private:
    WaveLimits limits_;
    OutputFile file_;
    std::optional<WaveGate> gate_;
    std::vector<const TracedLink*> links_;
    std::vector<std::string> shown_;  ///< of each link: the last line behind the cycle
    std::uint64_t recorded_cycles_ = 0;
    bool finished_ = false;
};

}  // namespace widthwise
