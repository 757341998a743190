// SPDX-License-Identifier: Apache-2.0
#include "explore/search_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "results/csv.h"
#include "results/run_files.h"
#include "results/run_text.h"
#include "results/tables.h"
#include "text/letter_case.h"
#include "text/list_text.h"
#include "text/printable.h"
#include "text/shell_word.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

double saving(const SearchResult& result, const SearchPoint& point) {
    const double reference = result.points[result.widest].energy;
    return reference == 0 ? 0 : (reference - point.energy) / reference;
}

Json point_json(const SearchResult& result, const SearchPoint& point) {
    Json bits;
    for (std::size_t l = 0; l < point.bits.size(); ++l) bits[result.layers[l]] = point.bits[l];
    return {{"bits", bits},
            {"accumulator", widths_option(result, point)},
            {"total_bits", point.total_bits()},
            {"correct", point.correct},
            {"accuracy_percent", without_noise(result.percent(point))},
            {"loss_points", without_noise(result.loss(point))},
            {"energy_per_inference", without_noise(point.energy)},
            {"saving_percent", without_noise(100 * saving(result, point))}};
}

std::string points_csv(const SearchResult& result, const std::vector<std::size_t>& points, const RunSetup& setup) {
    const std::vector<std::size_t> front = result.pareto();
    CsvWriter csv;
    csv.text("evaluation").text("step");
    for (const std::string& layer : result.layers) csv.text(fmt::format("bits_{}", layer));
    for (const char* name : {"total_bits", "labelled", "correct", "accuracy_percent", "loss_points", "energy_unit",
                             "energy_per_inference", "saving_percent", "good_enough", "pareto"}) {
        csv.text(name);
    }
    csv.end_row();
    for (const std::size_t p : points) {
        const SearchPoint& point = result.points[p];
        csv.number(p).text(point.origin);
        for (const int bits : point.bits) csv.number(bits);
        csv.number(point.total_bits()).number(result.labelled).number(point.correct).number(result.percent(point));
        csv.number(result.loss(point)).text(setup.table->unit()).number(point.energy);
        csv.number(100 * saving(result, point)).text(result.good_enough(point) ? "true" : "false");
        csv.text(std::find(front.begin(), front.end(), p) != front.end() ? "true" : "false").end_row();
    }
    return csv.str();
}

std::string cost_text(double cost, const SearchRequest& request, const EnergyScale& scale) {
    if (request.minimise == Minimise::bits) return fmt::format("{} bits", cost);
    return fmt::format("{} {}", significant(cost / scale.divisor, 5), scale.unit);
}

std::string proof_text(const SearchResult& result, const SearchRequest& request, const EnergyScale& scale) {
    std::string text;
    const double images = result.rejected == 0 ? 0
                                               : static_cast<double>(result.rejected_blocks) * fast::kMostImages /
                                                     static_cast<double>(result.rejected);
    if (result.exact) {
        text = fmt::format("exact: all other combinations that cost no more were tried and rejected\n");
    } else {
        text = fmt::format(
            "heuristic: the proof was ended after {} combinations (--limit); nothing below {} is good "
            "enough\n",
            grouped(request.limit), cost_text(result.lower_bound, request, scale));
    }
    return text +
           fmt::format(
               "{} evaluations on all images\n{} combinations, of {} there are, rejected after {} images on average\n",
               grouped(result.evaluations), grouped(result.rejected), grouped(result.combinations, 0),
               grouped(images, 0));
}

Json validation_json(const SearchResult& result) {
    Json json = {{"images", {{"first", result.validated_first}, {"end", result.validated_end}}},
                 {"points", Json::array()}};
    for (const ValidatedPoint& point : result.validation) {
        const Json labelled =
            point.labelled == 0
                ? Json()
                : Json(without_noise(100.0 * static_cast<double>(point.correct) / static_cast<double>(point.labelled)));
        json["points"].push_back(
            {{"name", point.name},
             {"labelled", point.labelled},
             {"correct", point.correct},
             {"accuracy_percent", labelled},
             {"changed", point.changed},
             {"changed_below_percent",
              &point == &result.validation.front() ? Json() : Json(without_noise(100 * point.changed_below))}});
    }
    return json;
}

/// What other images say of the widths.
std::string validation_text(const SearchResult& result) {
    TextTable table({"", "accuracy\n%", "changed\nimages", "of all, below\n% (95 % sure)"});
    for (const ValidatedPoint& point : result.validation) {
        const double accuracy =
            point.labelled == 0 ? 0 : 100.0 * static_cast<double>(point.correct) / static_cast<double>(point.labelled);
        const bool reference = &point == &result.validation.front();
        table.add_row({point.name, point.labelled == 0 ? "-" : grouped(accuracy, 2), grouped(point.changed),
                       reference ? "-" : significant(100 * point.changed_below, 2)});
    }
    return fmt::format("\nOn images {}, which did not choose: classes that differ from the widest's\n\n{}",
                       range_text(result.validated_first, result.validated_end), table.text());
}

std::string short_widths(const SearchPoint& point) { return fmt::format("{}", fmt::join(point.bits, " ")); }

std::string point_table(const SearchResult& result, const std::vector<std::pair<std::string, std::size_t>>& rows,
                        const std::string& first, bool agreement, const EnergyScale& scale) {
    std::vector<std::string> layers;
    for (const std::string& layer : result.layers) layers.push_back(shown_name(layer));
    TextTable table({first, "bits\n" + fmt::format("{}", fmt::join(layers, " ")),
                     agreement ? "agreement\n%" : "accuracy\n%", "loss\npoints", "total\nbits", "energy\n" + scale.unit,
                     "saving\n%"});
    for (const auto& [name, p] : rows) {
        const SearchPoint& point = result.points[p];
        table.add_row({name, short_widths(point), grouped(result.percent(point), 2), grouped(result.loss(point), 2),
                       fmt::format("{}", point.total_bits()), significant(point.energy / scale.divisor, 5),
                       percent(saving(result, point))});
    }
    return table.text();
}

}  // namespace

std::string widths_option(const SearchResult& result, const SearchPoint& point) {
    std::vector<std::string> parts;
    for (std::size_t l = 0; l < point.bits.size(); ++l) {
        parts.push_back(named_part_text(lower_case(result.layers[l]), point.bits[l]));
    }
    return fmt::format("{}", fmt::join(parts, ","));
}

Json search_json(const SearchResult& result, const SearchRequest& request, const RunSetup& setup) {
    Json json = provenance_json(setup);
    json["request"] = {{"minimise", request.minimise == Minimise::bits ? "bits" : "energy"},
                       {"max_loss_points", request.max_loss},
                       {"from", request.from},
                       {"to", request.to},
                       {"limit", request.limit}};
    json["judged_by"] = request.agreement ? "agreement" : "labels";
    json["labelled"] = result.labelled;
    json["energy_unit"] = setup.table->unit();
    json["widest"] = point_json(result, result.points[result.widest]);
    json["uniform"] = result.uniform ? point_json(result, result.points[*result.uniform]) : Json(nullptr);
    json["alone"] = Json::object();
    for (std::size_t l = 0; l < result.alone.size(); ++l) json["alone"][result.layers[l]] = result.alone[l];
    json["best"] = point_json(result, result.points[result.best]);
    json["exact"] = result.exact;
    json["lower_bound"] = result.lower_bound;
    json["evaluations"] = result.evaluations;
    json["rejected"] = {{"combinations", result.rejected}, {"blocks", result.rejected_blocks}};
    json["combinations"] = result.combinations;
    json["pareto"] = Json::array();
    for (const std::size_t p : result.pareto()) json["pareto"].push_back(point_json(result, result.points[p]));
    if (!result.validation.empty()) json["validation"] = validation_json(result);
    return json;
}

std::string evaluations_csv(const SearchResult& result, const RunSetup& setup) {
    std::vector<std::size_t> all(result.points.size());
    for (std::size_t p = 0; p < all.size(); ++p) all[p] = p;
    return points_csv(result, all, setup);
}

std::string pareto_csv(const SearchResult& result, const RunSetup& setup) {
    return points_csv(result, result.pareto(), setup);
}

std::string search_text(const SearchResult& result, const SearchRequest& request, const RunSetup& setup) {
    const SearchPoint& widest = result.points[result.widest];
    const EnergyScale scale = energy_scale(setup.table->unit(), widest.energy);
    std::string text;
    const auto line = [&](const std::string& name, const std::string& value) {
        text += fmt::format("{:<16}{}\n", name, printable(value));
    };
    line("accelerator", fmt::format("{}: {}", setup.config.hardware.name, accelerator_text(setup.config.hardware)));
    line("network", setup.network->path);
    line("images", fmt::format("{} of {}", range_text(setup.first, setup.end), setup.images.path));
    line("energy table", fmt::format("{} ({}; {})", setup.table->name(), setup.table->unit(), setup.table->node()));
    line("search", fmt::format("least {}, widths {} to {}, at most {} points lost against {} bits",
                               request.minimise == Minimise::bits ? "bits in all" : "energy", request.from, request.to,
                               request.max_loss, request.to));
    std::vector<std::pair<std::string, std::size_t>> rows = {{"widest", result.widest}};
    if (result.uniform) rows.emplace_back("uniform", *result.uniform);
    rows.emplace_back("chosen", result.best);
    text += "\nChosen widths; energy of one inference, saving against the widest\n\n";
    text += point_table(result, rows, "", request.agreement, scale) + "\n";
    std::vector<std::string> alone;
    for (std::size_t l = 0; l < result.alone.size(); ++l) {
        alone.push_back(fmt::format("{} {}", shown_name(result.layers[l]), result.alone[l]));
    }
    text += fmt::format("Each layer alone, the others at {} bits, bears: {}\n\n", request.to, fmt::join(alone, ", "));
    text += proof_text(result, request, scale);
    if (!result.validation.empty()) text += validation_text(result);
    rows.clear();
    for (const std::size_t p : result.pareto()) rows.emplace_back(fmt::format("{}", p), p);
    text += fmt::format("\nPareto front of {} and energy, of all combinations evaluated on all images\n\n",
                        request.agreement ? "agreement" : "accuracy");
    text += point_table(result, rows, "evaluation", request.agreement, scale);
    return text + fmt::format("\nTo run it: --accumulator {}\n",
                              shell_word(widths_option(result, result.points[result.best])));
}

}  // namespace widthwise
