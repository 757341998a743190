// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/kernels.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "arithmetic/vector_clones.h"
#include "common/error.h"
#include "engine/fast/kernels_avx512.h"

namespace widthwise::fast {

Dispatch best_dispatch() {
    static const Dispatch kBest = [] {
        const char* wanted = std::getenv("WIDTHWISE_DISPATCH");
        const std::string_view value = wanted == nullptr ? "" : wanted;
        if (value == "portable") return Dispatch::portable;
        if (!value.empty()) {
            throw InputError("WIDTHWISE_DISPATCH: '" + std::string(value) +
                             "' is unknown (allowed: portable; unset it for the best of this machine)");
        }
        return avx512_available() ? Dispatch::avx512 : Dispatch::portable;
    }();
    return kBest;
}

namespace {

WIDTHWISE_AVX2_CLONES
void gather_quads_portable(std::span<const LaneBytes* const> taps, bool flip, LaneQuads* quads) {
    const std::uint8_t mask = flip ? 0x80 : 0;
    const std::size_t groups = (taps.size() + 3) / 4;
    for (std::size_t g = 0; g < groups; ++g) {
        for (std::size_t k = 0; k < 4; ++k) {
            const std::size_t t = 4 * g + k;
            for (std::size_t l = 0; l < kLanes; ++l) {
                quads[g].byte[l * 4 + k] = t < taps.size() ? static_cast<std::uint8_t>(taps[t]->lane[l] ^ mask) : 0;
            }
        }
    }
}

WIDTHWISE_AVX2_CLONES
void dot_quads_portable(const LaneQuads* quads, int groups, const std::int8_t* weights, int channels, LaneInts* sums) {
    for (int m = 0; m < channels; ++m) {
        LaneInts sum{};
        const std::int8_t* w = weights + std::ptrdiff_t{m} * groups * 4;
        for (int g = 0; g < groups; ++g) {
            const std::int32_t w0 = w[4 * g], w1 = w[4 * g + 1], w2 = w[4 * g + 2], w3 = w[4 * g + 3];
            const std::uint8_t* q = quads[g].byte;
            for (int l = 0; l < kLanes; ++l) {
                sum.lane[l] += w0 * q[4 * l] + w1 * q[4 * l + 1] + w2 * q[4 * l + 2] + w3 * q[4 * l + 3];
            }
        }
        sums[m] = sum;
    }
}

WIDTHWISE_AVX2_CLONES
bool prefixes_may_leave_portable(const LaneQuads* quads, int groups, const BoundedChannel& channel, std::int32_t low,
                                 std::int32_t high) {
    LaneInts sum;
    for (int l = 0; l < kLanes; ++l) sum.lane[l] = channel.start;
    std::int32_t outside = 0;
    for (int g = 0; g < groups; ++g) {
        const std::int8_t* up = channel.positive + 4 * g;
        const std::int8_t* down = channel.negative + 4 * g;
        const std::uint8_t* q = quads[g].byte;
        for (int l = 0; l < kLanes; ++l) {
            const std::uint8_t* x = q + 4 * l;
            const std::int32_t rise = up[0] * x[0] + up[1] * x[1] + up[2] * x[2] + up[3] * x[3];
            const std::int32_t fall = down[0] * x[0] + down[1] * x[1] + down[2] * x[2] + down[3] * x[3];
            outside |= static_cast<std::int32_t>(sum.lane[l] + rise > high) |
                       static_cast<std::int32_t>(sum.lane[l] + fall < low);
            sum.lane[l] += rise + fall;
        }
    }
    return outside != 0;
}

WIDTHWISE_AVX2_CLONES
void widen_portable(std::span<const LaneBytes* const> taps, bool is_signed, LaneShorts* wide) {
    for (std::size_t t = 0; t < taps.size(); ++t) {
        const std::uint8_t* lane = taps[t]->lane;
        for (int l = 0; l < kLanes; ++l) {
            wide[t].lane[l] = is_signed ? static_cast<std::int8_t>(lane[l]) : static_cast<std::int16_t>(lane[l]);
        }
    }
}

WIDTHWISE_AVX2_CLONES
void ordered_saturating(const LaneShorts* wide, int taps, const std::int32_t* weights, std::int32_t low,
                        std::int32_t high, LaneInts& value, LaneInts& events) {
    for (int t = 0; t < taps; ++t) {
        const std::int32_t weight = weight_of(weights[t]);
        for (int l = 0; l < kLanes; ++l) {
            const std::int32_t sum = value.lane[l] + weight * wide[t].lane[l];
            const std::int32_t kept = saturate_to_range(sum, low, high);
            value.lane[l] = kept;
            events.lane[l] += kept != sum ? 1 : 0;
        }
    }
}

WIDTHWISE_AVX2_CLONES
void ordered_wrapping(const LaneShorts* wide, int taps, const std::int32_t* weights, std::int32_t low,
                      std::int32_t high, LaneInts& value, LaneInts& events) {
    const std::uint32_t half = static_cast<std::uint32_t>(high) + 1;
    const std::uint32_t mask = 2 * half - 1;
    for (int t = 0; t < taps; ++t) {
        const std::int32_t weight = weight_of(weights[t]);
        for (int l = 0; l < kLanes; ++l) {
            const std::int32_t sum = value.lane[l] + weight * wide[t].lane[l];
            // wrap_to_bits() in unsigned arithmetic: at 31 bits its offset would leave a signed register's range.
            const auto kept = static_cast<std::int32_t>(((static_cast<std::uint32_t>(sum) + half) & mask) - half);
            value.lane[l] = kept;
            events.lane[l] += sum < low || sum > high ? 1 : 0;
        }
    }
}

/// product / 2^shift, rounded as shift_right_rounded() and gemmlowp_round() do: what is added before the arithmetic
/// shift decides the rounding. `product` leaves room for it.
template <Rounding Mode>
[[gnu::always_inline]] inline std::int64_t shifted(std::int64_t product, const IntegerScale& scale) {
    const std::int64_t negative = product >> 63;  // -1 or 0
    if constexpr (Mode == Rounding::floor) return product >> scale.shift;
    if constexpr (Mode == Rounding::toward_zero) return (product + (negative & scale.below_one)) >> scale.shift;
    if constexpr (Mode == Rounding::half_up) return (product + scale.half) >> scale.shift;
    if constexpr (Mode == Rounding::half_away) {
        return (product + scale.half + (negative & scale.tie)) >> scale.shift;
    }
    const std::int64_t odd = (product >> scale.shift) & 1 & scale.tie;
    return (product + scale.half + odd + scale.tie) >> scale.shift;
}

template <Rounding Mode>
[[gnu::always_inline]] inline void requantize_with(const LaneInts* sums, std::span<const IntegerScale> channels,
                                                   const RequantFormat& format, LaneBytes* out, std::ptrdiff_t stride) {
    const std::int32_t low = format.clamp_low - format.zero_point;
    const std::int32_t high = format.clamp_high - format.zero_point;
    for (std::size_t m = 0; m < channels.size(); ++m) {
        const IntegerScale scale = channels[m];
        std::int32_t rounded[kLanes];
        for (int l = 0; l < kLanes; ++l) {
            const std::int64_t product = std::int64_t{sums[m].lane[l] + scale.bias} * scale.multiplier;
            rounded[l] = static_cast<std::int32_t>(shifted<Mode>(product, scale));
        }
        std::uint8_t* bytes = out[static_cast<std::ptrdiff_t>(m) * stride].lane;
        for (int l = 0; l < kLanes; ++l) {
            std::int32_t value = rounded[l] < low ? low : rounded[l];
            value = value > high ? high : value;
            bytes[l] = static_cast<std::uint8_t>(value + format.zero_point);
        }
    }
}

WIDTHWISE_AVX2_CLONES
void requantize_integer_portable(const LaneInts* sums, std::span<const IntegerScale> channels,
                                 const RequantFormat& format, LaneBytes* out, std::ptrdiff_t stride) {
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

void gather_quads(Dispatch dispatch, std::span<const LaneBytes* const> taps, bool flip, LaneQuads* quads) {
    if (dispatch == Dispatch::avx512) gather_quads_avx512(taps, flip, quads);
    else gather_quads_portable(taps, flip, quads);
}

void dot_quads(Dispatch dispatch, const LaneQuads* quads, int groups, const std::int8_t* weights, int channels,
               LaneInts* sums) {
    if (dispatch == Dispatch::avx512) dot_quads_avx512(quads, groups, weights, channels, sums);
    else dot_quads_portable(quads, groups, weights, channels, sums);
}

bool prefixes_may_leave(Dispatch dispatch, const LaneQuads* quads, int groups, const BoundedChannel& channel,
                        std::int32_t low, std::int32_t high) {
    if (dispatch == Dispatch::avx512) return prefixes_may_leave_avx512(quads, groups, channel, low, high);
    return prefixes_may_leave_portable(quads, groups, channel, low, high);
}

void widen(Dispatch dispatch, std::span<const LaneBytes* const> taps, bool is_signed, LaneShorts* wide) {
    if (dispatch == Dispatch::avx512) widen_avx512(taps, is_signed, wide);
    else widen_portable(taps, is_signed, wide);
}

void ordered_sums(Dispatch dispatch, Products products, const AccumulatorFormat& format, const LaneShorts* wide,
                  int taps, std::span<const OrderedChannel> channels) {
    if (dispatch == Dispatch::avx512) {
        ordered_sums_avx512(products, format, wide, taps, channels);
        return;
    }
    const auto low = static_cast<std::int32_t>(format.min());
    const auto high = static_cast<std::int32_t>(format.max());
    for (const OrderedChannel& channel : channels) {
        std::fill(channel.value->lane, channel.value->lane + kLanes, channel.start);
        std::fill(channel.events->lane, channel.events->lane + kLanes, 0);
        if (format.overflow == Overflow::saturate) {
            ordered_saturating(wide, taps, channel.weights, low, high, *channel.value, *channel.events);
        } else {
            ordered_wrapping(wide, taps, channel.weights, low, high, *channel.value, *channel.events);
        }
    }
}

void requantize_integer(Dispatch dispatch, const LaneInts* sums, std::span<const IntegerScale> channels,
                        const RequantFormat& format, LaneBytes* out, std::ptrdiff_t stride) {
    if (dispatch == Dispatch::avx512) return requantize_integer_avx512(sums, channels, format, out, stride);
    requantize_integer_portable(sums, channels, format, out, stride);
}

}  // namespace widthwise::fast
