// SPDX-License-Identifier: Apache-2.0
#include "accelerator/pool_unit/pool_unit.h"

#include <algorithm>

namespace widthwise {

PoolUnit::PoolUnit(const sc_core::sc_module_name& name, const LayerTable& layers, RunRecord& record)
    : Unit(name), layers_(layers), record_(record) {
    SC_HAS_PROCESS(PoolUnit);
    SC_METHOD(drive_ready);
    sensitive << results.valid_changed() << results.ready_changed() << reset;
}

void PoolUnit::drive_ready() {
    const bool takes = !reset.read() && results.can_load();
    outputs.drive_ready(takes);
    additions.drive_ready(takes);
}

void PoolUnit::do_reset() {
    layer_ = nullptr;
    last_seen_ = false;
}

void PoolUnit::step() {
    if (stored.transferring()) stored.clear();
    if (!results.can_load()) return;
    if (last_seen_) {  // its last write is being taken at this edge, or it had none
        last_seen_ = false;
        layer_ = nullptr;
        stored.load(Token{});
    }
    write_.addresses.count = write_.bytes.count = 0;
    // A strip comes from one of the two, and the next begins when this one is stored.
    if (outputs.transferring()) take(outputs.data());
    else if (additions.transferring()) take(additions.data());
    if (write_.bytes.count > 0) results.load(write_);
    else results.clear();
}

void PoolUnit::take(const OutputBeat& beat) {
    if (layer_ == nullptr) begin_strip(beat.position);
    take_values(beat);
    last_seen_ = beat.position.last_of_strip;
}

void PoolUnit::begin_strip(const ResultPosition& position) {
    const LayerSchedule& layer = layers_.of(position);
    layer_ = &layer;
    strip_ = &layers_.strip_of(position);
    write_.layer = layer.index;
    if (!layer.pooling) return;
    const Window& window = layer.pooling->window;
    open_rows_ = open_rows(window.kernel_height, window.stride_height, layer.output.height);
    rows_ = windows_along(layer.sums.height, window.kernel_height, window.stride_height, window.pad_top,
                          layer.output.height);
    columns_ =
        windows_along(layer.sums.width, window.kernel_width, window.stride_width, window.pad_left, layer.output.width);
    row_buffer_.assign(static_cast<std::size_t>(layer.array_rows * open_rows_ * layer.output.width), PoolPartial{});
}

void PoolUnit::take_values(const OutputBeat& beat) {
    ResultPosition position = beat.position;
    const int width = layer_->sums.width;
    int y = position.pixel / width;
    int x = position.pixel % width;
    for (int i = 0; i < beat.values.count; ++i) {
        if (layer_->pooling) pool_pixel(position, y, x, beat.values[i]);
        else emit(position, y, x, beat.values[i]);
        if (position.along_channels) {
            ++position.channel;
        } else if (++x == width) {
            x = 0;
            ++y;
        }
    }
}

void PoolUnit::pool_pixel(const ResultPosition& position, int y, int x, int value) {
    const LayerSchedule& layer = *layer_;
    const PixelWindows& rows = rows_[static_cast<std::size_t>(y)];
    const PixelWindows& columns = columns_[static_cast<std::size_t>(x)];
    const int channel = position.channel % layer.array_rows;
    for (int oy = rows.first; oy < rows.end; ++oy) {
        for (int ox = columns.first; ox < columns.end; ++ox) {
            PoolPartial& window = row_buffer_[static_cast<std::size_t>(
                (channel * open_rows_ + oy % open_rows_) * layer.output.width + ox)];
            pool_add(window, value, layer.pooling->input_zero_point, layer.pooling->input_scale);
            if (oy < rows.open && ox < columns.open) {
                complete(position, oy, ox, window);
                window = PoolPartial{};
            }
        }
    }
}

void PoolUnit::complete(const ResultPosition& position, int y, int x, const PoolPartial& window) {
    const LayerSchedule& layer = *layer_;
    const Pooling& stage = *layer.pooling;
    EventCounts& events = record_.layers[static_cast<std::size_t>(layer.index)].events;
    count_pooling(stage, events, static_cast<std::uint64_t>(window.pixels), 1);
    const int value = pooled(stage, window);
    const int pixel = y * layer.output.width + x;
    if (probe) probe(stage.operator_index, position.image, position.channel, pixel, value);
    emit(position, y, x, value);
}

void PoolUnit::emit(const ResultPosition& position, int y, int x, int value) {
    const int i = write_.bytes.count++;
    ++write_.addresses.count;
    write_.addresses[i] = static_cast<std::int32_t>(strip_->output.at(position.image, position.channel, y) +
                                                    std::int64_t{x} * layer_->value_bytes + position.byte);
    write_.bytes[i] = static_cast<std::uint8_t>(value);
}

bool PoolUnit::works() const { return last_seen_; }

void PoolUnit::add_waves(WaveList& wave, const std::string& scope) const { wave.add(scope, "last_seen", last_seen_); }

}  // namespace widthwise
