// SPDX-License-Identifier: Apache-2.0
// widthwise check: everything but the simulation.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/workload.h"
#include "config/run_config.h"
#include "results/cut_layers.h"
#include "results/run_files.h"
#include "results/run_text.h"
#include "results/tables.h"
#include "schedule/buffer_needs.h"
#include "schedule/schedule_model.h"
#include "schedule/stages/pooling.h"
#include "schedule/strip_fit.h"
#include "text/list_text.h"
#include "text/printable.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

struct BufferUse {
    const char* name;
    std::int64_t used = 0;
    std::int64_t capacity = 0;  ///< 0: as much as is needed
    std::int64_t smallest = 0;  ///< capacity from which on it cuts nothing; 0: it holds nothing
    const char* whole = "";     ///< what is true then
};

/// Of what the layer's strips hold; 0 without any.
std::int64_t strips_end(const Schedule& schedule, const LayerSchedule& layer) {
    if (!layer.in_strips()) return 0;
    return layer.strips_address + StripFitter(layer, schedule.hardware).bytes(layer.extents, layer.prefetches);
}

std::vector<BufferUse> buffer_use(const Schedule& schedule, const BufferNeeds& needs) {
    const HardwareParams& hardware = schedule.hardware;
    BufferUse weights{"weight buffer", schedule.weight_bytes, hardware.weight_buffer.bytes, 0, "all weights stay"};
    const bool branches = std::any_of(schedule.layers.begin(), schedule.layers.end(),
                                      [](const LayerSchedule& layer) { return layer.adds_map(); });
    const bool in_strips = std::any_of(schedule.layers.begin(), schedule.layers.end(),
                                       [](const LayerSchedule& layer) { return layer.in_strips(); });
    BufferUse activations{"activation buffer", 0, hardware.activation_buffer.bytes, 0, "all maps fit"};
    BufferUse lines{"line buffer", 0, hardware.line_buffer.bytes, 0, "whole rows pass"};
    BufferUse windows{"pool row buffer", 0, hardware.pool.row_buffer_bytes, 0, "all pools join their layers"};
    std::int64_t largest_part = 0;
    for (const LayerSchedule& layer : schedule.layers) {
        for (int part = 0; layer.has_parameters() && part < layer.weight_parts(); ++part)
            largest_part = std::max(largest_part, layer.weight_part_bytes(0, part));
        // Ping-pong halves begin in the middle of the buffer; feature maps of branches lie as low as they can.
        const std::int64_t end = layer.output_place.in_dram ? 0 : layer.output_placement.image(layer.images);
        const std::int64_t both = (layer.input.elements() + layer.output_bytes()) * layer.images;
        activations.used = std::max(activations.used, in_strips ? strips_end(schedule, layer) : both);
        if (branches || in_strips) activations.used = std::max(activations.used, end);
        lines.used = std::max(lines.used, layer.buffer_blocks * layer.block_places().bytes);
        if (layer.pooling) windows.used = std::max(windows.used, pool_row_buffer_bytes(layer));
    }
    // Streamed: a part in use and one prefetched.
    if (hardware.weight_buffer.storage == WeightStorage::streamed) weights.used = 2 * largest_part;
    std::vector<BufferUse> uses = {weights, activations, lines};
    if (windows.used > 0) uses.push_back(windows);
    for (std::size_t i = 0; i < uses.size(); ++i) uses[i].smallest = needs.capacities[i].needs;
    return uses;
}

std::string use_text(const BufferUse& use) {
    const std::string used = fmt::format("{}{} bytes used", grouped(use.used),
                                         use.capacity > 0 ? fmt::format(" of {}", grouped(use.capacity)) : "");
    return use.smallest == 0 ? used : fmt::format("{}; {} from {} on", used, use.whole, grouped(use.smallest));
}

/// Bytes that a batch moves between DRAM and chip, and into the line buffer; `setup` once before the first.
struct Traffic {
    std::int64_t setup = 0;
    std::int64_t read = 0;
    std::int64_t written = 0;
    std::int64_t lines = 0;
};

Traffic traffic(const Schedule& schedule) {
    const RunRecord run = count_schedule(schedule);
    Traffic moved;
    const auto add = [&moved](const LayerRecord& phase) {
        moved.read += static_cast<std::int64_t>(phase.events[Event::dram_read]);
        moved.written += static_cast<std::int64_t>(phase.events[Event::dram_write]);
        moved.lines += static_cast<std::int64_t>(phase.events[Event::line_buffer_write]);
    };
    add(run.load);
    add(run.store);
    for (const LayerRecord& layer : run.layers) add(layer);
    moved.setup = static_cast<std::int64_t>(run.setup.events[Event::dram_read]);
    return moved;
}

/// "12 bytes a batch", or "12 bytes a batch, 3.00 times the 4 of buffers as large as needed".
std::string against_least(std::int64_t bytes, std::int64_t least) {
    if (bytes <= least) return fmt::format("{} bytes a batch", grouped(bytes));
    return fmt::format("{} bytes a batch, {:.2f} times the {} of buffers as large as needed", grouped(bytes),
                       static_cast<double>(bytes) / static_cast<double>(least), grouped(least));
}

/// The keys of the file that have no effect.
std::vector<UnusedKey> without_effect(const Workload& workload) {
    std::vector<UnusedKey> found;
    const auto& given = workload.given_keys;
    std::copy_if(
        workload.unused_keys.begin(), workload.unused_keys.end(), std::back_inserter(found),
        [&](const UnusedKey& unused) { return std::find(given.begin(), given.end(), unused.key) != given.end(); });
    return found;
}

/// Other than bytes in the order of the network's input.
bool has_unusual_images(const Workload& workload) {
    if (!workload.has_images()) return false;
    return workload.dataset.format().element.kind == ElementKind::real || workload.conversion().view().channels_last;
}

std::string check_text(const Workload& workload, const Schedule& schedule) {
    std::string text = "ok\n";
    const auto line = [&](const std::string& name, const std::string& value) {
        text += fmt::format("{:<18}{}\n", name, printable(value));
    };
    const RunConfig& config = workload.config;
    line("accelerator", fmt::format("{}: {}", config.hardware.name, accelerator_text(config.hardware)));
    std::vector<std::string> layers;
    for (const LayerSchedule& layer : schedule.layers) {
        const std::string name = shown_name(list_name(layer.name));
        layers.push_back(!layer.computation ? name
                                            : fmt::format("{} ({} bits)", name, layer.computation->accumulator.bits));
    }
    line("network", config.network);
    line("layers", fmt::format("{}: {}", layers.size(), fmt::join(layers, ", ")));
    if (const LayerSchedule& last = schedule.layers.back(); last.sums_leave()) {
        line("output",
             fmt::format("{} sums of {}, {} bytes each, without requantization", grouped(last.output.elements()),
                         shown_name(list_name(last.name)), last.value_bytes));
    }
    if (workload.has_images()) {
        line("images", fmt::format("{} in {}{}", grouped(std::int64_t{workload.dataset.size()}), config.images,
                                   workload.dataset.has_labels() ? ", with labels" : ", without labels"));
    } else {
        line("images", "none: run it with --shapes-only");
    }
    if (has_unusual_images(workload)) {
        line("image format",
             fmt::format("{}{}", workload.dataset.format().element.name(),
                         workload.conversion().view().channels_last ? ", height x width x channels" : ""));
    }
    if (!workload.network.input_steps.empty()) {
        line("network's input",
             fmt::format("{}: the network's own arithmetic, behind the file's preprocessing, which is "
                         "applied too",
                         steps_text(workload.network.input_steps)));
    }
    for (const std::string& note : workload.network.notes) line("note", note);
    const BufferNeeds needs = buffer_needs(workload.network, config.hardware, config.hardware.batch);
    for (const BufferUse& use : buffer_use(schedule, needs)) line(use.name, use_text(use));
    const Traffic moved = traffic(schedule);
    const std::string before =
        moved.setup > 0 ? fmt::format("{} bytes of weights before the first batch; ", grouped(moved.setup)) : "";
    line("DRAM traffic", before + against_least(moved.read + moved.written, needs.dram_bytes));
    line("line buffer fill", against_least(moved.lines, needs.line_buffer_bytes));
    for (const LayerSchedule& layer : schedule.layers) {
        const std::string cut = cut_text(layer, schedule.hardware);
        if (!cut.empty()) line("cut", fmt::format("{}: {}", shown_name(list_name(layer.name)), cut));
    }
    line("energy table",
         fmt::format("{} ({}; {})", workload.table.name(), workload.table.unit(), workload.table.node()));
    for (const UnusedKey& unused : without_effect(workload)) {
        line("without effect", fmt::format("{}: {}", unused.key, unused.reason));
    }
    return text;
}

Json check_json(const Workload& workload, const Schedule& schedule) {
    Json json = {{"ok", true}, {"accelerator", workload.config.hardware.name}, {"network", workload.config.network}};
    json["layers"] = Json::array();
    for (const LayerSchedule& layer : schedule.layers) {
        json["layers"].push_back(
            {{"name", layer.name},
             {"accumulator_bits", !layer.computation ? Json(nullptr) : Json(layer.computation->accumulator.bits)}});
        const Json cut = cut_json(layer, schedule.hardware);
        if (!cut.is_null()) json["layers"].back()["cut"] = cut;
    }
    if (const LayerSchedule& last = schedule.layers.back(); last.sums_leave()) {
        json["output"] = {
            {"sums_leave", true}, {"bytes_per_sum", last.value_bytes}, {"bytes_per_image", last.output_bytes()}};
    }
    if (!workload.network.notes.empty()) json["notes"] = workload.network.notes;
    json["images"] = workload.has_images() ? workload.dataset.size() : 0;
    json["labels"] = workload.has_images() && workload.dataset.has_labels();
    if (has_unusual_images(workload)) {
        json["image_format"] = {{"type", workload.dataset.format().element.name()},
                                {"layout", workload.conversion().view().channels_last ? "hwc" : "chw"}};
    }
    for (const InputStep& step : workload.network.input_steps) {
        json["input_steps"].push_back({{"operation", step_name(step.kind)}, {"values", step.values}});
    }
    const BufferNeeds needs = buffer_needs(workload.network, workload.config.hardware, workload.config.hardware.batch);
    for (const BufferUse& use : buffer_use(schedule, needs)) {
        json["buffers"].push_back({{"name", use.name},
                                   {"used_bytes", use.used},
                                   {"bytes", use.capacity > 0 ? Json(use.capacity) : Json("auto")},
                                   {"smallest_bytes", use.smallest}});
    }
    const Traffic moved = traffic(schedule);
    json["traffic"] = {
        {"setup_dram_bytes", moved.setup},
        {"batch_dram_read_bytes", moved.read},
        {"batch_dram_written_bytes", moved.written},
        {"batch_line_buffer_bytes", moved.lines},
        {"with_smallest_buffers",
         {{"batch_dram_bytes", needs.dram_bytes}, {"batch_line_buffer_bytes", needs.line_buffer_bytes}}}};
    json["energy_table"] = workload.table.name();
    json["keys_without_effect"] = Json::array();
    for (const UnusedKey& unused : without_effect(workload)) {
        json["keys_without_effect"].push_back({{"key", unused.key}, {"reason", unused.reason}});
    }
    return json;
}

void check(const ParsedOptions& options) {
    const Workload workload(options.argument, chosen_changes(options), Values::if_given);
    const Schedule schedule = workload.compiled(workload.config.hardware);
    if (options.has("json")) print_text(json_text(check_json(workload, schedule)));
    else if (!options.has("quiet")) print_text(check_text(workload, schedule));
}

}  // namespace

Command check_command() {
    CommandSpec spec;
    spec.name = "check";
    spec.argument = "CONFIG";
    spec.summary = "Validate a configuration, its network, images and energy table; simulate nothing.";
    spec.options = {set_option()};
    spec.examples = {"configs/widthwise-8x8.yaml", "configs/widthwise-8x8.yaml --set array.rows=16"};
    return {spec, check};
}

}  // namespace widthwise
