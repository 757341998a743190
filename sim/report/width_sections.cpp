// SPDX-License-Identifier: Apache-2.0
#include "report/width_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "report/section.h"
#include "results/run_text.h"

namespace widthwise {
namespace {

constexpr std::size_t kMostCharts = 8;  // of one kind; the table has the rest

/// Points of one series and energy table, one per width, narrow ones first.
struct Curve {
    std::string series;
    std::string energy_table;
    std::vector<const Point*> points;
    [[nodiscard]] std::string name() const { return fmt::format("{}; energy table {}", series, energy_table); }
};

std::vector<Curve> curves_of(const std::vector<ResultSet>& sets) {
    std::vector<Curve> curves;
    for (const ResultSet& set : sets) {
        for (const Point& point : set.points) {
            if (point.bits == 0) continue;
            auto curve = std::find_if(curves.begin(), curves.end(), [&](const Curve& c) {
                return c.series == point.series && c.energy_table == point.energy_table;
            });
            if (curve == curves.end()) curve = curves.insert(curve, {point.series, point.energy_table, {}});
            curve->points.push_back(&point);
        }
    }
    for (Curve& curve : curves) {
        std::stable_sort(curve.points.begin(), curve.points.end(),
                         [](const Point* a, const Point* b) { return a->bits < b->bits; });
    }
    return curves;
}

/// Lines of a value against the width. Curves that are equal, as those of two energy tables are, are drawn once.
ReportJson lines(const std::vector<Curve>& curves, double (*value)(const Point&), const std::string& y_title) {
    ReportJson chart = {
        {"kind", "lines"}, {"x", "accumulator width (bits)"}, {"y", y_title}, {"series", ReportJson::array()}};
    std::vector<std::pair<ReportJson, int>> drawn;
    for (const Curve& curve : curves) {
        ReportJson points = ReportJson::array();
        for (const Point* point : curve.points) points.push_back({point->bits, value(*point)});
        const auto same = std::find_if(drawn.begin(), drawn.end(), [&](const auto& d) { return d.first == points; });
        if (same != drawn.end()) {
            ++same->second;
            continue;
        }
        drawn.emplace_back(points, 0);
        chart["series"].push_back({{"name", curve.series}, {"points", points}});
    }
    for (std::size_t i = 0; i < drawn.size(); ++i) {
        if (drawn[i].second == 0) continue;
        std::string name = chart["series"][i]["name"];
        chart["series"][i]["name"] = name + fmt::format(" (and {} alike)", drawn[i].second);
    }
    return chart;
}

Section accuracy_section(const std::vector<Curve>& curves) {
    Section section;
    section.id = "accuracy";
    section.title = "Accuracy against accumulator width";
    section.note = "Percent of the labelled images whose class is right, with the same width in every layer.";
    section.headers = {"network, accelerator", "bits", "accuracy %"};
    std::vector<Curve> labelled;
    for (const Curve& curve : curves) {
        const bool known = std::all_of(curve.points.begin(), curve.points.end(),
                                       [](const Point* point) { return point->accuracy.has_value(); });
        if (known) labelled.push_back(curve);
    }
    if (labelled.empty()) return section;
    section.charts = {lines(
        labelled, [](const Point& p) { return *p.accuracy; }, "accuracy (%)")};
    for (const Curve& curve : labelled) {
        for (const Point* p : curve.points) section.rows.push_back({curve.series, p->bits, *p->accuracy});
    }
    return section;
}

Section overflow_section(const std::vector<Curve>& curves) {
    Section section;
    section.id = "overflow";
    section.title = "Overflow against accumulator width";
    section.note = "Percent of all layers' outputs whose accumulator overflowed, whether the exact sum fits or not.";
    section.headers = {"network, accelerator", "bits", "outputs that overflowed %"};
    std::vector<Curve> known = curves;
    for (Curve& curve : known) std::erase_if(curve.points, [](const Point* p) { return !p->overflowed; });
    std::erase_if(known, [](const Curve& curve) { return curve.points.empty(); });
    if (known.empty()) return section;
    section.charts = {lines(
        known, [](const Point& p) { return *p.overflowed; }, "outputs that overflowed (%)")};
    for (const Curve& curve : known) {
        for (const Point* p : curve.points) section.rows.push_back({curve.series, p->bits, *p->overflowed});
    }
    return section;
}

ReportJson energy_chart(const Curve& curve, const EnergyScale& scale, const std::string& title) {
    const auto of = [](const Point* point) -> const Named<double>& { return point->components; };
    ReportJson chart = {{"kind", "stacked"},
                        {"title", title},
                        {"palette", "components"},
                        {"value", fmt::format("energy of one inference ({})", scale.unit)},
                        {"category", "accumulator width (bits)"},
                        {"labels", ReportJson::array()},
                        {"series", ReportJson::array()}};
    for (const Point* point : curve.points) chart["labels"].push_back(fmt::format("{}", point->bits));
    for (const std::string& name : names_used(curve.points, of)) {
        ReportJson values = ReportJson::array();
        for (const Point* point : curve.points) values.push_back(value_of(point->components, name) / scale.divisor);
        chart["series"].push_back({{"name", name}, {"values", values}});
    }
    return chart;
}

Section energy_section(const std::vector<Curve>& curves) {
    Section section;
    section.id = "energy";
    section.title = "Energy against accumulator width";
    section.note = "Of one inference, stacked by component of the accelerator.";
    section.headers = {"network, accelerator", "energy table", "bits", "unit", "total"};
    std::vector<std::string> names;
    for (const Curve& curve : curves) {
        for (const Point* point : curve.points) collect_names(point->components, names);
    }
    section.headers.insert(section.headers.end(), names.begin(), names.end());
    for (const Curve& curve : curves) {
        const auto most = std::max_element(curve.points.begin(), curve.points.end(),
                                           [](const Point* a, const Point* b) { return a->energy < b->energy; });
        const EnergyScale scale = energy_scale((*most)->unit, (*most)->energy);
        if ((*most)->energy > 0 && section.charts.size() < kMostCharts) {
            section.charts.push_back(energy_chart(curve, scale, curve.name()));
        }
        for (const Point* point : curve.points) {
            std::vector<ReportJson> row = {curve.series, curve.energy_table, point->bits, scale.unit,
                                           point->energy / scale.divisor};
            for (const std::string& name : names) row.emplace_back(value_of(point->components, name) / scale.divisor);
            section.rows.push_back(std::move(row));
        }
    }
    if (curves.size() > section.charts.size() && section.charts.size() == kMostCharts) {
        section.note += fmt::format(" The first {} of {} are drawn; the table has all.", kMostCharts, curves.size());
    }
    return section;
}

/// Accuracy against energy of all points with one energy table; the front of those that nothing beats in both.
ReportJson trade_chart(const std::vector<const Point*>& points, const EnergyScale& scale, const std::string& title) {
    ReportJson chart = {{"kind", "front"},
                        {"title", title},
                        {"x", fmt::format("energy of one inference ({})", scale.unit)},
                        {"y", "accuracy (%)"},
                        {"points", ReportJson::array()},
                        {"front", ReportJson::array()},
                        {"marks", ReportJson::array()}};
    std::vector<const Point*> sorted = points;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Point* a, const Point* b) {
        return a->energy != b->energy ? a->energy < b->energy : *a->accuracy > *b->accuracy;
    });
    double best = -1;
    for (const Point* point : sorted) {
        const bool on_front = *point->accuracy > best;
        best = std::max(best, *point->accuracy);
        const ReportJson at = {point->energy / scale.divisor, *point->accuracy,
                               fmt::format("{}: {} bits", point->series, point->widths)};
        chart["points"].push_back(at);
        if (on_front) chart["front"].push_back(at);
    }
    return chart;
}

Section trade_section(const std::vector<ResultSet>& sets) {
    std::map<std::pair<std::string, std::string>, std::vector<const Point*>> by_table;
    for (const ResultSet& set : sets) {
        for (const Point& point : set.points) {
            if (point.accuracy && point.energy > 0) by_table[{point.energy_table, point.unit}].push_back(&point);
        }
    }
    Section section;
    section.id = "trade-off";
    section.title = "Accuracy against energy";
    section.note =
        "Each setting that was run, all networks and accelerators together; the line is the Pareto front: no setting "
        "is both cheaper and at least as accurate.";
    section.headers = {"network, accelerator",    "widths",     "energy table",           "unit",
                       "energy of one inference", "accuracy %", "cycles of one inference"};
    for (const auto& [table, points] : by_table) {
        std::set<std::pair<double, double>> places;
        double most = 0;
        for (const Point* point : points) {
            places.insert({point->energy, *point->accuracy});
            most = std::max(most, point->energy);
        }
        if (places.size() < 2) continue;
        const EnergyScale scale = energy_scale(table.second, most);
        section.charts.push_back(trade_chart(points, scale, fmt::format("energy table {}", table.first)));
        for (const Point* p : points) {
            section.rows.push_back({p->series, p->widths, p->energy_table, scale.unit, p->energy / scale.divisor,
                                    *p->accuracy, p->cycles});
        }
    }
    return section;
}

}  // namespace

std::vector<Section> width_sections(const std::vector<ResultSet>& sets) {
    std::vector<Section> sections;
    const std::vector<Curve> curves = curves_of(sets);
    const bool several = std::any_of(curves.begin(), curves.end(), [](const Curve& curve) {
        return curve.points.size() > 1 && curve.points.front()->bits != curve.points.back()->bits;
    });
    if (several) {
        for (Section& section :
             std::vector<Section>{accuracy_section(curves), energy_section(curves), overflow_section(curves)}) {
            if (!section.charts.empty()) sections.push_back(std::move(section));
        }
    }
    Section trade = trade_section(sets);
    if (!trade.charts.empty()) sections.push_back(std::move(trade));
    return sections;
}

}  // namespace widthwise
