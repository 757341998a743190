// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "config/config_keys.h"
#include "config/config_writer.h"
#include "results/csv.h"
#include "results/run_files.h"
#include "results/tables.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRefusal = "cannot_run";
constexpr std::string_view kTableKey = "energy.table";
constexpr std::string_view kNetworkKey = "network";

/// Settings that every sweep shows, whether they vary or not.
struct Setting {
    const char* name;
    std::string_view key;
};
constexpr std::array<Setting, 16> kSettings{{{"accumulator_bits", "accumulator.bits"},
                                             {"layer_accumulators", "accumulator.layers"},
                                             {"overflow", "accumulator.overflow"},
                                             {"check", "accumulator.check"},
                                             {"bias", "accumulator.bias"},
                                             {"array_rows", "array.rows"},
                                             {"array_columns", "array.columns"},
                                             {"interconnect", "array.interconnect"},
                                             {"mapping", "array.mapping"},
                                             {"lanes", "requantization.lanes"},
                                             {"requantization_mode", "requantization.mode"},
                                             {"rounding", "requantization.rounding"},
                                             {"multiplier_bits", "requantization.multiplier_bits"},
                                             {"energy_table", kTableKey},
                                             {"network", kNetworkKey},
                                             {"batch", "batch"}}};

/// Keys beside kSettings that an axis changes; shown under their own names.
std::vector<std::string> other_keys(const Sweep& sweep) {
    std::vector<std::string> keys;
    for (const ConfigKey& known : config_keys()) {
        const auto is_shown = [&](const Setting& setting) { return setting.key == known.key; };
        if (std::any_of(kSettings.begin(), kSettings.end(), is_shown)) continue;
        if (sweep.file().varies({known.key})) keys.push_back(known.key);
    }
    return keys;
}

/// A point's place on every axis there is: name and value.
std::vector<std::pair<std::string, std::string>> settings(const Sweep& sweep, const Sweep::Point& p) {
    std::map<std::string, std::string, std::less<>> values;
    for (const KeyText& text : key_texts(p.config)) values[text.key] = text.shown;
    values[std::string(kTableKey)] = p.table < sweep.tables().size() ? sweep.tables()[p.table].table.name() : "";
    values[std::string(kNetworkKey)] = sweep.networks()[p.network].path;
    std::vector<std::pair<std::string, std::string>> found;
    found.reserve(kSettings.size());
    for (const Setting& setting : kSettings) found.emplace_back(setting.name, values.find(setting.key)->second);
    for (const std::string& key : other_keys(sweep)) found.emplace_back(key, values[key]);
    return found;
}

std::uint64_t image_count(const Sweep& sweep) {
    return static_cast<std::uint64_t>(sweep.end_image() - sweep.first_image());
}

double agreement_percent(const Sweep& sweep, const OutputQuality& output) {
    return 100.0 * static_cast<double>(output.agreeing) / static_cast<double>(image_count(sweep));
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
    if (!result.refusal.empty()) {
        json[kRefusal] = result.refusal;
        for (const char* unknown : {"accuracy", "agreement", "overflow", "per_inference", "utilisation", "energy_unit",
                                    "energy_per_inference"}) {
            json[unknown] = nullptr;
        }
        return json;
    }
    json["accuracy"] = nullptr;
    if (result.accuracy) {
        json["accuracy"] = {{"labelled", result.accuracy->labelled},
                            {"correct", result.accuracy->correct},
                            {"percent", without_noise(result.accuracy->percent())}};
    }
    json["agreement"] = nullptr;
    if (result.output) {
        const MapQuality& output = result.output->output;
        json["agreement"] = {{"images", image_count(sweep)},
                             {"agreeing", result.output->agreeing},
                             {"percent", without_noise(agreement_percent(sweep, *result.output))},
                             {"output_sqnr_db", output.sqnr_db ? Json(without_noise(*output.sqnr_db)) : Json(nullptr)},
                             {"output_largest_error", without_noise(output.largest_error)},
                             {"output_mean_squared_error", without_noise(output.mean_squared_error)}};
    }
    json["overflow"] = {{"outputs", result.overflow.outputs},
                        {"events", result.overflow.events},
                        {"transient", result.overflow.transient},
                        {"persistent", result.overflow.persistent}};
    json["per_inference"] = {{"cycles", without_noise(result.cycles)},
                             {"microseconds", without_noise(result.microseconds)}};
    json["utilisation"] = without_noise(result.utilisation);
    json["energy_unit"] = sweep.table_of(result.point).unit();
    Json energy = {{"total", without_noise(result.total_energy)}};
    for (std::size_t c = 0; c < kComponentCount; ++c) {
        energy[std::string(component_name(static_cast<Component>(c)))] = without_noise(result.energy[c]);
    }
    json["energy_per_inference"] = energy;
    return json;
}

constexpr std::array<const char*, 18> kFoundColumns = {"images",
                                                       "labelled",
                                                       "correct",
                                                       "accuracy_percent",
                                                       "agreeing",
                                                       "agreement_percent",
                                                       "output_sqnr_db",
                                                       "output_largest_error",
                                                       "output_mean_squared_error",
                                                       "outputs",
                                                       "overflow_events",
                                                       "transient",
                                                       "persistent",
                                                       "cycles_per_inference",
                                                       "microseconds_per_inference",
                                                       "utilisation",
                                                       "energy_unit",
                                                       "energy_per_inference"};

/// Behind the number of images.
void add_found(CsvWriter& csv, const Sweep& sweep, const PointResult& result) {
    if (result.accuracy) {
        csv.number(result.accuracy->labelled).number(result.accuracy->correct).number(result.accuracy->percent());
    } else {
        csv.number(0).empty().empty();
    }
    if (result.output) {
        const MapQuality& output = result.output->output;
        csv.number(result.output->agreeing).number(agreement_percent(sweep, *result.output));
        if (output.sqnr_db) csv.number(*output.sqnr_db);
        else csv.empty();
        csv.number(output.largest_error).number(output.mean_squared_error);
    } else {
        csv.empty().empty().empty().empty().empty();
    }
    const OverflowCounts& overflow = result.overflow;
    csv.number(overflow.outputs).number(overflow.events).number(overflow.transient).number(overflow.persistent);
    csv.number(result.cycles).number(result.microseconds).number(result.utilisation);
    csv.text(sweep.table_of(result.point).unit()).number(result.total_energy);
    for (const double energy : result.energy) csv.number(energy);
}

}  // namespace

std::string points_csv(const Sweep& sweep, const std::vector<PointResult>& results) {
    CsvWriter csv;
    csv.text("point");
    const Sweep::Point any = sweep.points().empty() ? Sweep::Point{} : sweep.points().front();  // a part may have none
    for (const auto& [name, value] : settings(sweep, any)) csv.text(name);
    for (const char* name : kFoundColumns) csv.text(name);
    for (std::size_t c = 0; c < kComponentCount; ++c) {
        csv.text(fmt::format("energy_{}_per_inference", component_name(static_cast<Component>(c))));
    }
    if (sweep.refused() > 0) csv.text(kRefusal);
    csv.end_row();
    for (const PointResult& result : results) {
        csv.number(result.point);
        for (const auto& [name, value] : settings(sweep, sweep.point(result.point))) csv.text(value);
        csv.number(image_count(sweep));
        if (result.refusal.empty()) {
            add_found(csv, sweep, result);
            if (sweep.refused() > 0) csv.empty();
        } else {
            // All columns that were found but the images.
            for (std::size_t c = 1; c < kFoundColumns.size() + kComponentCount; ++c) csv.empty();
            csv.text(result.refusal);
        }
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
            csv.number(layer.cycles).text(sweep.table_of(result.point).unit()).number(layer.energy).end_row();
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

}  // namespace widthwise
