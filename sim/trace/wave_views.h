// SPDX-License-Identifier: Apache-2.0
// What opens a waveform well sorted: a save file for GTKWave and a command file for Surfer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trace/wave_limits.h"
#include "trace/wave_writer.h"

namespace widthwise {

/// A GTKWave save file: a group for each unit, closed groups for what lies below, the radix that suits each signal, and
/// the layer's number read as its name through the filter file `layer_filter`. Paths are as GTKWave shall open them.
/// Of the array, elements beyond the first eight rows and columns are left out. It opens at `start_ps`, with some
/// dozens of clock periods in view.
std::string gtkwave_view(const std::vector<const WaveVariable*>& variables, const std::string& waveform,
                         const std::string& layer_filter, std::uint64_t start_ps, std::uint64_t period_ps);

/// GTKWave's translate filter file: each layer's number and name.
std::string layer_filter_text(const std::vector<std::string>& layers);

/// Surfer's commands: the units' own signals, with a divider before each unit.
std::string surfer_view(const std::vector<const WaveVariable*>& variables);

/// Writes these files as soon as the signals are known.
class WaveViewWriter : public WaveWriter {
public:
    struct Files {
        std::string waveform;                         ///< as the viewers shall open it
        std::string layer_filter;                     ///< the same of the filter file
        std::string save_to, filter_to, commands_to;  ///< where the three files are written
    };
    /// `layers`: their names in the schedule's order.
    WaveViewWriter(WaveLimits limits, std::vector<std::string> layers, std::vector<Files> files)
        : limits_(std::move(limits)), layers_(std::move(layers)), files_(std::move(files)) {}
    /// Throws SimulationError when a file cannot be written.
    void begin(const WaveList& list, std::uint64_t period_ps) override;
    void sample(std::uint64_t /*cycle*/) override {}
    [[nodiscard]] bool finished() const override { return true; }

private:
    WaveLimits limits_;
    std::vector<std::string> layers_;
    std::vector<Files> files_;
};

}  // namespace widthwise
