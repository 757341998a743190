// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <set>

#include "common/error.h"
#include "common/md5.h"
#include "common/parallel.h"
#include "config/config_keys.h"
#include "config/config_writer.h"
#include "config/run_config.h"
#include "config/validate.h"
#include "network/onnx_import.h"
#include "schedule/compile.h"
#include "schedule/schedule_model.h"
#include "text/letter_case.h"
#include "text/printable.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

/// Runs `action`; what it refuses is refused at `place`.
template <typename Action>
void at(const YamlValue& place, const Action& action) {
    try {
        action();
    } catch (const InputError& error) {
        place.fail(error.what());
    }
}

std::string digest_of(const std::string& text) { return md5_of_bytes(text.data(), text.size()); }

void check_layer_names(const AxisValue& value, const Network& network) {
    RunConfig config;
    value.apply(config);
    std::vector<std::string> names, shown;
    for (const Operator& op : network.operators) {
        if (!op.has_weights()) continue;
        names.push_back(lower_case(op.name));
        shown.push_back(shown_name(names.back()));
    }
    for (const auto& [layer, bits] : config.hardware.accumulator.layer_bits) {
        if (std::find(names.begin(), names.end(), layer) != names.end()) continue;
        value.place.fail(fmt::format("the network {} has no layer '{}' with accumulators (allowed: {}){}", network.path,
                                     shown_name(layer), fmt::join(shown, ", "), suggestion(layer, names)));
    }
}

}  // namespace

Sweep::Sweep(const std::string& path, const std::string& data_root, const std::string& version, const Shard& shard)
    : shard_(shard), version_(version), file_(load_sweep(path)), base_(load_run_config(file_.config)) {
    DatasetFiles files(base_.images, base_.labels);
    choose_images(files.size());
    check_axes(data_root);
    read_images(std::move(files));
    check_networks([this](const Network& network) { check_labels(network); });
    const std::string data = data_digest();
    const auto step = static_cast<std::size_t>(shard_.count);
    points_.reserve(file_.points() / step + 1);
    for (auto point = static_cast<std::size_t>(shard_.index - 1); point < file_.points(); point += step) {
        plan(point, data_root, data);
    }
}

void Sweep::read_images(DatasetFiles files) {
    check_networks([&](const Network& network) {
        try {
            files.check_fit(base_.preprocessing, network);
        } catch (const InputError& error) {
            throw InputError(about_key(error.what()) ? fmt::format("{}: {}", base_.path, error.what()) : error.what());
        }
    });
    std::set<double> scales;  // by network, where the configuration leaves the scale open
    check_networks([&](const Network& network) {
        scales.insert(resolved(base_.preprocessing, files.format().element, network).scale);
    });
    if (scales.size() == 1) base_.preprocessing.scale = *scales.begin();
    const auto unused_in = [&](const Network& network) {
        return widthwise::unused_data_keys(files.format(), base_.preprocessing, network);
    };
    unused_data_keys_ = unused_in(networks_.front());
    for (const Network& network : networks_) {
        const std::vector<UnusedKey> here = unused_in(network);
        std::erase_if(unused_data_keys_, [&](const UnusedKey& unused) {
            return std::none_of(here.begin(), here.end(),
                                [&](const UnusedKey& other) { return other.key == unused.key; });
        });
    }
    dataset_ = std::move(files).read();
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

void Sweep::check_networks(const std::function<void(const Network&)>& check) const {
    const Axis* axis = file_.find("network");
    if (axis == nullptr) return check(networks_.front());
    for (const AxisValue& value : axis->values) {
        RunConfig config = base_;
        value.apply(config);
        for (const Network& network : networks_) {
            if (network.path == config.network) at(value.place, [&] { check(network); });
        }
    }
}

/// What can be said of single values is said where they stand.
void Sweep::check_axes(const std::string& data_root) {
    const Axis* networks = file_.find("network");
    if (networks == nullptr) network_index(base_.network);
    for (const Axis& axis : file_.axes) {
        for (const AxisValue& value : axis.values) {
            RunConfig config = base_;
            value.apply(config);
            if (axis.name == "network") at(value.place, [&] { network_index(config.network); });
            if (axis.name == "energy_table") at(value.place, [&] { table_index(config.energy_table, data_root); });
        }
    }
    const Axis* layers = file_.find("layer_accumulators");
    for (const AxisValue& value : layers == nullptr ? std::vector<AxisValue>{} : layers->values) {
        for (const Network& network : networks_) check_layer_names(value, network);
    }
}

std::size_t Sweep::network_index(const std::string& path) {
    for (std::size_t n = 0; n < networks_.size(); ++n) {
        if (networks_[n].path == path) return n;
    }
    networks_.push_back(import_onnx(path, base_.network_output));
    variants_.emplace_back();
    return networks_.size() - 1;
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

/// A formula may fail for some width; better now than after the images.
void Sweep::check_prices(const EnergyTable& table, const Schedule& schedule) {
    for (const LayerSchedule& layer : schedule.layers) {
        const EventAttributes& a = layer.attributes;
        const std::string key =
            fmt::format("{} {} {} {} {} {}", table.path(), a.activation_bits, a.weight_bits, a.accumulator_bits,
                        a.requant_bits, a.multiplier_bits);  // capacities are the same in all points
        if (priced_.insert(key).second) static_cast<void>(table.costs(a));
    }
}

void Sweep::plan(std::size_t point, const std::string& data_root, const std::string& data_digest) {
    Point planned;
    planned.number = point;
    planned.config = file_.apply(base_, point);
    try {
        validate(planned.config.hardware);
        planned.network = network_index(planned.config.network);
        planned.table = table_index(planned.config.energy_table, data_root);
        const Network& network = networks_[planned.network];
        const Schedule schedule = compile(network, planned.config.hardware, planned.config.hardware.batch);
        planned.path = variants_[planned.network].add(schedule);
        planned.timing = timing_index(planned, schedule);
        check_prices(tables_[planned.table].table, schedule);
    } catch (const InputError& error) {
        throw InputError(fmt::format("{}: point {} ({}): {}", file_.path, point, file_.describe(point), error.what()));
    }
    std::string text = fmt::format("{} {}", data_digest, networks_[planned.network].digest);
    for (std::size_t l = 0; l < planned.path.size(); ++l) {
        text += fmt::format(" {}", variants_[planned.network].key(l, planned.path[l]).text());
    }
    planned.digest = digest_of(text);
    points_.push_back(std::move(planned));
}

/// Beside network and arithmetic: the tool, the images and what is made of them.
std::string Sweep::data_digest() const {
    const Preprocessing& p = base_.preprocessing;
    std::string text = fmt::format("widthwise {} images {} {} labels {} fit {} scale {} mean {} deviation {}", version_,
                                   dataset_.images().digest, fmt::format("{}:{}", first_, end_),
                                   dataset_.has_labels() ? dataset_.labels().digest : "none", static_cast<int>(p.fit),
                                   p.scale, fmt::join(p.mean, ","), fmt::join(p.deviation, ","));
    if (p.layout != Preprocessing::Layout::automatic) text += fmt::format(" layout {}", static_cast<int>(p.layout));
    if (p.quantized) text += " quantized";
    return digest_of(text);
}

std::vector<std::string> Sweep::digests() const {
    std::vector<std::string> found;
    std::set<std::string> seen;
    for (const Point& point : points_) {
        if (seen.insert(point.digest).second) found.push_back(point.digest);
    }
    return found;
}

std::size_t Sweep::missing(const Journal& journal) const {
    const std::vector<std::string> needed = digests();
    return static_cast<std::size_t>(std::count_if(
        needed.begin(), needed.end(), [&](const std::string& digest) { return journal.find(digest) == nullptr; }));
}

void Sweep::check(const Journal& journal) const {
    for (const Point& point : points_) {
        const ValueOutcome* outcome = journal.find(point.digest);
        if (outcome != nullptr) check_outcome(point, *outcome, journal.place(point.digest));
    }
}

void Sweep::check_outcome(const Point& point, const ValueOutcome& outcome, const std::string& place) const {
    const auto expect = [&](const std::string& what, std::uint64_t there, std::uint64_t expected) {
        if (there == expected) return;
        throw InputError(fmt::format("{}: has {} {}, where point {} ({}) has {}", place, there, what, point.number,
                                     file_.describe(point.number), expected));
    };
    const auto images = static_cast<std::uint64_t>(end_ - first_);
    expect("images", outcome.images, images);
    expect("labelled images", outcome.labelled, dataset_.has_labels() ? images : 0);
    expect("layers", outcome.layers.size(), point.path.size());
    for (std::size_t l = 0; l < point.path.size(); ++l) {
        const LayerSchedule& layer = variants_[point.network].schedule(l, point.path[l]);
        const auto sums = static_cast<std::uint64_t>(layer.sums.elements());
        expect(fmt::format("outputs of layer {}", layer.name), outcome.layers[l].overflow.outputs,
               !layer.computation ? 0 : images * sums);
    }
}

void Sweep::compute(Journal& journal, int threads, const std::function<void(std::size_t)>& report) const {
    std::vector<int> images(static_cast<std::size_t>(end_ - first_));
    std::iota(images.begin(), images.end(), first_);
    for (std::size_t n = 0; n < networks_.size(); ++n) {
        std::vector<const Point*> unevaluated;
        std::set<std::string> seen;
        for (const Point& p : points_) {
            if (p.network != n || journal.find(p.digest) != nullptr) continue;
            if (seen.insert(p.digest).second) unevaluated.push_back(&p);
        }
        if (unevaluated.empty()) continue;
        const auto label = [this](int image) { return dataset_.has_labels() ? dataset_.label(image) : -1; };
        const InputConversion conversion(dataset_.format(), base_.preprocessing, networks_[n]);
        const auto source = [&](int image) { return dataset_.quantized(image, conversion); };
        const ImageBlocks blocks(images, source, label, threads);
        // Portions: an interruption loses one. Their size has no influence on results.
        constexpr double kSeconds = 5;
        std::size_t portion = 8;
        for (std::size_t start = 0; start < unevaluated.size();) {
            const std::size_t end = std::min(unevaluated.size(), start + portion);
            std::vector<ValuePath> paths;
            for (std::size_t i = start; i < end; ++i) paths.push_back(unevaluated[i]->path);
            std::size_t told = 0;
            const std::size_t all = paths.size() * images.size();
            const auto count = [&](std::size_t steps) {  // of blocks; the last one may be short
                const std::size_t now = std::min(all, told + steps * fast::kLanes);
                report(now - told);
                told = now;
            };
            const auto began = std::chrono::steady_clock::now();
            const std::vector<ValueOutcome> outcomes = evaluate(variants_[n], blocks, paths, threads, count);
            const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
            for (std::size_t i = start; i < end; ++i) journal.add(unevaluated[i]->digest, outcomes[i - start]);
            constexpr double kMost = 64;
            portion = static_cast<std::size_t>(
                std::clamp(static_cast<double>(portion) * kSeconds / std::max(seconds, 1e-3), 1.0, kMost));
            start = end;
        }
    }
}

Sweep::Timing Sweep::timing(const Point& p) const {
    const HardwareParams& hardware = p.config.hardware;
    const Network& network = networks_[p.network];
    Timing timing;
    timing.batch = model_schedule(compile(network, hardware, hardware.batch));
    const int left = (end_ - first_) % hardware.batch;
    if (left != 0) timing.rest = model_schedule(compile(network, hardware, left));
    return timing;
}

PointResult Sweep::result(const Point& p, const ValueOutcome& values, const Timing& timing) const {
    const Network& network = networks_[p.network];
    const int batch = p.config.hardware.batch;
    const Schedule schedule = compile(network, p.config.hardware, batch);
    RunSetup setup;
    setup.config = p.config;
    setup.network = &network;
    setup.schedule = &schedule;
    setup.table = &tables_[p.table].table;
    const RunReport report(setup, {full_record(values, timing.batch, timing.rest, batch), {}});
    PointResult result;
    result.point = p.number;
    if (values.labelled > 0) result.accuracy = Accuracy{values.labelled, values.correct};
    result.overflow = report.total.record.overflow;
    result.cycles = report.cycles_per_inference();
    result.microseconds = report.microseconds_per_inference();
    result.utilisation = report.utilisation(report.total);
    for (std::size_t c = 0; c < kComponentCount; ++c)
        result.energy[c] = report.total.energy[c].value() / report.images();
    result.total_energy = report.energy_per_inference();
    for (const Phase& phase : report.phases) {
        if (phase.layer == nullptr) continue;
        LayerResult layer;
        layer.name = phase.name;
        layer.kind = phase.kind;
        if (phase.has_accumulators()) layer.bits = phase.layer->computation->accumulator.bits;
        layer.bounds = phase.bounds;
        layer.overflow = phase.record.overflow;
        layer.psums = phase.record.psums;
        layer.cycles = static_cast<double>(phase.record.cycles.total) / report.images();
        layer.energy = phase.total_energy().value() / report.images();
        result.layers.push_back(std::move(layer));
    }
    return result;
}

std::vector<PointResult> Sweep::results(const Journal& journal, int threads) const {
    std::size_t absent = 0;
    std::size_t first_absent = 0;
    for (const Point& point : points_) {
        if (journal.find(point.digest) != nullptr) continue;
        if (absent++ == 0) first_absent = point.number;
    }
    if (absent > 0) {
        throw InputError(fmt::format("{}: {} of {} points were not computed; the first is point {} ({})", file_.path,
                                     absent, points_.size(), first_absent, file_.describe(first_absent)));
    }
    std::vector<Timing> timings(timing_points_.size());
    parallel_for(timings.size(), threads, {},
                 [&](std::size_t t, int) { timings[t] = timing(points_[timing_points_[t]]); });
    std::vector<PointResult> results(points_.size());
    parallel_for(points_.size(), threads, {}, [&](std::size_t i, int) {
        const Point& p = points_[i];
        results[i] = result(p, *journal.find(p.digest), timings[p.timing]);
    });
    return results;
}

}  // namespace widthwise
