// SPDX-License-Identifier: Apache-2.0
#include "results/comparison.h"

#include <fmt/format.h>

#include <algorithm>

#include "results/csv.h"
#include "results/run_files.h"
#include "results/run_text.h"
#include "results/tables.h"
#include "text/printable.h"

namespace widthwise {
namespace {

double component_per_inference(const RunReport& report, std::size_t component) {
    return report.total.energy[component].value() / report.images();
}

/// Components that cost something at some width.
std::vector<std::size_t> components_used(const Comparison& comparison) {
    std::vector<std::size_t> used;
    for (std::size_t c = 0; c < kComponentCount; ++c) {
        const bool costs = std::any_of(comparison.runs.begin(), comparison.runs.end(),
                                       [c](const WidthRun& run) { return run.report.total.energy[c] > Energy(); });
        if (costs) used.push_back(c);
    }
    return used;
}

}  // namespace

const WidthRun& Comparison::widest() const {
    return *std::max_element(runs.begin(), runs.end(),
                             [](const WidthRun& a, const WidthRun& b) { return a.bits < b.bits; });
}

double Comparison::agreement(const WidthRun& run) const {
    const std::vector<Prediction>& reference = widest().report.outcome.predictions;
    const std::vector<Prediction>& predictions = run.report.outcome.predictions;  // of the same images
    std::size_t same = 0;
    for (std::size_t i = 0; i < reference.size(); ++i) same += reference[i].predicted == predictions[i].predicted;
    return static_cast<double>(same) / static_cast<double>(reference.size());
}

double Comparison::saving(const WidthRun& run) const {
    return Energy::saving(widest().report.total.total_energy(), run.report.total.total_energy());  // same images
}

double overflowed_outputs(const RunReport& report) {
    const OverflowCounts& overflow = report.total.record.overflow;
    if (overflow.outputs == 0) return 0;
    return static_cast<double>(overflow.transient + overflow.persistent) / static_cast<double>(overflow.outputs);
}

namespace {

/// A row for each layer's map and the output, a column for each width but the widest.
std::string quality_text(const Comparison& comparison) {
    const WidthRun& widest = comparison.widest();
    if (!widest.quality) return "";
    std::vector<std::string> headers = {"map"};
    std::vector<const WidthRun*> runs;
    for (const WidthRun& at : comparison.runs) {
        if (at.bits == widest.bits) continue;
        runs.push_back(&at);
        headers.push_back(fmt::format("{} bits\nSQNR dB", at.bits));
        headers.emplace_back("\nlargest error");
    }
    if (runs.empty()) return "";
    TextTable table(headers);
    const auto add_row = [&](const std::string& name, const auto& map_of) {
        std::vector<std::string> row = {printable(name)};
        for (const WidthRun* at : runs) {
            const MapQuality& map = map_of(*at->quality);
            row.push_back(sqnr_text(map));
            row.push_back(significant(map.largest_error));
        }
        table.add_row(row);
    };
    for (std::size_t l = 0; l < widest.quality->layers.size(); ++l)
        add_row(widest.quality->layers[l].name, [l](const Quality& q) -> const MapQuality& { return q.layers[l]; });
    add_row("output", [](const Quality& q) -> const MapQuality& { return q.output; });
    return fmt::format("\nValues against those of {} bits, as real numbers\n\n{}", widest.bits, table.text());
}

}  // namespace

std::string comparison_text(const Comparison& comparison) {
    const RunReport& widest = comparison.widest().report;
    const RunSetup& run = widest.run;
    const EnergyScale scale = energy_scale(run.table->unit(), widest.energy_per_inference());
    const std::vector<std::size_t> components = components_used(comparison);
    std::vector<std::string> headers = {
        "bits", "accuracy\n%", "agreement\n%", "overflow\nevents", "overflowed\noutputs %", "\nenergy", "saving\n%"};
    for (const std::size_t c : components) headers.emplace_back(component_name(static_cast<Component>(c)));
    TextTable table(headers);
    for (const WidthRun& at : comparison.runs) {
        std::vector<std::string> row = {fmt::format("{}", at.bits),
                                        at.report.accuracy ? grouped(at.report.accuracy->percent(), 2) : "-",
                                        percent(comparison.agreement(at)),
                                        grouped(at.report.total.record.overflow.events),
                                        percent(overflowed_outputs(at.report)),
                                        significant(at.report.energy_per_inference() / scale.divisor),
                                        percent(comparison.saving(at))};
        for (const std::size_t c : components) {
            row.push_back(significant(component_per_inference(at.report, c) / scale.divisor));
        }
        table.add_row(row);
    }
    return fmt::format(
        "{:<16}{}: {}\n{:<16}{}\n{:<16}{} of {}, the same at each width\n{:<16}{} ({}; {})\n\n"
        "Accumulator widths; energy of one inference in {} and its components;\n"
        "agreement (images of the same class) and saving against {} bits\n\n{}{}",
        "accelerator", printable(run.config.hardware.name), accelerator_text(run.config.hardware), "network",
        printable(run.network->path), "images", range_text(run.first, run.end), printable(run.images.path),
        "energy table", printable(run.table->name()), run.table->unit(), printable(run.table->node()), scale.unit,
        comparison.widest().bits, table.text(), quality_text(comparison));
}

std::string comparison_csv(const Comparison& comparison) {
    CsvWriter csv;
    for (const char* name : {"bits", "images", "accuracy_percent", "cycles_per_inference", "overflow_events",
                             "overflowed_outputs_percent", "energy_unit"}) {
        csv.text(name);
    }
    for (std::size_t c = 0; c < kComponentCount; ++c) {
        csv.text(fmt::format("energy_{}_per_inference", component_name(static_cast<Component>(c))));
    }
    csv.text("energy_total_per_inference").text("saving_percent").text("agreement_percent");
    for (const char* name : {"output_sqnr_db", "output_largest_error", "output_mean_squared_error"}) csv.text(name);
    csv.end_row();
    for (const WidthRun& at : comparison.runs) {
        const RunReport& report = at.report;
        csv.number(at.bits).number(report.outcome.record.images);
        if (report.accuracy) csv.number(report.accuracy->percent());
        else csv.empty();
        csv.number(report.cycles_per_inference()).number(report.total.record.overflow.events);
        csv.number(100.0 * overflowed_outputs(report)).text(report.run.table->unit());
        for (std::size_t c = 0; c < kComponentCount; ++c) csv.number(component_per_inference(report, c));
        csv.number(report.energy_per_inference()).number(100.0 * comparison.saving(at));
        csv.number(100.0 * comparison.agreement(at));
        if (at.quality && at.quality->output.sqnr_db) csv.number(*at.quality->output.sqnr_db);
        else csv.empty();
        if (at.quality) csv.number(at.quality->output.largest_error).number(at.quality->output.mean_squared_error);
        else csv.empty().empty();
        csv.end_row();
    }
    return csv.str();
}

nlohmann::ordered_json comparison_json(const Comparison& comparison) {
    nlohmann::ordered_json json = provenance_json(comparison.widest().report.run);
    json["command"] = comparison.command;
    json["widest_bits"] = comparison.widest().bits;
    json["widths"] = nlohmann::ordered_json::array();
    for (const WidthRun& at : comparison.runs) {
        const nlohmann::ordered_json summary = summary_json(at.report);
        nlohmann::ordered_json entry = {
            {"bits", at.bits},
            {"saving_percent", without_noise(100.0 * comparison.saving(at))},
            {"overflowed_outputs_percent", without_noise(100.0 * overflowed_outputs(at.report))},
            {"agreement_percent", without_noise(100.0 * comparison.agreement(at))}};
        if (at.quality) entry["quality"] = quality_json(*at.quality);
        for (const char* key : {"accuracy", "per_inference", "total", "layers"}) entry[key] = summary[key];
        json["widths"].push_back(entry);
    }
    return json;
}

}  // namespace widthwise
