// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep.h"

// Reading, checking and planning.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/error.h"
#include "common/md5.h"
#include "config/config_keys.h"
#include "config/config_writer.h"
#include "network/onnx_import.h"
#include "schedule/compile.h"
#include "text/letter_case.h"
#include "text/printable.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

std::vector<std::string_view> network_keys() { return {"network", "network_output"}; }

/// Keys that decide what is made of the images.
std::vector<std::string_view> data_keys() {
    std::vector<std::string_view> keys = network_keys();
    for (const ConfigKey& key : config_keys()) {
        if (key.key.starts_with("preprocessing.")) keys.push_back(key.key);
    }
    return keys;
}

std::string digest_of(const std::string& text) { return md5_of_bytes(text.data(), text.size()); }

void check_layers_of(const Network& network, const RunConfig& config) {
    std::vector<std::string> names, shown;
    for (const Operator& op : network.operators) {
        if (!op.has_weights()) continue;
        names.push_back(lower_case(op.name));
        shown.push_back(shown_name(names.back()));
    }
    for (const auto& [layer, bits] : config.hardware.accumulator.layer_bits) {
        if (std::find(names.begin(), names.end(), layer) != names.end()) continue;
        throw InputError(fmt::format("the network {} has no layer '{}' with accumulators (allowed: {}){}", network.path,
                                     shown_name(layer), fmt::join(shown, ", "), suggestion(layer, names)));
    }
}

/// What a network is known by.
std::string network_name(const RunConfig& config) { return config.network + '\n' + config.network_output; }

}  // namespace

Sweep::Sweep(const std::string& path, const std::string& data_root, const std::string& version,
             const SweepRequest& request)
    : request_(request), version_(version), file_(load_sweep(path)), base_(load_run_config(file_.config)) {
    refuse_keys_set_twice();
    for (const KeySetting& setting : request_.settings) set_key(base_, setting, "");
    require_images(base_);
    DatasetFiles files(base_.images, base_.labels);
    choose_images(files.size());
    check_axes(data_root);
    read_images(std::move(files));
    file_.for_each_choice(base_, network_keys(),
                          [&](const RunConfig& config) { check_labels(networks_[network_index(config)]); });
    const auto step = static_cast<std::size_t>(shard().count);
    points_.reserve(file_.points() / step + 1);
    for (auto point = static_cast<std::size_t>(shard().index - 1); point < file_.points(); point += step) plan(point);
    // A part may consist of such points, and yet belong to a sweep that has others.
    if (refused_ == points_.size() && shard().count == 1) {
        throw InputError(fmt::format("the hardware can run none of the {} points; {}: {}", points_.size(),
                                     about_point(0), points_.front().refusal));
    }
}

/// The option would be without effect at some points or all of them.
void Sweep::refuse_keys_set_twice() const {
    for (const KeySetting& setting : request_.settings) {
        for (const Axis& axis : file_.axes) {
            const std::vector<KeySetting>& changed = axis.values.front().settings;
            const auto same = [&](const KeySetting& other) { return other.key == setting.key; };
            if (!axis.changes(setting.key) && std::none_of(changed.begin(), changed.end(), same)) continue;
            axis.place.fail(fmt::format("changes {}, as {} does; give one of them", setting.key, request_.option));
        }
    }
}

void Sweep::read_images(DatasetFiles files) {
    file_.for_each_choice(base_, data_keys(), [&](const RunConfig& config) {
        try {
            files.check_fit(config.preprocessing, networks_[network_index(config)]);
        } catch (const InputError& error) {
            throw InputError(about_key(error.what()) ? fmt::format("{}: {}", base_.path, error.what()) : error.what());
        }
    });
    dataset_ = std::move(files).read();
    // What is noted about the sweep is about the file's own preprocessing; points may have another.
    base_.preprocessing = data_[data_index(base_.preprocessing)].resolved;
    find_unused_data_keys();
}

void Sweep::find_unused_data_keys() {
    const auto unused_in = [&](const Network& network) {
        return widthwise::unused_data_keys(dataset_.format(), base_.preprocessing, network);
    };
    unused_data_keys_ = unused_in(networks_.front());
    for (const Network& network : networks_) {
        const std::vector<UnusedKey> here = unused_in(network);
        std::erase_if(unused_data_keys_, [&](const UnusedKey& unused) {
            return std::none_of(here.begin(), here.end(),
                                [&](const UnusedKey& other) { return other.key == unused.key; });
        });
    }
}

void Sweep::choose_images(int available) {
    end_ = available;
    if (available == 0) throw InputError(fmt::format("{}: holds no images", base_.images));
    if (!file_.images) return;
    if (file_.images->end > available) {
        file_.images->place.fail(fmt::format("{} is out of range (allowed: up to {}, the images in {})",
                                             file_.images->end, available, base_.images));
    }
    first_ = file_.images->first;
    end_ = file_.images->end;
}

/// What can be said of single values is said where they stand.
void Sweep::check_axes(const std::string& data_root) {
    file_.for_each_choice(base_, network_keys(), [&](const RunConfig& config) { network_index(config); });
    file_.for_each_choice(base_, {"energy.table"},
                          [&](const RunConfig& config) { table_index(config.energy_table, data_root); });
    check_layer_names();
}

void Sweep::check_layer_names() const {
    for (const Axis& axis : file_.axes) {
        if (!axis.changes("accumulator.layers")) continue;
        for (const AxisValue& value : axis.values) {
            RunConfig config;
            file_.apply(value, config);
            const auto is_other = [&](const Network& network) {
                return !config.network.empty() && network.path != config.network;
            };
            for (const Network& network : networks_) {
                if (!is_other(network)) at(value.place, [&] { check_layers_of(network, config); });
            }
        }
    }
}

std::size_t Sweep::network_index(const RunConfig& config) {
    const auto known = std::find(network_names_.begin(), network_names_.end(), network_name(config));
    if (known != network_names_.end()) return static_cast<std::size_t>(known - network_names_.begin());
    networks_.push_back(import_onnx(config.network, config.network_output));
    network_names_.push_back(network_name(config));
    return networks_.size() - 1;
}

std::size_t Sweep::variants_index(std::size_t network, const Schedule& schedule) {
    const auto [at, is_new] = variants_of_.try_emplace({network, schedule.last_operators()}, variants_.size());
    if (is_new) variants_.emplace_back();
    return at->second;
}

void Sweep::check_labels(const Network& network) const {
    if (!dataset_.has_labels()) return;
    const std::int64_t classes = network.tensors[static_cast<std::size_t>(network.output)].shape.elements();
    for (int i = first_; i < end_; ++i) {
        if (dataset_.label(i) < classes) continue;
        throw InputError(fmt::format("{}: image {} has the label {}, but the output of {} has {} classes", base_.labels,
                                     i, dataset_.label(i), network.path, classes));
    }
}

std::size_t Sweep::table_index(const std::string& name, const std::string& data_root) {
    const auto known = table_names_.find(name);
    if (known != table_names_.end()) return known->second;
    Table table{EnergyTable::load(name, data_root), ""};
    table.digest = md5_of_file(table.table.path());
    tables_.push_back(std::move(table));
    return table_names_[name] = tables_.size() - 1;
}

/// The scale of which networks decide is known if they agree.
std::size_t Sweep::data_index(const Preprocessing& given) {
    const auto known = std::find_if(data_.begin(), data_.end(), [&](const Data& data) { return data.given == given; });
    if (known != data_.end()) return static_cast<std::size_t>(known - data_.begin());
    std::set<double> scales;
    for (const Network& network : networks_) {
        scales.insert(resolved(given, dataset_.format().element, network).scale);
    }
    Data data{given, given, ""};
    if (scales.size() == 1) data.resolved.scale = *scales.begin();
    data.digest = data_digest(data.resolved);
    data_.push_back(std::move(data));
    return data_.size() - 1;
}

/// Cycles and events are the same for all widths that store the output in as many bytes.
std::size_t Sweep::timing_index(const Point& point, const Schedule& schedule) {
    RunConfig config = point.config;
    config.hardware = schedule.hardware;
    config.hardware.accumulator.format = {};
    config.hardware.accumulator.layer_bits.clear();
    config.energy_table.clear();
    const std::string key = fmt::format("{}{}", to_yaml(config), schedule.layers.back().value_bytes);
    const auto [place, is_new] = timings_.emplace(key, timing_points_.size());
    if (is_new) timing_points_.push_back(points_.size());
    return place->second;
}

/// A formula may fail for some width or capacity; better now than after the images.
void Sweep::check_prices(const EnergyTable& table, const Schedule& schedule) {
    for (const LayerSchedule& layer : schedule.layers) {
        const EventAttributes& a = layer.attributes;
        std::string key = fmt::format("{} {} {} {} {} {}", table.path(), a.activation_bits, a.weight_bits,
                                      a.accumulator_bits, a.requant_bits, a.multiplier_bits);
        for (const MemoryAttributes& memory : a.memories) key += fmt::format(" {} {}", memory.name, memory.bytes);
        if (priced_.insert(key).second) static_cast<void>(table.costs(a));
    }
}

std::string Sweep::about_point(std::size_t point) const {
    return fmt::format("{}: point {} ({})", file_.path, point, file_.describe(point));
}

void Sweep::refuse(Point& point, const std::string& reason) {
    if (request_.strict) throw InputError(fmt::format("{}: {}", about_point(point.number), reason));
    point.refusal = reason;
    ++refused_;
}

void Sweep::plan(std::size_t point) {
    Point planned;
    planned.number = point;
    planned.config = file_.apply(base_, point);
    planned.network = network_index(planned.config);
    planned.table = table_names_.at(planned.config.energy_table);
    const HardwareParams& hardware = planned.config.hardware;
    std::optional<Schedule> schedule;
    try {
        schedule = compile(networks_[planned.network], hardware, hardware.batch);
    } catch (const InputError& error) {
        refuse(planned, error.what());
    }
    try {
        if (schedule) plan_values(planned, *schedule);
    } catch (const InputError& error) {
        throw InputError(fmt::format("{}: {}", about_point(point), error.what()));
    }
    points_.push_back(std::move(planned));
}

void Sweep::plan_values(Point& planned, const Schedule& schedule) {
    planned.variants = variants_index(planned.network, schedule);
    planned.path = variants_[planned.variants].add(schedule);
    planned.reference = variants_[planned.variants].add(with_exact_sums(schedule));
    planned.data = data_index(planned.config.preprocessing);
    planned.timing = timing_index(planned, schedule);
    check_prices(tables_[planned.table].table, schedule);
    std::string text = fmt::format("{} {}", data_[planned.data].digest, networks_[planned.network].digest);
    for (std::size_t l = 0; l < planned.path.size(); ++l) {
        text += fmt::format(" {}", variants_[planned.variants].key(l, planned.path[l]).text());
    }
    planned.digest = digest_of(text);
}

/// Beside network and arithmetic: the tool, the images and what is made of them.
std::string Sweep::data_digest(const Preprocessing& p) const {
    std::string text =
        fmt::format("widthwise {} with output images {} {} labels {} fit {} scale {} mean {} deviation {}", version_,
                    dataset_.images().digest, fmt::format("{}:{}", first_, end_),
                    dataset_.has_labels() ? dataset_.labels().digest : "none", static_cast<int>(p.fit), p.scale,
                    fmt::join(p.mean, ","), fmt::join(p.deviation, ","));
    if (p.layout != Preprocessing::Layout::automatic) text += fmt::format(" layout {}", static_cast<int>(p.layout));
    if (p.quantized) text += " quantized";
    return digest_of(text);
}

}  // namespace widthwise
