// SPDX-License-Identifier: Apache-2.0
#include "cli/simulation.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <type_traits>

#include "cli/progress.h"
#include "cli/workers.h"
#include "common/error.h"
#include "engine/fast/fast_engine.h"
#include "engine/systemc_engine.h"
#include "explore/measure_quality.h"
#include "results/classifier.h"
#include "trace/first_cycles.h"
#include "trace/fst_writer.h"
#include "trace/link_trace.h"
#include "trace/wave_fan.h"

namespace widthwise {
namespace {

template <typename Value>
void put(std::string& bytes, const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename Value>
void take(std::string_view& bytes, Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    if (bytes.size() < sizeof value) throw SimulationError("a worker's answer is too short");
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes.remove_prefix(sizeof value);
}

void put_all(std::string& bytes, const std::vector<std::uint64_t>& values) {
    put(bytes, values.size());
    for (const std::uint64_t value : values) put(bytes, value);
}

std::vector<std::uint64_t> take_all(std::string_view& bytes) {
    std::size_t count = 0;
    take(bytes, count);
    std::vector<std::uint64_t> values;
    for (std::size_t i = 0; i < count; ++i) take(bytes, values.emplace_back());
    return values;
}

ValueSink values_of(LayerDump& dump) {
    return [&dump](int op, int image, int channel, int pixel, std::int64_t value) {
        dump.set(op, image, channel, pixel, value);
    };
}

/// Collects predictions, image by image.
template <typename Progress>
OutputSink sink_of(const Workload& workload, RunOutcome& outcome, LayerDump* dump, Progress progress) {
    return [&workload, &outcome, dump, progress, classify = Classifier(workload.network)](
               int image, std::span<const std::uint8_t> values) {
        const int label = workload.dataset.has_labels() ? workload.dataset.label(image) : -1;
        outcome.predictions.push_back({image, label, classify(values)});
        if (dump != nullptr) dump->finish_image(image);
        progress();
    };
}

/// The writers that a request asks for.
class Waveforms {
public:
    explicit Waveforms(const WaveRequest& request) : views_(request.limits, request.layers, request.views) {
        std::vector<WaveWriter*> writers = {&views_};
        if (!request.vcd.empty()) {
            vcd_.emplace(request.vcd, request.limits, false, request.vcd_words);
            writers.push_back(&first_of_vcd_.emplace(*vcd_, request.most_cycles));
        }
        if (!request.fst.empty()) {
            fst_.emplace(request.fst, request.limits);
            writers.push_back(&first_of_fst_.emplace(*fst_, request.most_cycles));
        }
        if (!request.link_trace.empty()) {
            links_.emplace(request.link_trace, request.limits);
            writers.push_back(&first_of_links_.emplace(*links_, request.most_cycles));
        }
        if (!request.timeline.empty()) {
            writers.push_back(&timeline_.emplace(request.timeline, request.timeline_limits, request.timeline_layers,
                                                 request.elements));
        }
        fan_.emplace(std::move(writers));
    }
    WaveWriter& writer() { return *fan_; }
    /// `hint`: what the message says where nothing was recorded.
    void close(const std::string& hint = "") {
        if (vcd_) vcd_->close();
        if (fst_) fst_->close();
        if (links_) links_->close();
        if (timeline_) timeline_->close();
        const std::uint64_t recorded = vcd_     ? vcd_->recorded_cycles()
                                       : fst_   ? fst_->recorded_cycles()
                                       : links_ ? links_->recorded_cycles()
                                                : timeline_->recorded_cycles();
        if (recorded > 0) return;
        throw InputError(
            "waveform: no cycle of this run is within --wave-cycles, --wave-layer and --wave-image; nothing was "
            "recorded" +
            hint);
    }

private:
    WaveViewWriter views_;
    std::optional<VcdWriter> vcd_;
    std::optional<FstWriter> fst_;
    std::optional<LinkTraceWriter> links_;
    std::optional<FirstCycles> first_of_vcd_, first_of_fst_, first_of_links_;
    std::optional<TimelineWriter> timeline_;
    std::optional<WaveFan> fan_;
};

/// In a worker process: one variant over one run of images.
std::string simulate_shard(const Workload& workload, const SimulationRequest& request, std::size_t variant,
                           const HalfOpenRange& images, const WorkerChannel& channel) {
    std::optional<Waveforms> wave;  // outlives the engine
    SystemcEngine engine(workload.network, request.variants[variant]);
    if (request.wave) {
        wave.emplace(*request.wave);
        engine.record_waveform(wave->writer());
    }
    if (request.histograms) engine.collect_histograms();
    LayerDump* dump = request.dump;
    if (dump != nullptr) engine.report_values(values_of(*dump));
    RunOutcome outcome;
    outcome.record = engine.run(static_cast<int>(images.first), static_cast<int>(images.end), source_of(workload),
                                sink_of(workload, outcome, dump, [&channel] { channel.progress(1); }));
    if (wave) wave->close();
    return encode_outcome(outcome);
}

/// In a worker process: a part on the clocked model, the rest on the fast engine.
std::string simulate_part(const Workload& workload, const SimulationRequest& request, const WorkerChannel& channel) {
    std::optional<Waveforms> wave;
    if (request.wave) wave.emplace(*request.wave);
    RunOutcome outcome;
    const OutputSink sink = sink_of(workload, outcome, nullptr, [&channel] { channel.progress(1); });
    PartRun run = run_with_part(workload.network, *request.schedule, *request.part,
                                static_cast<int>(request.images.first), static_cast<int>(request.images.end),
                                request.jobs, source_of(workload), sink, wave ? &wave->writer() : nullptr);
    if (wave) {
        wave->close(fmt::format("; {} is clocked in cycles {}:{}", request.wave->layers[request.part->part.layer],
                                run.clocked.begin_cycle, run.clocked.end_cycle));
    }
    if (!run.difference.empty()) {
        throw SimulationError(fmt::format(
            "the clocked part differs from the fast engine and the schedule model in its {}: a bug in one of them",
            run.difference));
    }
    const ClockedPart& part = request.part->part;
    outcome.record = std::move(run.record);
    ClockedCycles& clocked = outcome.clocked.emplace();
    clocked.layer = part.layer;
    clocked.first_strip = part.first_strip;
    clocked.end_strip = part.end_strip;
    clocked.first_image = run.first_image;
    clocked.whole = run.whole;
    clocked.begin = run.clocked.begin_cycle;
    clocked.end = run.clocked.end_cycle;
    return encode_outcome(outcome);
}

void add_up(RunOutcome& total, const RunOutcome& part) {
    if (total.record.layers.empty()) {
        total = part;
        return;
    }
    total.record += part.record;
    total.predictions.insert(total.predictions.end(), part.predictions.begin(), part.predictions.end());
}

}  // namespace

std::string encode_outcome(const RunOutcome& outcome) {
    std::string bytes;
    const RunRecord& record = outcome.record;
    put(bytes, record.images);
    put(bytes, record.setup);
    put(bytes, record.load);
    put(bytes, record.store);
    put(bytes, record.layers.size());
    for (const LayerRecord& layer : record.layers) put(bytes, layer);
    put(bytes, record.histograms.size());
    for (const PsumHistogram& histogram : record.histograms) {
        put_all(bytes, histogram.positive());
        put_all(bytes, histogram.negative());
    }
    put(bytes, outcome.predictions.size());
    for (const Prediction& prediction : outcome.predictions) put(bytes, prediction);
    put(bytes, outcome.clocked.has_value());
    if (outcome.clocked) put(bytes, *outcome.clocked);
    return bytes;
}

RunOutcome decode_outcome(const std::string& bytes) {
    std::string_view rest = bytes;
    RunOutcome outcome;
    RunRecord& record = outcome.record;
    take(rest, record.images);
    take(rest, record.setup);
    take(rest, record.load);
    take(rest, record.store);
    std::size_t count = 0;
    take(rest, count);
    for (std::size_t i = 0; i < count; ++i) take(rest, record.layers.emplace_back());
    take(rest, count);
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<std::uint64_t> positive = take_all(rest);
        record.histograms.push_back(PsumHistogram::from_counts(std::move(positive), take_all(rest)));
    }
    take(rest, count);
    for (std::size_t i = 0; i < count; ++i) take(rest, outcome.predictions.emplace_back());
    bool clocked = false;
    take(rest, clocked);
    if (clocked) take(rest, outcome.clocked.emplace());
    if (!rest.empty()) throw SimulationError("a worker's answer is too long");
    return outcome;
}

std::vector<HalfOpenRange> shards(const HalfOpenRange& images, int batch, int parts) {
    const std::int64_t batches = (images.end - images.first + batch - 1) / batch;
    const std::int64_t count = std::clamp<std::int64_t>(parts, 1, batches);
    std::vector<HalfOpenRange> result;
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t first = images.first + batches * i / count * batch;
        const std::int64_t end = images.first + batches * (i + 1) / count * batch;
        result.push_back({first, std::min(end, images.end)});
    }
    return result;
}

namespace {

std::vector<RunOutcome> simulate_clocked(const Workload& workload, const SimulationRequest& request,
                                         const InterruptGuard& guard) {
    std::vector<Work> work;
    std::vector<std::size_t> variant_of;
    for (std::size_t variant = 0; variant < request.variants.size(); ++variant) {
        for (const HalfOpenRange& shard : shards(request.images, request.variants[variant].batch, request.jobs)) {
            work.emplace_back([&workload, &request, variant, shard](const WorkerChannel& channel) {
                return simulate_shard(workload, request, variant, shard, channel);
            });
            variant_of.push_back(variant);
        }
    }
    std::vector<std::string> answers;
    {
        const auto images = static_cast<std::uint64_t>(request.images.end - request.images.first);
        ProgressBar bar(images * request.variants.size(), "images", request.show_progress);
        answers = run_workers(work, request.jobs, guard, [&bar](std::uint64_t count) { bar.add(count); });
    }
    std::vector<RunOutcome> outcomes(request.variants.size());
    for (std::size_t i = 0; i < answers.size(); ++i) add_up(outcomes[variant_of[i]], decode_outcome(answers[i]));
    return outcomes;
}

std::vector<RunOutcome> simulate_with_part(const Workload& workload, const SimulationRequest& request,
                                           const InterruptGuard& guard) {
    const std::vector<Work> work = {
        [&](const WorkerChannel& channel) { return simulate_part(workload, request, channel); }};
    ProgressBar bar(static_cast<std::uint64_t>(request.images.end - request.images.first), "images",
                    request.show_progress);
    return {decode_outcome(run_workers(work, 1, guard, [&bar](std::uint64_t count) { bar.add(count); }).front())};
}

/// In this process, with a thread per job.
std::vector<RunOutcome> simulate_fast(const Workload& workload, const SimulationRequest& request, bool with_dump) {
    const auto images = static_cast<std::uint64_t>(request.images.end - request.images.first);
    ProgressBar bar(images * request.variants.size(), "images", request.show_progress);
    LayerDump* dump = with_dump ? request.dump : nullptr;
    std::vector<RunOutcome> outcomes;
    for (const HardwareParams& hardware : request.variants) {
        FastEngine engine(workload.network, hardware, request.jobs);
        if (request.histograms) engine.collect_histograms();
        if (dump != nullptr) engine.report_values(values_of(*dump));
        RunOutcome& outcome = outcomes.emplace_back();
        const auto sink = sink_of(workload, outcome, dump, [&bar] {
            bar.add(1);
            InterruptGuard::check();
        });
        outcome.record = engine.run(static_cast<int>(request.images.first), static_cast<int>(request.images.end),
                                    source_of(workload), sink);
    }
    return outcomes;
}

void check_agreement(const std::vector<RunOutcome>& clocked, const std::vector<RunOutcome>& fast) {
    for (std::size_t i = 0; i < clocked.size(); ++i) {
        if (!(clocked[i].record == fast[i].record)) {
            throw SimulationError(
                "the two engines disagree on cycles, stalls, overflow, psums or events: a bug in one of them");
        }
        if (!(clocked[i].predictions == fast[i].predictions)) {
            throw SimulationError("the two engines disagree on a prediction: a bug in one of them");
        }
    }
    spdlog::info("both engines agree on every prediction, cycle, stall, overflow count, psum statistic and event");
}

}  // namespace

int default_images(EngineChoice engine) {
    return engine == EngineChoice::fast ? kDefaultImagesFast : kDefaultImagesClocked;
}

std::vector<Quality> simulated_quality(const Workload& workload, const SimulationRequest& request,
                                       const HardwareParams& reference) {
    const HalfOpenRange& images = request.images;
    const auto passes = static_cast<std::uint64_t>(request.variants.size()) + 1;
    ProgressBar bar(static_cast<std::uint64_t>(images.end - images.first) * passes, "images", request.show_progress);
    return measure_quality(workload.network, reference, request.variants, static_cast<int>(images.first),
                           static_cast<int>(images.end), request.jobs, source_of(workload), [&bar](int count) {
                               bar.add(static_cast<std::uint64_t>(count));
                               InterruptGuard::check();
                           });
}

std::vector<RunOutcome> simulate(const Workload& workload, const SimulationRequest& request,
                                 const InterruptGuard& guard) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<RunOutcome> outcomes;
    if (request.part) outcomes = simulate_with_part(workload, request, guard);
    else if (request.engine == EngineChoice::fast) outcomes = simulate_fast(workload, request, true);
    else outcomes = simulate_clocked(workload, request, guard);
    double cycles = 0;
    for (const RunOutcome& outcome : outcomes) cycles += static_cast<double>(outcome.record.total().cycles.total);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    spdlog::info("{} {:.3g} million cycles in {:.2f} s with {} job{}: {:.3g} million cycles per second",
                 request.engine == EngineChoice::fast ? "accounted for" : "simulated", cycles / 1e6, seconds,
                 request.jobs, request.jobs == 1 ? "" : "s", cycles / 1e6 / seconds);
    if (request.engine == EngineChoice::both) check_agreement(outcomes, simulate_fast(workload, request, false));
    return outcomes;
}

}  // namespace widthwise
