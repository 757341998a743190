// SPDX-License-Identifier: Apache-2.0
#include "cli/workload.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "cli/command.h"
#include "cli/data_root.h"
#include "cli/workers.h"
#include "common/error.h"
#include "config/run_config.h"
#include "network/onnx_import.h"
#include "network/topology.h"
#include "results/needs_text.h"
#include "results/run_text.h"
#include "schedule/buffer_needs.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

EnergyTable load_table(const RunConfig& config, const ConfigChanges& changes) {
    try {
        return EnergyTable::load(config.energy_table, data_root());
    } catch (const InputError& error) {
        const std::string what = error.what();
        if (what.starts_with(config.energy_table)) throw;  // the table's own file is what is wrong
        throw InputError(fmt::format("{}: {}", energy_table_place(config, changes), what));
    }
}

}  // namespace

Workload::Workload(const std::string& config_path, const ConfigChanges& changes, Values values)
    : Workload(changed(load_config_file(config_path), changes), changes, values) {}

Workload::Workload(ConfigFile file, const ConfigChanges& changes, Values values)
    : config(std::move(file.config)),
      given_keys(std::move(file.keys)),
      network(values == Values::needed ? import_onnx(config.network, config.network_output)
                                       : import_network(config.network, config.network_output)),
      table(load_table(config, changes)) {
    if (values == Values::needed) require_images(config);
    if (values == Values::left_out || config.images.empty() || !network.has_values) {
        unused_keys = compiled(config.hardware).unused_keys;
        return;
    }
    read_images();
    check_labels();
}

void Workload::read_images() {
    DatasetFiles files(config.images, config.labels);
    try {
        conversion_.emplace(files.format(), config.preprocessing, network);
    } catch (const InputError& error) {
        throw InputError(about_key(error.what()) ? fmt::format("{}: {}", config.path, error.what()) : error.what());
    }
    config.preprocessing = resolved(config.preprocessing, files.format().element, network);
    unused_data_keys_ = unused_data_keys(files.format(), config.preprocessing, network);
    unused_keys = unused_data_keys_;
    const std::vector<UnusedKey> of_hardware = compiled(config.hardware).unused_keys;
    unused_keys.insert(unused_keys.end(), of_hardware.begin(), of_hardware.end());
    dataset = std::move(files).read();
}

void Workload::check_labels() const {
    if (!dataset.has_labels()) return;
    const std::int64_t classes = network.tensors[static_cast<std::size_t>(network.output)].shape.elements();
    for (int i = 0; i < dataset.size(); ++i) {
        if (dataset.label(i) < classes) continue;
        throw InputError(fmt::format("{}: image {} has the label {}, but the output of {} has {} classes",
                                     config.labels, i, dataset.label(i), config.network, classes));
    }
}

RunConfig Workload::with_width(int bits) const {
    RunConfig changed = config;
    apply_accumulator_option(changed.hardware.accumulator, fmt::format("{}", bits));
    return changed;
}

/// Of hardware that was refused: all capacities at once, if some are too small for whole weights, maps and rows.
std::string Workload::all_needs(const HardwareParams& hardware) const {
    try {
        const BufferNeeds needs = buffer_needs(network, hardware, hardware.batch);
        if (std::ranges::none_of(needs.capacities, is_short)) return "";
        return fmt::format(". All at once: weights, maps and rows are whole with {}", needs_text(needs));
    } catch (const InputError&) {  // buffers are not what is wrong
        return "";
    }
}

Schedule Workload::compiled_or_told_needs(const HardwareParams& hardware) const {
    try {
        return compile(network, hardware, hardware.batch);
    } catch (const InputError& error) {
        throw InputError(error.what() + all_needs(hardware));
    }
}

Schedule Workload::compiled(const HardwareParams& hardware) const {
    try {
        Schedule schedule = compiled_or_told_needs(hardware);
        for (const LayerSchedule& layer : schedule.layers) static_cast<void>(table.costs(layer.attributes));
        return schedule;
    } catch (const InputError& error) {
        const std::string what = error.what();
        // Messages about keys and layers do not know the file.
        throw InputError(what.starts_with(table.path()) ? what : fmt::format("{}: {}", config.path, what));
    }
}

RunSetup Workload::setup(const RunConfig& run_config, const Schedule& schedule, const HalfOpenRange& images,
                         const std::string& command, const std::string& engine) const {
    RunSetup setup;
    setup.version = tool_version();
    setup.command = command;
    setup.engine = engine;
    setup.config = run_config;
    setup.unused_data_keys = unused_data_keys_;
    setup.network = &network;
    setup.schedule = &schedule;
    setup.table = &table;
    if (has_images()) setup.images = {config.images, dataset.images().digest};
    if (dataset.has_labels()) setup.labels = {config.labels, dataset.labels().digest};
    setup.energy_table = {config.energy_table, md5_of_file(table.path())};
    setup.first = static_cast<int>(images.first);
    setup.end = static_cast<int>(images.end);
    return setup;
}

std::vector<std::uint8_t> Workload::input(int image) const { return dataset.quantized(image, *conversion_); }

ImageSource source_of(const Workload& workload) {
    return [&workload](int image) { return workload.input(image); };
}

HalfOpenRange chosen_images(const ParsedOptions& options, const Dataset& dataset, int fallback) {
    if (options.has("images")) return parse_range("--images", options.text("images"), dataset.size());
    const HalfOpenRange images{0, std::min(fallback, dataset.size())};
    spdlog::info("images {} of the {} there are; choose others with --images A:B",
                 range_text(static_cast<int>(images.first), static_cast<int>(images.end)), dataset.size());
    return images;
}

int chosen_jobs(const ParsedOptions& options) {
    constexpr IntRange kJobs{1, 256};
    if (options.has("jobs")) return parse_integer("--jobs", options.text("jobs"), kJobs);
    return static_cast<int>(std::min<std::int64_t>(available_processors(), kJobs.high));
}

}  // namespace widthwise
