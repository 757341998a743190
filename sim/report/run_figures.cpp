// SPDX-License-Identifier: Apache-2.0
#include "report/run_figures.h"

#include <algorithm>
#include <filesystem>

#include "report/csv_reader.h"
#include "report/result_set.h"

namespace widthwise {
namespace {

Named<double> numbers(const JsonNode& object, const std::string& without = "") {
    Named<double> numbers;
    for (const auto& [name, value] : object.members()) {
        if (name != without) numbers.emplace_back(name, value.number());
    }
    return numbers;
}

void read_accumulator(const JsonNode& accumulator, LayerFigures& layer) {
    layer.bits = static_cast<int>(accumulator["bits"].integer());
    if (!accumulator.has("overflow")) return;  // of shapes only
    layer.bits_needed = static_cast<int>(accumulator["bits_needed"].integer());
    layer.l1_bound = static_cast<int>(accumulator["bits_l1_bound"].integer());
    layer.type_bound = static_cast<int>(accumulator["bits_data_type_bound"].integer());
    const JsonNode overflow = accumulator["overflow"];
    layer.outputs = overflow["outputs"].number();
    layer.transient = overflow["transient"].number();
    layer.persistent = overflow["persistent"].number();
    if (accumulator.has("psums")) {
        const JsonNode psums = accumulator["psums"];
        layer.psums = {psums["min"].integer(), psums["max"].integer()};
    }
}

LayerFigures layer_of(const JsonNode& json) {
    LayerFigures layer;
    layer.name = json["name"].text();
    layer.kind = json["kind"].text();
    layer.cycles = json["cycles"]["total"].number();
    layer.compute = json["cycles"]["compute"].number();
    layer.stalls = numbers(json["cycles"]["stalls"]);
    layer.energy = numbers(json["energy"], "total");
    layer.utilisation = json["utilisation"].number();
    if (json.has("accumulator")) read_accumulator(json["accumulator"], layer);
    return layer;
}

LayerFigures* find_layer(RunFigures& run, const std::string& name) {
    const auto found = std::find_if(run.layers.begin(), run.layers.end(),
                                    [&](const LayerFigures& layer) { return layer.name == name; });
    return found == run.layers.end() ? nullptr : &*found;
}

void read_histograms(const std::string& path, RunFigures& run) {
    const CsvTable table = CsvTable::read(path);
    const std::size_t layer = table.column("layer"), low = table.column("low"), high = table.column("high"),
                      count = table.column("count");
    for (std::size_t row = 0; row < table.rows(); ++row) {
        LayerFigures* figures = find_layer(run, table.text(row, layer));
        if (figures == nullptr) continue;
        figures->histogram.push_back(
            {table.integer(row, low), table.integer(row, high), static_cast<std::uint64_t>(table.integer(row, count))});
    }
}

void read_busy_cycles(const std::string& path, RunFigures& run) {
    const CsvTable table = CsvTable::read(path);
    const std::size_t layer = table.column("layer"), first = table.column("column0");
    for (std::size_t row = 0; row < table.rows(); ++row) {
        LayerFigures* figures = find_layer(run, table.text(row, layer));
        if (figures == nullptr) continue;
        figures->columns = table.header().size() - first;
        for (std::size_t c = first; c < table.header().size(); ++c) {
            figures->busy.push_back(static_cast<std::uint64_t>(table.integer(row, c)));
        }
    }
}

}  // namespace

RunFigures read_run_figures(const std::string& folder, const JsonNode& summary) {
    RunFigures run;
    run.images = summary["images"]["count"].number();
    if (!(run.images > 0)) summary["images"]["count"].refuse("is not above 0");
    run.unit = summary["energy_table"]["unit"].text();
    run.energy_table = summary["energy_table"]["name"].text();
    for (const JsonNode& layer : summary["layers"].items()) run.layers.push_back(layer_of(layer));
    const std::string psums = folder + "/psums.csv", busy = folder + "/utilisation.csv";
    if (std::filesystem::exists(psums)) read_histograms(psums, run);
    if (std::filesystem::exists(busy)) read_busy_cycles(busy, run);
    return run;
}

}  // namespace widthwise
