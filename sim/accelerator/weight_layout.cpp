// SPDX-License-Identifier: Apache-2.0
#include "accelerator/weight_layout.h"

#include <bit>
#include <cstddef>

namespace widthwise {
namespace {

void append(std::vector<std::uint8_t>& bytes, std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// Advances `bytes`.
std::uint64_t take(const std::uint8_t*& bytes, int count) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= std::uint64_t{*bytes++} << (8 * i);
    return value;
}

constexpr int kMultiplierBytes = 4;

/// What the mode needs of it: multiplier and shift, the shift alone, the divisor, or the factor.
void append_scale(std::vector<std::uint8_t>& bytes, const RequantScale& scale, RequantMode mode) {
    if (mode == RequantMode::reciprocal) {
        append(bytes, static_cast<std::uint64_t>(scale.divisor), kFactorBytes);
        return;
    }
    const bool real = mode == RequantMode::float32;
    append(bytes, real ? std::bit_cast<std::uint32_t>(scale.factor) : static_cast<std::uint64_t>(scale.multiplier),
           kMultiplierBytes);
    append(bytes, static_cast<std::uint64_t>(scale.shift), kFactorBytes - kMultiplierBytes);
}

RequantScale take_scale(const std::uint8_t*& bytes, RequantMode mode) {
    RequantScale scale;
    if (mode == RequantMode::reciprocal) {
        scale.divisor = static_cast<std::int64_t>(take(bytes, kFactorBytes));
        return scale;
    }
    const auto multiplier = static_cast<std::uint32_t>(take(bytes, kMultiplierBytes));
    if (mode == RequantMode::float32) scale.factor = std::bit_cast<float>(multiplier);
    else scale.multiplier = multiplier;
    scale.shift = static_cast<int>(take(bytes, kFactorBytes - kMultiplierBytes));
    return scale;
}

void append_parameters(std::vector<std::uint8_t>& bytes, const LayerSchedule& layer, std::size_t channel) {
    if (layer.adds_constant()) bytes.push_back(layer.addition->constants[channel]);
    if (!layer.computation) return;
    const std::vector<std::int64_t>& bias = layer.computation->bias;
    append(bytes, static_cast<std::uint64_t>(bias.empty() ? 0 : bias[channel]), kBiasBytes);
    if (layer.has_weight_zero_points()) bytes.push_back(layer.computation->weight_zero_points[channel]);
    if (!layer.sums_leave())
        append_scale(bytes, layer.requantization->scales[channel], layer.requantization->format.mode);
}

}  // namespace

void append_weight_tile(std::vector<std::uint8_t>& bytes, const LayerSchedule& layer, int channel_tile) {
    const auto first = static_cast<std::size_t>(layer.first_channel(channel_tile));
    const auto end = first + static_cast<std::size_t>(layer.channels_in_tile(channel_tile));
    for (std::size_t c = first; c < end; ++c) append_parameters(bytes, layer, c);
    if (!layer.computation) return;
    const Computation& computation = *layer.computation;
    const std::size_t taps = layer.taps.size();
    for (std::size_t t = 0; t < taps; ++t) {
        for (std::size_t c = first; c < end; ++c) {
            const int zero_point = computation.weights_have_zero_points ? computation.weight_zero_points[c] : 0;
            bytes.push_back(static_cast<std::uint8_t>(computation.weights[c * taps + t] + zero_point));
        }
    }
}

ChannelParameters channel_parameters(const LayerSchedule& layer, const std::uint8_t* bytes) {
    ChannelParameters parameters;
    if (layer.adds_constant()) parameters.constant = *bytes++;
    if (!layer.computation) return parameters;
    parameters.bias = static_cast<std::int32_t>(take(bytes, kBiasBytes));
    if (layer.has_weight_zero_points()) parameters.weight_zero_point = *bytes++;
    if (!layer.sums_leave()) parameters.scale = take_scale(bytes, layer.requantization->format.mode);
    return parameters;
}

}  // namespace widthwise
