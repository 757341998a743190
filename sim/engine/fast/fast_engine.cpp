// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/fast_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/parallel.h"
#include "engine/fast/fast_layer.h"
#include "engine/fast/map_plan.h"
#include "schedule/compile.h"
#include "schedule/schedule_model.h"

namespace widthwise {

using fast::BlockMap;

namespace {

std::int64_t shared_bytes(const Schedule& schedule) {
    std::int64_t bytes = 0;
    for (const LayerSchedule& layer : schedule.layers) bytes += fast::weight_bytes(layer);
    return bytes;
}

/// Of a thread that works on blocks of so many images, with its maps.
std::int64_t thread_bytes(const Schedule& schedule, std::int64_t maps, int images) {
    std::int64_t workspace = 0;
    for (const LayerSchedule& layer : schedule.layers)
        workspace = std::max(workspace, fast::workspace_bytes(layer, images));
    return maps + workspace;
}

/// Offsets within a map have 32 bits.
constexpr std::int64_t kMaxMapBytes = std::numeric_limits<std::int32_t>::max();

std::int64_t largest_map(const Schedule& schedule, int images) {
    std::int64_t largest = fast::map_bytes(schedule.layers.front().input, images);
    for (const LayerSchedule& layer : schedule.layers) largest = std::max(largest, fast::block_bytes(layer, images));
    return largest;
}

std::int64_t all_maps(const Schedule& schedule, int images) {
    std::int64_t maps = fast::map_bytes(schedule.layers.front().input, images);
    for (const LayerSchedule& layer : schedule.layers) maps += fast::block_bytes(layer, images);
    return maps;
}

/// As many of `threads` as there is memory for, one at least.
int threads_within(std::int64_t shared, std::int64_t own, int threads) {
    return static_cast<int>(std::clamp<std::int64_t>((kMaxFastEngineBytes - shared) / own, 1, std::max(1, threads)));
}

}  // namespace

int affordable_threads(const Schedule& schedule, int threads) {
    const std::int64_t shared = shared_bytes(schedule);
    const std::int64_t own = thread_bytes(schedule, all_maps(schedule, fast::kMostImages), fast::kMostImages);
    if (shared + own > kMaxFastEngineBytes || largest_map(schedule, fast::kMostImages) > kMaxMapBytes) {
        throw InputError(
            fmt::format("a sweep or search holds all feature maps of {} images at once, here with the "
                        "weights {} bytes (allowed: up to {})",
                        fast::kMostImages, shared + own, kMaxFastEngineBytes));
    }
    return threads_within(shared, own, threads);
}

namespace {

/// Images of a block: those of a vector, unless their maps take too much memory.
int choose_block_images(const Schedule& schedule, const fast::MapPlan& plan) {
    const std::int64_t shared = shared_bytes(schedule);
    int images = fast::kVectorWords;
    const auto needed = [&] { return shared + thread_bytes(schedule, plan.bytes(images), images); };
    const auto fits = [&] { return needed() <= kMaxFastEngineBytes && largest_map(schedule, images) <= kMaxMapBytes; };
    while (images > 1 && !fits()) images /= 2;
    if (fits()) return images;
    throw InputError(fmt::format(
        "the fast engine needs {} bytes for weights and feature maps (allowed: up to {}); --engine systemc needs "
        "less",
        needed(), kMaxFastEngineBytes));
}

int threads_for(const Schedule& schedule, const fast::MapPlan& plan, int images, int threads) {
    const std::int64_t shared = shared_bytes(schedule);
    const std::int64_t own = thread_bytes(schedule, plan.bytes(images), images);
    return threads_within(shared, own, threads);
}

}  // namespace

struct FastEngine::Implementation {
    Implementation(const Network& network_, Schedule schedule_, int threads_)
        : network(network_),
          schedule(std::move(schedule_)),
          plan(schedule),
          block_images(choose_block_images(schedule, plan)),
          threads(threads_for(schedule, plan, block_images, threads_)),
          batch_model(model_schedule(schedule)) {
        for (const LayerSchedule& layer : schedule.layers) {
            layers.emplace_back(layer, schedule.hardware, fast::best_kernels());
        }
    }

    /// What a thread computes in.
    struct Thread {
        fast::Workspace workspace;
        std::vector<BlockMap> maps;  ///< in the places of the plan
        RunRecord record;            ///< of the blocks that it computed
    };
    void run_block(int first, int images, const ImageSource& source, std::uint8_t* outputs, Thread& thread) const;
    void add_schedule(int images, RunRecord& record) const;

    const Network& network;
    Schedule schedule;
    fast::MapPlan plan;
    int block_images;
    int threads;
    RunRecord batch_model;
    std::vector<fast::FastLayer> layers;
    std::vector<Thread> workers;  ///< kept from run to run, with their memory
    ValueSink values;
    std::vector<int> map_layers;
    MapSink maps;
    bool histograms = false;
};

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
    implementation_->plan = fast::MapPlan(implementation_->schedule, layers);
    implementation_->map_layers = std::move(layers);
    implementation_->maps = std::move(sink);
}

void FastEngine::collect_histograms() { implementation_->histograms = true; }

void FastEngine::Implementation::run_block(int first, int images, const ImageSource& source, std::uint8_t* outputs,
                                           Thread& thread) const {
    RunRecord& record = thread.record;
    thread.maps.resize(plan.places());
    const auto output_of = [&](int layer) -> BlockMap& { return thread.maps[plan.place(layer)]; };
    BlockMap& input = output_of(-1);
    const LayerSchedule& reader = schedule.layers.front();
    input.reshape(reader.input, images,
                  network.tensors[static_cast<std::size_t>(network.input)].quantization.is_signed);
    for (int image = 0; image < images; ++image) input.put_image(image, source(first + image));
    fast::LaneProbe probe;
    if (values) {
        probe = [&](int op, int image, int channel, int pixel, std::int64_t value) {
            values(op, first + image, channel, pixel, value);
        };
    }
    for (std::size_t l = 0; l < layers.size(); ++l) {
        thread.workspace.histogram = histograms ? &record.histograms[l] : nullptr;
        const LayerSchedule& layer = schedule.layers[l];
        const BlockMap* operand = layer.adds_map() ? &output_of(layer.addition->layer) : nullptr;
        layers[l].run(output_of(layer.input_layer), operand, output_of(layer.index), thread.workspace, record.layers[l],
                      probe);
    }
    const BlockMap& output = output_of(static_cast<int>(layers.size()) - 1);
    const std::size_t output_size = output.image_bytes();
    for (int image = 0; image < images; ++image)
        output.take_image(image, {outputs + static_cast<std::size_t>(image) * output_size, output_size});
    for (const int layer : map_layers) {
        const BlockMap& map = output_of(layer);
        std::vector<std::uint8_t> bytes(map.image_bytes());
        for (int image = 0; image < images; ++image) {
            map.take_image(image, bytes);
            maps(layer, first + image, bytes);
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
    const int block_images = engine.block_images;
    // Images go through in portions, so that memory does not grow with their number; whoever takes every value has to
    // hold those of a portion.
    constexpr std::size_t kPortionBytes = std::size_t{64} << 20;
    const std::size_t blocks_held =
        std::clamp<std::size_t>(kPortionBytes / (output_size * static_cast<std::size_t>(block_images)), 1, 128);
    const int portion = engine.values ? block_images : static_cast<int>(blocks_held) * block_images;
    const int threads = std::min(engine.threads, portion / block_images);
    std::vector<Implementation::Thread>& workers = implementation_->workers;
    workers.resize(static_cast<std::size_t>(threads));
    for (Implementation::Thread& worker : workers) {
        worker.record = {};
        worker.record.layers.resize(engine.layers.size());
        if (engine.histograms) worker.record.histograms.resize(engine.layers.size());
    }

    std::vector<std::uint8_t> outputs;
    for (int start = first; start < end; start += portion) {
        const int stop = std::min(end, start + portion);
        outputs.assign(static_cast<std::size_t>(stop - start) * output_size, 0);
        const auto blocks = static_cast<std::size_t>((stop - start + block_images - 1) / block_images);
        parallel_for(blocks, threads, {}, [&](std::size_t block, int thread) {
            const int image = start + static_cast<int>(block) * block_images;
            engine.run_block(image, std::min(block_images, stop - image), source,
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
