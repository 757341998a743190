// SPDX-License-Identifier: Apache-2.0
#include "explore/measure_quality.h"

#include <algorithm>
#include <deque>

#include "engine/fast/fast_engine.h"
#include "results/classifier.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

/// A layer whose stored map is looked at.
struct Map {
    int layer = 0;
    Quantization quantization;
    std::size_t bytes = 0;  ///< of an image
};

/// The reference's values of a block of images, and what another engine's deviate from them.
class Block {
public:
    Block(const std::vector<Map>& maps, const OutputValues& output, int first, int images)
        : maps_(maps), output_(output), first_(first), bytes_(maps.size()), outputs_(static_cast<std::size_t>(images)) {
        for (std::size_t m = 0; m < maps.size(); ++m) bytes_[m].resize(maps[m].bytes * outputs_.size());
    }

    void hold(std::size_t map, int image, std::span<const std::uint8_t> bytes) {
        std::ranges::copy(bytes, bytes_[map].begin() + static_cast<std::ptrdiff_t>(place(image) * maps_[map].bytes));
    }
    void hold_output(int image, std::span<const std::uint8_t> output) {
        outputs_[place(image)] = output_.numbers(output);
    }
    [[nodiscard]] Deviation deviation(std::size_t map, int image, std::span<const std::uint8_t> bytes) const {
        const Quantization& q = maps_[map].quantization;
        const std::uint8_t* reference = bytes_[map].data() + place(image) * maps_[map].bytes;
        Deviation found;
        for (std::size_t i = 0; i < bytes.size(); ++i)
            found.add(number(reference[i], q) - q.zero_point, number(bytes[i], q) - q.zero_point);
        return found;
    }
    /// Of each scale.
    void add_output(int image, std::span<const std::uint8_t> output, std::vector<Deviation>& to) const {
        const std::vector<std::int64_t>& reference = outputs_[place(image)];
        const std::vector<std::int64_t> values = output_.numbers(output);
        for (std::size_t i = 0; i < values.size(); ++i) to[output_.scale_of(i)].add(reference[i], values[i]);
    }

private:
    static int number(std::uint8_t byte, const Quantization& q) {
        return q.is_signed ? static_cast<std::int8_t>(byte) : byte;
    }
    [[nodiscard]] std::size_t place(int image) const { return static_cast<std::size_t>(image - first_); }

    const std::vector<Map>& maps_;
    const OutputValues& output_;
    int first_;
    std::vector<std::vector<std::uint8_t>> bytes_;
    std::vector<std::vector<std::int64_t>> outputs_;
};

/// All but the last layer, whose values are the output.
std::vector<Map> maps_of(const Network& network, const Schedule& schedule) {
    std::vector<Map> maps;
    for (const LayerSchedule& layer : schedule.layers) {
        if (layer.index + 1 == static_cast<int>(schedule.layers.size())) break;
        const Tensor& tensor = network.tensors[network.operators[layer.last_operator()].output];
        maps.push_back({layer.index, tensor.quantization, static_cast<std::size_t>(layer.output_bytes())});
    }
    return maps;
}

/// Whole batches, so that the engine compiles for no other size but once.
int images_in_block(const std::vector<Map>& maps, std::int64_t output_bytes, int batch, int images,
                    std::int64_t block_bytes) {
    std::int64_t bytes = output_bytes;
    for (const Map& map : maps) bytes += static_cast<std::int64_t>(map.bytes);
    const std::int64_t batches = std::max<std::int64_t>(1, block_bytes / bytes / batch);
    return static_cast<int>(std::min<std::int64_t>(batches * batch, std::max(images, 1)));
}

std::vector<int> layers_of(const std::vector<Map>& maps) {
    std::vector<int> layers;
    layers.reserve(maps.size());
    for (const Map& map : maps) layers.push_back(map.layer);
    return layers;
}

}  // namespace

std::vector<Quality> measure_quality(const Network& network, const HardwareParams& reference,
                                     std::span<const HardwareParams> variants, int first, int end, int threads,
                                     const ImageSource& source, const std::function<void(int)>& report,
                                     std::int64_t block_bytes) {
    const Schedule schedule = compile(network, reference, reference.batch);
    const std::vector<Map> maps = maps_of(network, schedule);
    const std::vector<int> layers = layers_of(maps);
    const OutputValues output(network);
    const Classifier classify(network);
    FastEngine exact(network, schedule, threads);
    std::deque<FastEngine> engines;
    for (const HardwareParams& variant : variants) {
        engines.emplace_back(network, compile(network, variant, variant.batch), threads);
    }
    std::vector<std::uint64_t> agreeing(variants.size(), 0);
    std::vector<std::vector<Deviation>> of_maps(variants.size(), std::vector<Deviation>(maps.size()));
    std::vector<std::vector<Deviation>> of_outputs(variants.size(), std::vector<Deviation>(output.scales().size()));
    const std::int64_t output_bytes =
        schedule.layers.back().output.elements() * static_cast<std::int64_t>(sizeof(std::int64_t));
    const int step = images_in_block(maps, output_bytes, reference.batch, end - first, block_bytes);
    for (int at = first; at < end; at += step) {
        const int stop = std::min(end, at + step);
        Block block(maps, output, at, stop - at);
        std::vector<int> classes;
        exact.report_maps(layers, [&](int layer, int image, std::span<const std::uint8_t> bytes) {
            block.hold(static_cast<std::size_t>(layer), image, bytes);
        });
        exact.run(at, stop, source, [&](int image, std::span<const std::uint8_t> bytes) {
            block.hold_output(image, bytes);
            classes.push_back(classify(bytes));
            report(1);
        });
        for (std::size_t v = 0; v < engines.size(); ++v) {
            // Threads work on different images: each has a place of its own.
            std::vector<Deviation> of_images(maps.size() * static_cast<std::size_t>(stop - at));
            engines[v].report_maps(layers, [&](int layer, int image, std::span<const std::uint8_t> bytes) {
                const auto map = static_cast<std::size_t>(layer);
                of_images[static_cast<std::size_t>(image - at) * maps.size() + map] =
                    block.deviation(map, image, bytes);
            });
            engines[v].run(at, stop, source, [&](int image, std::span<const std::uint8_t> bytes) {
                block.add_output(image, bytes, of_outputs[v]);
                agreeing[v] += classify(bytes) == classes[static_cast<std::size_t>(image - at)];
                report(1);
            });
            for (std::size_t i = 0; i < of_images.size(); ++i) of_maps[v][i % maps.size()] += of_images[i];
        }
    }
    std::vector<Quality> qualities;
    for (std::size_t v = 0; v < variants.size(); ++v) {
        Quality& quality = qualities.emplace_back();
        quality.reference_bits = reference.accumulator.format.bits;
        quality.images = static_cast<std::uint64_t>(end - first);
        quality.agreeing = agreeing[v];
        quality.output = map_quality("output", of_outputs[v], output.scales());
        for (std::size_t m = 0; m < maps.size(); ++m) {
            const double scale = maps[m].quantization.scale;
            quality.layers.push_back(
                map_quality(schedule.layers[maps[m].layer].name, {&of_maps[v][m], 1}, {&scale, 1}));
        }
    }
    return qualities;
}

}  // namespace widthwise
