// SPDX-License-Identifier: Apache-2.0
#include "schedule/schedule_model.h"

#include "schedule/dma_timer.h"
#include "schedule/layer_timing.h"
#include "schedule/pooling_windows.h"
#include "schedule/timing_rules.h"

namespace widthwise {

namespace {

using Count = std::uint64_t;

/// A phase around the layers: the whole time is waiting for DRAM.
void close_phase(LayerRecord& record, Edge cycles, const ArrayParams& array) {
    record.cycles.total = static_cast<Count>(cycles);
    record.cycles[Stall::dram] = static_cast<Count>(cycles);
    record.events[Event::clock] = record.cycles.total;
    record.events[Event::pe_idle] = record.cycles.total * static_cast<Count>(array.rows * array.columns);
}

/// Windows that contain each pixel, summed over an axis.
Count pixel_visits(const std::vector<PixelWindows>& axis) {
    Count visits = 0;
    for (const PixelWindows& w : axis) visits += static_cast<Count>(w.end - w.first);
    return visits;
}

void count_pooling(const LayerSchedule& layer, EventCounts& events) {
    const Window& w = layer.pooling->window;
    const auto rows =
        windows_along(layer.sums.height, w.kernel_height, w.stride_height, w.pad_top, layer.output.height);
    const auto columns =
        windows_along(layer.sums.width, w.kernel_width, w.stride_width, w.pad_left, layer.output.width);
    const auto maps = static_cast<Count>(layer.sums.channels) * static_cast<Count>(layer.images);
    const Count outputs = static_cast<Count>(layer.output.elements()) * static_cast<Count>(layer.images);
    const Count pixels = maps * pixel_visits(rows) * pixel_visits(columns);
    count_pooling(*layer.pooling, events, pixels, outputs);
}

void count_macs(const Schedule& schedule, const LayerSchedule& layer, EventCounts& events) {
    const auto outputs = static_cast<Count>(layer.sums.elements()) * static_cast<Count>(layer.images);
    const Count macs = outputs * layer.taps.size();
    events[Event::mac_multiply] += macs;
    events[Event::mac_add] += macs;
    events[Event::accumulator_write] += macs;
    if (schedule.hardware.loop_accounting && !layer.fully_connected) {
        events[Event::address_multiply] += 2 * macs;
        events[Event::address_add] += 2 * macs;
    }
    if (!layer.computation->bias_preload && layer.computation->has_bias) events[Event::bias_add] += outputs;
}

void count_weight_fetches(const LayerSchedule& layer, EventCounts& events) {
    Count bytes = 0;
    for (const Strip& strip : layer.strips) {
        const auto of_strip =
            layer.weight_offset(strip.end_channel_tile) - layer.weight_offset(strip.first_channel_tile);
        bytes += static_cast<Count>(of_strip * layer.weight_fetches(strip));
    }
    events[Event::weight_buffer_write] += bytes;
    events[Event::dram_read] += bytes;
}

/// Into the line buffer.
Count filled_bytes(const LayerSchedule& layer, const Strip& strip) {
    Count of_image = 0;
    for (int p = strip.first_line_pass; p < strip.end_line_pass; ++p) {
        for (const LineBlock& block : layer.line_passes[p].blocks)
            of_image += static_cast<Count>(block.channels) * static_cast<Count>(block.bytes);
    }
    int images = 0;
    for (int group = strip.first_group; group < strip.end_group; ++group) images += layer.images_in_group(group);
    return of_image * static_cast<Count>(images) *
           static_cast<Count>(strip.end_channel_tile - strip.first_channel_tile);
}

/// What strips bring in and take out.
void count_transfers(const LayerSchedule& layer, EventCounts& events) {
    for (const Transfer& fetch : layer.fetches) {
        events[Event::dram_read] += static_cast<Count>(fetch.bytes);
        events[Event::activation_buffer_write] += static_cast<Count>(fetch.bytes);
    }
    for (const Transfer& store : layer.stores) {
        events[Event::dram_write] += static_cast<Count>(store.bytes);
        events[Event::activation_buffer_read] += static_cast<Count>(store.bytes);
    }
}

void count_layer(const Schedule& schedule, const LayerSchedule& layer, EventCounts& events) {
    const Count taps = layer.taps.size();
    const auto images = static_cast<Count>(layer.images);
    if (layer.computation.has_value()) {
        count_macs(schedule, layer, events);
        for (int t = 0; t < layer.channel_tile_count(); ++t) {
            const auto rows = static_cast<Count>(layer.channels_in_tile(t));
            const Count tiles = static_cast<Count>(layer.image_groups) * layer.tiles.size();
            events[Event::weight_buffer_read] += rows * taps * tiles;
            if (layer.computation->weights_have_zero_points) events[Event::weight_subtract] += rows * taps * tiles;
        }
    }
    // With the first tap of each channel tile in a strip.
    for (const Strip& strip : layer.strips) {
        const int channels =
            layer.first_channel(strip.end_channel_tile) - layer.first_channel(strip.first_channel_tile);
        events[Event::weight_buffer_read] += static_cast<Count>(channels) * static_cast<Count>(layer.parameter_bytes());
    }
    if (layer.has_parameters() && schedule.hardware.weight_buffer.storage == WeightStorage::streamed)
        count_weight_fetches(layer, events);
    // Every working column reads one activation per tap, once per channel tile.
    const Count columns =
        layer.image_columns ? images : images * static_cast<Count>(layer.sums.height * layer.sums.width);
    events[Event::line_buffer_read] += columns * taps * static_cast<Count>(layer.channel_tile_count());
    Count filled = 0;
    for (const Strip& strip : layer.strips) filled += filled_bytes(layer, strip);
    events[Event::line_buffer_write] += filled;
    events[Event::activation_buffer_read] += filled;
    events[Event::activation_buffer_write] += static_cast<Count>(layer.output_bytes()) * images;
    const Count sums = static_cast<Count>(layer.sums.elements()) * images;
    if (layer.requantization.has_value()) {
        count_requantization(events, layer.requantization->format.mode, sums);
        if (layer.requantization->input_zero_point != 0) events[Event::bias_add] += sums;
    }
    if (layer.addition.has_value()) {
        if (layer.adds_map()) events[Event::activation_buffer_read] += sums;
        count_additions(events, layer.addition->format.sum, sums);
    }
    if (layer.pooling.has_value()) count_pooling(layer, events);
    count_transfers(layer, events);
}

/// What follows from the layer's cycles.
void count_time(const ArrayParams& array, LayerRecord& record) {
    record.events[Event::clock] = record.cycles.total;
    record.events[Event::pe_idle] =
        record.cycles.total * static_cast<Count>(array.rows * array.columns) - record.events[Event::mac_multiply];
}

bool loads_weights_once(const Schedule& schedule) {
    return schedule.hardware.weight_buffer.storage != WeightStorage::streamed && schedule.weight_bytes > 0;
}

}  // namespace

RunRecord count_schedule(const Schedule& schedule) {
    RunRecord run;
    run.images = static_cast<Count>(schedule.images);
    run.layers.resize(schedule.layers.size());
    if (loads_weights_once(schedule)) {
        run.setup.events[Event::dram_read] = static_cast<Count>(schedule.weight_bytes);
        run.setup.events[Event::weight_buffer_write] = static_cast<Count>(schedule.weight_bytes);
    }
    if (!schedule.input_in_strips) {
        run.load.events[Event::dram_read] = static_cast<Count>(schedule.input_bytes);
        run.load.events[Event::activation_buffer_write] = static_cast<Count>(schedule.input_bytes);
    }
    for (const LayerSchedule& layer : schedule.layers) count_layer(schedule, layer, run.layers[layer.index].events);
    if (!schedule.output_in_strips) {
        run.store.events[Event::activation_buffer_read] = static_cast<Count>(schedule.output_bytes);
        run.store.events[Event::dram_write] = static_cast<Count>(schedule.output_bytes);
    }
    return run;
}

RunRecord model_schedule(const Schedule& schedule) {
    const HardwareParams& hardware = schedule.hardware;
    RunRecord run = count_schedule(schedule);

    // A phase around the layers: command, transfer, and the token back.
    constexpr Edge kAround = edges(Rule::command) + edges(Rule::report);
    const auto fetch = [&](std::int64_t bytes) { return kAround + fetch_edges(hardware.dram, bytes); };
    if (loads_weights_once(schedule)) close_phase(run.setup, fetch(schedule.weight_bytes), hardware.array);
    DmaTimer dma(schedule);
    Edge edge = 0;
    if (!schedule.input_in_strips) {
        edge = dma.load_input();
        close_phase(run.load, edge, hardware.array);
    }
    for (const LayerSchedule& layer : schedule.layers) {
        LayerRecord& record = run.layers[static_cast<std::size_t>(layer.index)];
        edge = time_layer(schedule, layer, edge, dma, record.cycles);
        count_time(hardware.array, record);
    }
    if (!schedule.output_in_strips)
        close_phase(run.store, kAround + store_edges(hardware.dram, schedule.output_bytes), hardware.array);
    return run;
}

namespace {

void scale(LayerRecord& record, std::uint64_t times) {
    record.cycles.total *= times;
    record.cycles.compute *= times;
    for (std::uint64_t& stall : record.cycles.stalls) stall *= times;
    for (std::size_t e = 0; e < kEventCount; ++e) record.events[static_cast<Event>(e)] *= times;
}

void add_times(RunRecord& record, RunRecord model, std::uint64_t times) {
    scale(model.load, times);
    scale(model.store, times);
    for (LayerRecord& layer : model.layers) scale(layer, times);
    model.images *= times;
    record += model;
}

}  // namespace

void add_modelled_batches(RunRecord& record, const RunRecord& batch, const RunRecord& rest, int batch_images,
                          std::uint64_t images) {
    const auto size = static_cast<std::uint64_t>(batch_images);
    if (images >= size) add_times(record, batch, images / size);
    if (images % size != 0) add_times(record, rest, 1);
    for (LayerRecord& layer : record.layers) {
        const std::uint64_t gated = layer.events[Event::mac_gated];
        for (const Event event : {Event::mac_multiply, Event::mac_add, Event::accumulator_write}) {
            layer.events[event] -= gated;
        }
    }
}

}  // namespace widthwise
