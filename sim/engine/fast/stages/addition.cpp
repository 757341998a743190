// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/stages/addition.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "arithmetic/vector_clones.h"

namespace widthwise::fast {

namespace {

using Reading = LaneAddition::Reading;

/// residual_sum() in the integer modes.
WIDTHWISE_VECTOR_CLONES
void weigh_and_add(const std::uint8_t* a, const std::uint8_t* b, const Reading& of_a, const Reading& of_b,
                   std::int32_t constant, std::int32_t* sums, std::size_t count) {
    const std::int32_t multiplier_a = of_a.multiplier, multiplier_b = of_b.multiplier;
    for (std::size_t i = 0; i < count; ++i) sums[i] = a[i] * multiplier_a + b[i] * multiplier_b + constant;
}

/// Rounding half to even by adding 1.5 * 2^23, after which the float's last bits are the integer: exact below 2^22.
[[gnu::always_inline]] inline std::int32_t rounded(float real) {
    constexpr float kMagic = 12582912.0F;
    return std::bit_cast<std::int32_t>(real + kMagic) - std::bit_cast<std::int32_t>(kMagic);
}

/// residual_add() with fused multiply-adds.
WIDTHWISE_VECTOR_CLONES
void add_fused(const std::uint8_t* a, const std::uint8_t* b, const Reading& of_a, const Reading& of_b,
               const ResidualFormat& format, std::int32_t result_offset, std::uint8_t* output, std::size_t count) {
    const auto low = static_cast<float>(format.output.clamp_low + format.relabelling);
    const auto high = static_cast<float>(format.output.clamp_high + format.relabelling);
    const float offset = format.offset, ratio_a = of_a.ratio, ratio_b = of_b.ratio;
    const std::int32_t lift_a = format.a.relabelling - of_a.offset;
    const std::int32_t lift_b = format.b.relabelling - of_b.offset;
    const std::int32_t lift = result_offset - format.relabelling;
    for (std::size_t i = 0; i < count; ++i) {
        const auto real_a = static_cast<float>(a[i] + lift_a);
        const auto real_b = static_cast<float>(b[i] + lift_b);
        float sum = std::fma(real_a, ratio_a, std::fma(real_b, ratio_b, offset));
        sum = sum > low ? sum : low;
        sum = sum < high ? sum : high;
        output[i] = static_cast<std::uint8_t>(rounded(sum) + lift);
    }
}

/// residual_add() of dequantized operands. The zero point is added to the integer, so that ties are even before it is.
WIDTHWISE_VECTOR_CLONES
void add_dequantized(const std::uint8_t* a, const std::uint8_t* b, const Reading& of_a, const Reading& of_b,
                     const ResidualFormat& format, std::int32_t result_offset, std::uint8_t* output,
                     std::size_t count) {
    const std::int32_t zero_point = format.output.zero_point;
    const auto low = static_cast<float>(format.output.clamp_low - zero_point);
    const auto high = static_cast<float>(format.output.clamp_high - zero_point);
    const std::int32_t zero_a = of_a.offset + format.a.zero_point;
    const std::int32_t zero_b = of_b.offset + format.b.zero_point;
    const std::int32_t lift = zero_point + result_offset;
    const float scale_a = format.a.scale, scale_b = format.b.scale, scale = format.output_scale;
    for (std::size_t i = 0; i < count; ++i) {
        const float real_a = static_cast<float>(a[i] - zero_a) * scale_a;
        const float real_b = static_cast<float>(b[i] - zero_b) * scale_b;
        float sum = (real_a + real_b) / scale;
        sum = sum > low ? sum : low;
        sum = sum < high ? sum : high;
        output[i] = static_cast<std::uint8_t>(rounded(sum) + lift);
    }
}

/// Widest sum that the lanes requantize.
constexpr int kMaxSumBits = 31;

Reading reading_of(const StoredRange& range, const ResidualOperand& operand) {
    return {static_cast<std::int32_t>(operand.multiplier), range.offset(), operand.ratio};
}

}  // namespace

LaneAddition::LaneAddition(const LayerSchedule& layer, const StoredRange& values, const Kernels& kernels)
    : layer_(layer), values_(values), results_(range_of(layer.addition->format.output)) {
    const ResidualFormat& format = layer.addition->format;
    if (format.sum != AdditionSum::products) return;
    const std::int64_t largest = std::max(format.a.multiplier, format.b.multiplier);
    // A byte, and what its sign and zero point come to, are at most 255 each.
    constexpr std::int64_t kMostOfBoth = 4 * 255;
    const auto bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest * kMostOfBoth))) + 1;
    if (bits > kMaxSumBits) return;
    RequantScale scale;
    scale.shift = format.shift;
    scales_.assign(kChunk, scale);
    requantizer_.emplace(format.output, scales_, std::span<const std::int64_t>{}, bits, kernels);
}

void LaneAddition::add_integers(const Operands& operands, std::uint8_t* output, std::size_t bytes) const {
    const ResidualFormat& format = layer_.addition->format;
    const Reading& of_a = operands.of_a;
    const Reading& of_b = operands.of_b;
    const std::int32_t constant =
        -(of_a.offset + format.a.zero_point) * of_a.multiplier - (of_b.offset + format.b.zero_point) * of_b.multiplier;
    LaneInts sums[kChunk];
    LaneBytes results[kChunk];
    for (std::size_t first = 0; first < bytes; first += sizeof results) {
        const std::size_t part = std::min(sizeof results, bytes - first);
        const std::size_t lanes = (part + kLanes - 1) / kLanes;
        if (part % kLanes != 0) sums[lanes - 1] = {};
        weigh_and_add(operands.a + first, operands.b + first, of_a, of_b, constant, sums[0].lane, part);
        requantizer_->write_bytes(sums, static_cast<int>(lanes), results);
        std::memcpy(output + first, results, part);
    }
}

void LaneAddition::add(const std::uint8_t* values, const std::uint8_t* operands, const StoredRange& of_operands,
                       std::uint8_t* output, std::size_t bytes) const {
    const Addition& stage = *layer_.addition;
    const ResidualFormat& format = stage.format;
    Operands both{values, operands, reading_of(values_, format.a), reading_of(of_operands, format.b)};
    if (stage.operand_is_first)
        both = {operands, values, reading_of(of_operands, format.a), reading_of(values_, format.b)};
    if (format.sum == AdditionSum::fused) {
        add_fused(both.a, both.b, both.of_a, both.of_b, format, results_.offset(), output, bytes);
    } else if (format.sum == AdditionSum::dequantized) {
        add_dequantized(both.a, both.b, both.of_a, both.of_b, format, results_.offset(), output, bytes);
    } else if (requantizer_) {
        add_integers(both, output, bytes);
    } else {
        for (std::size_t i = 0; i < bytes; ++i)
            output[i] = results_.byte(added(stage, values_.value(values[i]), of_operands.value(operands[i])));
    }
}

void LaneAddition::run(const std::uint8_t* values, const BlockMap* operands, int group, std::size_t first_word,
                       std::size_t count, std::uint8_t* output) const {
    if (operands != nullptr) {
        const std::uint8_t* from = operands->group(group) + first_word * kWordChannels;
        add(values, from, {operands->is_signed()}, output, count * kWordChannels);
        return;
    }
    // The constants of the four channels, word after word.
    const StoredRange range{layer_.addition->operand_is_signed};
    constexpr std::size_t kWords = 64;
    std::uint8_t constants[kWords * kWordChannels] = {};
    const std::vector<std::uint8_t>& of_channels = layer_.addition->constants;
    for (std::size_t i = 0; i < sizeof constants; ++i) {
        const std::size_t channel = static_cast<std::size_t>(group) * kWordChannels + i % kWordChannels;
        if (channel < of_channels.size()) constants[i] = range.byte(layer_.addition->operand(of_channels[channel]));
    }
    for (std::size_t word = 0; word < count; word += kWords) {
        const std::size_t at = word * kWordChannels;
        add(values + at, constants, range, output + at, std::min(kWords, count - word) * kWordChannels);
    }
}

void LaneAddition::run(const BlockMap& values, const BlockMap* operands, BlockMap& output) const {
    output.reshape(layer_.sums, values.images(), results_.is_signed);
    for (int group = 0; group < values.groups(); ++group)
        run(values.group(group), operands, group, 0, values.words(), output.group(group));
}

}  // namespace widthwise::fast
