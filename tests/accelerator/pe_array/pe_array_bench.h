// SPDX-License-Identifier: Apache-2.0
// The PeArray with its three producers and its consumer, and what it must put out.
#pragma once

#include <string>
#include <vector>

#include "accelerator/kit/commands.h"
#include "accelerator/kit/link_bench.h"
#include "accelerator/pe_array/pe_array.h"
#include "accelerator/pe_array/pe_array_rules.h"
#include "kit/plain_network.h"
#include "schedule/compile.h"

namespace widthwise::test {

/// Tiles as stimulus: commands, and per tap random activations (not those of a convolution: the array cannot know) and
/// the layer's weights.
struct PeArrayStimulus {
    std::vector<TileCommand> commands;
    std::vector<Activations> activations;
    std::vector<WeightOperands> weights;
    std::vector<BiasOperands> biases;  ///< of each channel tile of a layer that preloads them

    PeArrayStimulus(const Schedule& schedule, std::uint64_t seed) {
        Random random(seed, "operands");
        for (const LayerSchedule& layer : schedule.layers) {
            for (const TileCommand& tile : plain_commands(layer)) {
                commands.push_back(tile);
                const bool begins = tile.index.image_group == 0 && tile.index.tile == 0;
                if (begins && layer.preloads_bias()) add_bias(layer, tile.index);
                for (std::size_t t = 0; t < layer.taps.size(); ++t) add_tap(layer, tile.index, t, random);
            }
        }
    }

    static int rows(const LayerSchedule& layer, const TileIndex& index) {
        return std::min(layer.array_rows, layer.sums.channels - index.channel_tile * layer.array_rows);
    }
    static int columns(const LayerSchedule& layer, const TileIndex& index) {
        if (layer.image_columns)
            return std::min(layer.array_columns, layer.images - index.image_group * layer.array_columns);
        return layer.tiles[static_cast<std::size_t>(index.tile)].count;
    }

private:
    void add_bias(const LayerSchedule& layer, const TileIndex& index) {
        BiasOperands& b = biases.emplace_back();
        b.rows.count = rows(layer, index);
        for (int r = 0; r < b.rows.count; ++r) {
            const auto channel = static_cast<std::size_t>(index.channel_tile * layer.array_rows + r);
            b.rows[r] = static_cast<std::int32_t>(layer.computation->bias[channel]);
        }
    }
    void add_tap(const LayerSchedule& layer, const TileIndex& index, std::size_t tap, Random& random) {
        const Quantization& q = layer.input_quantization;
        Activations& a = activations.emplace_back();
        a.columns.count = columns(layer, index);
        for (int c = 0; c < a.columns.count; ++c) {
            a.columns[c] = static_cast<std::int16_t>(random.percent(30) ? 0 : random.in(q.low(), q.high()));
        }
        WeightOperands& w = weights.emplace_back();
        w.rows.count = rows(layer, index);
        for (int r = 0; r < w.rows.count; ++r) {
            const int channel = index.channel_tile * layer.array_rows + r;
            w.rows[r] = !layer.computation
                            ? std::int16_t{1}
                            : layer.computation->weights[static_cast<std::size_t>(channel) * layer.taps.size() + tap];
        }
    }
};

/// The same tiles computed by loops: beats and counts.
struct PeArrayExpectation {
    std::vector<PsumBeat> beats;
    std::vector<LayerRecord> layers;

    PeArrayExpectation(const PeArrayStimulus& stimulus, const HardwareParams& hardware, const Schedule& schedule)
        : layers(schedule.layers.size()) {
        std::size_t tap = 0;
        for (const TileCommand& command : stimulus.commands) {
            const LayerSchedule& layer = schedule.layers[static_cast<std::size_t>(command.layer)];
            add_tile(stimulus, layer, command.index, tap, hardware);
            tap += layer.taps.size();
        }
    }

private:
    void add_tile(const PeArrayStimulus& stimulus, const LayerSchedule& layer, const TileIndex& at,
                  std::size_t first_tap, const HardwareParams& hardware) {
        LayerRecord& record = layers[static_cast<std::size_t>(layer.index)];
        const int rows = PeArrayStimulus::rows(layer, at);
        const int columns = PeArrayStimulus::columns(layer, at);
        const std::size_t taps = layer.taps.size();
        record.cycles.compute += taps;
        std::vector<std::vector<std::int64_t>> sums(static_cast<std::size_t>(rows));
        for (int r = 0; r < rows; ++r) {
            for (int c = 0; c < columns; ++c) {
                std::vector<std::int64_t> products;
                for (std::size_t t = first_tap; t < first_tap + taps; ++t) {
                    const int activation = stimulus.activations[t].columns[c];
                    products.push_back(std::int64_t{activation} * stimulus.weights[t].rows[r]);
                    if (layer.computation.has_value()) count_mac(record, layer, hardware, activation == 0);
                }
                if (!layer.computation) {
                    sums[static_cast<std::size_t>(r)].push_back(products[0]);
                } else {
                    const auto channel = static_cast<std::size_t>(at.channel_tile * layer.array_rows + r);
                    const std::int64_t bias =
                        hardware.accumulator.bias == BiasMode::preload ? layer.computation->bias[channel] : 0;
                    sums[static_cast<std::size_t>(r)].push_back(count_sum(
                        record, bias, products, layer.computation->accumulator, hardware.accumulator.statistics));
                }
            }
        }
        drain(layer, at, sums, rows, columns, hardware.requant.lanes);
    }

    static void count_mac(LayerRecord& record, const LayerSchedule& layer, const HardwareParams& hardware, bool zero) {
        EventCounts& events = record.events;
        if (zero && hardware.array.zero_gating) {
            ++events[Event::mac_gated];
        } else {
            ++events[Event::mac_multiply];
            ++events[Event::mac_add];
            ++events[Event::accumulator_write];
        }
        if (hardware.loop_accounting && !layer.fully_connected) {
            events[Event::address_multiply] += 2;
            events[Event::address_add] += 2;
        }
    }

    static std::int64_t count_sum(LayerRecord& record, std::int64_t bias, const std::vector<std::int64_t>& products,
                                  const AccumulatorFormat& format, PsumStatistics statistics) {
        const PlainSum sum = plain_sum(bias, products, format);
        ++record.overflow.outputs;
        record.overflow.events += sum.events;
        const std::int64_t half = std::int64_t{1} << (format.bits - 1);
        const bool fits = sum.exact >= -half && sum.exact < half;
        if (sum.events > 0) ++(fits ? record.overflow.transient : record.overflow.persistent);
        if (statistics == PsumStatistics::outputs) {
            record.psums.add(sum.exact);
        } else {
            std::int64_t partial = bias;
            for (const std::int64_t product : products) record.psums.add(partial += product);
        }
        return sum.value;
    }

    /// Pixels of a channel leave together, `lanes` at a time; in image-column layers the channels of an image do.
    void drain(const LayerSchedule& layer, const TileIndex& at, const std::vector<std::vector<std::int64_t>>& sums,
               int rows, int columns, int lanes) {
        const int runs = layer.image_columns ? columns : rows;
        const int length = layer.image_columns ? rows : columns;
        for (int run = 0; run < runs; ++run) {
            for (int first = 0; first < length; first += lanes) {
                PsumBeat& beat = beats.emplace_back();
                beat.position.layer = layer.index;
                beat.position.along_channels = layer.image_columns;
                beat.position.channel = at.channel_tile * layer.array_rows + (layer.image_columns ? first : run);
                beat.position.image = layer.image_columns ? at.image_group * layer.array_columns + run : at.image_group;
                beat.position.pixel =
                    layer.image_columns ? 0 : layer.tiles[static_cast<std::size_t>(at.tile)].first + first;
                beat.sums.count = std::min(lanes, length - first);
                for (int i = 0; i < beat.sums.count; ++i) {
                    const int r = layer.image_columns ? first + i : run;
                    const int c = layer.image_columns ? run : first + i;
                    beat.sums[i] = sums[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)];
                }
            }
        }
        const bool last_tile = at.channel_tile + 1 == layer.channel_tile_count() &&
                               at.image_group + 1 == layer.image_groups &&
                               at.tile + 1 == static_cast<int>(layer.tiles.size());
        beats.back().position.last_of_strip = last_tile;
        beats.back().position.last_of_channel_tile =
            at.image_group + 1 == layer.image_groups && at.tile + 1 == static_cast<int>(layer.tiles.size());
    }
};

class PeArrayBench {
public:
    PeArrayBench(const Network& network, const HardwareParams& hardware, int images, std::uint64_t seed)
        : schedule(compile(network, hardware, images)),
          bench(seed, schedule.layers.size()),
          stimulus(schedule, seed),
          expected(stimulus, hardware, schedule),
          unit("pe_array", hardware, bench.layers, bench.record),
          rules(bench, hardware, {command.monitor, activations.monitor, weights.monitor, bias.monitor, sums.monitor}) {
        bench.layers.hold(schedule.layers);
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.command(command.link);
        unit.activations(activations.link);
        unit.weights(weights.link);
        unit.bias(bias.link);
        unit.sums(sums.link);
        unit.activations_starved_by(activations_starved_by);
        unit.weights_starved_by(weights_starved_by);
        unit.computing(computing);
        unit.draining(draining);
        command.source.payloads = stimulus.commands;
        activations.source.payloads = stimulus.activations;
        weights.source.payloads = stimulus.weights;
        bias.source.payloads = stimulus.biases;
    }

    [[nodiscard]] bool done() const { return sums.monitor.count() >= expected.beats.size(); }
    void run() {
        bench.pulse_reset();
        bench.run_until([this] { return done(); }, 100000);
    }

    Schedule schedule;
    Bench bench;
    PeArrayStimulus stimulus;
    PeArrayExpectation expected;
    DrivenLink<TileCommand> command{"sequencer2pe_array", bench};
    DrivenLink<Activations> activations{"line_buffer2pe_array", bench};
    DrivenLink<WeightOperands> weights{"weight_buffer2pe_array", bench};
    DrivenLink<BiasOperands> bias{"weight_buffer2pe_array_bias", bench};
    DrainedLink<PsumBeat> sums{"pe_array2requant_unit", bench};
    sc_core::sc_signal<Stall> activations_starved_by{"activations_starved_by", Stall::fill};
    sc_core::sc_signal<Stall> weights_starved_by{"weights_starved_by", Stall::dram};
    sc_core::sc_signal<bool> computing{"computing"};
    sc_core::sc_signal<bool> draining{"draining"};
    PeArray unit;
    PeArrayRules rules;
};

}  // namespace widthwise::test
