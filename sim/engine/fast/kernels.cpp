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

namespace {

/// 16 words are multiplied at a time, whatever the processor's vectors hold.
template <typename Body>
[[gnu::always_inline]] inline void for_each_vector(const std::uint8_t* const* bases, int vectors, Body&& body) {
    for (int v = 0; v < vectors; ++v) body(bases[v], v * kVectorWords);
}

WIDTHWISE_AVX2_CLONES
void dot_portable(const DotProducts& p) {
    for_each_vector(p.bases, p.vectors, [&](const std::uint8_t* base, int first) {
        for (int m = 0; m < p.channels; ++m) {
            std::int32_t sum[kVectorWords];
            for (int l = 0; l < kVectorWords; ++l) sum[l] = p.starts[m];
            for (int q = 0; q < p.quads; ++q) {
                const std::int8_t* w = p.weights + (std::ptrdiff_t{q} * p.channels + m) * 4;
                const std::int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
                const std::uint8_t* x = base + p.offsets[q];
                for (int l = 0; l < kVectorWords; ++l)
                    sum[l] += w0 * x[4 * l] + w1 * x[4 * l + 1] + w2 * x[4 * l + 2] + w3 * x[4 * l + 3];
            }
            std::memcpy(p.sums + m * p.stride + first, sum, sizeof sum);
        }
    });
}

WIDTHWISE_AVX2_CLONES
void dot_depthwise_portable(const DepthwiseProducts& p) {
    for_each_vector(p.bases, p.vectors, [&](const std::uint8_t* base, int first) {
        for (int m = 0; m < kWordChannels; ++m) {
            std::int32_t sum[kVectorWords];
            for (int l = 0; l < kVectorWords; ++l) sum[l] = p.starts[m];
            for (int t = 0; t < p.taps; ++t) {
                const std::int32_t weight = p.weights[(t / 4 * 4 + m) * 4 + t % 4];
                const std::uint8_t* x = base + p.offsets[t] + m;
                for (int l = 0; l < kVectorWords; ++l) sum[l] += weight * x[4 * l];
            }
            std::memcpy(p.sums + m * p.stride + first, sum, sizeof sum);
        }
    });
}

WIDTHWISE_AVX2_CLONES
void gather_quads_portable(std::span<const LaneBytes> taps, bool flip, LaneQuads* quads) {
    const std::uint8_t mask = flip ? 0x80 : 0;
    const std::size_t groups = (taps.size() + 3) / 4;
    for (std::size_t g = 0; g < groups; ++g) {
        for (std::size_t k = 0; k < 4; ++k) {
            const std::size_t t = 4 * g + k;
            for (std::size_t l = 0; l < kLanes; ++l) {
                quads[g].byte[l * 4 + k] = t < taps.size() ? static_cast<std::uint8_t>(taps[t].lane[l] ^ mask) : 0;
            }
        }
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
void widen_portable(const std::uint8_t* low, const std::uint8_t* high, std::span<const std::int32_t> offsets,
                    int offset, LaneShorts* wide) {
    for (std::size_t t = 0; t < offsets.size(); ++t) {
        const std::uint8_t* first = low + offsets[t];
        const std::uint8_t* second = high + offsets[t];
        for (int l = 0; l < kVectorWords; ++l) {
            wide[t].lane[l] = static_cast<std::int16_t>(first[kWordChannels * l] - offset);
            wide[t].lane[kVectorWords + l] = static_cast<std::int16_t>(second[kWordChannels * l] - offset);
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

[[gnu::always_inline]] inline void gather_lanes(PsumMoments& gathered, const LaneInts& exact, int lanes) {
    for (int l = 0; l < lanes; ++l) {
        const std::int32_t psum = exact.lane[l];
        gathered.min.lane[l] = psum < gathered.min.lane[l] ? psum : gathered.min.lane[l];
        gathered.max.lane[l] = psum > gathered.max.lane[l] ? psum : gathered.max.lane[l];
    }
    for (int l = 0; l < lanes; ++l) {
        const std::int64_t psum = exact.lane[l];
        gathered.sum[l] += psum;
        gathered.squares[l] += psum * psum;
    }
}

WIDTHWISE_AVX2_CLONES
void gather_psums_portable(PsumMoments& moments, const LaneInts* exact, std::ptrdiff_t stride, int channels, int sums,
                           int /*bits*/) {
    const int whole = sums / kLanes;
    for (int m = 0; m < channels; ++m, exact += stride) {
        for (int i = 0; i < whole; ++i) gather_lanes(moments, exact[i], kLanes);
        if (sums % kLanes != 0) gather_lanes(moments, exact[whole], sums % kLanes);
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
[[gnu::always_inline]] inline void requantize_with(const LaneInts* sums, std::ptrdiff_t stride,
                                                   std::span<const IntegerScale> channels, const RequantFormat& format,
                                                   LaneBytes* out) {
    const std::int32_t low = format.clamp_low - format.zero_point;
    const std::int32_t high = format.clamp_high - format.zero_point;
    for (std::size_t m = 0; m < channels.size(); ++m) {
        const IntegerScale scale = channels[m];
        const LaneInts& sum = sums[static_cast<std::ptrdiff_t>(m) * stride];
        std::int32_t rounded[kLanes];
        for (int l = 0; l < kLanes; ++l) {
            const std::int64_t product = std::int64_t{sum.lane[l] + scale.bias} * scale.multiplier;
            rounded[l] = static_cast<std::int32_t>(shifted<Mode>(product, scale));
        }
        std::uint8_t* bytes = out[m].lane;
        for (int l = 0; l < kLanes; ++l) {
            std::int32_t value = rounded[l] < low ? low : rounded[l];
            value = value > high ? high : value;
            bytes[l] = static_cast<std::uint8_t>(value + format.zero_point);
        }
    }
}

WIDTHWISE_AVX2_CLONES
void requantize_integer_portable(const LaneInts* sums, std::ptrdiff_t stride, std::span<const IntegerScale> channels,
                                 const RequantFormat& format, LaneBytes* out) {
    switch (format.rounding) {
        case Rounding::floor: requantize_with<Rounding::floor>(sums, stride, channels, format, out); break;
        case Rounding::toward_zero: requantize_with<Rounding::toward_zero>(sums, stride, channels, format, out); break;
        case Rounding::half_up: requantize_with<Rounding::half_up>(sums, stride, channels, format, out); break;
        case Rounding::half_away:
        case Rounding::gemmlowp: requantize_with<Rounding::half_away>(sums, stride, channels, format, out); break;
        case Rounding::half_even: requantize_with<Rounding::half_even>(sums, stride, channels, format, out); break;
    }
}

void ordered_sums_portable(Products /*products*/, const AccumulatorFormat& format, const LaneShorts* wide, int taps,
                           std::span<const OrderedChannel> channels) {
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

}  // namespace

const Kernels& portable_kernels() {
    static constexpr Kernels kPortable{
        dot_portable,   dot_depthwise_portable, gather_quads_portable, prefixes_may_leave_portable,
        widen_portable, ordered_sums_portable,  gather_psums_portable, requantize_integer_portable};
    return kPortable;
}

const Kernels& best_kernels() {
    static const Kernels& kBest = []() -> const Kernels& {
        const char* wanted = std::getenv("WIDTHWISE_DISPATCH");
        const std::string_view value = wanted == nullptr ? "" : wanted;
        if (value == "portable") return portable_kernels();
        if (!value.empty()) {
            throw InputError("WIDTHWISE_DISPATCH: '" + std::string(value) +
                             "' is unknown (allowed: portable; unset it for the best of this machine)");
        }
        const Kernels* avx512 = avx512_kernels();
        return avx512 != nullptr ? *avx512 : portable_kernels();
    }();
    return kBest;
}

}  // namespace widthwise::fast
