// SPDX-License-Identifier: Apache-2.0
#include "cli/run_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "common/error.h"
#include "schedule/compile.h"
#include "text/letter_case.h"
#include "text/list_text.h"
#include "text/printable.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

/// The layer does an operator of this name, in lower case.
bool does(const LayerSchedule& layer, const Network& network, const std::string& name) {
    const auto is = [&](int op) { return lower_case(network.operators[static_cast<std::size_t>(op)].name) == name; };
    return (layer.computation && is(layer.computation->operator_index)) ||
           (layer.requantization && is(layer.requantization->operator_index)) ||
           (layer.addition && is(layer.addition->operator_index)) ||
           (layer.pooling && is(layer.pooling->operator_index));
}

/// The layer that the option names: as it is, or in double quotes as --accumulator takes it.
int layer_index(const ParsedOptions& options, const std::string& option, const Schedule& schedule) {
    const std::string name = options.text(option);
    std::vector<std::string> names, shown;
    for (const LayerSchedule& layer : schedule.layers) {
        names.push_back(lower_case(layer.name));
        shown.push_back(shown_name(layer.name));
    }
    for (const std::string& wanted : {lower_case(valid_utf8(name)), lower_case(valid_utf8(from_list_name(name)))}) {
        const auto found = std::find(names.begin(), names.end(), wanted);
        if (found != names.end()) return static_cast<int>(found - names.begin());
        for (const LayerSchedule& layer : schedule.layers) {
            if (!does(layer, *schedule.network, wanted)) continue;
            throw InputError(fmt::format("--{}: '{}' is not a layer of its own; layer '{}' does it", option,
                                         shown_name(name), shown[static_cast<std::size_t>(layer.index)]));
        }
    }
    throw InputError(fmt::format("--{}: the network has no layer '{}' (layers: {}){}", option, shown_name(name),
                                 fmt::join(shown, ", "), suggestion(name, shown)));
}

}  // namespace

OptionSpec images_option() {
    return {
        "images", "A:B",
        fmt::format("Images A up to B, B not among them (default: 0:{}, with --engine fast 0:{}; or all there are, if "
                    "fewer). Statistics of few images are rough; all of MNIST's test set is 0:10000.",
                    kDefaultImagesClocked, kDefaultImagesFast)};
}

OptionSpec engine_option() {
    return {"engine",
            "NAME",
            "systemc: the clocked model (default). fast: the same values, cycles and counts without a clock. both: run "
            "both "
            "and fail unless they agree.",
            false,
            {"systemc", "fast", "both"}};
}

OptionSpec energy_option() {
    return {"energy", "TABLE",
            "Energy table instead of the configuration's: a name of configs/energy (course, "
            "horowitz-45nm, ...) or a .yaml file."};
}

OptionSpec jobs_option() {
    return {"jobs", "N", "Worker processes at most (default: one per processor). The results do not depend on it."};
}

OptionSpec out_option() {
    return {"out", "DIR", "Folder to write the results to; it must not exist, its parent must."};
}

OptionSpec force_option() { return {"force", "", "Replace outputs that exist."}; }

std::vector<OptionSpec> waveform_options() {
    return {
        {"vcd", "FILE",
         "Record waveforms (VCD), with FILE.gtkw for GTKWave and FILE.sucl for Surfer beside them. Implies one job."},
        {"vcd-strings", "",
         "In the VCD, states as texts instead of numbers: GTKWave's extension, at which other readers may stop."},
        {"fst", "FILE", "The same in GTKWave's compressed format."},
        {"timeline", "FILE",
         "Record what each unit did when, for Perfetto (ui.perfetto.dev) or chrome://tracing; all cycles unless "
         "--wave-cycles says otherwise. Implies one job."},
        {"link-trace", "FILE",
         "Record valid, ready and data of every link between units as text, a line for each change; cycles as for "
         "waveforms. "
         "Implies one job."},
        {"wave-cycles", "A:B",
         fmt::format(
             "Clock cycles A up to B, counted from reset (default: 0:{0}, all with --wave-image; with --clock the "
             "first {0} of the layer).",
             kDefaultWaveCycles)},
        {"wave-layer", "NAME",
         "Only the cycles in which this layer runs; its name as it is, or quoted as --accumulator takes it."},
        {"wave-image", "N", "Only the cycles of this image (and those of its batch)."},
        {"wave-depth", "N", "Levels of scopes from the top, 1 to 16 (default: all)."},
        {"wave-scope", "GLOB", "Only scopes that match, such as '*.pe_array' or '*.links.*'; may be repeated.", true}};
}

std::vector<OptionSpec> part_options() {
    return {{"clock", "NAME",
             "Clock this layer alone, in the first batch or that of --wave-image, and compare it with the rest, which "
             "the fast "
             "engine runs; waveforms show it with its cycles of the whole run."},
            {"clock-strips", "A:B", "Of a layer in strips, clock strips A up to B, B not among them (default: all)."}};
}

std::optional<PartRequest> chosen_part(const ParsedOptions& options, const Schedule& schedule,
                                       const HalfOpenRange& images) {
    if (!options.has("clock")) {
        if (options.has("clock-strips")) throw InputError("--clock-strips needs --clock NAME");
        return std::nullopt;
    }
    if (options.has("engine") && chosen_engine(options) != EngineChoice::fast) {
        throw InputError(fmt::format("--engine {}: it clocks everything, and --clock one layer; leave out one of them",
                                     options.text("engine")));
    }
    if (options.has("dump-layers")) throw InputError("--dump-layers: use it without --clock");
    const auto first = static_cast<int>(images.first);
    PartRequest request;
    request.image = first;
    request.histograms = options.has("histogram");
    if (options.has("wave-image")) {
        request.image =
            parse_integer("--wave-image", options.text("wave-image"), {first, static_cast<int>(images.end) - 1});
    }
    // A last, smaller batch may have other strips.
    const int in_batch = (request.image - first) % schedule.images;
    const int images_of_batch = std::min(schedule.images, static_cast<int>(images.end) - (request.image - in_batch));
    const int layer = layer_index(options, "clock", schedule);
    request.part = images_of_batch == schedule.images
                       ? whole_layer(schedule, layer)
                       : whole_layer(compile(*schedule.network, schedule.hardware, images_of_batch), layer);
    if (!options.has("clock-strips")) return request;
    const int strips = request.part.end_strip;
    const HalfOpenRange chosen = parse_range("--clock-strips", options.text("clock-strips"), strips);
    request.part.first_strip = static_cast<int>(chosen.first);
    request.part.end_strip = static_cast<int>(chosen.end);
    return request;
}

namespace {
const std::vector<std::string> kEngines = {"systemc", "fast", "both"};  // in the order of EngineChoice
}

EngineChoice chosen_engine(const ParsedOptions& options, EngineChoice fallback) {
    if (!options.has("engine")) return fallback;
    const std::string engine = options.text("engine");
    const auto found = std::find(kEngines.begin(), kEngines.end(), engine);
    if (found == kEngines.end()) {
        throw InputError(fmt::format("--engine: '{}' is unknown (allowed: {}){}", engine, fmt::join(kEngines, ", "),
                                     suggestion(engine, kEngines)));
    }
    return static_cast<EngineChoice>(found - kEngines.begin());
}

std::string engine_name(EngineChoice engine) { return kEngines[static_cast<std::size_t>(engine)]; }

std::string repeated_options(const ParsedOptions& options, const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        for (const std::string& value : options.texts(name)) text += fmt::format(" --{} {}", name, shell_word(value));
    }
    return text;
}

namespace {
constexpr std::array kWaveFormats = {"vcd", "fst", "timeline", "link-trace"};
}

bool records_waveform(const ParsedOptions& options) {
    return std::ranges::any_of(kWaveFormats, [&](const char* format) { return options.has(format); });
}

void check_waveform_options(const ParsedOptions& options) {
    if (!records_waveform(options)) {
        for (const OptionSpec& option : waveform_options()) {
            const bool chooses_batch = options.has("clock") && option.name == "wave-image";
            if (options.has(option.name) && !chooses_batch)
                throw InputError(fmt::format("--{} needs --vcd, --fst, --timeline or --link-trace FILE", option.name));
        }
        return;
    }
    if (options.has("vcd-strings") && !options.has("vcd")) throw InputError("--vcd-strings needs --vcd FILE");
    for (const char* option : {"wave-depth", "wave-scope"}) {
        if (options.has(option) && !options.has("vcd") && !options.has("fst"))
            throw InputError(
                fmt::format("--{} needs --vcd or --fst FILE: timelines and traces of links have no scopes", option));
    }
    const auto given = std::ranges::find_if(kWaveFormats, [&](const char* name) { return options.has(name); });
    const std::string format = std::string("--") + *given;
    if (options.has("clock")) {
        if (options.has("wave-layer")) throw InputError("--wave-layer: --clock names the layer already");
        return;
    }
    if (chosen_engine(options) == EngineChoice::fast) {
        throw InputError(format +
                         ": the fast engine has no clock to record; use --engine systemc or both, or --clock NAME");
    }
    if (options.has("jobs") && options.text("jobs") != "1") {
        throw InputError(format + ": one waveform shows one simulation; use it with --jobs 1 or without --jobs");
    }
}

WaveLimits wave_limits(const ParsedOptions& options, const Schedule& schedule, const HalfOpenRange& images) {
    constexpr IntRange kDepth{1, 16};
    WaveLimits limits;
    limits.end_cycle = options.has("clock") ? WaveLimits::kUnlimited : kDefaultWaveCycles;
    if (options.has("wave-image")) {
        const int first = static_cast<int>(images.first);
        const int image =
            parse_integer("--wave-image", options.text("wave-image"), {first, static_cast<int>(images.end) - 1});
        limits.image = image - (image - first) % schedule.images;
        limits.end_cycle = WaveLimits::kUnlimited;
    }
    if (options.has("wave-cycles")) {
        const HalfOpenRange cycles =
            parse_range("--wave-cycles", options.text("wave-cycles"), std::numeric_limits<std::int64_t>::max());
        limits.first_cycle = static_cast<std::uint64_t>(cycles.first);
        limits.end_cycle = static_cast<std::uint64_t>(cycles.end);
    }
    if (options.has("wave-depth")) limits.depth = parse_integer("--wave-depth", options.text("wave-depth"), kDepth);
    limits.scopes = options.texts("wave-scope");
    if (options.has("wave-layer")) limits.layer = layer_index(options, "wave-layer", schedule);
    limits.validate();
    return limits;
}

}  // namespace widthwise
