// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep.h"

// What a planned sweep finds.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "common/error.h"
#include "common/parallel.h"
#include "schedule/compile.h"
#include "schedule/schedule_model.h"

namespace widthwise {
namespace {

PointResult refused_result(std::size_t point, const std::string& reason) {
    PointResult result;
    result.point = point;
    result.refusal = reason;
    return result;
}

}  // namespace

std::vector<std::string> Sweep::digests() const {
    std::vector<std::string> found;
    std::set<std::string> seen;
    for (const Point& point : points_) {
        if (point.refusal.empty() && seen.insert(point.digest).second) found.push_back(point.digest);
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
        const ValueOutcome* outcome = point.refusal.empty() ? journal.find(point.digest) : nullptr;
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
    if (outcome.output) {
        const Network& network = networks_[point.network];
        const auto values =
            static_cast<std::uint64_t>(network.tensors[static_cast<std::size_t>(network.output)].shape.elements());
        expect("scales of the output", outcome.output->deviations.size(), OutputValues(network).scales().size());
        std::uint64_t compared = 0;
        for (const Deviation& deviation : outcome.output->deviations) compared += deviation.values;
        expect("values of outputs", compared, images * values);
    }
    for (std::size_t l = 0; l < point.path.size(); ++l) {
        const LayerSchedule& layer = variants_[point.variants].schedule(l, point.path[l]);
        const auto sums = static_cast<std::uint64_t>(layer.sums.elements());
        expect(fmt::format("outputs of layer {}", layer.name), outcome.layers[l].overflow.outputs,
               !layer.computation ? 0 : images * sums);
    }
}

void Sweep::compute(Journal& journal, int threads, const std::function<void(std::size_t)>& report) const {
    // By network and its layers, then by data: what is made of the images serves all points of a group.
    std::map<std::pair<std::size_t, std::size_t>, std::vector<const Point*>> groups;
    std::set<std::string> seen;
    for (const Point& p : points_) {
        if (!p.refusal.empty() || journal.find(p.digest) != nullptr || !seen.insert(p.digest).second) continue;
        groups[{p.variants, p.data}].push_back(&p);
    }
    for (const auto& [group, points] : groups) compute(journal, points, threads, report);
}

void Sweep::compute(Journal& journal, const std::vector<const Point*>& points, int threads,
                    const std::function<void(std::size_t)>& report) const {
    const std::size_t network = points.front()->network;
    std::vector<int> images(static_cast<std::size_t>(end_ - first_));
    std::iota(images.begin(), images.end(), first_);
    const auto label = [this](int image) { return dataset_.has_labels() ? dataset_.label(image) : -1; };
    const InputConversion conversion(dataset_.format(), data_[points.front()->data].resolved, networks_[network]);
    const auto source = [&](int image) { return dataset_.quantized(image, conversion); };
    const ImageBlocks blocks(images, source, label, threads);
    // Portions: an interruption loses one. Their size has no influence on results.
    constexpr double kSeconds = 5;
    std::size_t portion = 8;
    for (std::size_t start = 0; start < points.size();) {
        const std::size_t end = std::min(points.size(), start + portion);
        std::vector<ValuePath> paths, references;
        for (std::size_t i = start; i < end; ++i) {
            paths.push_back(points[i]->path);
            references.push_back(points[i]->reference);
        }
        std::size_t told = 0;
        const std::size_t all = paths.size() * images.size();
        const auto count = [&](std::size_t steps) {  // of blocks; the last one may be short
            const std::size_t now = std::min(all, told + steps * fast::kMostImages);
            report(now - told);
            told = now;
        };
        const auto began = std::chrono::steady_clock::now();
        const std::vector<ValueOutcome> outcomes = evaluate(variants_[points.front()->variants], blocks, paths, threads,
                                                            count, {}, kMaxFastEngineBytes, references);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        for (std::size_t i = start; i < end; ++i) journal.add(points[i]->digest, outcomes[i - start]);
        constexpr double kMost = 64;
        portion = static_cast<std::size_t>(
            std::clamp(static_cast<double>(portion) * kSeconds / std::max(seconds, 1e-3), 1.0, kMost));
        start = end;
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
    if (values.output) {
        const OutputValues output(network);
        result.output =
            OutputQuality{values.output->agreeing, map_quality("output", values.output->deviations, output.scales())};
    }
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
        if (!point.refusal.empty() || journal.find(point.digest) != nullptr) continue;
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
        if (p.refusal.empty()) results[i] = result(p, *journal.find(p.digest), timings[p.timing]);
        else results[i] = refused_result(p.number, p.refusal);
    });
    return results;
}

}  // namespace widthwise
