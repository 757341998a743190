// SPDX-License-Identifier: Apache-2.0
// widthwise run: images through one accelerator.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <deque>
#include <optional>
#include <set>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/run_options.h"
#include "cli/simulation.h"
#include "cli/workload.h"
#include "results/run_files.h"
#include "results/run_text.h"
#include "schedule/schedule_model.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// The outputs a run writes besides the screen; made before the simulation, so that it does not end in a refusal.
struct Outputs {
    Outputs(const ParsedOptions& options, const Workload& workload, const Schedule& schedule,
            const HalfOpenRange& images) {
        const bool force = options.has("force");
        if (options.has("out")) folder.emplace(options.text("out"), force);
        if (options.has("dump-layers")) {
            dump.emplace(options.text("dump-layers"), force, workload.network, static_cast<int>(images.first),
                         static_cast<int>(images.end));
        }
        if (!records_waveform(options)) return;
        wave_request.emplace();
        std::vector<std::string> names;
        wave_request->limits = wave_limits(options, schedule, images);
        if (options.has("clock") && !options.has("wave-cycles")) wave_request->most_cycles = kDefaultWaveCycles;
        for (const LayerSchedule& layer : schedule.layers) names.push_back(layer.name);
        for (const std::string& name : names) wave_request->layers.push_back(layer_label(name, names));
        const bool strings = options.has("vcd-strings");
        if (strings) wave_request->vcd_words = VcdWords::strings;
        if (options.has("vcd")) wave_request->vcd = add_waveform(options.text("vcd"), force, strings);
        if (options.has("fst")) wave_request->fst = add_waveform(options.text("fst"), force, false);
        if (options.has("link-trace")) {
            wave_request->link_trace =
                waves.emplace_back(options.text("link-trace"), StagedOutput::Kind::file, force, "trace of links")
                    .partial();
        }
        if (!options.has("timeline")) return;
        WaveRequest& request = *wave_request;
        request.timeline =
            waves.emplace_back(options.text("timeline"), StagedOutput::Kind::file, force, "timeline").partial();
        request.timeline_limits = request.limits;
        if (!options.has("wave-cycles")) request.timeline_limits.end_cycle = WaveLimits::kUnlimited;
        for (const LayerSchedule& layer : schedule.layers) {
            request.timeline_layers.push_back(
                {shortened(layer_label(layer.name, names), kLongestShownName), layer.taps.size()});
        }
        request.elements = schedule.hardware.array.rows * schedule.hardware.array.columns;
    }

    /// The waveform and the files that open it in viewers; with `strings` it holds words itself. Returns where to write
    /// the waveform.
    std::string add_waveform(const std::string& path, bool force, bool strings) {
        const auto stage = [&](const char* suffix, const char* what) {
            return waves.emplace_back(path + suffix, StagedOutput::Kind::file, force, what).partial();
        };
        std::string partial = stage("", "waveform");
        const std::string words = path + ".words";
        WaveViewWriter::Files view;
        view.paths = {path, path + ".layers", strings ? "" : words};
        view.words_to = waves
                            .emplace_back(words, StagedOutput::Kind::folder, force, "folder of words",
                                          std::vector<std::string>{"sequencer_state.txt"})
                            .partial();
        view.save_to = stage(".gtkw", "GTKWave save file");
        view.filter_to = stage(".layers", "GTKWave filter file");
        view.commands_to = stage(".sucl", "Surfer command file");
        wave_request->views.push_back(std::move(view));
        return partial;
    }

    void commit() {
        if (dump) dump->commit();
        for (StagedOutput& wave : waves) wave.commit();
        if (folder) folder->commit();
    }

    std::optional<ResultFolder> folder;
    std::optional<LayerDump> dump;
    std::deque<StagedOutput> waves;  ///< waveforms and what opens them
    std::optional<WaveRequest> wave_request;
};

std::string command_text(const ParsedOptions& options, const HalfOpenRange& images) {
    return fmt::format("widthwise run {} --images {}:{}{}", shell_word(options.argument), images.first, images.end,
                       repeated_options(options, {"engine", "accumulator", "energy", "set", "clock", "clock-strips"}) +
                           (options.has("clock") ? repeated_options(options, {"wave-image"}) : "") +
                           (options.has("histogram") ? " --histogram" : "") +
                           (options.has("quality") ? " --quality" : ""));
}

/// A width of all accumulators that no sum can leave.
int exact_bits(const Schedule& schedule) {
    int bits = kMinAccumulatorBits;
    for (const LayerSchedule& layer : schedule.layers) {
        if (layer.computation) bits = std::max(bits, layer.computation->worst_case_bits);
    }
    return std::min(bits, kMaxAccumulatorBits);
}

/// What a batch takes by the schedule alone.
void run_shapes(const ParsedOptions& options) {
    static const std::set<std::string> kAllowed = {"shapes-only", "accumulator", "energy", "set",
                                                   "out",         "force",       "json",   "quiet"};
    for (const OptionSpec& option : run_command().spec.options) {
        if (options.has(option.name) && kAllowed.count(option.name) == 0)
            throw InputError(fmt::format("--{}: use it without --shapes-only, which computes no values", option.name));
    }
    const Workload workload(options.argument, chosen_changes(options), Values::left_out);
    const Schedule schedule = workload.compiled(workload.config.hardware);
    const InterruptGuard guard;  // before the folder, so that it is gone when a signal ends the process
    std::optional<ResultFolder> folder;
    if (options.has("out")) folder.emplace(options.text("out"), options.has("force"));
    RunOutcome outcome;
    outcome.record = model_schedule(schedule);
    outcome.record.images = static_cast<std::uint64_t>(schedule.images);
    const HalfOpenRange images{0, schedule.images};
    RunSetup setup = workload.setup(workload.config, schedule, images,
                                    fmt::format("widthwise run {} --shapes-only{}", shell_word(options.argument),
                                                repeated_options(options, {"accumulator", "energy", "set"})),
                                    "schedule");
    setup.shapes_only = true;
    const RunReport report(std::move(setup), std::move(outcome));
    if (folder) {
        write_run(*folder, report);
        InterruptGuard::check();
        folder->commit();
    }
    if (options.has("json")) print_text(json_text(summary_json(report)));
    else if (!options.has("quiet")) print_text(run_text(report));
    if (options.has("out")) spdlog::info("results: {}", options.text("out"));
}

void run(const ParsedOptions& options) {
    if (options.has("shapes-only")) return run_shapes(options);
    const bool clocks_part = options.has("clock");
    const EngineChoice engine = clocks_part ? EngineChoice::fast : chosen_engine(options);
    check_waveform_options(options);
    const int jobs = records_waveform(options) && !clocks_part ? 1 : chosen_jobs(options);
    const Workload workload(options.argument, chosen_changes(options));
    const HalfOpenRange images =
        chosen_images(options, workload.dataset, default_images(clocks_part ? EngineChoice::systemc : engine));
    const Schedule schedule = workload.compiled(workload.config.hardware);
    const std::optional<PartRequest> part = chosen_part(options, schedule, images);
    std::optional<RunReport> report;
    {
        const InterruptGuard guard;  // before the outputs, so that they are gone when a signal ends the process
        Outputs outputs(options, workload, schedule, images);
        SimulationRequest request;
        request.variants = {workload.config.hardware};
        request.images = images;
        request.engine = engine;
        request.part = part;
        request.schedule = &schedule;
        request.jobs = jobs;
        request.show_progress = !options.has("quiet");
        request.histograms = options.has("histogram");
        request.dump = outputs.dump ? &*outputs.dump : nullptr;
        request.wave = outputs.wave_request;
        RunOutcome outcome = simulate(workload, request, guard).front();
        report.emplace(
            workload.setup(workload.config, schedule, images, command_text(options, images), engine_name(engine)),
            std::move(outcome));
        if (options.has("quality")) {
            const HardwareParams exact = workload.with_width(exact_bits(schedule)).hardware;
            report->quality = std::move(simulated_quality(workload, request, exact).front());
        }
        if (outputs.folder) write_run(*outputs.folder, *report);
        InterruptGuard::check();
        outputs.commit();
    }
    if (options.has("json")) print_text(json_text(summary_json(*report)));
    else if (!options.has("quiet")) print_text(run_text(*report));
    for (const auto& [name, what] : {std::pair{"out", "results"},
                                     {"dump-layers", "layer outputs"},
                                     {"vcd", "waveforms"},
                                     {"fst", "waveforms"},
                                     {"timeline", "timeline"},
                                     {"link-trace", "trace of links"}}) {
        if (options.has(name)) spdlog::info("{}: {}", what, options.text(name));
    }
    const std::optional<ClockedCycles>& clocked = report->outcome.clocked;
    if (clocked && records_waveform(options) && !options.has("wave-cycles") &&
        clocked->end - clocked->begin > kDefaultWaveCycles) {
        spdlog::info("of waveforms the first {} cycles of {}:{}; --wave-cycles takes others", kDefaultWaveCycles,
                     clocked->begin, clocked->end);
    }
}

}  // namespace

Command run_command() {
    CommandSpec spec;
    spec.name = "run";
    spec.argument = "CONFIG";
    spec.summary = "Run images through an accelerator: accuracy, cycles, stalls, overflow, energy.";
    spec.details = "CONFIG is a YAML file that names the hardware, the network and the images (see configs/README.md).";
    spec.options = {
        images_option(),
        engine_option(),
        {"accumulator", "SPEC",
         "Accumulator widths: 18 (all layers), c1=18,c3=16 (these layers), or 18,c3=16. Blanks do not count; a layer's "
         "name with ',' or '=' stands in double quotes: '\"a,b\"=16'."},
        energy_option(),
        set_option(),
        {"quality", "",
         "Also how far each layer's map and the output lie from those of exact sums: classes, SQNR, largest error, "
         "mean squared error."},
        {"shapes-only", "",
         "Cycles, stalls, traffic and energy of one batch, without values: no images are read, and the network may "
         "be a list of layers' shapes (.csv)."},
        {"histogram", "", "Count how the finished psums of each layer are distributed (psums.csv in --out DIR)."},
        out_option(),
        {"dump-layers", "DIR", "Folder to write every operator's integer output to, as .npy."},
        force_option(),
        jobs_option()};
    for (OptionSpec& option : waveform_options()) spec.options.push_back(std::move(option));
    for (OptionSpec& option : part_options()) spec.options.push_back(std::move(option));
    spec.examples = {"configs/widthwise-8x8.yaml --images 0:100 --accumulator 16",
                     "configs/widthwise-8x8.yaml --images 0:1 --vcd lenet5.vcd --wave-layer c3 --force"};
    return {spec, run};
}

}  // namespace widthwise
