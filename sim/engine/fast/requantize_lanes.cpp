// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/requantize_lanes.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "arithmetic/vector_clones.h"

namespace widthwise::fast {

WIDTHWISE_VECTOR_CLONES
void bound_channels(LaneInts* positive, const LaneInts* negative, std::span<const std::int32_t> starts, int parts,
                    std::int32_t low, std::int32_t high, std::uint8_t* leaves) {
    for (std::size_t m = 0; m < starts.size(); ++m) {
        const std::int32_t start = starts[m];
        const std::int32_t starts_outside = start < low || start > high ? 1 : 0;
        const std::size_t end = m * kTileLanes + static_cast<std::size_t>(parts);
        for (std::size_t i = end; i < (m + 1) * kTileLanes; ++i) leaves[i] = 0;
        for (std::size_t i = m * kTileLanes; i < end; ++i) {
            std::int32_t outside = starts_outside;
            for (int l = 0; l < kLanes; ++l) {
                const std::int32_t highest = positive[i].lane[l];
                const std::int32_t lowest = negative[i].lane[l] + start;
                outside |= static_cast<std::int32_t>(highest > high) | static_cast<std::int32_t>(lowest < low);
                positive[i].lane[l] = highest + negative[i].lane[l];
            }
            leaves[i] = outside != 0 ? 1 : 0;
        }
    }
}

WIDTHWISE_VECTOR_CLONES
void check_sums(const AccumulatorFormat& format, const LaneInts* exact, LaneInts* value, LaneInts* events, int count) {
    for (int i = 0; i < count; ++i) {
        for (int l = 0; l < kLanes; ++l) {
            const std::int64_t sum = exact[i].lane[l];
            const std::int64_t kept = bring_into_range(format, sum);
            value[i].lane[l] = static_cast<std::int32_t>(kept);
            events[i].lane[l] = kept != sum ? 1 : 0;
        }
    }
}

namespace {

WIDTHWISE_VECTOR_CLONES
void count_lanes(const LaneInts& exact, const LaneInts& events, std::int32_t low, std::int32_t high, int lanes,
                 std::int32_t* counts) {
    std::int32_t total = 0, overflowed = 0, persistent = 0;
    for (int l = 0; l < lanes; ++l) {
        const std::int32_t any = events.lane[l] != 0 ? 1 : 0;
        const std::int32_t outside = exact.lane[l] < low || exact.lane[l] > high ? 1 : 0;
        total += events.lane[l];
        overflowed += any;
        persistent += any & outside;
    }
    counts[0] = total;
    counts[1] = overflowed;
    counts[2] = persistent;
}

}  // namespace

void count_overflow(const AccumulatorFormat& format, const LaneInts* exact, const LaneInts* events, int sums,
                    OverflowCounts& counts) {
    for (; sums > 0; sums -= kLanes, ++exact, ++events) {
        std::int32_t found[3];
        count_lanes(*exact, *events, static_cast<std::int32_t>(format.min()), static_cast<std::int32_t>(format.max()),
                    std::min(sums, kLanes), found);
        counts.events += static_cast<std::uint64_t>(found[0]);
        counts.persistent += static_cast<std::uint64_t>(found[2]);
        counts.transient += static_cast<std::uint64_t>(found[1] - found[2]);
    }
}

PsumLanes::PsumLanes(int bits, const Kernels& kernels)
    : kernels_(&kernels), bits_(bits), limit_(std::int64_t{1} << std::max(0, 62 - 2 * (bits - 1))) {
    clear();
}

void PsumLanes::clear() {
    std::fill(gathered_.min.lane, gathered_.min.lane + kLanes, std::numeric_limits<std::int32_t>::max());
    std::fill(gathered_.max.lane, gathered_.max.lane + kLanes, std::numeric_limits<std::int32_t>::min());
    std::fill(gathered_.sum, gathered_.sum + kLanes, 0);
    std::fill(gathered_.squares, gathered_.squares + kLanes, 0);
    taken_ = 0;
    count_ = 0;
}

void PsumLanes::add(const LaneInts* exact, int channels, int sums) {
    kernels_->gather_psums(gathered_, exact, kTileLanes, channels, sums, bits_);
    taken_ += channels * kTileSums / kVectorWords;  // in a lane, at most
    count_ += static_cast<std::uint64_t>(channels) * static_cast<std::uint64_t>(sums);
}

void PsumLanes::flush(PsumStats& psums) {
    if (taken_ == 0) return;
    for (int l = 0; l < kLanes; ++l) {
        psums.min = std::min<std::int64_t>(psums.min, gathered_.min.lane[l]);
        psums.max = std::max<std::int64_t>(psums.max, gathered_.max.lane[l]);
        psums.sum += gathered_.sum[l];
        psums.sum_of_squares += static_cast<unsigned __int128>(gathered_.squares[l]);
    }
    psums.count += count_;
    clear();
}

namespace {

/// Of four channels, or of the last ones.
struct FloatScales {
    float factors[kWordChannels] = {};
    std::int32_t biases[kWordChannels] = {};
    float low = 0.0F, high = 0.0F;
    std::int32_t offset = 0;  ///< zero point, and what stored bytes have in addition
    std::uint32_t mask = 0;   ///< of the channels that there are
};

/// Rounding half to even by adding 1.5 * 2^23, after which the float's last bits are the integer: exact below 2^22, and
/// the clamped value is at most 2^9.
[[gnu::always_inline]] inline std::uint32_t requantized_byte(std::int32_t sum, std::int32_t bias, float factor,
                                                             const FloatScales& scales) {
    constexpr float kMagic = 12582912.0F;
    float real = static_cast<float>(sum + bias) * factor;
    real = real < scales.low ? scales.low : real;
    real = real > scales.high ? scales.high : real;
    const auto rounded = std::bit_cast<std::int32_t>(real + kMagic) - std::bit_cast<std::int32_t>(kMagic);
    return static_cast<std::uint32_t>(rounded + scales.offset);
}

WIDTHWISE_VECTOR_CLONES
void requantize_float(const LaneInts* sums, const FloatScales& scales, int count, std::uint32_t* words) {
    const FloatScales s = scales;
    const std::int32_t* first = sums[0].lane;
    constexpr int kChannel = kTileLanes * kLanes;
    for (int i = 0; i < count; ++i) {
        const std::uint32_t word = requantized_byte(first[i], s.biases[0], s.factors[0], s) |
                                   requantized_byte(first[i + kChannel], s.biases[1], s.factors[1], s) << 8 |
                                   requantized_byte(first[i + 2 * kChannel], s.biases[2], s.factors[2], s) << 16 |
                                   requantized_byte(first[i + 3 * kChannel], s.biases[3], s.factors[3], s) << 24;
        words[i] = word & s.mask;
    }
}

}  // namespace

LaneRequantizer::LaneRequantizer(const RequantFormat& format, std::span<const RequantScale> scales,
                                 std::span<const std::int64_t> biases, int bits, const Kernels& kernels)
    : kernels_(&kernels), format_(format), scales_(scales), biases_(biases) {
    constexpr int kLaneBits = 31;  // sum plus bias, multiplier, and the rounded quotient
    if (bits > kLaneBits) return;
    const bool fixed = format.mode == RequantMode::fixed_point;
    if (format.mode == RequantMode::float32) path_ = Path::float32;
    if (!fixed && format.mode != RequantMode::shift) return;
    if (fixed && format.rounding == Rounding::gemmlowp) return;
    for (std::size_t m = 0; m < scales.size(); ++m) {
        const std::int64_t multiplier = fixed ? scales[m].multiplier : 1;
        const auto multiplier_bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(multiplier)));
        if (multiplier_bits > kLaneBits || bits + multiplier_bits - scales[m].shift > kLaneBits) return;
        IntegerScale scale;
        scale.bias = biases.empty() ? 0 : static_cast<std::int32_t>(biases[m]);
        scale.multiplier = static_cast<std::int32_t>(multiplier);
        scale.shift = scales[m].shift;
        scale.below_one = (std::int64_t{1} << scale.shift) - 1;
        scale.half = scale.shift > 0 ? std::int64_t{1} << (scale.shift - 1) : 0;
        scale.tie = scale.shift > 0 ? -1 : 0;
        integer_scales_.push_back(scale);
    }
    path_ = Path::integer;
}

void LaneRequantizer::lanes(const LaneInts* sums, std::ptrdiff_t stride, int channel, int channels,
                            LaneBytes* bytes) const {
    const StoredRange range = range_of(format_);
    if (path_ == Path::integer) {
        const std::span scales(integer_scales_);
        kernels_->requantize_integer(
            sums, stride, scales.subspan(static_cast<std::size_t>(channel), static_cast<std::size_t>(channels)),
            format_, bytes);
        if (!range.is_signed) return;
        for (int m = 0; m < channels; ++m)
            for (std::uint8_t& byte : bytes[m].lane) byte ^= kSignOffset;
        return;
    }
    for (int m = 0; m < channels; ++m) {
        const RequantScale& scale = scales_[static_cast<std::size_t>(channel + m)];
        for (int l = 0; l < kLanes; ++l) {
            bytes[m].lane[l] = range.byte(requantize(sums[m * stride].lane[l], bias(channel + m), scale, format_));
        }
    }
}

void LaneRequantizer::write_words(const LaneInts* sums, int channel, int count, std::uint32_t* words) const {
    const int channels = std::min(kWordChannels, this->channels() - channel);
    if (path_ == Path::float32) {
        FloatScales scales;
        scales.low = static_cast<float>(format_.clamp_low - format_.zero_point);
        scales.high = static_cast<float>(format_.clamp_high - format_.zero_point);
        scales.offset = format_.zero_point + range_of(format_).offset();
        scales.mask = static_cast<std::uint32_t>((std::uint64_t{1} << (8 * channels)) - 1);
        for (int m = 0; m < channels; ++m) {
            scales.factors[m] = scales_[static_cast<std::size_t>(channel + m)].factor;
            scales.biases[m] = static_cast<std::int32_t>(bias(channel + m));
        }
        requantize_float(sums, scales, count, words);
        return;
    }
    for (int first = 0; first < count; first += kLanes, ++sums) {
        LaneBytes bytes[kWordChannels] = {};
        lanes(sums, kTileLanes, channel, channels, bytes);
        const int end = std::min(count - first, kLanes);
        for (int l = 0; l < end; ++l) {
            words[first + l] = std::uint32_t{bytes[0].lane[l]} | std::uint32_t{bytes[1].lane[l]} << 8 |
                               std::uint32_t{bytes[2].lane[l]} << 16 | std::uint32_t{bytes[3].lane[l]} << 24;
        }
    }
}

}  // namespace widthwise::fast
