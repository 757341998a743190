// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/kernels_avx512.h"

#include "common/error.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

// Each function is compiled for these instructions, whatever the rest of the program is compiled for.
#define WIDTHWISE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

namespace widthwise::fast {

bool avx512_available() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}

/// Interleaves four taps: unpacking works within 128-bit blocks, so a quad register holds the images in blocks of four,
/// 0 16 4 20 and 8 24 12 28; dot_quads_avx512 puts the sums back in order.
WIDTHWISE_AVX512
void gather_quads_avx512(std::span<const LaneBytes* const> taps, bool flip, LaneQuads* quads) {
    const __m256i mask = _mm256_set1_epi8(flip ? static_cast<char>(0x80) : 0);
    const std::size_t groups = (taps.size() + 3) / 4;
    for (std::size_t g = 0; g < groups; ++g) {
        __m256i tap[4];
        for (std::size_t k = 0; k < 4; ++k) {
            const std::size_t t = 4 * g + k;
            tap[k] = t < taps.size()
                         ? _mm256_xor_si256(_mm256_load_si256(reinterpret_cast<const __m256i*>(taps[t]->lane)), mask)
                         : _mm256_setzero_si256();
        }
        const __m256i low01 = _mm256_unpacklo_epi8(tap[0], tap[1]);
        const __m256i high01 = _mm256_unpackhi_epi8(tap[0], tap[1]);
        const __m256i low23 = _mm256_unpacklo_epi8(tap[2], tap[3]);
        const __m256i high23 = _mm256_unpackhi_epi8(tap[2], tap[3]);
        auto* out = reinterpret_cast<__m256i*>(quads[g].byte);
        _mm256_store_si256(out, _mm256_unpacklo_epi16(low01, low23));
        _mm256_store_si256(out + 1, _mm256_unpackhi_epi16(low01, low23));
        _mm256_store_si256(out + 2, _mm256_unpacklo_epi16(high01, high23));
        _mm256_store_si256(out + 3, _mm256_unpackhi_epi16(high01, high23));
    }
}

namespace {

WIDTHWISE_AVX512
inline __m512i broadcast_quad(const std::int8_t* weights) {
    std::int32_t quad = 0;
    std::memcpy(&quad, weights, 4);
    return _mm512_set1_epi32(quad);
}

template <int Channels>
WIDTHWISE_AVX512 inline void dot_some_channels(const LaneQuads* quads, int groups, const std::int8_t* weights,
                                               LaneInts* sums) {
    __m512i a[Channels], b[Channels];
    for (int m = 0; m < Channels; ++m) a[m] = b[m] = _mm512_setzero_si512();
    for (int g = 0; g < groups; ++g) {
        const __m512i x = _mm512_load_si512(quads[g].byte);
        const __m512i y = _mm512_load_si512(quads[g].byte + 64);
        for (int m = 0; m < Channels; ++m) {
            const __m512i w = broadcast_quad(weights + (std::ptrdiff_t{m} * groups + g) * 4);
            a[m] = _mm512_dpbusd_epi32(a[m], x, w);
            b[m] = _mm512_dpbusd_epi32(b[m], y, w);
        }
    }
    for (int m = 0; m < Channels; ++m) {
        _mm512_store_si512(sums[m].lane, _mm512_shuffle_i32x4(a[m], b[m], 0x88));
        _mm512_store_si512(sums[m].lane + 16, _mm512_shuffle_i32x4(a[m], b[m], 0xDD));
    }
}

}  // namespace

WIDTHWISE_AVX512
void dot_quads_avx512(const LaneQuads* quads, int groups, const std::int8_t* weights, int channels, LaneInts* sums) {
    const std::ptrdiff_t per_channel = std::ptrdiff_t{groups} * 4;
    int m = 0;
    for (; m + 8 <= channels; m += 8) dot_some_channels<8>(quads, groups, weights + m * per_channel, sums + m);
    for (; m + 4 <= channels; m += 4) dot_some_channels<4>(quads, groups, weights + m * per_channel, sums + m);
    for (; m + 2 <= channels; m += 2) dot_some_channels<2>(quads, groups, weights + m * per_channel, sums + m);
    for (; m < channels; ++m) dot_some_channels<1>(quads, groups, weights + m * per_channel, sums + m);
}

WIDTHWISE_AVX512
bool prefixes_may_leave_avx512(const LaneQuads* quads, int groups, const BoundedChannel& channel, std::int32_t low,
                               std::int32_t high) {
    const __m512i zero = _mm512_setzero_si512();
    __m512i sum[2], highest[2], lowest[2];
    for (int h = 0; h < 2; ++h) sum[h] = highest[h] = lowest[h] = _mm512_set1_epi32(channel.start);
    for (int g = 0; g < groups; ++g) {
        const __m512i up = broadcast_quad(channel.positive + std::ptrdiff_t{4} * g);
        const __m512i down = broadcast_quad(channel.negative + std::ptrdiff_t{4} * g);
        for (int h = 0; h < 2; ++h) {
            const __m512i x = _mm512_load_si512(quads[g].byte + 64 * h);
            const __m512i fall = _mm512_dpbusd_epi32(zero, x, down);
            const __m512i raised = _mm512_dpbusd_epi32(sum[h], x, up);
            highest[h] = _mm512_max_epi32(highest[h], raised);
            lowest[h] = _mm512_min_epi32(lowest[h], _mm512_add_epi32(sum[h], fall));
            sum[h] = _mm512_add_epi32(raised, fall);
        }
    }
    const __m512i most = _mm512_max_epi32(highest[0], highest[1]);
    const __m512i least = _mm512_min_epi32(lowest[0], lowest[1]);
    return (_mm512_cmpgt_epi32_mask(most, _mm512_set1_epi32(high)) |
            _mm512_cmplt_epi32_mask(least, _mm512_set1_epi32(low))) != 0;
}

WIDTHWISE_AVX512
void widen_avx512(std::span<const LaneBytes* const> taps, bool is_signed, LaneShorts* wide) {
    for (std::size_t t = 0; t < taps.size(); ++t) {
        const __m256i bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(taps[t]->lane));
        _mm512_store_si512(wide[t].lane, is_signed ? _mm512_cvtepi8_epi16(bytes) : _mm512_cvtepu8_epi16(bytes));
    }
}

namespace {

/// Up to 16 bits: 32 lanes of 16 bits. Products of 8-bit operands fit; a sum that leaves 16 bits saturates there, which
/// is still outside the accumulator's range, so that the range check sees it.
template <int Channels, bool Saturate, bool Full>
WIDTHWISE_AVX512 inline void ordered_16_bits(int bits, const LaneShorts* wide, int taps,
                                             const OrderedChannel* channels) {
    const __m512i low = _mm512_set1_epi16(static_cast<short>(-(1 << (bits - 1))));
    const __m512i high = _mm512_set1_epi16(static_cast<short>((1 << (bits - 1)) - 1));
    const __m128i wrap_shift = _mm_cvtsi32_si128(16 - bits);
    const __m512i one = _mm512_set1_epi16(1);
    __m512i value[Channels], events[Channels];
    for (int m = 0; m < Channels; ++m) {
        value[m] = _mm512_set1_epi16(static_cast<short>(channels[m].start));
        events[m] = _mm512_setzero_si512();
    }
    for (int t = 0; t < taps; ++t) {
        const __m512i x = _mm512_load_si512(wide[t].lane);
        for (int m = 0; m < Channels; ++m) {
            const __m512i product = _mm512_mullo_epi16(x, _mm512_set1_epi32(channels[m].weights[t]));
            const __m512i sum = _mm512_adds_epi16(value[m], product);
            const __m512i wrapped = _mm512_add_epi16(value[m], product);
            __mmask32 overflow = 0;
            __m512i kept;
            if constexpr (Full) {  // 16 bits: the instruction's own saturation
                overflow = _mm512_cmpneq_epi16_mask(sum, wrapped);
                kept = Saturate ? sum : wrapped;
            } else {
                const __m512i clamped = _mm512_min_epi16(_mm512_max_epi16(sum, low), high);
                overflow = _mm512_cmpneq_epi16_mask(sum, clamped);
                kept = Saturate ? clamped : _mm512_sra_epi16(_mm512_sll_epi16(wrapped, wrap_shift), wrap_shift);
            }
            events[m] = _mm512_mask_add_epi16(events[m], overflow, events[m], one);
            value[m] = kept;
        }
    }
    for (int m = 0; m < Channels; ++m) {
        const auto store = [](LaneInts* to, __m512i from, bool is_signed) WIDTHWISE_AVX512 {
            const __m256i lower = _mm512_castsi512_si256(from);
            const __m256i upper = _mm512_extracti64x4_epi64(from, 1);
            _mm512_store_si512(to->lane, is_signed ? _mm512_cvtepi16_epi32(lower) : _mm512_cvtepu16_epi32(lower));
            _mm512_store_si512(to->lane + 16, is_signed ? _mm512_cvtepi16_epi32(upper) : _mm512_cvtepu16_epi32(upper));
        };
        store(channels[m].value, value[m], true);
        store(channels[m].events, events[m], false);
    }
}

/// 32 products of 16-bit activations and a weight, as pair_of() gives it.
template <Products Size>
WIDTHWISE_AVX512 inline void multiply_lanes(__m512i activations, std::int32_t pair, __m512i* product) {
    if constexpr (Size == Products::short_ones) {
        const __m512i products = _mm512_mullo_epi16(activations, _mm512_set1_epi32(pair));
        product[0] = _mm512_cvtepi16_epi32(_mm512_castsi512_si256(products));
        product[1] = _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(products, 1));
    } else {
        const __m512i weight = _mm512_set1_epi32(weight_of(pair));
        product[0] = _mm512_mullo_epi32(_mm512_cvtepi16_epi32(_mm512_castsi512_si256(activations)), weight);
        product[1] = _mm512_mullo_epi32(_mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(activations, 1)), weight);
    }
}

/// 17 to 31 bits, and any for long products: two registers of 16 lanes of 32 bits; the exact sums stay within 32 bits.
template <int Channels, bool Saturate, Products Size>
WIDTHWISE_AVX512 inline void ordered_32_bits(int bits, const LaneShorts* wide, int taps,
                                             const OrderedChannel* channels) {
    const __m512i low = _mm512_set1_epi32(-(1 << (bits - 1)));
    const __m512i high = _mm512_set1_epi32(static_cast<std::int32_t>((std::uint32_t{1} << (bits - 1)) - 1));
    const __m128i wrap_shift = _mm_cvtsi32_si128(32 - bits);
    const __m512i one = _mm512_set1_epi32(1);
    __m512i value[Channels][2], events[Channels][2];
    for (int m = 0; m < Channels; ++m) {
        for (int h = 0; h < 2; ++h) {
            value[m][h] = _mm512_set1_epi32(channels[m].start);
            events[m][h] = _mm512_setzero_si512();
        }
    }
    for (int t = 0; t < taps; ++t) {
        const __m512i x = _mm512_load_si512(wide[t].lane);
        for (int m = 0; m < Channels; ++m) {
            __m512i product[2];
            multiply_lanes<Size>(x, channels[m].weights[t], product);
            for (int h = 0; h < 2; ++h) {
                const __m512i sum = _mm512_add_epi32(value[m][h], product[h]);
                const __m512i clamped = _mm512_min_epi32(_mm512_max_epi32(sum, low), high);
                const __mmask16 overflow = _mm512_cmpneq_epi32_mask(sum, clamped);
                events[m][h] = _mm512_mask_add_epi32(events[m][h], overflow, events[m][h], one);
                value[m][h] = Saturate ? clamped : _mm512_sra_epi32(_mm512_sll_epi32(sum, wrap_shift), wrap_shift);
            }
        }
    }
    for (int m = 0; m < Channels; ++m) {
        for (int h = 0; h < 2; ++h) {
            _mm512_store_si512(channels[m].value->lane + 16 * h, value[m][h]);
            _mm512_store_si512(channels[m].events->lane + 16 * h, events[m][h]);
        }
    }
}

template <int Channels>
WIDTHWISE_AVX512 void ordered_some_channels(Products products, const AccumulatorFormat& format, const LaneShorts* wide,
                                            int taps, const OrderedChannel* channels) {
    const bool saturate = format.overflow == Overflow::saturate;
    if (products == Products::long_ones) {
        saturate ? ordered_32_bits<Channels, true, Products::long_ones>(format.bits, wide, taps, channels)
                 : ordered_32_bits<Channels, false, Products::long_ones>(format.bits, wide, taps, channels);
        return;
    }
    // Event counters have 16 bits too.
    if (format.bits < 16 && taps < (1 << 16)) {
        saturate ? ordered_16_bits<Channels, true, false>(format.bits, wide, taps, channels)
                 : ordered_16_bits<Channels, false, false>(format.bits, wide, taps, channels);
    } else if (format.bits == 16 && taps < (1 << 16)) {
        saturate ? ordered_16_bits<Channels, true, true>(16, wide, taps, channels)
                 : ordered_16_bits<Channels, false, true>(16, wide, taps, channels);
    } else {
        saturate ? ordered_32_bits<Channels, true, Products::short_ones>(format.bits, wide, taps, channels)
                 : ordered_32_bits<Channels, false, Products::short_ones>(format.bits, wide, taps, channels);
    }
}

}  // namespace

WIDTHWISE_AVX512
void ordered_sums_avx512(Products products, const AccumulatorFormat& format, const LaneShorts* wide, int taps,
                         std::span<const OrderedChannel> channels) {
    std::size_t m = 0;
    for (; m + 4 <= channels.size(); m += 4)
        ordered_some_channels<4>(products, format, wide, taps, channels.data() + m);
    for (; m < channels.size(); ++m) ordered_some_channels<1>(products, format, wide, taps, channels.data() + m);
}

namespace {

/// What must be added to a product so that an arithmetic right shift rounds as `Mode` says.
template <Rounding Mode>
WIDTHWISE_AVX512 inline __m512i nudged(__m512i product, const IntegerScale& scale) {
    if constexpr (Mode == Rounding::floor) return product;
    const __m512i half = _mm512_set1_epi64(scale.half);
    const __m512i negative = _mm512_srai_epi64(product, 63);
    if constexpr (Mode == Rounding::toward_zero) {
        return _mm512_add_epi64(product, _mm512_and_si512(negative, _mm512_set1_epi64(scale.below_one)));
    }
    if constexpr (Mode == Rounding::half_up) return _mm512_add_epi64(product, half);
    const __m512i mask = _mm512_set1_epi64(scale.tie);
    if constexpr (Mode == Rounding::half_away) {
        return _mm512_add_epi64(_mm512_add_epi64(product, half), _mm512_and_si512(negative, mask));
    }
    const __m512i quotient = _mm512_sra_epi64(product, _mm_cvtsi32_si128(scale.shift));
    const __m512i odd = _mm512_and_si512(_mm512_and_si512(quotient, _mm512_set1_epi64(1)), mask);
    return _mm512_add_epi64(_mm512_add_epi64(product, half), _mm512_add_epi64(odd, mask));
}

template <Rounding Mode>
WIDTHWISE_AVX512 inline void requantize_with(const LaneInts* sums, std::span<const IntegerScale> channels,
                                             const RequantFormat& format, LaneBytes* out, std::ptrdiff_t stride) {
    const __m512i low = _mm512_set1_epi32(format.clamp_low - format.zero_point);
    const __m512i high = _mm512_set1_epi32(format.clamp_high - format.zero_point);
    const __m512i zero_point = _mm512_set1_epi32(format.zero_point);
    for (std::size_t m = 0; m < channels.size(); ++m) {
        const IntegerScale& scale = channels[m];
        const __m512i bias = _mm512_set1_epi32(scale.bias);
        const __m512i multiplier = _mm512_set1_epi64(scale.multiplier);
        const __m128i shift = _mm_cvtsi32_si128(scale.shift);
        std::uint8_t* bytes = out[static_cast<std::ptrdiff_t>(m) * stride].lane;
        for (int l = 0; l < kLanes; l += 16) {
            const __m512i sum = _mm512_add_epi32(_mm512_load_si512(sums[m].lane + l), bias);
            const __m512i even = nudged<Mode>(_mm512_mul_epi32(sum, multiplier), scale);
            const __m512i odd = nudged<Mode>(_mm512_mul_epi32(_mm512_srli_epi64(sum, 32), multiplier), scale);
            // The quotients' low halves, the odd ones moved up beside the even ones.
            __m512i value = _mm512_mask_shuffle_epi32(_mm512_sra_epi64(even, shift), 0xAAAA,
                                                      _mm512_sra_epi64(odd, shift), _MM_PERM_CCAA);
            value = _mm512_min_epi32(_mm512_max_epi32(value, low), high);
            _mm_store_si128(reinterpret_cast<__m128i*>(bytes + l),
                            _mm512_cvtepi32_epi8(_mm512_add_epi32(value, zero_point)));
        }
    }
}

}  // namespace

WIDTHWISE_AVX512
void requantize_integer_avx512(const LaneInts* sums, std::span<const IntegerScale> channels,
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

}  // namespace widthwise::fast

#else

namespace widthwise::fast {

namespace {
[[noreturn]] void absent() { throw SimulationError("AVX-512 kernels called on a machine without them"); }
}  // namespace

bool avx512_available() { return false; }
void gather_quads_avx512(std::span<const LaneBytes* const>, bool, LaneQuads*) { absent(); }
void dot_quads_avx512(const LaneQuads*, int, const std::int8_t*, int, LaneInts*) { absent(); }
bool prefixes_may_leave_avx512(const LaneQuads*, int, const BoundedChannel&, std::int32_t, std::int32_t) { absent(); }
void widen_avx512(std::span<const LaneBytes* const>, bool, LaneShorts*) { absent(); }
void ordered_sums_avx512(Products, const AccumulatorFormat&, const LaneShorts*, int, std::span<const OrderedChannel>) {
    absent();
}
void requantize_integer_avx512(const LaneInts*, std::span<const IntegerScale>, const RequantFormat&, LaneBytes*,
                               std::ptrdiff_t) {
    absent();
}

}  // namespace widthwise::fast

#endif
