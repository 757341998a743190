// SPDX-License-Identifier: Apache-2.0
// Everything a command line names, read and checked before any simulation starts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/config_changes.h"
#include "cli/options.h"
#include "config/hardware.h"
#include "config/run_config.h"
#include "data/dataset.h"
#include "energy/energy_table.h"
#include "engine/images.h"
#include "network/network.h"
#include "results/run_report.h"
#include "schedule/schedule.h"

namespace widthwise {

/// What a command needs of a workload.
enum class Values : std::uint8_t {
    needed,    ///< weights and images
    if_given,  ///< a network of shapes, or no images, will do
    left_out,  ///< images are not read
};

struct Workload {
    /// Throws InputError for whatever cannot be used: configuration, network, images, energy table, or the network not
    /// fitting the hardware or the images not fitting the network.
    explicit Workload(const std::string& config_path, const ConfigChanges& changes = {},
                      Values values = Values::needed);
    Workload(const Workload&) = delete;
    Workload& operator=(const Workload&) = delete;

    /// The configuration with one width for all layers.
    [[nodiscard]] RunConfig with_width(int bits) const;
    /// Compiles and checks that the energy table can price it.
    [[nodiscard]] Schedule compiled(const HardwareParams& hardware) const;
    [[nodiscard]] RunSetup setup(const RunConfig& run_config, const Schedule& schedule, const HalfOpenRange& images,
                                 const std::string& command, const std::string& engine) const;
    /// Of a workload with images.
    [[nodiscard]] const InputConversion& conversion() const { return *conversion_; }
    [[nodiscard]] bool has_images() const { return conversion_.has_value(); }
    /// The quantized network input of one image.
    [[nodiscard]] std::vector<std::uint8_t> input(int image) const;

    RunConfig config;
    std::vector<std::string> given_keys;  ///< dotted keys that the file or the command line gives
    Network network;
    Dataset dataset;
    EnergyTable table;
    std::vector<UnusedKey> unused_keys;  ///< given or not, in the order of the file

private:
    Workload(ConfigFile file, const ConfigChanges& changes, Values values);
    /// From the headers on; no value is read before the network is known to fit images and hardware.
    void read_images();
    void check_labels() const;
    [[nodiscard]] std::string all_needs(const HardwareParams& hardware) const;
    [[nodiscard]] Schedule compiled_or_told_needs(const HardwareParams& hardware) const;

    std::optional<InputConversion> conversion_;
    std::vector<UnusedKey> unused_data_keys_;
};

/// Its input(); the workload must outlive it.
ImageSource source_of(const Workload& workload);

/// The value of --images, or the default: the first `fallback`, all if there are fewer. Logs which.
HalfOpenRange chosen_images(const ParsedOptions& options, const Dataset& dataset, int fallback);

/// The value of --jobs, or one per processor.
int chosen_jobs(const ParsedOptions& options);

}  // namespace widthwise
