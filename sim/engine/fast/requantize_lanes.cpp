// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/requantize_lanes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define WIDTHWISE_VECTOR_CLONES __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define WIDTHWISE_VECTOR_CLONES
#endif

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
void max_lanes(LaneBytes& best, const LaneBytes& other) {
    for (int l = 0; l < kLanes; ++l) best.lane[l] = other.lane[l] > best.lane[l] ? other.lane[l] : best.lane[l];
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

/// Fixed point in float64 lanes: with at most 53 bits the product is exact there, and so is the scaling by a power of
/// two. The quotient is limited to the clamp's integers before it is rounded, which no rounding mode can tell.
template <Rounding Mode>
[[gnu::always_inline]] inline void requantize_exact_double(const LaneInts& sums, std::int32_t bias, double factor,
                                                           double low, double high, std::int32_t zero_point,
                                                           std::uint8_t* bytes) {
    constexpr double kMagic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds half to even at the units
    for (int l = 0; l < kLanes; ++l) {
        double quotient = static_cast<double>(sums.lane[l] + bias) * factor;
        quotient = quotient < low ? low : quotient;
        quotient = quotient > high ? high : quotient;
        const double nearest = (quotient + kMagic) - kMagic;
        double rounded = nearest;
        if constexpr (Mode != Rounding::half_even) {
            const double below = nearest > quotient ? nearest - 1.0 : nearest;  // floor
            const double rest = quotient - below;
            const bool negative = quotient < 0.0;
            if constexpr (Mode == Rounding::floor) rounded = below;
            if constexpr (Mode == Rounding::toward_zero) rounded = below + (negative & (rest > 0.0) ? 1.0 : 0.0);
            if constexpr (Mode == Rounding::half_up) rounded = below + (rest >= 0.5 ? 1.0 : 0.0);
            if constexpr (Mode == Rounding::half_away) {
                rounded = below + ((rest > 0.5) | ((rest == 0.5) & !negative) ? 1.0 : 0.0);
            }
        }
        bytes[l] = static_cast<std::uint8_t>(static_cast<std::int32_t>(rounded) + zero_point);
    }
}

using ExactFactor = LaneRequantizer::ExactFactor;

template <Rounding Mode>
[[gnu::always_inline]] inline void requantize_with(const LaneInts* sums, std::span<const ExactFactor> channels,
                                                   const RequantFormat& format, LaneBytes* out, std::ptrdiff_t stride) {
    const double low = format.clamp_low - format.zero_point;
    const double high = format.clamp_high - format.zero_point;
    for (std::size_t m = 0; m < channels.size(); ++m) {
        requantize_exact_double<Mode>(sums[m], channels[m].bias, channels[m].factor, low, high, format.zero_point,
                                      out[static_cast<std::ptrdiff_t>(m) * stride].lane);
    }
}

WIDTHWISE_VECTOR_CLONES
void requantize_fixed(const LaneInts* sums, std::span<const ExactFactor> channels, const RequantFormat& format,
                      LaneBytes* out, std::ptrdiff_t stride) {
    switch (format.rounding) {
        case Rounding::floor: requantize_with<Rounding::floor>(sums, channels, format, out, stride); break;
        case Rounding::toward_zero: requantize_with<Rounding::toward_zero>(sums, channels, format, out, stride); break;
        case Rounding::half_up: requantize_with<Rounding::half_up>(sums, channels, format, out, stride); break;
        case Rounding::half_away:
        case Rounding::gemmlowp: requantize_with<Rounding::half_away>(sums, channels, format, out, stride); break;
        case Rounding::half_even: requantize_with<Rounding::half_even>(sums, channels, format, out, stride); break;
    }
}

}  // namespace

LaneRequantizer::LaneRequantizer(const RequantFormat& format, std::span<const RequantScale> scales,
                                 std::span<const std::int64_t> biases, int bits)
    : format_(format), scales_(scales), biases_(biases) {
    constexpr int kLaneBits = 31;    // sum plus bias in 32 bits
    constexpr int kDoubleBits = 53;  // and its product in a float64
    if (bits > kLaneBits) return;
    const bool fixed = format.mode == RequantMode::fixed_point;
    const bool gemmlowp = fixed && format.rounding == Rounding::gemmlowp;
    const bool shifts = fixed || format.mode == RequantMode::shift;
    if (format.mode == RequantMode::float32) path_ = Path::float32;
    if (shifts && !gemmlowp && bits + (fixed ? format.multiplier_bits : 1) <= kDoubleBits) path_ = Path::float64;
    if (path_ != Path::float64) return;
    for (std::size_t m = 0; m < scales.size(); ++m) {
        const double multiplier = fixed ? static_cast<double>(scales[m].multiplier) : 1.0;
        factors_.push_back(
            {biases.empty() ? 0 : static_cast<std::int32_t>(biases[m]), std::ldexp(multiplier, -scales[m].shift)});
    }
}

void LaneRequantizer::run(const LaneInts* sums, LaneBytes* out, std::ptrdiff_t stride) const {
    if (path_ == Path::float32) {
        requantize_float(sums, biases_, scales_, static_cast<float>(format_.clamp_low - format_.zero_point),
                         static_cast<float>(format_.clamp_high - format_.zero_point), format_.zero_point, out, stride);
        return;
    }
    if (path_ == Path::float64) {
        requantize_fixed(sums, factors_, format_, out, stride);
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
