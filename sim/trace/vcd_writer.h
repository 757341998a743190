// SPDX-License-Identifier: Apache-2.0
// Waveforms as a Value Change Dump (IEEE 1364-2005, clause 18), which every waveform viewer reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trace/partial_file.h"
#include "trace/vcd_encoder.h"
#include "trace/wave_limits.h"
#include "trace/wave_writer.h"

namespace widthwise {

/// How registers that read as words are shown: as their numbers, or as variables of type string, GTKWave's extension,
/// at which readers that follow the standard stop.
enum class VcdWords : std::uint8_t { numbers, strings };

/// The values that registers hold between the edge of cycle n and the next one change at the time of edge n, in
/// femtoseconds. Two nets are added in the outermost scope: "clk", which rises at the edge, and "cycle", n. Where
/// limits leave cycles out, time jumps.
class VcdWriter : public WaveWriter {
public:
    /// Writes to PATH.partial until close(). Throws InputError for limits that leave nothing and when the file cannot
    /// be created, or exists and `overwrite` is false.
    explicit VcdWriter(const std::string& path, WaveLimits limits = {}, bool overwrite = true,
                       VcdWords words = VcdWords::numbers);
    /// close() unless an exception is passing; its failure is lost.
    ~VcdWriter() override;
    VcdWriter(const VcdWriter&) = delete;
    VcdWriter& operator=(const VcdWriter&) = delete;

    /// Throws InputError when the list has nothing that the limits ask for.
    void begin(const WaveList& list, const ClockEdges& edges) override;
    /// Cycles must rise. Throws SimulationError when the file cannot be written; then it is finished.
    void sample(std::uint64_t cycle) override;
    [[nodiscard]] bool finished() const override { return finished_; }

    /// Completes the file and gives it its name; without begin() there is none. A second call does nothing. Throws
    /// SimulationError; PATH.partial then stays.
    void close();

    /// 0 tells that no cycle was within the limits.
    [[nodiscard]] std::uint64_t recorded_cycles() const { return recorded_cycles_; }

private:
    void record(std::uint64_t cycle);
    static char* put_time(char* out, std::uint64_t time_fs);
    void write(const char* bytes, std::size_t count);
    void flush() { write(buffer_.data(), std::exchange(used_, 0)); }

    WaveLimits limits_;
    PartialFile file_;
    int exceptions_;  ///< passing when the writer was made
    std::optional<WaveGate> gate_;
    VcdEncoder encoder_;
    VcdWords words_;
    std::optional<ClockEdges> edges_;
    std::string clock_rises_, clock_falls_;  ///< their value changes
    VcdTail cycle_tail_;
    std::vector<char> buffer_;
    std::size_t used_ = 0;
    std::size_t sample_bytes_ = 0;  ///< the most one sample can take
    std::uint64_t next_cycle_ = 0;  ///< the smallest that may still come
    std::uint64_t last_recorded_ = 0;
    std::uint64_t recorded_cycles_ = 0;
    enum class State : std::uint8_t { created, begun, ended } state_ = State::created;  ///< ended: closed or failed
    bool finished_ = false;
};

}  // namespace widthwise
