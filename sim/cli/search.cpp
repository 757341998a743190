// SPDX-License-Identifier: Apache-2.0
// widthwise search: the cheapest accumulator width of each layer.
#include "explore/search.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/run_options.h"
#include "cli/workload.h"
#include "common/error.h"
#include "common/output_file.h"
#include "config/config_writer.h"
#include "config/run_config.h"
#include "explore/search_tables.h"
#include "explore/validation.h"
#include "results/run_files.h"
#include "results/staged_output.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

double parse_loss(const std::string& text) {
    constexpr double kMost = 100;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
        throw InputError(fmt::format("--max-loss: '{}' is not a number (allowed: 0..{})", text, kMost));
    }
    if (value < 0 || value > kMost)
        throw InputError(fmt::format("--max-loss: {} is out of range (allowed: 0..{})", text, kMost));
    return value;
}

Minimise parse_minimise(const std::string& text) {
    if (text == "energy") return Minimise::energy;
    if (text == "bits") return Minimise::bits;
    throw InputError(fmt::format("--minimise: {}", not_a_word(text, {"energy", "bits"})));
}

SearchRequest request_of(const ParsedOptions& options) {
    constexpr IntRange kLimit{1, 1000000000};
    SearchRequest request;
    if (options.has("from")) {
        request.from = parse_integer("--from", options.text("from"), {kMinAccumulatorBits, kMaxAccumulatorBits});
    }
    if (options.has("to")) request.to = parse_integer("--to", options.text("to"), {request.from, kMaxAccumulatorBits});
    if (request.from > request.to) {
        throw InputError(fmt::format("--from: {} is above the widest, {} (see --to)", request.from, request.to));
    }
    request.max_loss = parse_loss(options.text("max-loss", "0"));
    request.minimise = parse_minimise(options.text("minimise", "energy"));
    if (options.has("limit")) {
        request.limit = static_cast<std::uint64_t>(parse_integer("--limit", options.text("limit"), kLimit));
    }
    request.agreement = options.has("agreement");
    request.threads = chosen_jobs(options);
    return request;
}

LabelSource labels_of(const Workload& workload) {
    return [&workload](int image) { return workload.dataset.has_labels() ? workload.dataset.label(image) : -1; };
}

/// Without a word to report: until a signal comes.
void look_for_signals(int /*images*/) { InterruptGuard::check(); }

ImageBlocks blocks_of(const Workload& workload, const HalfOpenRange& images, const LabelSource& label, int threads) {
    std::vector<int> numbers(static_cast<std::size_t>(images.end - images.first));
    std::iota(numbers.begin(), numbers.end(), static_cast<int>(images.first));
    return {std::move(numbers), source_of(workload), label, threads};
}

/// The classes of the widest, in place of labels.
LabelSource agreement_labels(const Workload& workload, const HardwareParams& widest, const HalfOpenRange& images,
                             int threads) {
    auto classes = std::make_shared<const std::vector<int>>(
        classes_of(workload.network, widest, static_cast<int>(images.first), static_cast<int>(images.end), threads,
                   source_of(workload), look_for_signals));
    return [classes, first = images.first](int image) { return (*classes)[static_cast<std::size_t>(image - first)]; };
}

/// Images of --validate; none without.
std::optional<HalfOpenRange> validation_images(const ParsedOptions& options, const Workload& workload,
                                               const HalfOpenRange& chosen_on) {
    if (!options.has("validate")) return std::nullopt;
    const HalfOpenRange images = parse_range("--validate", options.text("validate"), workload.dataset.size());
    if (images.first < chosen_on.end && chosen_on.first < images.end) {
        throw InputError(
            fmt::format("--validate: images {}:{} and those that choose the widths, {}:{}, have some in "
                        "common (see --images)",
                        images.first, images.end, chosen_on.first, chosen_on.end));
    }
    return images;
}

HardwareParams with_widths(const Workload& workload, const SearchResult& result, std::size_t point) {
    HardwareParams hardware = workload.config.hardware;
    apply_accumulator_option(hardware.accumulator, widths_option(result, result.points[point]));
    return hardware;
}

void add_validation(SearchResult& result, const Workload& workload, const HalfOpenRange& images, int threads) {
    std::vector<WidthSetting> candidates = {{"widest", with_widths(workload, result, result.widest)}};
    if (result.uniform) candidates.push_back({"uniform", with_widths(workload, result, *result.uniform)});
    candidates.push_back({"chosen", with_widths(workload, result, result.best)});
    result.validated_first = static_cast<int>(images.first);
    result.validated_end = static_cast<int>(images.end);
    spdlog::info("validation ...");
    result.validation = validate(workload.network, candidates, result.validated_first, result.validated_end, threads,
                                 source_of(workload), labels_of(workload), look_for_signals);
}

void search(const ParsedOptions& options) {
    SearchRequest request = request_of(options);
    const Workload workload(options.argument, chosen_changes(options, "the search"));
    if (!workload.dataset.has_labels() && !request.agreement) {
        throw InputError(
            fmt::format("{}: names no labels; without them a search knows no accuracy, but with --agreement "
                        "it keeps the classes that the widest accumulators give",
                        options.argument));
    }
    const HalfOpenRange images = chosen_images(options, workload.dataset, workload.dataset.size());
    const std::optional<HalfOpenRange> others = validation_images(options, workload, images);
    const RunConfig widest = workload.with_width(request.to);
    const Schedule schedule = workload.compiled(widest.hardware);
    const std::string command = fmt::format(
        "widthwise search {} --images {}:{}{}", shell_word(options.argument), images.first, images.end,
        repeated_options(options, {"max-loss", "minimise", "energy", "set", "from", "to", "limit", "validate"}) +
            (request.agreement ? " --agreement" : ""));
    const RunSetup setup = workload.setup(widest, schedule, images, command, "fast");
    const auto count = static_cast<int>(images.end - images.first);
    const WidthCosts costs(workload.network, workload.config.hardware, workload.table, request.from, request.to, count);
    std::string last;
    request.report = [&last](const std::string& stage) {
        InterruptGuard::check();
        if (stage != last) spdlog::info("{} ...", stage);
        last = stage;
    };
    std::optional<SearchResult> result;
    {
        const InterruptGuard guard;  // before the folder, so that it is gone when a signal ends the process
        std::optional<StagedOutput> folder;
        if (options.has("out")) {
            folder.emplace(options.text("out"), StagedOutput::Kind::folder, options.has("force"), "result folder",
                           std::vector<std::string>{"search.json"});
        }
        const LabelSource label = request.agreement
                                      ? agreement_labels(workload, widest.hardware, images, request.threads)
                                      : labels_of(workload);
        result = WidthSearch(costs, blocks_of(workload, images, label, request.threads), request).run();
        if (others) add_validation(*result, workload, *others, request.threads);
        if (folder) {
            write_file(folder->partial() + "/search.json", json_text(search_json(*result, request, setup)));
            write_file(folder->partial() + "/evaluations.csv", evaluations_csv(*result, setup));
            write_file(folder->partial() + "/pareto.csv", pareto_csv(*result, setup));
            write_file(folder->partial() + "/config.yaml",
                       to_yaml(workload.config, folder->path(), workload.unused_keys));
            InterruptGuard::check();
            folder->commit();
        }
    }
    if (options.has("json")) print_text(json_text(search_json(*result, request, setup)));
    else if (!options.has("quiet")) print_text(search_text(*result, request, setup));
    if (options.has("out")) spdlog::info("results are in {}", options.text("out"));
}

}  // namespace

Command search_command() {
    CommandSpec spec;
    spec.name = "search";
    spec.argument = "CONFIG";
    spec.summary = "Find the cheapest accumulator width of each layer that keeps the accuracy.";
    spec.details =
        "Widths in CONFIG do not count; all combinations of --from to --to do. The result is exact, or says\n"
        "that it is not and below which cost there is nothing (--limit). The fast engine computes the values.";
    spec.options = {
        {"images", "A:B", "Images A up to B, B not among them (default: all there are)."},
        {"max-loss", "POINTS", "Percentage points of accuracy that may be lost against the widest (default: 0)."},
        {"agreement", "",
         "Judge by the classes that the widest accumulators give instead of by labels: for images without labels."},
        {"validate", "A:B",
         "Also try the widths on images A up to B, which must be others: accuracy, and how many classes change at "
         "most."},
        {"minimise",
         "WHAT",
         "energy, by the energy table (default), or bits, the sum of the layers' widths.",
         false,
         {"energy", "bits"}},
        energy_option(),
        set_option(),
        {"from", "BITS", "Narrowest width, 2 to 48 (default: 8)."},
        {"to", "BITS", "Widest width, which is the reference as well (default: 32)."},
        {"limit", "N", "Combinations that the proof may try (default: 500000)."},
        out_option(),
        force_option(),
        {"jobs", "N", "Threads at most (default: one per processor). The results do not depend on it."}};
    spec.examples = {"configs/widthwise-8x8.yaml --images 0:500",
                     "configs/course.yaml --images 0:500 --max-loss 0.1 --minimise bits"};
    return {spec, search};
}

}  // namespace widthwise
