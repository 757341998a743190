// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/requantize_lanes.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "arithmetic/vector_clones.h"

namespace widthwise::fast {

WIDTHWISE_VECTOR_CLONES
void add_constants(LaneInts* sums, std::span<const std::int32_t> constants) {
    for (std::size_t m = 0; m < constants.size(); ++m) {
        const std::int32_t constant = constants[m];
        for (int l = 0; l < kLanes; ++l) sums[m].lane[l] += constant;
    }
}

WIDTHWISE_VECTOR_CLONES
void bound_channels(LaneInts* positive, const LaneInts* negative, std::span<const std::int32_t> starts,
                    std::int32_t low, std::int32_t high, std::uint8_t* leaves) {
    for (std::size_t m = 0; m < starts.size(); ++m) {
        const std::int32_t start = starts[m];
        std::int32_t outside = start < low || start > high ? 1 : 0;
        for (int l = 0; l < kLanes; ++l) {
            const std::int32_t highest = positive[m].lane[l] + start;
            const std::int32_t lowest = negative[m].lane[l] + start;
            outside |= static_cast<std::int32_t>(highest > high) | static_cast<std::int32_t>(lowest < low);
            positive[m].lane[l] = highest + negative[m].lane[l];
        }
        leaves[m] = outside != 0 ? 1 : 0;
    }
}

WIDTHWISE_VECTOR_CLONES
void max_lanes(LaneBytes& best, const LaneBytes& other, bool is_signed) {
    const std::uint8_t flip = is_signed ? 0x80 : 0;  // turns two's complement into an order of unsigned bytes
    for (int l = 0; l < kLanes; ++l) {
        const auto a = static_cast<std::uint8_t>(best.lane[l] ^ flip);
        const auto b = static_cast<std::uint8_t>(other.lane[l] ^ flip);
        best.lane[l] = static_cast<std::uint8_t>((a > b ? a : b) ^ flip);
    }
}

WIDTHWISE_VECTOR_CLONES
void check_channels(const AccumulatorFormat& format, const LaneInts* exact, LaneInts* value, LaneInts* events,
                    int channels) {
    for (int m = 0; m < channels; ++m) {
        for (int l = 0; l < kLanes; ++l) {
            const std::int64_t sum = exact[m].lane[l];
            const std::int64_t kept = bring_into_range(format, sum);
            value[m].lane[l] = static_cast<std::int32_t>(kept);
            events[m].lane[l] = kept != sum ? 1 : 0;
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

void count_overflow(const AccumulatorFormat& format, const LaneInts& exact, const LaneInts& events, int lanes,
                    OverflowCounts& counts) {
    std::int32_t found[3];
    count_lanes(exact, events, static_cast<std::int32_t>(format.min()), static_cast<std::int32_t>(format.max()),
                lanes == kLanes ? kLanes : lanes, found);
    counts.events += static_cast<std::uint64_t>(found[0]);
    counts.persistent += static_cast<std::uint64_t>(found[2]);
    counts.transient += static_cast<std::uint64_t>(found[1] - found[2]);
}

PsumLanes::PsumLanes(int bits) : limit_(std::int64_t{1} << std::max(0, 62 - 2 * (bits - 1))) { clear(); }

void PsumLanes::clear() {
    std::fill(gathered_.min.lane, gathered_.min.lane + kLanes, std::numeric_limits<std::int32_t>::max());
    std::fill(gathered_.max.lane, gathered_.max.lane + kLanes, std::numeric_limits<std::int32_t>::min());
    std::fill(gathered_.sum, gathered_.sum + kLanes, 0);
    std::fill(gathered_.squares, gathered_.squares + kLanes, 0);
    taken_ = 0;
}

WIDTHWISE_VECTOR_CLONES
void gather_psums(PsumLanes::Gathered& gathered, const LaneInts* exact, int channels) {
    for (int m = 0; m < channels; ++m) {
        for (int l = 0; l < kLanes; ++l) {
            const std::int32_t psum = exact[m].lane[l];
            gathered.min.lane[l] = psum < gathered.min.lane[l] ? psum : gathered.min.lane[l];
            gathered.max.lane[l] = psum > gathered.max.lane[l] ? psum : gathered.max.lane[l];
        }
        for (int l = 0; l < kLanes; ++l) {
            const std::int64_t psum = exact[m].lane[l];
            gathered.sum[l] += psum;
            gathered.squares[l] += psum * psum;
        }
    }
}

void PsumLanes::add(const LaneInts* exact, int channels) {
    gather_psums(gathered_, exact, channels);
    taken_ += channels;
}

void PsumLanes::flush(int lanes, PsumStats& psums) {
    if (taken_ == 0) return;
    for (int l = 0; l < lanes; ++l) {
        psums.min = std::min<std::int64_t>(psums.min, gathered_.min.lane[l]);
        psums.max = std::max<std::int64_t>(psums.max, gathered_.max.lane[l]);
        psums.sum += gathered_.sum[l];
        psums.sum_of_squares += static_cast<unsigned __int128>(gathered_.squares[l]);
    }
    psums.count += static_cast<std::uint64_t>(taken_) * static_cast<std::uint64_t>(lanes);
    clear();
}

namespace {

/// Rounding half to even by adding and taking off 1.5 * 2^23: exact below 2^22, and the clamped value is at most 2^9.
WIDTHWISE_VECTOR_CLONES
void requantize_float(const LaneInts* sums, std::span<const std::int64_t> biases, std::span<const RequantScale> scales,
                      float low, float high, std::int32_t zero_point, LaneBytes* out, std::ptrdiff_t stride) {
    constexpr float kMagic = 12582912.0F;
    for (std::size_t m = 0; m < scales.size(); ++m) {
        const std::int32_t bias = biases.empty() ? 0 : static_cast<std::int32_t>(biases[m]);
        const float factor = scales[m].factor;
        std::uint8_t* bytes = out[static_cast<std::ptrdiff_t>(m) * stride].lane;
        for (int l = 0; l < kLanes; ++l) {
            float real = static_cast<float>(sums[m].lane[l] + bias) * factor;
            real = real < low ? low : real;
            real = real > high ? high : real;
            const float rounded = (real + kMagic) - kMagic;
            bytes[l] = static_cast<std::uint8_t>(static_cast<std::int32_t>(rounded) + zero_point);
        }
    }
}

}  // namespace

LaneRequantizer::LaneRequantizer(const RequantFormat& format, std::span<const RequantScale> scales,
                                 std::span<const std::int64_t> biases, int bits, Dispatch dispatch)
    : dispatch_(dispatch), format_(format), scales_(scales), biases_(biases) {
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

void LaneRequantizer::run(const LaneInts* sums, LaneBytes* out, std::ptrdiff_t stride) const {
    if (path_ == Path::float32) {
        requantize_float(sums, biases_, scales_, static_cast<float>(format_.clamp_low - format_.zero_point),
                         static_cast<float>(format_.clamp_high - format_.zero_point), format_.zero_point, out, stride);
        return;
    }
    if (path_ == Path::integer) {
        requantize_integer(dispatch_, sums, integer_scales_, format_, out, stride);
        return;
    }
    for (std::size_t m = 0; m < scales_.size(); ++m) {
        const std::int64_t bias = biases_.empty() ? 0 : biases_[m];
        for (int l = 0; l < kLanes; ++l) {
            out[static_cast<std::ptrdiff_t>(m) * stride].lane[l] =
                static_cast<std::uint8_t>(requantize(sums[m].lane[l], bias, scales_[m], format_));
        }
    }
}

}  // namespace widthwise::fast
