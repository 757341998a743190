// SPDX-License-Identifier: Apache-2.0
// A run as slices of time, unit by unit, for Perfetto and chrome://tracing: Chrome's JSON trace event format, in which
// one microsecond stands for one clock cycle.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/output_file.h"
#include "trace/wave_limits.h"
#include "trace/wave_writer.h"

namespace widthwise {

/// Tracks: phases of the sequencer, layers, what the PE array did in each cycle of a layer (compute or a stall's
/// cause), its tiles, the drain, the line buffer's filling, the Dma. Slices of a track never overlap; those of the
/// array fill each layer, and add up to its cycles and stalls in layers.csv. Counters: utilisation of each tile,
/// overflow events.
class TimelineWriter : public WaveWriter {
public:
    struct Layer {
        std::string name;
        std::uint64_t taps = 0;  ///< of a tile
    };
    /// Writes to `path` itself. Of `limits`, cycles, layer and image count. Throws InputError when they leave nothing,
    /// SimulationError when the file cannot be created.
    TimelineWriter(const std::string& path, WaveLimits limits, std::vector<Layer> layers, int elements);

    /// Throws InputError when the model tells nothing of its work.
    void begin(const WaveList& list, const ClockEdges& edges) override;
    /// Throws SimulationError when the disk does not take the file.
    void sample(std::uint64_t cycle) override;
    [[nodiscard]] bool finished() const override { return finished_; }

    /// Completes the file. Throws SimulationError when the disk did not take it.
    void close();
    [[nodiscard]] std::uint64_t recorded_cycles() const { return recorded_cycles_; }

private:
    /// One row of the timeline and the slice that is open on it.
    struct Track {
        const char* title;
        std::string name;  ///< of the open slice; "": none
        std::uint64_t start = 0;
    };
    enum TrackIndex { kPhases, kLayers, kArray, kTiles, kDrain, kFill, kDma, kTrackCount };

    void set(TrackIndex track, const std::string& name, std::uint64_t cycle);
    /// `elements`: of the array, at work on the tap issued at this edge.
    void follow_tiles(std::uint64_t cycle, std::int64_t elements);
    void close_all(std::uint64_t cycle);
    void counter(const char* name, const char* unit, double value, std::uint64_t cycle);
    void event(const std::string& json);

    WaveLimits limits_;
    std::vector<Layer> layers_;
    double elements_;
    OutputFile file_;
    const Activity* activity_ = nullptr;  ///< while it writes
    std::optional<WaveGate> gate_;
    std::vector<Track> tracks_;
    std::uint64_t tile_ = 0, tile_start_ = 0, tile_taps_ = 0;
    std::int32_t layer_ = -1;
    std::int64_t tile_elements_ = 0;  ///< as the last sample showed it
    std::int64_t overflow_ = -1;
    std::uint64_t next_cycle_ = 0;  ///< one past the last one recorded
    std::uint64_t recorded_cycles_ = 0;
    bool first_event_ = true;
    bool finished_ = false;
};

}  // namespace widthwise
