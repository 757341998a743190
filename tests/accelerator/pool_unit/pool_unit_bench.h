// SPDX-License-Identifier: Apache-2.0
// The PoolUnit with driven links: results as the array's tiles drain, and what must be written for them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "accelerator/kit/commands.h"
#include "accelerator/kit/link_bench.h"
#include "accelerator/pool_unit/pool_rules.h"
#include "accelerator/pool_unit/pool_unit.h"
#include "kit/plain_network.h"
#include "kit/random.h"
#include "schedule/compile.h"

namespace widthwise::test {

/// Which bytes a write carries, in any order.
using WrittenBytes = std::map<int, int>;

/// Results of one layer in the order in which the array's tiles drain, and what must be written for each beat.
class LayerTraffic {
public:
    LayerTraffic(const Schedule& schedule, const LayerSchedule& layer, const HardwareParams& hardware, Random& random)
        : layer_(layer), lanes_(hardware.requant.lanes) {
        const Network& network = *schedule.network;
        const Quantization q =
            layer.pooling.has_value() ? pool(network).input_quantization : Quantization{true, 8, 0, 1.0F};
        for (int i = 0; i < layer.images; ++i) {
            auto& map = maps_.emplace_back();
            for (std::int64_t k = 0; k < layer.sums.elements(); ++k) map.push_back(random.in(q.low(), q.high()));
            pooled_.push_back(layer.pooling.has_value() ? plain_pool(network, *op_, hardware, map) : map);
        }
        for (const TileIndex& index : plain_tiles(layer)) add_tile(index);
        beats.back().position.last_of_strip = true;
        if (layer.pooling.has_value()) count(hardware);
    }

    std::vector<OutputBeat> beats;
    std::vector<WrittenBytes> writes;  ///< of each beat; empty: none
    EventCounts events;

private:
    struct PoolInput {
        Quantization input_quantization;
    };
    PoolInput pool(const Network& network) {
        op_ = &network.operators[static_cast<std::size_t>(layer_.pooling->operator_index)];
        return {network.tensors[static_cast<std::size_t>(op_->input)].quantization};
    }

    void add_tile(const TileIndex& index) {
        const int rows = std::min(layer_.array_rows, layer_.sums.channels - index.channel_tile * layer_.array_rows);
        const int group = index.image_group * layer_.array_columns;
        const int columns = layer_.image_columns ? std::min(layer_.array_columns, layer_.images - group)
                                                 : layer_.tiles[static_cast<std::size_t>(index.tile)].count;
        const int runs = layer_.image_columns ? columns : rows;
        const int length = layer_.image_columns ? rows : columns;
        for (int run = 0; run < runs; ++run) {
            for (int first = 0; first < length; first += lanes_) {
                OutputBeat beat;
                beat.position.layer = layer_.index;
                beat.position.along_channels = layer_.image_columns;
                beat.position.image = layer_.image_columns ? group + run : index.image_group;
                beat.position.channel = index.channel_tile * layer_.array_rows + (layer_.image_columns ? first : run);
                beat.position.pixel =
                    layer_.image_columns ? 0 : layer_.tiles[static_cast<std::size_t>(index.tile)].first + first;
                beat.values.count = std::min(lanes_, length - first);
                add_beat(beat);
            }
        }
    }

    void add_beat(OutputBeat beat) {
        WrittenBytes bytes;
        const auto plane = static_cast<std::size_t>(layer_.sums.height * layer_.sums.width);
        for (int i = 0; i < beat.values.count; ++i) {
            const int channel = beat.position.channel + (layer_.image_columns ? i : 0);
            const int at = beat.position.pixel + (layer_.image_columns ? 0 : i);
            const auto& map = maps_[static_cast<std::size_t>(beat.position.image)];
            beat.values[i] = static_cast<std::int16_t>(
                map[static_cast<std::size_t>(channel) * plane + static_cast<std::size_t>(at)]);
            complete(beat.position.image, channel, at, bytes);
        }
        beats.push_back(beat);
        writes.push_back(bytes);
    }

    /// Pixels of a channel come in order, so a window is complete with its last pixel inside the feature map.
    void complete(int image, int channel, int at, WrittenBytes& bytes) const {
        const Shape& out = layer_.output;
        const auto emit = [&](int offset) {
            const int address = static_cast<int>(layer_.output_placement.address) +
                                image * static_cast<int>(out.elements()) + channel * out.height * out.width + offset;
            const int value = pooled_[static_cast<std::size_t>(image)]
                                     [static_cast<std::size_t>(channel * out.height * out.width + offset)];
            bytes[address] = value & 0xff;
        };
        if (!layer_.pooling) {
            emit(at);
            return;
        }
        const Window& w = op_->window;
        for (int oy = 0; oy < out.height; ++oy) {
            for (int ox = 0; ox < out.width; ++ox) {
                const int last_y = std::min(oy * w.stride_height - w.pad_top + w.kernel_height, layer_.sums.height) - 1;
                const int last_x = std::min(ox * w.stride_width - w.pad_left + w.kernel_width, layer_.sums.width) - 1;
                if (last_y * layer_.sums.width + last_x == at) emit(oy * out.width + ox);
            }
        }
    }

    void count(const HardwareParams& hardware) {
        const Window& w = op_->window;
        std::uint64_t windows = 0;
        std::uint64_t pixels = 0;
        for (int oy = 0; oy < layer_.output.height; ++oy) {
            for (int ox = 0; ox < layer_.output.width; ++ox) {
                ++windows;
                for (int r = 0; r < w.kernel_height; ++r) {
                    for (int s = 0; s < w.kernel_width; ++s) {
                        const int y = oy * w.stride_height - w.pad_top + r;
                        const int x = ox * w.stride_width - w.pad_left + s;
                        pixels += y >= 0 && y < layer_.sums.height && x >= 0 && x < layer_.sums.width;
                    }
                }
            }
        }
        const auto maps = static_cast<std::uint64_t>(layer_.images * layer_.sums.channels);
        const bool average = op_->kind == OperatorKind::average_pool;
        const RequantMode mode = hardware.requant.mode;
        if (average && mode == RequantMode::float32 && !op_->global_average) {
            events[Event::pool_float_multiply] = maps * pixels;
            events[Event::pool_float_add] = maps * (pixels - windows) + maps * windows;  // sums, zero points
            events[Event::pool_float_divide] = 2 * maps * windows;
            return;
        }
        events[average ? Event::pool_add : Event::pool_compare] = maps * (pixels - windows);
        if (!average) return;
        events[Event::requant_add] = maps * windows;
        const std::vector<Event> operators =
            mode == RequantMode::fixed_point  ? std::vector<Event>{Event::requant_multiply, Event::requant_shift}
            : mode == RequantMode::shift      ? std::vector<Event>{Event::requant_plain_shift}
            : mode == RequantMode::reciprocal ? std::vector<Event>{Event::requant_divide}
                                              : std::vector<Event>{Event::requant_float_multiply};
        for (const Event event : operators) events[event] = maps * windows;
    }

    const LayerSchedule& layer_;
    int lanes_;
    const Operator* op_ = nullptr;
    std::vector<std::vector<int>> maps_, pooled_;
};

/// The unit between links that the bench plays.
class PoolUnitBench {
public:
    PoolUnitBench(std::uint64_t seed, std::size_t layers)
        : bench(seed, layers), unit("pool_unit", bench.layers, bench.record) {
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.outputs(outputs.link);
        unit.additions(additions.link);
        unit.results(results.link);
        unit.stored(stored.link);
    }

    Bench bench;
    DrivenLink<OutputBeat> outputs{"requant_unit2pool_unit", bench};
    DrivenLink<OutputBeat> additions{"residual_unit2pool_unit", bench};
    DrainedLink<ActivationWrite> results{"pool_unit2activation_buffer", bench};
    DrainedLink<Token> stored{"pool_unit2sequencer", bench};
    PoolUnit unit;
    PoolRules rules{bench, {outputs.monitor, additions.monitor, results.monitor, stored.monitor}};
};

/// The same with the results of a network's layers.
class NetworkPoolBench : public PoolUnitBench {
public:
    NetworkPoolBench(const Network& network, const HardwareParams& hardware, int images, std::uint64_t seed)
        : NetworkPoolBench(compile(network, hardware, images), hardware, seed) {}

    [[nodiscard]] bool done() const { return stored.monitor.count() == schedule.layers.size(); }

    Schedule schedule;
    std::vector<LayerTraffic> traffic;

private:
    NetworkPoolBench(Schedule compiled, const HardwareParams& hardware, std::uint64_t seed)
        : PoolUnitBench(seed, compiled.layers.size()), schedule(std::move(compiled)) {
        bench.layers.hold(schedule.layers);
        Random random(seed, "results");
        for (const LayerSchedule& layer : schedule.layers) {
            traffic.emplace_back(schedule, layer, hardware, random);
            for (const OutputBeat& beat : traffic.back().beats) outputs.source.payloads.push_back(beat);
        }
        // As the Sequencer does: a layer begins when the one before is stored.
        outputs.source.allow = [this](std::size_t i) {
            const auto layer = static_cast<std::size_t>(outputs.source.payloads[i].position.layer);
            return stored.monitor.count() >= layer;
        };
    }
};

}  // namespace widthwise::test
