// SPDX-License-Identifier: Apache-2.0
#include "report/front_sections.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/section.h"
#include "results/run_text.h"

namespace widthwise {

std::vector<Section> search_sections(const ResultSet& set, const std::string& id) {
    const SearchFigures& search = *set.search;
    const EnergyScale scale = energy_scale(search.unit, search.widest.energy);
    Section section;
    section.id = id + "-front";
    section.title = fmt::format("Pareto front: {} against energy", search.judged_by);
    section.note = fmt::format(
        "Widths of each layer. Chosen: {} at {} % ({} points below the widest), {} % less energy. {} Every combination "
        "evaluated on all images is shown; energy table {}.",
        search.best.widths, short_number(search.best.accuracy), short_number(search.best.loss),
        short_number(search.best.saving, 3),
        search.exact ? fmt::format("Exact: nothing that costs less keeps the {}.", search.judged_by)
                     : "Heuristic: the search was ended by its limit.",
        search.energy_table);
    const auto place = [&](const Candidate& candidate) -> ReportJson {
        return {candidate.energy / scale.divisor, candidate.accuracy, candidate.widths};
    };
    ReportJson chart = {{"kind", "front"},
                        {"x", fmt::format("energy of one inference ({})", scale.unit)},
                        {"y", fmt::format("{} (%)", search.judged_by)},
                        {"points", ReportJson::array()},
                        {"front", ReportJson::array()},
                        {"marks", ReportJson::array()}};
    std::vector<const Candidate*> sorted;
    for (const Candidate& candidate : search.candidates) sorted.push_back(&candidate);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Candidate* a, const Candidate* b) { return a->energy < b->energy; });
    section.headers = {"widths",       fmt::format("{} %", search.judged_by),
                       "loss, points", fmt::format("energy of one inference, {}", scale.unit),
                       "saving %",     "on the front"};
    for (const Candidate* candidate : sorted) {
        chart["points"].push_back(place(*candidate));
        if (candidate->on_front) chart["front"].push_back(place(*candidate));
        section.rows.push_back({candidate->widths, candidate->accuracy, candidate->loss,
                                candidate->energy / scale.divisor, candidate->saving,
                                candidate->on_front ? "yes" : ""});
    }
    const auto mark = [&](const std::string& name, const Candidate& candidate) {
        chart["marks"].push_back({{"name", name}, {"at", place(candidate)}});
    };
    mark("chosen", search.best);
    if (search.uniform) mark("best uniform width", *search.uniform);
    mark("widest", search.widest);
    section.charts = {chart};
    // The accurate end is where the choice is made; on the whole scale it is a corner.
    constexpr double kClose = 1;
    ReportJson close = chart;
    close["title"] = fmt::format("within {} point of the widest", kClose);
    const double least_y = search.widest.accuracy - kClose;
    double dearest = search.uniform ? std::max(search.best.energy, search.uniform->energy) : search.best.energy;
    double cheapest = dearest;
    for (const Candidate& candidate : search.candidates) {
        if (candidate.accuracy >= least_y) cheapest = std::min(cheapest, candidate.energy);
    }
    dearest += (dearest - cheapest) / 2;
    close["close"] = {{"least_y", least_y}, {"most_x", dearest / scale.divisor}};
    section.charts.front()["title"] = "all";
    section.charts.push_back(close);
    return {section};
}

}  // namespace widthwise
