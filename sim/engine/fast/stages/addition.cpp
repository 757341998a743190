// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/stages/addition.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "arithmetic/vector_clones.h"

namespace widthwise::fast {

namespace {

using Reading = LaneAddition::Reading;

/// residual_sum() in the integer modes.
WIDTHWISE_VECTOR_CLONES
void weigh_and_add(const LaneBytes* a, const LaneBytes* b, const Reading& of_a, const Reading& of_b,
                   std::int32_t constant, LaneInts* sums, int count) {
    for (int i = 0; i < count; ++i) {
        for (int l = 0; l < kLanes; ++l) {
            const std::int32_t from_a = (a[i].lane[l] ^ of_a.flip) * of_a.multiplier;
            const std::int32_t from_b = (b[i].lane[l] ^ of_b.flip) * of_b.multiplier;
            sums[i].lane[l] = from_a + from_b + constant;
        }
    }
}

/// residual_add() with fused multiply-adds. Rounding half to even by adding and taking off 1.5 * 2^23: exact below 2^22.
WIDTHWISE_FMA_CLONES
void add_fused(const LaneBytes* a, const LaneBytes* b, const Reading& of_a, const Reading& of_b,
               const ResidualFormat& format, LaneBytes* output, int count) {
    constexpr float kMagic = 12582912.0F;
    const std::int32_t relabelling = format.relabelling;
    const auto low = static_cast<float>(format.output.clamp_low + relabelling);
    const auto high = static_cast<float>(format.output.clamp_high + relabelling);
    const float offset = format.offset;
    const std::int32_t lift_a = format.a.relabelling - of_a.offset;
    const std::int32_t lift_b = format.b.relabelling - of_b.offset;
    for (int i = 0; i < count; ++i) {
        for (int l = 0; l < kLanes; ++l) {
            const auto real_a = static_cast<float>((a[i].lane[l] ^ of_a.flip) + lift_a);
            const auto real_b = static_cast<float>((b[i].lane[l] ^ of_b.flip) + lift_b);
            float sum = std::fma(real_a, of_a.ratio, std::fma(real_b, of_b.ratio, offset));
            sum = sum > low ? sum : low;
            sum = sum < high ? sum : high;
            const auto rounded = static_cast<std::int32_t>((sum + kMagic) - kMagic);
            output[i].lane[l] = static_cast<std::uint8_t>(rounded - relabelling);
        }
    }
}

/// residual_add() of dequantized operands. The zero point is added to the integer, so that ties are even before it is.
WIDTHWISE_VECTOR_CLONES
void add_dequantized(const LaneBytes* a, const LaneBytes* b, const Reading& of_a, const Reading& of_b,
                     const ResidualFormat& format, LaneBytes* output, int count) {
    constexpr float kMagic = 12582912.0F;
    const std::int32_t zero_point = format.output.zero_point;
    const auto low = static_cast<float>(format.output.clamp_low - zero_point);
    const auto high = static_cast<float>(format.output.clamp_high - zero_point);
    const std::int32_t zero_a = of_a.offset + format.a.zero_point;
    const std::int32_t zero_b = of_b.offset + format.b.zero_point;
    const float scale_a = format.a.scale, scale_b = format.b.scale, scale = format.output_scale;
    for (int i = 0; i < count; ++i) {
        for (int l = 0; l < kLanes; ++l) {
            const float real_a = static_cast<float>((a[i].lane[l] ^ of_a.flip) - zero_a) * scale_a;
            const float real_b = static_cast<float>((b[i].lane[l] ^ of_b.flip) - zero_b) * scale_b;
            float sum = (real_a + real_b) / scale;
            sum = sum > low ? sum : low;
            sum = sum < high ? sum : high;
            const auto rounded = static_cast<std::int32_t>((sum + kMagic) - kMagic);
            output[i].lane[l] = static_cast<std::uint8_t>(rounded + zero_point);
        }
    }
}

/// Widest sum that the lanes requantize.
constexpr int kMaxSumBits = 31;
/// A two's complement byte with its sign bit flipped is its number plus this.
constexpr int kSignOffset = 128;

Reading reading_of(const StoredRange& range, const ResidualOperand& operand) {
    Reading reading;
    reading.flip = range.is_signed ? 0x80 : 0;
    reading.offset = range.is_signed ? kSignOffset : 0;
    reading.multiplier = static_cast<std::int32_t>(operand.multiplier);
    reading.ratio = operand.ratio;
    return reading;
}

}  // namespace

LaneAddition::LaneAddition(const LayerSchedule& layer, const StoredRange& values, Dispatch dispatch)
    : layer_(layer), values_(values), operands_{layer.addition->operand_is_signed} {
    const Addition& stage = *layer.addition;
    const ResidualFormat& format = stage.format;
    a_ = reading_of(stage.operand_is_first ? operands_ : values_, format.a);
    b_ = reading_of(stage.operand_is_first ? values_ : operands_, format.b);
    if (format.sum != AdditionSum::products) return;
    const std::int64_t largest = std::max(format.a.multiplier, format.b.multiplier);
    // A byte, and what its sign and zero point come to, are at most 255 each.
    constexpr std::int64_t kMostOfBoth = 4 * 255;
    const auto bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest * kMostOfBoth))) + 1;
    if (bits > kMaxSumBits) return;
    constant_ = -(a_.offset + format.a.zero_point) * a_.multiplier - (b_.offset + format.b.zero_point) * b_.multiplier;
    RequantScale scale;
    scale.shift = format.shift;
    scales_.assign(kChunk, scale);
    requantizer_.emplace(format.output, scales_, std::span<const std::int64_t>{}, bits, dispatch);
}

void LaneAddition::add_integers(const LaneBytes* a, const LaneBytes* b, LaneBytes* output, int count) const {
    LaneInts sums[kChunk];
    for (int first = 0; first < count; first += kChunk) {
        const int part = std::min(kChunk, count - first);
        weigh_and_add(a + first, b + first, a_, b_, constant_, sums, part);
        if (part == kChunk) {
            requantizer_->run(sums, output + first, 1);
            continue;
        }
        std::fill(sums + part, sums + kChunk, LaneInts{});
        LaneBytes results[kChunk];
        requantizer_->run(sums, results, 1);
        std::copy(results, results + part, output + first);
    }
}

void LaneAddition::add_one_by_one(const LaneBytes& value, const LaneBytes& operand, LaneBytes& output) const {
    for (int l = 0; l < kLanes; ++l) {
        const int sum = added(*layer_.addition, values_.value(value.lane[l]), operands_.value(operand.lane[l]));
        output.lane[l] = static_cast<std::uint8_t>(sum);
    }
}

void LaneAddition::add(const LaneBytes* values, const LaneBytes* operands, LaneBytes* output, int count) const {
    const Addition& stage = *layer_.addition;
    const LaneBytes* a = stage.operand_is_first ? operands : values;
    const LaneBytes* b = stage.operand_is_first ? values : operands;
    if (stage.format.sum == AdditionSum::fused) {
        add_fused(a, b, a_, b_, stage.format, output, count);
    } else if (stage.format.sum == AdditionSum::dequantized) {
        add_dequantized(a, b, a_, b_, stage.format, output, count);
    } else if (requantizer_) {
        add_integers(a, b, output, count);
    } else {
        for (int at = 0; at < count; ++at) add_one_by_one(values[at], operands[at], output[at]);
    }
}

/// One for all pixels of a channel.
void LaneAddition::add_constants(const LaneBytes* values, LaneBytes* output) const {
    const int pixels = layer_.sums.height * layer_.sums.width;
    std::array<LaneBytes, kChunk> constant;
    for (const std::uint8_t byte : layer_.addition->constants) {
        for (LaneBytes& pixel : constant) std::fill_n(pixel.lane, kLanes, byte);
        for (int first = 0; first < pixels; first += kChunk)
            add(values + first, constant.data(), output + first, std::min(kChunk, pixels - first));
        values += pixels;
        output += pixels;
    }
}

void LaneAddition::run(const BlockMap& values, const BlockMap* operands, BlockMap& output, int lanes,
                       const LaneProbe& probe) const {
    const Addition& stage = *layer_.addition;
    const auto count = static_cast<int>(layer_.sums.elements());
    output.resize(static_cast<std::size_t>(count));
    if (stage.adds_map()) add(values.data(), operands->data(), output.data(), count);
    else add_constants(values.data(), output.data());
    if (!probe) return;
    const StoredRange range = range_of(stage.format.output);
    const int pixels = layer_.sums.height * layer_.sums.width;
    for (int at = 0; at < count; ++at) {
        for (int lane = 0; lane < lanes; ++lane) {
            probe(stage.operator_index, lane, at / pixels, at % pixels, range.value(output[at].lane[lane]));
        }
    }
}

}  // namespace widthwise::fast
