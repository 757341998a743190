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

/// Paths as GTKWave shall open them.
struct GtkwavePaths {
    std::string waveform;
    std::string layer_filter;  ///< a file by words_text(): the layers
    std::string words;  ///< a folder of such files, named by words_file(); "": the waveform holds the words itself
};

/// A GTKWave save file: a group for each unit, closed groups for what lies below, the radix that suits each signal, and
/// numbers of layers and of words read through filter files. Of the array, elements beyond the first eight rows and
/// columns are left out. It opens at `start_fs`, with some dozens of clock periods in view.
std::string gtkwave_view(const std::vector<const WaveVariable*>& variables, const GtkwavePaths& paths,
                         std::uint64_t start_fs, double period_fs);

/// "sequencer_state.txt": the file for the words of a variable.
std::string words_file(const WaveVariable& variable);

/// What the numbers of a register mean: GTKWave's translate filter file, which is a mapping of Surfer's as well, by the
/// name `format`.
std::string words_text(const std::string& format, const std::vector<std::string>& words, int bits);

/// Surfer's commands: the units' own signals, with a divider before each unit.
std::string surfer_view(const std::vector<const WaveVariable*>& variables);

/// Writes these files as soon as the signals are known.
class WaveViewWriter : public WaveWriter {
public:
    struct Files {
        GtkwavePaths paths;
        std::string save_to, filter_to, commands_to;  ///< where the files are written
        std::string words_to;                         ///< the folder for those of words; it exists
    };
    /// `layers`: their names in the schedule's order.
    WaveViewWriter(WaveLimits limits, std::vector<std::string> layers, std::vector<Files> files)
        : limits_(std::move(limits)), layers_(std::move(layers)), files_(std::move(files)) {}
    /// Throws SimulationError when a file cannot be written.
    void begin(const WaveList& list, const ClockEdges& edges) override;
    void sample(std::uint64_t /*cycle*/) override {}
    [[nodiscard]] bool finished() const override { return true; }

private:
    WaveLimits limits_;
    std::vector<std::string> layers_;
    std::vector<Files> files_;
};

}  // namespace widthwise
