// SPDX-License-Identifier: Apache-2.0
#include "report/run_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/section.h"
#include "results/run_text.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// A name beside a chart, which it must leave room for; tables have it whole.
std::string chart_label(const std::string& name) {
    constexpr std::size_t kLongest = 40;
    return shortened(printable(name), kLongest);
}

ReportJson bars(const RunFigures& run, const std::string& value, const std::string& palette) {
    ReportJson chart = {{"kind", "stacked"},
                        {"horizontal", true},
                        {"palette", palette},
                        {"value", value},
                        {"labels", ReportJson::array()},
                        {"series", ReportJson::array()}};
    for (const LayerFigures& layer : run.layers) chart["labels"].push_back(chart_label(layer.name));
    return chart;
}

Section cycles_section(const RunFigures& run) {
    Section section;
    section.title = "Cycles per layer";
    section.note =
        "Of one inference: cycles in which the array issued a multiply-accumulate (compute), and why it did not in the "
        "others (stalls by cause).";
    ReportJson chart = bars(run, "clock cycles of one inference", "stalls");
    const std::vector<std::string> causes =
        names_used(run.layers, [](const LayerFigures& layer) -> const Named<double>& { return layer.stalls; });
    ReportJson compute = ReportJson::array();
    for (const LayerFigures& layer : run.layers) compute.push_back(layer.compute / run.images);
    chart["series"].push_back({{"name", "compute"}, {"values", compute}});
    for (const std::string& cause : causes) {
        ReportJson values = ReportJson::array();
        for (const LayerFigures& layer : run.layers) values.push_back(value_of(layer.stalls, cause) / run.images);
        chart["series"].push_back({{"name", "stall: " + cause}, {"values", values}});
    }
    section.charts = {chart};
    section.headers = {"layer", "kind", "cycles", "utilisation %", "compute"};
    for (const std::string& cause : causes) section.headers.push_back("stall: " + cause);
    for (const LayerFigures& layer : run.layers) {
        std::vector<ReportJson> row = {layer.name, layer.kind, layer.cycles / run.images, 100 * layer.utilisation,
                                       layer.compute / run.images};
        for (const std::string& cause : causes) row.emplace_back(value_of(layer.stalls, cause) / run.images);
        section.rows.push_back(std::move(row));
    }
    return section;
}

Section energy_section(const RunFigures& run) {
    Section section;
    section.title = "Energy per layer";
    double total = 0;
    for (const LayerFigures& layer : run.layers) {
        for (const auto& [name, energy] : layer.energy) total += energy / run.images;
    }
    const EnergyScale scale = energy_scale(run.unit, total);
    section.note = fmt::format("Of one inference, by component; energy table {}.", run.energy_table);
    ReportJson chart = bars(run, fmt::format("energy of one inference ({})", scale.unit), "components");
    const std::vector<std::string> names =
        names_used(run.layers, [](const LayerFigures& layer) -> const Named<double>& { return layer.energy; });
    section.headers = {"layer"};
    for (const std::string& name : names) {
        section.headers.push_back(fmt::format("{}, {}", name, scale.unit));
        ReportJson values = ReportJson::array();
        for (const LayerFigures& layer : run.layers) {
            values.push_back(value_of(layer.energy, name) / run.images / scale.divisor);
        }
        chart["series"].push_back({{"name", name}, {"values", values}});
    }
    for (const LayerFigures& layer : run.layers) {
        std::vector<ReportJson> row = {layer.name};
        for (const std::string& name : names) {
            row.emplace_back(value_of(layer.energy, name) / run.images / scale.divisor);
        }
        section.rows.push_back(std::move(row));
    }
    if (!names.empty()) section.charts = {chart};
    return section;
}

Section psum_section(const RunFigures& run) {
    Section section;
    section.title = "Psum range per layer";
    section.note =
        "Least and greatest exact sum of each layer on a logarithmic axis, with the limits of accumulator widths; the "
        "thick marks are the layer's own width. What reaches beyond them overflows.";
    section.headers = {"layer",
                       "accumulator bits",
                       "psum min",
                       "psum max",
                       "bits needed",
                       "l1 bound, bits",
                       "data-type bound, bits",
                       "outputs",
                       "overflowed, sum fits %",
                       "overflowed, sum does not fit %"};
    ReportJson chart = {{"kind", "ranges"}, {"x", "psum"}, {"layers", ReportJson::array()}};
    for (const LayerFigures& layer : run.layers) {
        if (layer.bits == 0) continue;
        std::vector<ReportJson> row = {layer.name, layer.bits};
        if (layer.psums) {
            const auto [low, high] = *layer.psums;
            chart["layers"].push_back(
                {{"name", chart_label(layer.name)}, {"min", low}, {"max", high}, {"bits", layer.bits}});
            row.emplace_back(low);
            row.emplace_back(high);
        } else {
            row.insert(row.end(), {"", ""});
        }
        const double outputs = std::max(1.0, layer.outputs);
        for (const int bits : {layer.bits_needed, layer.l1_bound, layer.type_bound}) row.emplace_back(bits);
        row.emplace_back(layer.outputs);
        row.emplace_back(100 * layer.transient / outputs);
        row.emplace_back(100 * layer.persistent / outputs);
        section.rows.push_back(std::move(row));
    }
    if (!chart["layers"].empty()) section.charts = {chart};
    return section;
}

int bits_of(std::int64_t value) {
    int bits = 1;
    while (value < -(std::int64_t{1} << (bits - 1)) || value > (std::int64_t{1} << (bits - 1)) - 1) ++bits;
    return bits;
}

Section histogram_section(const RunFigures& run) {
    Section section;
    section.title = "Psum histograms";
    section.note =
        "Finished exact sums of each layer, over all images, in buckets of an eighth of an octave; both axes are "
        "logarithmic. Dashed: limits of accumulator widths; solid: the layer's own width. The table counts the sums "
        "that need more than a width.";
    section.headers = {"layer", "width, bits", "sums that do not fit", "of all sums", "%"};
    for (const LayerFigures& layer : run.layers) {
        if (layer.histogram.empty()) continue;
        ReportJson buckets = ReportJson::array();
        std::uint64_t total = 0;
        int widest = 1;
        for (const PsumBucket& bucket : layer.histogram) {
            buckets.push_back({bucket.low, bucket.high, bucket.count});
            total += bucket.count;
            widest = std::max({widest, bits_of(bucket.low), bits_of(bucket.high)});
        }
        section.charts.push_back({{"kind", "histogram"},
                                  {"title", chart_label(layer.name)},
                                  {"x", "psum"},
                                  {"y", "sums (%)"},
                                  {"bits", layer.bits},
                                  {"total", total},
                                  {"buckets", buckets}});
        for (int bits = std::max(2, widest - 8); bits <= widest; ++bits) {
            std::uint64_t beyond = 0;  // no bucket spans a limit
            for (const PsumBucket& bucket : layer.histogram) {
                if (std::max(bits_of(bucket.low), bits_of(bucket.high)) > bits) beyond += bucket.count;
            }
            section.rows.push_back(
                {layer.name, bits, beyond, total, 100.0 * static_cast<double>(beyond) / static_cast<double>(total)});
        }
    }
    return section;
}

constexpr std::size_t kMostElementsInTable = 1024;  // beyond, a browser takes long to lay the table out

Section utilisation_section(const RunFigures& run) {
    Section section;
    section.title = "Utilisation of the array";
    section.note =
        "Percent of a layer's cycles in which each processing element multiplies (row = output channel, column = "
        "output pixel or image); the last map is of all layers together.";
    section.headers = {"layer", "row", "column", "busy cycles", "utilisation %"};
    std::vector<double> all;
    double cycles = 0;
    std::size_t columns = 0;
    const auto map = [](const std::string& title, std::size_t width, const std::vector<double>& values) -> ReportJson {
        std::vector<double> rounded;  // to a hundredth, which is more than a colour shows
        rounded.reserve(values.size());
        for (const double value : values) rounded.push_back(std::round(10000 * value) / 100);
        return {{"kind", "heatmap"}, {"title", title}, {"columns", width}, {"values", rounded}};
    };
    for (const LayerFigures& layer : run.layers) {
        cycles += layer.cycles;
        if (layer.columns == 0 || layer.cycles == 0) continue;
        columns = layer.columns;
        std::vector<double> shares;
        all.resize(layer.busy.size(), 0);
        for (std::size_t i = 0; i < layer.busy.size(); ++i) {
            const auto busy = static_cast<double>(layer.busy[i]);
            shares.push_back(busy / layer.cycles);
            all[i] += busy;
            if (layer.busy.size() > kMostElementsInTable) continue;
            section.rows.push_back(
                {layer.name, i / layer.columns, i % layer.columns, layer.busy[i], 100 * busy / layer.cycles});
        }
        section.charts.push_back(map(chart_label(layer.name), layer.columns, shares));
    }
    if (section.charts.empty()) return section;
    if (section.rows.empty()) section.note += " The numbers are in utilisation.csv.";
    for (double& busy : all) busy /= cycles;
    section.charts.push_back(map("all layers", columns, all));
    return section;
}

}  // namespace

std::vector<Section> run_sections(const ResultSet& set, const std::string& id) {
    std::vector<Section> sections;
    const std::pair<const char*, Section (*)(const RunFigures&)> makers[] = {{"cycles", cycles_section},
                                                                             {"layer-energy", energy_section},
                                                                             {"psums", psum_section},
                                                                             {"histograms", histogram_section},
                                                                             {"utilisation", utilisation_section}};
    for (const auto& [name, make] : makers) {
        Section section = make(*set.run);
        section.id = fmt::format("{}-{}", id, name);
        if (!section.charts.empty()) sections.push_back(std::move(section));
    }
    return sections;
}

}  // namespace widthwise
