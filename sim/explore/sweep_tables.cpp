// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/config_keys.h"
#include "config/run_config.h"
#include "results/csv.h"
#include "results/run_files.h"
#include "results/run_text.h"
#include "results/tables.h"
#include "text/printable.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

/// A point's place on every axis there is, whether it varies or not: name and value.
std::vector<std::pair<std::string, std::string>> settings(const Sweep& sweep, const Sweep::Point& p) {
    const HardwareParams& h = p.config.hardware;
    const auto number = [](auto value) { return fmt::format("{}", value); };
    const auto word = [](const auto& words, auto value) { return std::string(spelling(words, value)); };
    return {{"accumulator_bits", number(h.accumulator.format.bits)},
            {"layer_accumulators", layer_widths_text(h.accumulator.layer_bits)},
            {"overflow", word(kOverflowWords, h.accumulator.format.overflow)},
            {"check", word(kCheckWords, h.accumulator.format.check)},
            {"bias", word(kBiasWords, h.accumulator.bias)},
            {"array_rows", number(h.array.rows)},
            {"array_columns", number(h.array.columns)},
            {"interconnect", word(kInterconnectWords, h.array.interconnect)},
            {"mapping", word(kMappingWords, h.array.mapping)},
            {"lanes", number(h.requant.lanes)},
            {"requantization_mode", word(kRequantModeWords, h.requant.mode)},
            {"rounding", word(kRoundingWords, h.requant.rounding)},
            {"multiplier_bits", number(h.requant.multiplier_bits)},
            {"energy_table", p.table < sweep.tables().size() ? sweep.tables()[p.table].table.name() : ""},
            {"network", sweep.networks()[p.network].path},
            {"batch", number(h.batch)}};
}

const std::string& unit_of(const Sweep& sweep, std::size_t point) {
    return sweep.tables()[sweep.point(point).table].table.unit();
}

std::uint64_t image_count(const Sweep& sweep) {
    return static_cast<std::uint64_t>(sweep.end_image() - sweep.first_image());
}

Json files_json(const Sweep& sweep) {
    Json json;
    json["networks"] = Json::array();
    for (const Network& network : sweep.networks()) {
        json["networks"].push_back({{"name", network.name}, {"file", network.path}, {"md5", network.digest}});
    }
    const Dataset& data = sweep.dataset();
    json["data"]["images"] = {{"file", sweep.base().images}, {"md5", data.images().digest}};
    json["data"]["labels"] = nullptr;
    if (data.has_labels()) json["data"]["labels"] = {{"file", sweep.base().labels}, {"md5", data.labels().digest}};
    json["energy_tables"] = Json::array();
    for (const Sweep::Table& table : sweep.tables()) {
        json["energy_tables"].push_back({{"name", table.table.name()},
                                         {"unit", table.table.unit()},
                                         {"node", table.table.node()},
                                         {"source", table.table.source()},
                                         {"md5", table.digest}});
    }
    return json;
}

Json axes_json(const Sweep& sweep) {
    Json axes = Json::array();
    for (const Axis& axis : sweep.file().axes) {
        Json values = Json::array();
        for (const AxisValue& value : axis.values) values.push_back(value.text);
        axes.push_back({{"name", axis.name}, {"values", values}});
    }
    return axes;
}

Json point_json(const Sweep& sweep, const PointResult& result) {
    Json json = {{"point", result.point}};
    Json place;
    for (const auto& [name, value] : settings(sweep, sweep.point(result.point))) place[name] = value;
    json["settings"] = place;
    json["accuracy"] = nullptr;
    if (result.accuracy) {
        json["accuracy"] = {{"labelled", result.accuracy->labelled},
                            {"correct", result.accuracy->correct},
                            {"percent", without_noise(result.accuracy->percent())}};
    }
    json["overflow"] = {{"outputs", result.overflow.outputs},
                        {"events", result.overflow.events},
                        {"transient", result.overflow.transient},
                        {"persistent", result.overflow.persistent}};
    json["per_inference"] = {{"cycles", without_noise(result.cycles)},
                             {"microseconds", without_noise(result.microseconds)}};
    json["utilisation"] = without_noise(result.utilisation);
    json["energy_unit"] = unit_of(sweep, result.point);
    Json energy = {{"total", without_noise(result.total_energy)}};
    for (std::size_t c = 0; c < kComponentCount; ++c) {
        energy[std::string(component_name(static_cast<Component>(c)))] = without_noise(result.energy[c]);
    }
    json["energy_per_inference"] = energy;
    return json;
}

}  // namespace

std::string points_csv(const Sweep& sweep, const std::vector<PointResult>& results) {
    CsvWriter csv;
    csv.text("point");
    const Sweep::Point any = sweep.points().empty() ? Sweep::Point{} : sweep.points().front();  // a part may have none
    for (const auto& [name, value] : settings(sweep, any)) csv.text(name);
    for (const char* name :
         {"images", "labelled", "correct", "accuracy_percent", "outputs", "overflow_events", "transient", "persistent",
          "cycles_per_inference", "microseconds_per_inference", "utilisation", "energy_unit", "energy_per_inference"}) {
        csv.text(name);
    }
    for (std::size_t c = 0; c < kComponentCount; ++c) {
        csv.text(fmt::format("energy_{}_per_inference", component_name(static_cast<Component>(c))));
    }
    csv.end_row();
    for (const PointResult& result : results) {
        csv.number(result.point);
        for (const auto& [name, value] : settings(sweep, sweep.point(result.point))) csv.text(value);
        csv.number(image_count(sweep));
        if (result.accuracy) {
            csv.number(result.accuracy->labelled).number(result.accuracy->correct).number(result.accuracy->percent());
        } else {
            csv.number(0).empty().empty();
        }
        const OverflowCounts& overflow = result.overflow;
        csv.number(overflow.outputs).number(overflow.events).number(overflow.transient).number(overflow.persistent);
        csv.number(result.cycles).number(result.microseconds).number(result.utilisation);
        csv.text(unit_of(sweep, result.point)).number(result.total_energy);
        for (const double energy : result.energy) csv.number(energy);
        csv.end_row();
    }
    return csv.str();
}

std::string sweep_layers_csv(const Sweep& sweep, const std::vector<PointResult>& results) {
    CsvWriter csv;
    for (const char* name :
         {"point", "layer", "kind", "accumulator_bits", "outputs", "overflow_events", "transient", "persistent",
          "psum_min", "psum_max", "psum_mean", "psum_deviation", "psum_bits", "l1_bound_bits", "data_type_bound_bits",
          "cycles_per_inference", "energy_unit", "energy_per_inference"}) {
        csv.text(name);
    }
    csv.end_row();
    for (const PointResult& result : results) {
        for (const LayerResult& layer : result.layers) {
            csv.number(result.point).text(layer.name).text(layer.kind);
            if (layer.bits > 0) {
                const OverflowCounts& o = layer.overflow;
                csv.number(layer.bits).number(o.outputs).number(o.events).number(o.transient).number(o.persistent);
            } else {
                csv.empty().empty().empty().empty().empty();
            }
            const PsumStats& psums = layer.psums;
            if (psums.count > 0) {
                csv.number(psums.min).number(psums.max).number(psums.mean()).number(psums.deviation());
                csv.number(psums.bits()).number(layer.bounds.l1).number(layer.bounds.data_type);
            } else {
                csv.empty().empty().empty().empty().empty().empty().empty();
            }
            csv.number(layer.cycles).text(unit_of(sweep, result.point)).number(layer.energy).end_row();
        }
    }
    return csv.str();
}

Json sweep_json(const Sweep& sweep, const std::vector<PointResult>& results, const std::string& command) {
    Json json;
    json["tool"] = {{"name", "widthwise"}, {"version", sweep.version()}};
    json["command"] = command;
    json["engine"] = "fast";
    json["sweep"] = sweep.file().path;
    json["config"] = sweep.file().config;
    json["accelerator"] = sweep.base().hardware.name;
    json.update(files_json(sweep));
    json["images"] = {{"first", sweep.first_image()}, {"end", sweep.end_image()}, {"count", image_count(sweep)}};
    json["clock_mhz"] = sweep.base().hardware.clock_mhz;
    json["axes"] = axes_json(sweep);
    json["shard"] = nullptr;
    const Shard& shard = sweep.shard();
    if (shard.count > 1) json["shard"] = fmt::format("{}/{}", shard.index, shard.count);
    json["points"] = Json::array();
    for (const PointResult& result : results) json["points"].push_back(point_json(sweep, result));
    return json;
}

std::string sweep_text(const Sweep& sweep, const std::vector<PointResult>& results) {
    constexpr std::size_t kRows = 200;
    std::vector<std::size_t> varying;
    std::vector<std::string> headers = {"point"};
    for (std::size_t a = 0; a < sweep.file().axes.size(); ++a) {
        const Axis& axis = sweep.file().axes[a];
        if (axis.values.size() < 2) continue;
        varying.push_back(a);
        std::string header = axis.name;
        std::replace(header.begin(), header.end(), '_', '\n');
        headers.push_back(header);
    }
    for (const char* header :
         {"accuracy\n%", "overflow\nevents", "overflowed\noutputs %", "cycles", "util.\n%", "energy"}) {
        headers.emplace_back(header);
    }
    TextTable table(headers);
    for (std::size_t i = 0; i < std::min(results.size(), kRows); ++i) {
        const PointResult& result = results[i];
        const std::vector<std::size_t> choices = sweep.file().choices(result.point);
        std::vector<std::string> row = {fmt::format("{}", result.point)};
        for (const std::size_t a : varying) row.push_back(sweep.file().axes[a].values[choices[a]].text);
        const OverflowCounts& o = result.overflow;
        const double outputs = std::max(1.0, static_cast<double>(o.outputs));
        const EnergyScale scale = energy_scale(unit_of(sweep, result.point), result.total_energy);
        row.push_back(result.accuracy ? grouped(result.accuracy->percent(), 2) : "-");
        row.push_back(grouped(o.events));
        row.push_back(percent(static_cast<double>(o.transient + o.persistent) / outputs));
        row.push_back(average(result.cycles));
        row.push_back(percent(result.utilisation, 1));
        const std::string energy = significant(result.total_energy / scale.divisor);
        row.push_back(scale.unit == "relative units" ? energy : fmt::format("{} {}", energy, scale.unit));
        table.add_row(row);
    }
    std::string text = fmt::format(
        "{:<16}{} ({} of {} points)\n{:<16}{}: {}\n{:<16}{} of {}\n\nEach point; cycles and energy of one "
        "inference\n\n{}",
        "sweep", printable(sweep.file().path), results.size(), sweep.file().points(), "accelerator",
        printable(sweep.file().config), printable(sweep.base().hardware.name), "images",
        range_text(sweep.first_image(), sweep.end_image()), printable(sweep.base().images), table.text());
    if (results.size() > kRows) text += fmt::format("... and {} more points; see points.csv\n", results.size() - kRows);
    return text;
}

}  // namespace widthwise
