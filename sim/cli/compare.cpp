// SPDX-License-Identifier: Apache-2.0
// widthwise compare: the same images at several accumulator widths.
#include "cli/compare.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/run_options.h"
#include "cli/simulation.h"
#include "cli/workload.h"
#include "common/error.h"
#include "config/config_writer.h"
#include "config/run_config.h"
#include "results/comparison.h"
#include "results/run_files.h"
#include "text/list_text.h"

namespace widthwise {
namespace {

constexpr const char* kDefaultWidths = "20,18,16,14,12";

void compare(const ParsedOptions& options) {
    const EngineChoice engine = chosen_engine(options);
    const std::vector<int> widths = parse_widths(options.text("widths", kDefaultWidths));
    const int jobs = chosen_jobs(options);
    const Workload workload(options.argument, chosen_changes(options, "--widths"));
    const HalfOpenRange images = chosen_images(options, workload.dataset, default_images(engine));
    SimulationRequest request;
    std::deque<RunConfig> configs;
    std::deque<Schedule> schedules;  // reports point to them
    for (const int bits : widths) {
        configs.push_back(workload.with_width(bits));
        request.variants.push_back(configs.back().hardware);
        schedules.push_back(workload.compiled(configs.back().hardware));
    }
    request.images = images;
    request.engine = engine;
    request.jobs = jobs;
    request.show_progress = !options.has("quiet");
    const bool quality = options.has("quality");
    if (quality && widths.size() < 2) {
        throw InputError(
            "--quality: compares each width with the widest of --widths, expected two of them or more; for one width "
            "there is run --quality");
    }
    Comparison comparison;
    const std::string again = repeated_options(options, {"engine", "energy", "set"}) + (quality ? " --quality" : "");
    comparison.command = fmt::format("widthwise compare {} --widths {} --images {}:{}{}", shell_word(options.argument),
                                     fmt::join(widths, ","), images.first, images.end, again);
    {
        const InterruptGuard guard;  // before the folder, so that it is gone when a signal ends the process
        std::optional<ResultFolder> folder;
        if (options.has("out")) folder.emplace(options.text("out"), options.has("force"));
        std::vector<RunOutcome> outcomes = simulate(workload, request, guard);
        for (std::size_t i = 0; i < widths.size(); ++i) {
            RunSetup setup = workload.setup(configs[i], schedules[i], images, comparison.command, engine_name(engine));
            comparison.runs.emplace_back(widths[i], RunReport(std::move(setup), std::move(outcomes[i])));
        }
        if (quality) {
            const auto widest = static_cast<std::size_t>(&comparison.widest() - comparison.runs.data());
            std::vector<Quality> found = simulated_quality(workload, request, request.variants[widest]);
            for (std::size_t i = 0; i < found.size(); ++i) comparison.runs[i].quality = std::move(found[i]);
        }
        if (folder) {
            folder->write("comparison.json", json_text(comparison_json(comparison)));
            folder->write("comparison.csv", comparison_csv(comparison));
            folder->write("config.yaml", to_yaml(workload.config, folder->path(), workload.unused_keys));
            InterruptGuard::check();
            folder->commit();
        }
    }
    if (options.has("json")) print_text(json_text(comparison_json(comparison)));
    else if (!options.has("quiet")) print_text(comparison_text(comparison));
    if (options.has("out")) spdlog::info("results are in {}", options.text("out"));
}

}  // namespace

std::vector<int> parse_widths(const std::string& text) {
    constexpr IntRange kWidths{kMinAccumulatorBits, kMaxAccumulatorBits};
    std::vector<int> widths;
    for (const std::string& part : list_parts(text)) {
        const int bits = parse_integer("--widths", part, kWidths);
        if (std::find(widths.begin(), widths.end(), bits) != widths.end()) {
            throw InputError(fmt::format("--widths: {} is given twice in '{}'", bits, text));
        }
        widths.push_back(bits);
    }
    return widths;
}

Command compare_command() {
    CommandSpec spec;
    spec.name = "compare";
    spec.argument = "CONFIG";
    spec.summary = "Run the same images at several accumulator widths: accuracy, agreement, overflow, energy, saving.";
    spec.details = "Every layer gets the same width; widths of single layers in CONFIG do not count here.";
    spec.options = {
        {"widths", "W,W,...",
         fmt::format("Accumulator widths in bits, 2 to 48; blanks do not count (default: {}).", kDefaultWidths)},
        images_option(),
        engine_option(),
        {"quality", "",
         "Also how far each layer's map and the output lie from those of the widest: SQNR, largest error, mean squared "
         "error."},
        energy_option(),
        set_option(),
        out_option(),
        force_option(),
        jobs_option()};
    spec.examples = {"configs/widthwise-8x8.yaml --widths 20,18,16,14,12 --images 0:200"};
    return {spec, compare};
}

}  // namespace widthwise
