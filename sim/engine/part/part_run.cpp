// SPDX-License-Identifier: Apache-2.0
#include "engine/part/part_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/error.h"
#include "engine/fast/fast_engine.h"

namespace widthwise {
namespace {

/// The fast engine's runs before, of and behind the batch.
class SurroundingRun {
public:
    SurroundingRun(const Network& network, const Schedule& schedule, int threads, bool histograms,
                   const ImageSource& source, const OutputSink& sink)
        : engine_(network, schedule, threads), source_(source), sink_(sink) {
        if (histograms) engine_.collect_histograms();
    }

    /// The record of images [first, end) alone.
    RunRecord run(int first, int end) {
        RunRecord record = engine_.run(first, end, source_, sink_);
        if (total_) *total_ += record;
        else total_ = record;
        return record;
    }
    /// Likewise, with the maps that the layer reads and makes.
    RunRecord run(int first, int end, const LayerSchedule& layer, LayerMaps& maps) {
        const int addend = layer.adds_map() ? layer.addition->layer : layer.index;
        engine_.report_maps({layer.input_layer, addend, layer.index}, [&](int of, int image, auto bytes) {
            const auto put = [&](std::vector<std::uint8_t>& map) {
                std::ranges::copy(bytes, map.begin() + std::ptrdiff_t(bytes.size()) * (image - first));
            };
            if (of == layer.input_layer) put(maps.input);
            if (layer.adds_map() && of == addend) put(maps.addend);
            if (of == layer.index) put(maps.output);
        });
        const auto images = static_cast<std::size_t>(end - first);
        maps.input.resize(static_cast<std::size_t>(layer.input.elements()) * images);
        if (layer.adds_map()) maps.addend.resize(static_cast<std::size_t>(layer.sums.elements()) * images);
        maps.output.resize(static_cast<std::size_t>(layer.output_bytes()) * images);
        RunRecord record = run(first, end);
        engine_.report_maps({}, {});
        return record;
    }
    [[nodiscard]] const RunRecord& total() const { return *total_; }

private:
    FastEngine engine_;
    const ImageSource& source_;
    const OutputSink& sink_;
    std::optional<RunRecord> total_;
};

std::uint64_t overflow_events(const RunRecord& record, std::size_t layers) {
    std::uint64_t events = 0;
    for (std::size_t l = 0; l < layers; ++l) events += record.layers[l].overflow.events;
    return events;
}

/// What is counted while weights are fetched: streamed, some of a part's were fetched before it.
bool counts_weight_fetches(Event event) { return event == Event::dram_read || event == Event::weight_buffer_write; }

/// `whole_layer`: what is expected of a layer that was clocked whole; null of another part.
std::string difference(const PartRecord& part, const LayerRecord* whole_layer, bool streamed) {
    if (!part.stored_as_expected) return "results";
    const auto cycles = static_cast<std::uint64_t>(part.timing.end - part.timing.begin);
    if (part.end_cycle - part.begin_cycle != cycles)
        return fmt::format("cycles ({} instead of {})", part.end_cycle - part.begin_cycle, cycles);
    if (!(part.layer.cycles == part.timing.cycles)) return "stalls";
    if (whole_layer == nullptr) return "";
    if (!(part.layer.overflow == whole_layer->overflow)) return "overflow";
    if (!(part.layer.psums == whole_layer->psums)) return "psums";
    for (std::size_t e = 0; e < kEventCount; ++e) {
        const auto event = static_cast<Event>(e);
        if ((streamed && counts_weight_fetches(event)) || part.layer.events[event] == whole_layer->events[event])
            continue;
        return fmt::format("events ({}: {} instead of {})", event_infos()[e].name, part.layer.events[event],
                           whole_layer->events[event]);
    }
    return "";
}

}  // namespace

PartRun run_with_part(const Network& network, const Schedule& schedule, const PartRequest& request, int first, int end,
                      int threads, const ImageSource& source, const OutputSink& sink, WaveWriter* wave) {
    SystemcEngine clocked(network, schedule);
    if (wave != nullptr) clocked.record_waveform(*wave);
    const int batch = schedule.images;
    PartStart start;
    start.batches = (request.image - first) / batch;
    start.first_image = first + start.batches * batch;
    start.images = std::min(batch, end - start.first_image);
    const LayerSchedule& layer = clocked.schedule(start.images).layers[request.part.layer];
    if (request.part.first_strip >= request.part.end_strip ||
        request.part.end_strip > static_cast<int>(layer.strips.size())) {
        throw SimulationError("the layer has no such strips in this batch");
    }

    SurroundingRun surroundings(network, schedule, threads, request.histograms, source, sink);
    LayerMaps maps;
    if (start.batches > 0) {
        const RunRecord before = surroundings.run(first, start.first_image);
        start.batch_cycles = before.total().cycles.total;
        start.overflow_events = overflow_events(before, before.layers.size());
    }
    const RunRecord of_batch = surroundings.run(start.first_image, start.first_image + start.images, layer, maps);
    if (start.first_image + start.images < end) surroundings.run(start.first_image + start.images, end);
    start.setup_cycles = of_batch.setup.cycles.total;
    start.overflow_events += overflow_events(of_batch, static_cast<std::size_t>(request.part.layer));

    PartRun result;
    result.record = surroundings.total();
    result.first_image = start.first_image;
    result.clocked = clocked.run_part(request.part, start, maps);
    result.whole = is_whole(clocked.schedule(start.images), request.part);
    const LayerRecord* expected = result.whole ? &of_batch.layers[request.part.layer] : nullptr;
    const bool streamed = schedule.hardware.weight_buffer.storage == WeightStorage::streamed;
    result.difference = difference(result.clocked, expected, streamed);
    return result;
}

}  // namespace widthwise
