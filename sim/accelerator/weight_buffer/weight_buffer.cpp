// SPDX-License-Identifier: Apache-2.0
#include "accelerator/weight_buffer/weight_buffer.h"

#include <algorithm>

namespace widthwise {

WeightBuffer::WeightBuffer(const sc_core::sc_module_name& name, const WeightBufferParams& params, RunRecord& record)
    : Unit(name), params_(params), record_(record), memory_(static_cast<std::size_t>(params.bytes)) {}

void WeightBuffer::do_reset() {
    commands_.clear();
    tap_ = part_ = beats_ = 0;
    parts_filled_ = parts_used_ = 0;
    releases_ = 0;
    reading_ = writing_ = false;
    starved_by.write(Stall::dram);
}

void WeightBuffer::restore(std::int64_t parts_filled, std::int64_t parts_used) {
    parts_filled_ = parts_filled;
    parts_used_ = parts_used;
}

void WeightBuffer::step() {
    commands_.accept(command);
    accept_fill();
    reading_ = false;
    const bool free = weights.can_load();
    assemble();
    const bool complete = !commands_.empty() && beats_ == commands_.front().layer->weight_beats_per_tap;
    if (free && complete) load_operands();
    else if (free) weights.clear();
    if (free && !complete) {
        starved_by.write(!commands_.empty() && tile_present() ? Stall::weights : Stall::dram);
    }
    if (released.can_load()) {
        if (releases_ > 0) {
            --releases_;
            released.load(Token{});
        } else {
            released.clear();
        }
    }
    commands_.drive_ready(command);
}

void WeightBuffer::accept_fill() {
    writing_ = fill.transferring();
    if (!writing_) return;
    const WeightWrite& write = fill.data();
    std::copy_n(write.bytes.values.begin(), write.bytes.count, memory_.begin() + write.address);
    record_of(record_, write.layer).events[Event::weight_buffer_write] += static_cast<std::uint64_t>(write.bytes.count);
    if (write.last) ++parts_filled_;
}

bool WeightBuffer::tile_present() const {
    const TileCommand& tile = commands_.front();
    if (!tile.layer->computation) return true;  // needs no weights
    return streamed() ? parts_filled_ > parts_used_ : parts_filled_ > 0;
}

/// Reads one port word of the next tap's weights.
void WeightBuffer::assemble() {
    if (commands_.empty() || beats_ == commands_.front().layer->weight_beats_per_tap || !tile_present()) return;
    ++beats_;
    reading_ = true;
}

std::int64_t WeightBuffer::slot_address() const {
    const TileCommand& tile = commands_.front();
    const LayerSchedule& layer = *tile.layer;
    if (streamed()) return (parts_used_ % 2) * (params_.bytes / 2);
    return layer.weight_address + layer.weight_offset(tile.index.channel_tile);
}

void WeightBuffer::load_operands() {
    const TileCommand& tile = commands_.front();
    const LayerSchedule& layer = *tile.layer;
    const int rows = layer.channels_in_tile(tile.index.channel_tile);
    operands_.rows.count = rows;
    if (!layer.computation) {
        operands_.rows[0] = 1;  // a constant: the activation passes the multiplier unchanged
    } else {
        if (tap_ == layer.first_weight_tap(part_)) next_word_ = memory_.data() + slot_address();
        for (int i = 0; i < rows; ++i) operands_.rows[i] = static_cast<std::int8_t>(next_word_[i]);
        EventCounts& events = record_.layers[layer.index].events;
        if (layer.computation->weights_have_zero_points) {
            const auto first = static_cast<std::size_t>(layer.first_channel(tile.index.channel_tile));
            for (int i = 0; i < rows; ++i) {
                operands_.rows[i] =
                    static_cast<std::int16_t>(next_word_[i] - layer.computation->weight_zero_points[first + i]);
            }
            events[Event::weight_subtract] += static_cast<std::uint64_t>(rows);
        }
        next_word_ += rows;
        events[Event::weight_buffer_read] += static_cast<std::uint64_t>(rows);
    }
    weights.load(operands_);
    beats_ = 0;
    if (++tap_ == static_cast<int>(layer.taps.size())) finish_tile();
    else if (tap_ == layer.end_weight_tap(part_)) finish_part();
}

/// A slot is free again.
void WeightBuffer::finish_part() {
    ++part_;
    ++parts_used_;
    ++releases_;
}

void WeightBuffer::finish_tile() {
    const TileCommand tile = commands_.front();
    commands_.pop();
    const bool last_use = tile.ends_weights || tile.layer->weight_parts() > 1;
    if (last_use && streamed() && tile.layer->computation.has_value()) finish_part();
    tap_ = part_ = 0;
}

bool WeightBuffer::works() const { return !commands_.empty() || releases_ > 0; }

void WeightBuffer::add_waves(WaveList& wave, const std::string& scope) const {
    wave.add(scope, "tap", tap_, 24);
    wave.add(scope + ".port", "read", reading_);
    wave.add(scope + ".port", "write", writing_);
}

}  // namespace widthwise
