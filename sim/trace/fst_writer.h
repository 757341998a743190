// SPDX-License-Identifier: Apache-2.0
// Waveforms in GTKWave's compressed format (FST), which Surfer reads as well: a tenth of a VCD's size or less.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trace/wave_limits.h"
#include "trace/wave_writer.h"

namespace widthwise {

/// Shows what VcdWriter shows: the same names, values and times. Of registers that read as words it holds numbers and,
/// as the format has a place for them, the words as well.
class FstWriter : public WaveWriter {
public:
    /// Writes to `path` itself, whatever is there; who needs a file that appears whole gives a temporary name. Throws
    /// InputError for limits that leave nothing.
    explicit FstWriter(std::string path, WaveLimits limits = {});
    ~FstWriter() override;
    FstWriter(const FstWriter&) = delete;
    FstWriter& operator=(const FstWriter&) = delete;

    /// Throws InputError when the list has nothing that the limits ask for, and SimulationError when the file cannot be
    /// created.
    void begin(const WaveList& list, const ClockEdges& edges) override;
    /// Throws SimulationError when the disk did not take the file; then it is finished.
    void sample(std::uint64_t cycle) override;
    [[nodiscard]] bool finished() const override { return finished_; }

    /// Completes the file. Throws SimulationError when the disk did not take it.
    void close();
    [[nodiscard]] std::uint64_t recorded_cycles() const { return recorded_cycles_; }

private:
    struct Net {
        const WaveVariable* variable;  ///< a copy in variables_
        std::uint32_t handle;
        std::uint64_t shown;
    };
    void declare(const std::vector<const WaveVariable*>& selected);
    std::uint32_t table_of_words(const WaveVariable& variable);
    void emit(Net& net, bool always);
    void check();

    std::string path_;
    WaveLimits limits_;
    std::unique_ptr<WaveGate> gate_;
    void* file_ = nullptr;  ///< fstapi's context
    std::vector<WaveVariable> variables_;
    std::vector<Net> nets_;
    std::uint32_t clock_ = 0, cycle_ = 0;  ///< handles
    std::optional<ClockEdges> edges_;
    std::uint64_t last_recorded_ = 0;
    std::uint64_t recorded_cycles_ = 0;
    bool finished_ = false;
};

}  // namespace widthwise
