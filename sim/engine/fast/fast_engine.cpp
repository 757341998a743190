// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/fast_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/parallel.h"
#include "engine/fast/fast_layer.h"
#include "schedule/compile.h"
#include "schedule/schedule_model.h"

namespace widthwise {

using fast::BlockMap;
using fast::kLanes;

int affordable_threads(const Schedule& schedule, int threads) {
    std::int64_t shared = 0;
    std::int64_t own = schedule.layers.front().input.elements() * static_cast<std::int64_t>(sizeof(fast::LaneBytes));
    std::int64_t workspace = 0;
    for (const LayerSchedule& layer : schedule.layers) {
        shared += fast::weight_bytes(layer);
        own += fast::block_bytes(layer);
        workspace = std::max(workspace, fast::workspace_bytes(layer));
    }
    own += workspace;
    if (shared + own > kMaxFastEngineBytes) {
        throw InputError(
            fmt::format("the fast engine holds all feature maps of {} images at once, here with the "
                        "weights {} bytes (allowed: up to {}); --engine systemc needs less",
                        kLanes, shared + own, kMaxFastEngineBytes));
    }
    return static_cast<int>(std::clamp<std::int64_t>((kMaxFastEngineBytes - shared) / own, 1, std::max(1, threads)));
}

struct FastEngine::Implementation {
    Implementation(const Network& network_, Schedule schedule_, int threads_)
        : network(network_),
          schedule(std::move(schedule_)),
          threads(affordable_threads(schedule, threads_)),
          batch_model(model_schedule(schedule)) {
        for (const LayerSchedule& layer : schedule.layers) {
            layers.emplace_back(layer, schedule.hardware, fast::best_dispatch());
        }
    }

    /// What a thread computes in.
    struct Thread {
        fast::Workspace workspace;
        std::vector<BlockMap> maps;  ///< the block's input, then every layer's output
        RunRecord record;            ///< of the blocks that it computed
    };
    void run_block(int first, int lanes, const ImageSource& source, std::uint8_t* outputs, Thread& thread) const;
    void add_schedule(int images, RunRecord& record) const;

    const Network& network;
    Schedule schedule;
    int threads;
    RunRecord batch_model;
    std::vector<fast::FastLayer> layers;
    ValueSink values;
    std::vector<int> map_layers;
    MapSink maps;
    bool histograms = false;
};

namespace {

/// An image's bytes of a block's map.
void take_lane(const BlockMap& map, int lane, std::span<std::uint8_t> bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = map[i].lane[lane];
}

}  // namespace

FastEngine::FastEngine(const Network& network, const HardwareParams& hardware, int threads)
    : FastEngine(network, compile(network, hardware, hardware.batch), threads) {}

FastEngine::FastEngine(const Network& network, Schedule schedule, int threads)
    : implementation_(std::make_unique<Implementation>(network, std::move(schedule), threads)) {}

FastEngine::~FastEngine() = default;

void FastEngine::report_values(ValueSink sink) {
    implementation_->values = std::move(sink);
    implementation_->threads = 1;
}

void FastEngine::report_maps(std::vector<int> layers, MapSink sink) {
    implementation_->map_layers = std::move(layers);
    implementation_->maps = std::move(sink);
}

void FastEngine::collect_histograms() { implementation_->histograms = true; }

void FastEngine::Implementation::run_block(int first, int lanes, const ImageSource& source, std::uint8_t* outputs,
                                           Thread& thread) const {
    RunRecord& record = thread.record;
    thread.maps.resize(layers.size() + 1);
    const auto output_of = [&](int layer) -> BlockMap& { return thread.maps[static_cast<std::size_t>(layer + 1)]; };
    BlockMap& input = output_of(-1);
    const auto input_size = static_cast<std::size_t>(schedule.layers.front().input.elements());
    input.assign(input_size, fast::LaneBytes{});
    for (int lane = 0; lane < lanes; ++lane) {
        const std::vector<std::uint8_t> image = source(first + lane);
        for (std::size_t i = 0; i < input_size; ++i) input[i].lane[lane] = image[i];
    }
    fast::LaneProbe probe;
    if (values) {
        probe = [&](int op, int lane, int channel, int pixel, std::int64_t value) {
            values(op, first + lane, channel, pixel, value);
        };
    }
    for (std::size_t l = 0; l < layers.size(); ++l) {
        thread.workspace.histogram = histograms ? &record.histograms[l] : nullptr;
        const LayerSchedule& layer = schedule.layers[l];
        const BlockMap* residual = layer.adds_map() ? &output_of(layer.addition->layer) : nullptr;
        layers[l].run(output_of(layer.input_layer), residual, output_of(layer.index), lanes, thread.workspace,
                      record.layers[l], probe);
    }
    const BlockMap& output = thread.maps.back();
    const auto output_size = static_cast<std::size_t>(schedule.layers.back().output_bytes());
    for (int lane = 0; lane < lanes; ++lane)
        take_lane(output, lane, {outputs + static_cast<std::size_t>(lane) * output_size, output_size});
    for (const int layer : map_layers) {
        std::vector<std::uint8_t> bytes(output_of(layer).size());
        for (int lane = 0; lane < lanes; ++lane) {
            take_lane(output_of(layer), lane, bytes);
            maps(layer, first + lane, bytes);
        }
    }
}

/// Cycles and events of `images` images: full batches, and the smaller last one.
void FastEngine::Implementation::add_schedule(int images, RunRecord& record) const {
    const int remaining = images % schedule.images;
    const RunRecord rest =
        remaining == 0 ? RunRecord{} : model_schedule(compile(network, schedule.hardware, remaining));
    add_modelled_batches(record, batch_model, rest, schedule.images, static_cast<std::uint64_t>(images));
}

RunRecord FastEngine::run(int first, int end, const ImageSource& source, const OutputSink& sink) {
    const Implementation& engine = *implementation_;
    const auto output_size = static_cast<std::size_t>(engine.schedule.layers.back().output_bytes());
    // Images go through in portions, so that memory does not grow with their number; whoever takes every value has to
    // hold those of a portion.
    constexpr std::size_t kPortionBytes = std::size_t{64} << 20;
    const std::size_t blocks_held = std::clamp<std::size_t>(kPortionBytes / (output_size * kLanes), 1, 128);
    const int portion = engine.values ? kLanes : static_cast<int>(blocks_held) * kLanes;
    const int threads = std::min(engine.threads, portion / kLanes);
    std::vector<Implementation::Thread> workers(static_cast<std::size_t>(threads));
    for (Implementation::Thread& worker : workers) {
        worker.record.layers.resize(engine.layers.size());
        if (engine.histograms) worker.record.histograms.resize(engine.layers.size());
    }

    std::vector<std::uint8_t> outputs;
    for (int start = first; start < end; start += portion) {
        const int stop = std::min(end, start + portion);
        outputs.assign(static_cast<std::size_t>(stop - start) * output_size, 0);
        const auto blocks = static_cast<std::size_t>((stop - start + kLanes - 1) / kLanes);
        parallel_for(blocks, threads, {}, [&](std::size_t block, int thread) {
            const int image = start + static_cast<int>(block) * kLanes;
            engine.run_block(image, std::min(kLanes, stop - image), source,
                             outputs.data() + static_cast<std::size_t>(image - start) * output_size,
                             workers[static_cast<std::size_t>(thread)]);
        });
        for (int image = start; image < stop; ++image) {
            sink(image, {outputs.data() + static_cast<std::size_t>(image - start) * output_size, output_size});
        }
    }
    RunRecord total;
    total.layers.resize(engine.layers.size());
    for (const Implementation::Thread& worker : workers) total += worker.record;
    engine.add_schedule(end - first, total);
    return total;
}

}  // namespace widthwise
