// SPDX-License-Identifier: Apache-2.0
// What a run found, and what is derived from its counts: ratios and energies.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "config/run_config.h"
#include "energy/energy_table.h"
#include "network/network.h"
#include "record/record.h"
#include "results/quality.h"
#include "schedule/schedule.h"

namespace widthwise {

/// A file that went into a run.
struct SourceFile {
    std::string path;
    std::string digest;  ///< MD5, hexadecimal; of images and labels, unpacked
};

struct Prediction {
    int image = 0;
    int label = -1;  ///< -1: not known
    int predicted = 0;
    friend bool operator==(const Prediction&, const Prediction&) = default;
};

/// What was run. `network`, `schedule` and `table` must outlive it.
struct RunSetup {
    std::string version;  ///< of the tool
    std::string command;  ///< that repeats the run; without options that do not change results
    std::string engine;
    RunConfig config;                         ///< with the command line's changes
    std::vector<UnusedKey> unused_data_keys;  ///< of the preprocessing; those of the hardware are in the schedule
    const Network* network = nullptr;
    const Schedule* schedule = nullptr;
    const EnergyTable* table = nullptr;
    SourceFile images;
    SourceFile labels;        ///< path empty: none
    SourceFile energy_table;  ///< path as the user named the table
    int first = 0;            ///< images [first, end)
    int end = 0;
    bool shapes_only = false;  ///< cycles, traffic and energy alone; images [first, end) stand for any
};

/// Of a run whose counts come from the schedule model: strips [first_strip, end_strip) of a layer that were clocked, in
/// the batch that begins with image `first_image`, and their cycles [begin, end) of the run.
struct ClockedCycles {
    int layer = 0;
    int first_strip = 0;
    int end_strip = 0;
    int first_image = 0;
    bool whole = true;  ///< these are all strips of the layer
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

/// What came out.
struct RunOutcome {
    RunRecord record;
    std::vector<Prediction> predictions;
    std::optional<ClockedCycles> clocked = {};
};

/// One layer, or the phase before or after the layers, with its energy.
struct Phase {
    std::string name;                      ///< of a layer its own, or layer_label()'s
    std::string kind;                      ///< "convolution + max pool", "load", ...
    const LayerSchedule* layer = nullptr;  ///< none: load, store, set-up
    LayerRecord record;                    ///< over all images
    EventCosts costs{};
    ComponentEnergies energy{};  ///< over all images
    WorstCaseBits bounds;        ///< 0: no accumulators
    [[nodiscard]] Energy total_energy() const { return sum(energy); }
    /// Multiply-accumulates, gated ones among them.
    [[nodiscard]] std::uint64_t macs() const;
    [[nodiscard]] bool has_accumulators() const { return layer != nullptr && layer->computation.has_value(); }
};

struct Accuracy {
    std::uint64_t labelled = 0;
    std::uint64_t correct = 0;
    [[nodiscard]] double percent() const {
        return 100.0 * static_cast<double>(correct) / static_cast<double>(labelled);
    }
};

/// Everything that files and screen show of a run.
struct RunReport {
    RunReport(RunSetup run_setup, RunOutcome run_outcome);

    RunSetup run;
    RunOutcome outcome;
    Phase setup;                ///< loading resident weights, once
    std::vector<Phase> phases;  ///< load, the layers, store
    Phase total;                ///< of `phases`; without costs
    std::optional<Accuracy> accuracy;
    std::optional<Quality> quality;  ///< if asked for

    /// The phase of a layer, by its index in the schedule.
    [[nodiscard]] const Phase& layer(std::size_t index) const { return phases[index + 1]; }
    /// Clocked cycles over all, 0..1; none if no part was clocked alone.
    [[nodiscard]] std::optional<double> clocked_share() const;
    [[nodiscard]] double images() const { return static_cast<double>(outcome.record.images); }
    [[nodiscard]] int processing_elements() const;
    /// MACs per processing element and cycle, 0..1.
    [[nodiscard]] double utilisation(const Phase& phase) const;
    [[nodiscard]] double cycles_per_inference() const;
    [[nodiscard]] double microseconds_per_inference() const;
    [[nodiscard]] double energy_per_inference() const { return total.total_energy().value() / images(); }
    /// None with a table in relative units.
    [[nodiscard]] std::optional<double> average_power_mw() const;
};

/// What tables call a layer: its name, with " (layer)" behind it where the name is that of a row which is none ("load",
/// "store", "set-up", "total") and as often as it takes to differ from `layers`, the names of all.
std::string layer_label(const std::string& name, const std::vector<std::string>& layers);

/// "convolution", "fully connected", "max pool", "average pool".
std::string kind_name(OperatorKind kind);

}  // namespace widthwise
