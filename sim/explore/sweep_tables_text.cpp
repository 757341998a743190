// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep_tables.h"

// The table on the screen.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "results/run_text.h"
#include "results/tables.h"
#include "text/printable.h"

namespace widthwise {
namespace {

constexpr std::array<const char*, 7> kPrintedColumns = {
    "accuracy\n%", "agreement\n%", "overflow\nevents", "overflowed\noutputs %", "cycles", "util.\n%", "energy"};

/// The cells of one row of the printed table, behind the point's place.
std::vector<std::string> found_cells(const Sweep& sweep, const PointResult& result) {
    if (!result.refusal.empty()) return std::vector<std::string>(kPrintedColumns.size(), "-");
    const OverflowCounts& o = result.overflow;
    const double outputs = std::max(1.0, static_cast<double>(o.outputs));
    const EnergyScale scale = energy_scale(sweep.table_of(result.point).unit(), result.total_energy);
    const std::string energy = significant(result.total_energy / scale.divisor);
    const double images = std::max(1.0, static_cast<double>(sweep.end_image() - sweep.first_image()));
    return {result.accuracy ? grouped(result.accuracy->percent(), 2) : "-",
            result.output ? grouped(100.0 * static_cast<double>(result.output->agreeing) / images, 2) : "-",
            grouped(o.events),
            percent(static_cast<double>(o.transient + o.persistent) / outputs),
            average(result.cycles),
            percent(result.utilisation, 1),
            scale.unit == "relative units" ? energy : fmt::format("{} {}", energy, scale.unit)};
}

/// "dram.bytes_per_cycle" behind its section, "energy_table" behind its first word.
std::string in_two_lines(std::string name) {
    const std::size_t dot = name.find('.');
    const std::size_t gap = dot != std::string::npos ? dot : name.find('_');
    if (gap != std::string::npos) name[gap] = '\n';
    return name;
}

/// "points 1, 3, 5 and 7 more"
std::string points_text(const std::vector<std::size_t>& points) {
    constexpr std::size_t kMost = 10;
    const std::size_t shown = std::min(points.size(), kMost);
    const std::vector<std::size_t> first(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(shown));
    std::string text = fmt::format("{} {}", points.size() == 1 ? "point" : "points", fmt::join(first, ", "));
    if (points.size() > shown) text += fmt::format(" and {} more", points.size() - shown);
    return text;
}

/// Below the printed table: why some points have nothing in it.
std::string refusals_text(const Sweep& sweep, const std::vector<PointResult>& results) {
    constexpr std::size_t kMost = 20;
    if (sweep.refused() == 0) return "";
    std::vector<std::pair<std::string, std::vector<std::size_t>>> reasons;  // in the order of their first points
    std::map<std::string, std::size_t> places;
    for (const PointResult& result : results) {
        if (result.refusal.empty()) continue;
        const auto [place, is_new] = places.emplace(result.refusal, reasons.size());
        if (is_new) reasons.emplace_back(result.refusal, std::vector<std::size_t>{});
        reasons[place->second].second.push_back(result.point);
    }
    std::string text = fmt::format("\nThe hardware cannot run {} of the points:\n", sweep.refused());
    for (std::size_t i = 0; i < std::min(reasons.size(), kMost); ++i) {
        text += fmt::format("  {}: {}\n", points_text(reasons[i].second), printable(reasons[i].first));
    }
    if (reasons.size() > kMost)
        text += fmt::format("  ... and {} more reasons; see points.csv\n", reasons.size() - kMost);
    return text;
}

}  // namespace

std::string sweep_text(const Sweep& sweep, const std::vector<PointResult>& results) {
    constexpr std::size_t kRows = 200;
    std::vector<std::size_t> varying;
    std::vector<std::string> headers = {"point"};
    for (std::size_t a = 0; a < sweep.file().axes.size(); ++a) {
        const Axis& axis = sweep.file().axes[a];
        if (axis.values.size() < 2) continue;
        varying.push_back(a);
        headers.push_back(in_two_lines(axis.name));
    }
    headers.insert(headers.end(), kPrintedColumns.begin(), kPrintedColumns.end());
    TextTable table(headers);
    for (std::size_t i = 0; i < std::min(results.size(), kRows); ++i) {
        const PointResult& result = results[i];
        const std::vector<std::size_t> choices = sweep.file().choices(result.point);
        std::vector<std::string> row = {fmt::format("{}", result.point)};
        for (const std::size_t a : varying) row.push_back(sweep.file().axes[a].values[choices[a]].text);
        for (std::string& cell : found_cells(sweep, result)) row.push_back(std::move(cell));
        table.add_row(row);
    }
    std::string text = fmt::format(
        "{:<16}{} ({} of {} points)\n{:<16}{}: {}\n{:<16}{} of {}\n\nEach point; cycles and energy of one "
        "inference\n\n{}",
        "sweep", printable(sweep.file().path), results.size(), sweep.file().points(), "accelerator",
        printable(sweep.file().config), printable(sweep.base().hardware.name), "images",
        range_text(sweep.first_image(), sweep.end_image()), printable(sweep.base().images), table.text());
    if (results.size() > kRows) text += fmt::format("... and {} more points; see points.csv\n", results.size() - kRows);
    return text + refusals_text(sweep, results);
}

}  // namespace widthwise
