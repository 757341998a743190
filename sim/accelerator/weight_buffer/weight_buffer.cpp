// SPDX-License-Identifier: Apache-2.0
#include "accelerator/weight_buffer/weight_buffer.h"

#include <algorithm>

namespace widthwise {

WeightBuffer::WeightBuffer(const sc_core::sc_module_name& name, const WeightBufferParams& params,
                           const LayerTable& layers, RunRecord& record)
    : Buffer(name, params.bytes, memory_events(MemoryRole::weights), record), params_(params), layers_(layers) {
    parts_.places = weight_places(params);
}

void WeightBuffer::do_reset() {
    Buffer::do_reset();
    commands_.clear();
    tap_ = part_ = beats_ = 0;
    parts_.arrived = parts_.first_held = 0;
    releases_ = 0;
    starved_by.write(Stall::dram);
}

void WeightBuffer::restore(std::int64_t parts_filled, std::int64_t parts_used) {
    parts_.arrived = parts_filled;
    parts_.first_held = parts_used;
}

void WeightBuffer::step() {
    begin_edge();
    commands_.accept(command);
    accept_fill();
    const bool free = weights.can_load();
    if (bias.transferring()) bias.clear();
    if (parameters.transferring()) parameters.clear();
    assemble();
    const bool complete = operands_complete();
    if (free && complete && (!parameters_due() || (bias.can_load() && parameters.can_load()))) load_operands();
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
    if (!fill.transferring()) return;
    const WeightWrite& word = fill.data();
    write(word.layer, word.address, word.bytes.values.data(), word.bytes.count);
    if (word.last) ++parts_.arrived;
}

bool WeightBuffer::tile_present() const {
    const TileCommand& tile = commands_.front();
    if (!layers_.of(tile).has_parameters()) return true;  // needs none
    return parts_.any();
}

/// Reads one port word of the next tap's weights.
void WeightBuffer::assemble() {
    if (commands_.empty() || beats_ == layers_.of(commands_.front()).weight_beats_per_tap || !tile_present()) return;
    const TileCommand& tile = commands_.front();
    const int rows = layers_.of(tile).computation ? layers_.of(tile).channels_in_tile(tile.index.channel_tile) : 0;
    const int width = params_.bytes_per_cycle > 0 ? params_.bytes_per_cycle : rows;
    const int left = rows - beats_ * width;
    if (left > 0) count_read(layers_.of(tile).index, std::min(left, width));
    ++beats_;
}

std::int64_t WeightBuffer::part_address() const {
    const TileCommand& tile = commands_.front();
    const LayerSchedule& layer = layers_.of(tile);
    if (streamed()) return parts_.address();
    return layer.weight_address + layer.weight_offset(tile.index.channel_tile);
}

/// The next tap's weights have been read.
bool WeightBuffer::operands_complete() const {
    return !commands_.empty() && beats_ == layers_.of(commands_.front()).weight_beats_per_tap;
}

/// The next tap is the first of its channel tile, in a layer that has parameters.
bool WeightBuffer::parameters_due() const {
    const TileCommand& tile = commands_.front();
    return tap_ == 0 && layers_.of(tile).has_parameters() && layers_.begins_channel_tile(tile);
}

void WeightBuffer::load_operands() {
    const TileCommand& tile = commands_.front();
    const LayerSchedule& layer = layers_.of(tile);
    const int rows = layer.channels_in_tile(tile.index.channel_tile);
    if (layer.has_parameters() && tap_ == layer.first_weight_tap(part_)) {
        next_word_ = memory().data() + part_address();
        if (part_ == 0) {
            if (parameters_due()) load_parameters(layer, rows);
            next_word_ += std::ptrdiff_t{rows} * layer.parameter_bytes();
        }
    }
    load_weights(layer, rows);
    beats_ = 0;
    if (++tap_ == static_cast<int>(layer.taps.size())) finish_tile();
    else if (tap_ == layer.end_weight_tap(part_)) finish_part();
}

void WeightBuffer::load_weights(const LayerSchedule& layer, int rows) {
    operands_.rows.count = rows;
    if (!layer.computation) {
        operands_.rows[0] = 1;  // a constant: the activation passes the multiplier unchanged
    } else {
        for (int i = 0; i < rows; ++i) operands_.rows[i] = static_cast<std::int8_t>(next_word_[i]);
        if (layer.has_weight_zero_points()) {
            for (int i = 0; i < rows; ++i) {
                operands_.rows[i] = static_cast<std::int16_t>(next_word_[i] - channels_.channels[i].weight_zero_point);
            }
            events_of(layer.index)[Event::weight_subtract] += static_cast<std::uint64_t>(rows);
        }
        next_word_ += rows;
    }
    weights.load(operands_);
}

/// All channels' at once: their port reads the parameters of a channel for each array row in a cycle.
void WeightBuffer::load_parameters(const LayerSchedule& layer, int rows) {
    channels_.layer = layer.index;
    channels_.first_channel = layer.first_channel(commands_.front().index.channel_tile);
    channels_.channels.count = bias_.rows.count = rows;
    for (int i = 0; i < rows; ++i) {
        channels_.channels[i] = channel_parameters(layer, next_word_ + std::ptrdiff_t{i} * layer.parameter_bytes());
        bias_.rows[i] = channels_.channels[i].bias;
    }
    count_read(layer.index, rows * layer.parameter_bytes());
    if (layer.preloads_bias()) bias.load(bias_);
    if (layer.requantizes_by_channel()) parameters.load(channels_);
}

/// A slot is free again.
void WeightBuffer::finish_part() {
    ++part_;
    ++parts_.first_held;
    ++releases_;
}

void WeightBuffer::finish_tile() {
    const TileCommand tile = commands_.front();
    commands_.pop();
    const bool last_use = tile.ends_weights || layers_.of(tile).weight_parts() > 1;
    if (last_use && streamed() && layers_.of(tile).has_parameters()) finish_part();
    tap_ = part_ = 0;
}

bool WeightBuffer::works() const { return !commands_.empty() || releases_ > 0 || Buffer::works(); }

void WeightBuffer::add_waves(WaveList& wave, const std::string& scope) const {
    wave.add(scope, "tap", tap_, 24);
    Buffer::add_waves(wave, scope);
}

}  // namespace widthwise
