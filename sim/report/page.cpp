// SPDX-License-Identifier: Apache-2.0
#include "report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/error.h"
#include "report/front_sections.h"
#include "report/run_sections.h"
#include "report/width_sections.h"
#include "results/run_text.h"
#include "results/tables.h"

namespace widthwise {

namespace embedded {
extern const std::string_view page_html, page_css, setup_js, scales_js, charts_js, heatmap_js, page_js, chart_min_js;
}

namespace {

/// Each {{name}} of the template by its text, which itself is left as it is.
std::string fill(std::string_view page, const std::vector<std::pair<std::string_view, std::string_view>>& parts) {
    std::string filled;
    while (!page.empty()) {
        const std::size_t start = page.find("{{");
        filled += page.substr(0, start);
        if (start == std::string_view::npos) break;
        page.remove_prefix(start);
        const auto part = std::find_if(parts.begin(), parts.end(),
                                       [&](const auto& candidate) { return page.starts_with(candidate.first); });
        if (part == parts.end()) throw SimulationError("the report's template has a place without a text");
        filled += part->second;
        page.remove_prefix(part->first.size());
    }
    return filled;
}

/// JSON that no HTML parser mistakes for markup or for the script's end.
std::string in_script(const ReportJson& json) {
    const std::string text = json.dump(-1, ' ', false, ReportJson::error_handler_t::replace);
    std::string safe;
    for (const char letter : text) {
        if (letter == '<') safe += "\\u003c";
        else if (letter == '&') safe += "\\u0026";
        else safe += letter;
    }
    return safe;
}

ReportJson named(const Named<std::string>& values) {
    ReportJson json = ReportJson::array();
    for (const auto& [name, value] : values) json.push_back({name, value});
    return json;
}

/// The few numbers to see first.
Named<std::string> figures_of(const ResultSet& set) {
    Named<std::string> figures;
    if (set.run && set.points.size() == 1) {
        const Point& point = set.points.front();
        const EnergyScale scale = energy_scale(point.unit, point.energy);
        figures.emplace_back("accuracy", point.accuracy ? grouped(*point.accuracy, 2) + " %" : "not known");
        figures.emplace_back("accumulator bits", point.widths);
        figures.emplace_back("energy of one inference",
                             fmt::format("{} {}", significant(point.energy / scale.divisor), scale.unit));
        figures.emplace_back("cycles of one inference", average(point.cycles));
        if (point.overflowed)
            figures.emplace_back("outputs that overflowed", short_number(*point.overflowed, 3) + " %");
    } else if (set.search) {
        const Candidate& best = set.search->best;
        figures.emplace_back("chosen widths", best.widths);
        figures.emplace_back("accuracy", grouped(best.accuracy, 2) + " %");
        figures.emplace_back("less energy than the widest", short_number(best.saving, 3) + " %");
    } else {
        figures.emplace_back("settings", fmt::format("{}", set.points.size()));
    }
    return figures;
}

Section refused_section(const ResultSet& set, const std::string& id) {
    Section section;
    section.id = id + "-refused";
    section.title = "Points that cannot run";
    section.note = fmt::format("The hardware cannot run {} of the {} points. They stand in no chart.",
                               set.refused.size(), set.refused.size() + set.points.size());
    section.headers = {"point", "setting", "reason"};
    for (const RefusedPoint& refused : set.refused) {
        section.rows.push_back({refused.point, refused.setting, refused.reason});
    }
    return section;
}

}  // namespace

ReportJson report_json(const std::vector<ResultSet>& sets, const std::string& version) {
    ReportJson report = {{"title", "Widthwise report"},
                         {"version", version},
                         {"folders", ReportJson::array()},
                         {"sections", ReportJson::array()}};
    for (const Section& section : width_sections(sets)) report["sections"].push_back(section.json());
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const ResultSet& set = sets[i];
        const std::string id = fmt::format("results{}", i);
        ReportJson folder = {{"folder", set.folder},
                             {"kind", set.kind},
                             {"facts", named(set.facts)},
                             {"figures", named(figures_of(set))},
                             {"configuration", set.configuration},
                             {"sections", ReportJson::array()}};
        std::vector<Section> sections;
        if (set.search) sections = search_sections(set, id);
        if (set.run) sections = run_sections(set, id);
        if (!set.refused.empty()) sections.push_back(refused_section(set, id));
        for (const Section& section : sections) folder["sections"].push_back(section.json());
        report["folders"].push_back(std::move(folder));
    }
    return report;
}

std::string report_page(const ReportJson& report) {
    std::string script;
    for (const std::string_view part :
         {embedded::setup_js, embedded::scales_js, embedded::charts_js, embedded::heatmap_js, embedded::page_js}) {
        script += part;
    }
    return fill(embedded::page_html, {{"{{style}}", embedded::page_css},
                                      {"{{chart_js}}", embedded::chart_min_js},
                                      {"{{script}}", script},
                                      {"{{data}}", in_script(report)}});
}

}  // namespace widthwise
