// SPDX-License-Identifier: Apache-2.0
// The accelerator beginning in the middle of a batch: array, line buffer and pool are empty there, and the memories get
// what they would hold.
#include <algorithm>

#include "accelerator/accelerator.h"
#include "accelerator/dram_order.h"
#include "schedule/strip_fit.h"

namespace widthwise {
namespace {

/// A fetch that has ended: its lines are at their places.
void move_in(const Transfer& fetch, const std::uint8_t* from, ZeroBytes& buffer) {
    const std::int64_t row_bytes = std::int64_t{fetch.channels} * fetch.line_bytes;
    for (std::int64_t row = 0; row * row_bytes < fetch.bytes; ++row) {
        for (std::int64_t c = 0; c < fetch.channels; ++c) {
            std::copy_n(from + row * row_bytes + c * fetch.line_bytes, fetch.line_bytes,
                        buffer.data() + fetch.address + row * fetch.row_stride + c * fetch.channel_stride);
        }
    }
}

}  // namespace

void Accelerator::start_part(const Schedule& schedule, const ClockedPart& part, const PartTiming& timing,
                             const LayerMaps& maps, const BatchStart& batch, std::function<void()> on_done) {
    lay_out(schedule);
    const LayerSchedule& layer = schedule.layers[part.layer];
    restore_map(layer.input_place, layer.input_placement, layer.input, schedule.images, maps.input);
    if (layer.adds_map())
        restore_map(layer.addend_place, layer.addend_placement, layer.sums, schedule.images, maps.addend);
    restore_strips(layer, part, timing.transfers, maps);
    restore_weights(schedule, timing.transfers, batch.weight_parts);
    sequencer.start_part(schedule, layout_, part, timing, batch.cycle, batch.weight_parts, std::move(on_done));
}

void Accelerator::restore_map(const MapPlace& place, const Placement& placement, const Shape& map, int images,
                              std::span<const std::uint8_t> values) {
    if (place.in_dram) {
        std::ranges::copy(row_after_row(values, map, 1), dram.memory.data() + layout_.of(place.area) + place.offset);
        return;
    }
    const std::int64_t bytes = map.elements();
    for (int image = 0; image < images; ++image)
        std::copy_n(values.data() + image * bytes, bytes, activation_buffer.memory().data() + placement.image(image));
}

/// What has been fetched for strips, and results that are still to be stored.
void Accelerator::restore_strips(const LayerSchedule& layer, const ClockedPart& part, const TransferState& transfers,
                                 const LayerMaps& maps) {
    for (int f = 0; f < transfers.fetches; ++f) {
        const Transfer& fetch = layer.fetches[f];
        move_in(fetch, dram.memory.data() + layout_.of(fetch.area) + fetch.offset, activation_buffer.memory());
    }
    if (layer.stores.empty() || part.first_strip == 0) return;
    const std::vector<std::uint8_t> output = row_after_row(maps.output, layer.output, layer.value_bytes);
    const int before = layer.strips[part.first_strip - 1].end_store;
    for (int s = transfers.stores; s < before; ++s) {
        const Transfer& store = layer.stores[s];
        std::copy_n(output.data() + store.offset - layer.output_place.offset, store.bytes,
                    activation_buffer.memory().data() + store.address);
    }
}

void Accelerator::restore_weights(const Schedule& schedule, const TransferState& transfers, std::int64_t parts_before) {
    ZeroBytes& memory = weight_buffer.memory();
    const std::uint8_t* weights = dram.memory.data() + layout_.weights;
    if (schedule.hardware.weight_buffer.storage == WeightStorage::resident) {
        std::copy_n(weights, schedule.weight_bytes, memory.data());
        weight_buffer.restore(1, 0);
        return;
    }
    WeightFetchCursor fetch(schedule.layers);
    for (std::int64_t part = 0; part < transfers.weight_parts; ++part, fetch.next()) {
        if (part < transfers.weight_parts_used) continue;
        const std::int64_t place = weight_places(schedule.hardware.weight_buffer).address(parts_before + part);
        std::copy_n(weights + fetch.address(), fetch.bytes(), memory.data() + place);
    }
    weight_buffer.restore(parts_before + transfers.weight_parts, parts_before + transfers.weight_parts_used);
}

bool Accelerator::has_stored(const Schedule& schedule, const ClockedPart& part, const LayerMaps& maps) const {
    const LayerSchedule& layer = schedule.layers[part.layer];
    std::vector<std::uint8_t> output;
    if (layer.output_place.in_dram) output = row_after_row(maps.output, layer.output, layer.value_bytes);
    for (int s = part.first_strip; s < part.end_strip; ++s) {
        const int first = s == 0 ? 0 : layer.strips[s - 1].end_store;
        const int end = layer.strips[s].end_store;
        for (int t = first; t < std::min(end, sequencer.stores_done()); ++t) {
            const Transfer& store = layer.stores[t];
            const std::uint8_t* expected = output.data() + store.offset - layer.output_place.offset;
            const std::uint8_t* stored = dram.memory.data() + layout_.of(store.area) + store.offset;
            if (!std::equal(expected, expected + store.bytes, stored)) return false;
        }
        const bool in_buffer = !layer.output_place.in_dram || end > sequencer.stores_done();
        if (in_buffer && !holds_strip(layer, s, maps.output)) return false;
    }
    return true;
}

/// The activation buffer holds the strip's results.
bool Accelerator::holds_strip(const LayerSchedule& layer, int number, std::span<const std::uint8_t> output) const {
    const Strip& strip = layer.strips[number];
    const auto row_strips = static_cast<int>(layer.row_strips.size());
    const RowRange rows =
        layer.in_strips() ? output_rows(layer, layer.extents, number % row_strips) : RowRange{0, layer.output.height};
    const std::int64_t line = std::int64_t{layer.output.width} * layer.value_bytes;
    const int first_channel = layer.first_channel(strip.first_channel_tile);
    const int end_channel = layer.first_channel(strip.end_channel_tile);
    for (int image = layer.first_image(strip.first_group); image < layer.first_image(strip.end_group); ++image) {
        for (int c = first_channel; c < end_channel; ++c) {
            for (int y = rows.first; y < rows.end; ++y) {
                const std::uint8_t* expected =
                    output.data() + image * layer.output_bytes() + (std::int64_t{c} * layer.output.height + y) * line;
                const auto stored = activation_buffer.memory().begin() + strip.output.at(image, c, y);
                if (!std::equal(expected, expected + line, stored)) return false;
            }
        }
    }
    return true;
}

}  // namespace widthwise
