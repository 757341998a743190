// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/kernels.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "engine/fast/kernels_avx512.h"

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define WIDTHWISE_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define WIDTHWISE_VECTOR_CLONES
#endif

namespace widthwise::fast {

Dispatch best_dispatch() {
    static const Dispatch kBest = [] {
        const char* wanted = std::getenv("WIDTHWISE_DISPATCH");
        if (wanted != nullptr && std::string_view(wanted) == "portable") return Dispatch::portable;
        return avx512_available() ? Dispatch::avx512 : Dispatch::portable;
    }();
    return kBest;
}

namespace {

WIDTHWISE_VECTOR_CLONES
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

WIDTHWISE_VECTOR_CLONES
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

WIDTHWISE_VECTOR_CLONES
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

WIDTHWISE_VECTOR_CLONES
void widen_portable(std::span<const LaneBytes* const> taps, bool is_signed, LaneShorts* wide) {
    for (std::size_t t = 0; t < taps.size(); ++t) {
        const std::uint8_t* lane = taps[t]->lane;
        for (int l = 0; l < kLanes; ++l) {
            wide[t].lane[l] = is_signed ? static_cast<std::int8_t>(lane[l]) : static_cast<std::int16_t>(lane[l]);
        }
    }
}

WIDTHWISE_VECTOR_CLONES
void ordered_saturating(const LaneShorts* wide, int taps, const std::int16_t* weights, std::int32_t low,
                        std::int32_t high, LaneInts& value, LaneInts& events) {
    for (int t = 0; t < taps; ++t) {
        const std::int32_t weight = weights[t];
        for (int l = 0; l < kLanes; ++l) {
            const std::int32_t sum = value.lane[l] + weight * wide[t].lane[l];
            const std::int32_t kept = saturate_to_range(sum, low, high);
            value.lane[l] = kept;
            events.lane[l] += kept != sum ? 1 : 0;
        }
    }
}

WIDTHWISE_VECTOR_CLONES
void ordered_wrapping(const LaneShorts* wide, int taps, const std::int16_t* weights, std::int32_t low,
                      std::int32_t high, LaneInts& value, LaneInts& events) {
    const std::uint32_t half = static_cast<std::uint32_t>(high) + 1;
    const std::uint32_t mask = 2 * half - 1;
    for (int t = 0; t < taps; ++t) {
        const std::int32_t weight = weights[t];
        for (int l = 0; l < kLanes; ++l) {
            const std::int32_t sum = value.lane[l] + weight * wide[t].lane[l];
            // wrap_to_bits() in unsigned arithmetic: at 31 bits its offset would leave a signed register's range.
            const auto kept = static_cast<std::int32_t>(((static_cast<std::uint32_t>(sum) + half) & mask) - half);
            value.lane[l] = kept;
            events.lane[l] += sum < low || sum > high ? 1 : 0;
        }
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

void ordered_sums(Dispatch dispatch, const AccumulatorFormat& format, const LaneShorts* wide, int taps,
                  std::span<const OrderedChannel> channels) {
    if (dispatch == Dispatch::avx512) {
        ordered_sums_avx512(format, wide, taps, channels);
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

}  // namespace widthwise::fast
