// SPDX-License-Identifier: Apache-2.0
#include "accelerator/requant_unit/requant_unit.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.h"

namespace widthwise {

namespace {

int channel_of(const ResultPosition& position, int lane) {
    return position.channel + (position.along_channels ? lane : 0);
}

}  // namespace

RequantUnit::RequantUnit(const sc_core::sc_module_name& name, const RequantParams& params, const LayerTable& layers,
                         RunRecord& record)
    : Unit(name), lanes_(params.lanes), layers_(layers), record_(record) {
    SC_HAS_PROCESS(RequantUnit);
    SC_METHOD(drive_ready);
    sensitive << outputs.valid_changed() << outputs.ready_changed() << addends.valid_changed()
              << addends.ready_changed() << blocked_ << reset;
}

/// The pipeline moves as a whole: whenever its last registers can. Sums that leave are held in the second stage until
/// their last byte goes; a beat is taken meanwhile if the first is empty.
void RequantUnit::drive_ready() { sums.drive_ready(!reset.read() && can_move() && !blocked_.read()); }

void RequantUnit::do_reset() {
    biased_.valid = scaled_.valid = rounded_.valid = false;
    byte_ = 0;
    banks_.clear();
    banks_held_ = 0;
    blocked_.write(false);
}

void RequantUnit::step() {
    accept_parameters();
    if (can_move()) move();
    parameters.drive_ready(banks_.size() < kBanks);
    banks_held_ = static_cast<std::int32_t>(banks_.size());
}

void RequantUnit::accept_parameters() {
    if (parameters.transferring()) banks_.push_back(parameters.data());
}

/// All stages by one.
void RequantUnit::move() {
    if (rounded_.valid) {
        clamp(rounded_);
    } else {
        outputs.clear();
        addends.clear();
    }
    shift_stages();
    if (sums.transferring()) {
        biased_.valid = true;
        add_bias(biased_);
        count(biased_);
    }
    blocked_.write(biased_.valid && holds());
}

/// Leaves the first stage empty, unless the second holds.
void RequantUnit::shift_stages() {
    const bool holding = holds();
    rounded_.valid = scaled_.valid;
    if (scaled_.valid) {
        if (layers_.of(scaled_.position).sums_leave()) part(scaled_, rounded_);
        else round(scaled_, rounded_);
    }
    if (holding) {
        ++byte_;
        return;
    }
    byte_ = 0;
    scaled_.valid = biased_.valid;
    if (biased_.valid) multiply(biased_, scaled_);
    biased_.valid = false;
}

/// At the next edge a byte goes that is not the last of the sums in the second stage.
bool RequantUnit::holds() const {
    return scaled_.valid && layers_.of(scaled_.position).sums_leave() &&
           byte_ + 1 < layers_.of(scaled_.position).value_bytes;
}

/// Parameters leave the weight buffer beside their channel tile's first weights, long before its first sums.
const Parameters& RequantUnit::bank_of(const ResultPosition& position) const {
    if (banks_.empty() || banks_.front().layer != position.layer)
        throw SimulationError(
            fmt::format("{}: sums of layer {} come before their channels' parameters", name(), position.layer));
    return banks_.front();
}

void RequantUnit::add_bias(Stage& to) {
    const PsumBeat& beat = sums.data();
    const LayerSchedule& layer = layers_.of(beat.position);
    const bool by_channel = layer.requantizes_by_channel();
    const bool add = layer.computation && !layer.computation->bias_preload;
    const int zero_point = layer.requantization ? layer.requantization->input_zero_point : 0;
    to.position = beat.position;
    to.count = beat.sums.count;
    for (int lane = 0; lane < to.count; ++lane) {
        const auto i = static_cast<std::size_t>(lane);
        const int channel = channel_of(to.position, lane);
        std::int64_t bias = -zero_point;
        if (by_channel) {
            const ChannelParameters& parameters_of_lane = bank_of(to.position).of(channel);
            if (add) bias = parameters_of_lane.bias;
            to.scale[i] = parameters_of_lane.scale;
            to.constant[i] = parameters_of_lane.constant;
        }
        // Without weights, a layer's scale is among its own registers.
        if (layer.requantization && !layer.computation) to.scale[i] = scale_of(*layer.requantization, channel);
        to.value[i] = requant_add_bias(beat.sums[lane], bias);
    }
    if (by_channel && to.position.last_of_channel_tile) banks_.pop_front();
}

/// What goes with the values from stage to stage.
void RequantUnit::pass_on(const Stage& from, Stage& to) {
    to.position = from.position;
    to.count = from.count;
    const auto count = static_cast<std::size_t>(from.count);
    std::copy_n(from.scale.begin(), count, to.scale.begin());
    std::copy_n(from.constant.begin(), count, to.constant.begin());
}

void RequantUnit::multiply(const Stage& from, Stage& to) const {
    const LayerSchedule& layer = layers_.of(from.position);
    pass_on(from, to);
    for (std::size_t i = 0; i < static_cast<std::size_t>(from.count); ++i) {
        if (!layer.requantization) {
            to.value[i] = from.value[i];
            continue;
        }
        const ScaledSum scaled = requant_multiply(from.value[i], from.scale[i], layer.requantization->format);
        to.value[i] = scaled.product;
        to.real[i] = scaled.real;
    }
}

void RequantUnit::round(const Stage& from, Stage& to) const {
    const LayerSchedule& layer = layers_.of(from.position);
    pass_on(from, to);
    for (std::size_t i = 0; i < static_cast<std::size_t>(from.count); ++i) {
        to.value[i] = layer.requantization
                          ? requant_round({from.value[i], from.real[i]}, from.scale[i], layer.requantization->format)
                          : from.value[i];
    }
}

/// The rounding shifter as it parts sums: the next byte of each.
void RequantUnit::part(const Stage& from, Stage& to) const {
    to.position = from.position;
    to.position.byte = byte_;
    to.position.last_of_strip = from.position.last_of_strip && byte_ + 1 == layers_.of(from.position).value_bytes;
    to.count = from.count;
    for (int lane = 0; lane < from.count; ++lane) {
        const auto i = static_cast<std::size_t>(lane);
        to.value[i] = from.value[i] >> (8 * byte_) & 0xFF;
        if (byte_ == 0) report(from, lane, from.value[i]);
    }
}

void RequantUnit::report(const Stage& stage, int lane, std::int64_t value) const {
    const ResultPosition& position = stage.position;
    const LayerSchedule& layer = layers_.of(position);
    if (!probe || (!layer.computation && !layer.requantization)) return;
    probe(layer.computation ? layer.computation->operator_index : layer.requantization->operator_index, position.image,
          channel_of(position, lane), position.pixel + (position.along_channels ? 0 : lane), value);
}

void RequantUnit::clamp(const Stage& from) {
    const LayerSchedule& layer = layers_.of(from.position);
    const bool passes = !layer.requantization;
    output_.position = from.position;
    output_.values.count = from.count;
    output_.constants.count = layer.adds_constant() ? from.count : 0;
    std::copy_n(from.constant.begin(), static_cast<std::size_t>(output_.constants.count),
                output_.constants.values.begin());
    for (int lane = 0; lane < from.count; ++lane) {
        const std::int64_t value = from.value[static_cast<std::size_t>(lane)];
        output_.values[lane] =
            static_cast<std::int16_t>(passes ? value : requant_clamp(value, layer.requantization->format));
        if (!layer.sums_leave()) report(from, lane, output_.values[lane]);
    }
    const bool adds = layer.addition.has_value();
    (adds ? addends : outputs).load(output_);
    (adds ? outputs : addends).clear();
}

void RequantUnit::count(const Stage& stage) const {
    const LayerSchedule& layer = layers_.of(stage.position);
    EventCounts& events = record_.layers[static_cast<std::size_t>(layer.index)].events;
    const auto n = static_cast<std::uint64_t>(stage.count);
    const bool adds_bias = layer.computation && !layer.computation->bias_preload && layer.computation->has_bias;
    if (adds_bias || (layer.requantization && layer.requantization->input_zero_point != 0))
        events[Event::bias_add] += n;
    if (layer.requantization) count_requantization(events, layer.requantization->format.mode, n);
}

bool RequantUnit::works() const { return biased_.valid || scaled_.valid || rounded_.valid; }

void RequantUnit::add_waves(WaveList& wave, const std::string& scope) const {
    for (int lane = 0; lane < lanes_; ++lane) {
        const std::string name = scope + ".lane" + std::to_string(lane);
        const auto i = static_cast<std::size_t>(lane);
        wave.add(name, "sum", biased_.value[i], 49);
        wave.add(name, "product", scaled_.value[i], 64);
        wave.add(name, "rounded", rounded_.value[i], 33);
        wave.add(name, "output", output_.values.values[i], 9);
    }
    wave.add(scope, "banks", banks_held_, 2);
    wave.add(scope + ".stage_valid", "biased", biased_.valid);
    wave.add(scope + ".stage_valid", "scaled", scaled_.valid);
    wave.add(scope + ".stage_valid", "rounded", rounded_.valid);
}

}  // namespace widthwise
