// SPDX-License-Identifier: Apache-2.0
// The LineBuffer between a memory that answers in one cycle and a consumer of taps.
#pragma once

#include <string>
#include <vector>

#include "accelerator/kit/commands.h"
#include "accelerator/kit/link_bench.h"
#include "accelerator/kit/rule_monitor.h"
#include "accelerator/line_buffer/line_buffer.h"
#include "kit/plain_network.h"
#include "schedule/compile.h"

namespace widthwise::test {

/// Stands in for the activation buffer: a request transferred at edge n is answered with data that can be transferred
/// at n + 1. Refuses requests at random, or when `deny` says so.
class Memory : public sc_core::sc_module {
public:
    LinkIn<ActivationRead> request{"request"};
    LinkOut<Word> data{"data"};
    std::vector<std::uint8_t> bytes;
    std::function<bool()> deny;

    Memory(const sc_core::sc_module_name& module_name, Bench& bench)
        : sc_module(module_name), bench_(bench), stalls_(bench.seed, name()) {
        SC_HAS_PROCESS(Memory);
        SC_METHOD(step);
        sensitive << bench.clock.posedge_event();
        dont_initialize();
        SC_METHOD(drive_ready);
        sensitive << willing_ << data.valid_changed() << data.ready_changed();
    }

private:
    void step() {
        const bool reset = bench_.reset.read();
        if (!reset && request.transferring()) {
            Word word;
            word.bytes.count = request.data().bytes;
            for (int i = 0; i < word.bytes.count; ++i) {
                word.bytes[i] = bytes.at(static_cast<std::size_t>(request.data().address + i));
            }
            data.load(word);
        } else if (reset || data.transferring()) {
            data.clear();
        }
        willing_.write(!reset && !stalls_.hold() && !(deny && deny()));
    }
    void drive_ready() { request.drive_ready(willing_.read() && data.can_load()); }

    Bench& bench_;
    Stalls stalls_;
    sc_core::sc_signal<bool> willing_{"willing"};
};

class LineBufferBench {
public:
    LineBufferBench(const Network& network, const HardwareParams& hardware, int images, std::uint64_t seed)
        : schedule(compile(network, hardware, images)),
          bench(seed, schedule.layers.size()),
          unit("line_buffer", hardware.line_buffer, bench.layers, bench.record) {
        bench.layers.hold(schedule.layers);
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.command(command.link);
        unit.fill_request(request);
        memory.request(request);
        memory.data(data);
        unit.fill_data(data);
        unit.activations(activations.link);
        unit.starved_by(starved_by);
        memory.bytes.assign(static_cast<std::size_t>(hardware.activation_buffer.bytes), 0xee);
        for (const LayerSchedule& layer : schedule.layers) add_layer(network, layer);
    }

    [[nodiscard]] bool done() const { return activations.monitor.count() >= expected.size(); }
    void run(std::uint64_t limit = 100000) {
        bench.pulse_reset();
        bench.run_until([this] { return done(); }, limit);
    }

    Schedule schedule;
    Bench bench;
    DrivenLink<TileCommand> command{"sequencer2line_buffer", bench};
    DrainedLink<Activations> activations{"line_buffer2pe_array", bench};
    Link<ActivationRead> request{"line_buffer2activation_buffer"};
    Link<Word> data{"activation_buffer2line_buffer"};
    LinkMonitor<ActivationRead> request_monitor{"request_monitor", bench, request};
    LinkMonitor<Word> data_monitor{"data_monitor", bench, data};
    Memory memory{"memory", bench};
    sc_core::sc_signal<Stall> starved_by{"starved_by", Stall::fill};
    LineBuffer unit;
    /// A word is taken when it is there: it was only asked for because there is room for it.
    RuleMonitor arrive{"fill_arrives",
                       bench,
                       {Rule::arrive},
                       data_monitor.cycles,
                       [this](std::size_t i) { return std::optional(edge_of(request_monitor.cycles, i)); },
                       [] { return false; }};
    std::vector<Activations> expected;
    std::vector<std::uint64_t> expected_reads;   ///< bytes towards the array, by layer
    std::vector<std::uint64_t> expected_writes;  ///< bytes filled

private:
    void add_layer(const Network& network, const LayerSchedule& layer) {
        const Operator& op = network.operators[static_cast<std::size_t>(layer.first_operator())];
        const auto images = random_images(network.tensors[static_cast<std::size_t>(op.input)], layer.images, 17);
        for (int i = 0; i < layer.images; ++i) {
            const auto& image = images[static_cast<std::size_t>(i)];
            for (std::size_t k = 0; k < image.size(); ++k) {
                memory.bytes.at(static_cast<std::size_t>(layer.input_placement.image(i)) + k) =
                    static_cast<std::uint8_t>(image[k]);
            }
        }
        std::uint64_t reads = 0;
        for (const TileCommand& tile : plain_commands(layer)) {
            const TileIndex& index = tile.index;
            command.source.payloads.push_back(tile);
            for (const Tap& tap : layer.taps) {
                expected.push_back(tap_values(op, layer, index, tap, images));
                reads += static_cast<std::uint64_t>(expected.back().columns.count);
            }
        }
        expected_reads.push_back(reads);
        expected_writes.push_back(bytes_needed(op, layer));
    }

    /// By the definition of a convolution: output pixel (y, x) reads input row y * stride - pad + r and column alike.
    static Activations tap_values(const Operator& op, const LayerSchedule& layer, const TileIndex& index,
                                  const Tap& tap, const std::vector<std::vector<int>>& images) {
        Activations values;
        const int group = index.image_group * layer.array_columns;
        values.columns.count = layer.image_columns ? std::min(layer.array_columns, layer.images - group)
                                                   : layer.tiles[static_cast<std::size_t>(index.tile)].count;
        for (int j = 0; j < values.columns.count; ++j) {
            const int image = layer.image_columns ? group + j : index.image_group;
            const auto& map = images[static_cast<std::size_t>(image)];
            const int at = layer.image_columns ? 0 : layer.tiles[static_cast<std::size_t>(index.tile)].first + j;
            const int y = at / layer.sums.width;
            const int x = at % layer.sums.width;
            int value = 0;
            if (layer.fully_connected) {
                value = map[static_cast<std::size_t>(tap.weight)];
            } else if (!layer.computation) {
                value = pixel(map, layer.input, index.channel_tile, y, x, 0);
            } else {
                const Window& w = op.window;
                value = pixel(map, layer.input, tap.channel, y * w.stride_height - w.pad_top + tap.row,
                              x * w.stride_width - w.pad_left + tap.column, layer.input_quantization.zero_point);
            }
            values.columns[j] = static_cast<std::int16_t>(value);
        }
        return values;
    }

    /// Every row that some output pixel reads, once per pass (channel tile and image).
    static std::uint64_t bytes_needed(const Operator& op, const LayerSchedule& layer) {
        const auto passes = static_cast<std::uint64_t>(layer.channel_tile_count() * layer.images);
        if (layer.fully_connected) return passes * static_cast<std::uint64_t>(layer.input.elements());
        std::vector<bool> used(static_cast<std::size_t>(layer.input.height), false);
        for (int y = 0; y < layer.sums.height; ++y) {
            for (int r = 0; r < (!layer.computation ? 1 : op.window.kernel_height); ++r) {
                const int row = !layer.computation ? y : y * op.window.stride_height - op.window.pad_top + r;
                if (row >= 0 && row < layer.input.height) used[static_cast<std::size_t>(row)] = true;
            }
        }
        const auto rows = static_cast<std::uint64_t>(std::count(used.begin(), used.end(), true));
        // In a bypassed layer a pass is one channel, and channel_tiles counts them all.
        const int channels = !layer.computation ? 1 : layer.input.channels;
        return passes * rows * static_cast<std::uint64_t>(channels * layer.input.width);
    }
};

}  // namespace widthwise::test
