// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/kernels_avx512.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

// Each function is compiled for these instructions, whatever the rest of the program is compiled for.
#define WIDTHWISE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define WIDTHWISE_AVX512_INLINE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"), always_inline))

namespace widthwise::fast {

namespace {

/// Interleaves four taps: unpacking works within 128-bit blocks, so a quad register holds the images in blocks of four,
/// 0 16 4 20 and 8 24 12 28; dot_quads_avx512 puts the sums back in order.
WIDTHWISE_AVX512
void gather_quads_avx512(std::span<const LaneBytes> taps, bool flip, LaneQuads* quads) {
    const __m256i mask = _mm256_set1_epi8(flip ? static_cast<char>(0x80) : 0);
    const std::size_t groups = (taps.size() + 3) / 4;
    for (std::size_t g = 0; g < groups; ++g) {
        __m256i tap[4];
        for (std::size_t k = 0; k < 4; ++k) {
            const std::size_t t = 4 * g + k;
            tap[k] = t < taps.size()
                         ? _mm256_xor_si256(_mm256_load_si256(reinterpret_cast<const __m256i*>(taps[t].lane)), mask)
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

WIDTHWISE_AVX512
inline __m512i broadcast_quad(const std::int8_t* weights) {
    std::int32_t quad = 0;
    std::memcpy(&quad, weights, 4);
    return _mm512_set1_epi32(quad);
}

/// Sums of one channel. Members instead of an array, whose elements GCC would keep in memory.
template <int Vectors>
struct ChannelSums {
    __m512i a, b, c;
    WIDTHWISE_AVX512_INLINE void start(std::int32_t value) { a = b = c = _mm512_set1_epi32(value); }
    WIDTHWISE_AVX512_INLINE void add(const ChannelSums& words, const std::int8_t* weights) {
        const __m512i weight = broadcast_quad(weights);
        a = _mm512_dpbusd_epi32(a, words.a, weight);
        if constexpr (Vectors > 1) b = _mm512_dpbusd_epi32(b, words.b, weight);
        if constexpr (Vectors > 2) c = _mm512_dpbusd_epi32(c, words.c, weight);
    }
    WIDTHWISE_AVX512_INLINE void load(const std::uint8_t* const* bases, std::ptrdiff_t offset) {
        a = _mm512_loadu_si512(bases[0] + offset);
        if constexpr (Vectors > 1) b = _mm512_loadu_si512(bases[1] + offset);
        if constexpr (Vectors > 2) c = _mm512_loadu_si512(bases[2] + offset);
    }
    WIDTHWISE_AVX512_INLINE void store(std::int32_t* sums) const {
        _mm512_store_si512(sums, a);
        if constexpr (Vectors > 1) _mm512_store_si512(sums + kVectorWords, b);
        if constexpr (Vectors > 2) _mm512_store_si512(sums + 2 * kVectorWords, c);
    }
};

template <int Channels, int Vectors>
WIDTHWISE_AVX512 void dot_tile(const DotProducts& p) {
    static_assert(Channels <= kDotChannels && Vectors <= kDotVectors);
    ChannelSums<Vectors> m0, m1, m2, m3, m4, m5, m6, m7, words;
    const auto for_each_channel = [&](auto&& visit) WIDTHWISE_AVX512_INLINE {
        visit(m0, 0);
        if constexpr (Channels > 1) visit(m1, 1);
        if constexpr (Channels > 2) visit(m2, 2);
        if constexpr (Channels > 3) visit(m3, 3);
        if constexpr (Channels > 4) visit(m4, 4);
        if constexpr (Channels > 5) visit(m5, 5);
        if constexpr (Channels > 6) visit(m6, 6);
        if constexpr (Channels > 7) visit(m7, 7);
    };
    using Sums = ChannelSums<Vectors>;
    for_each_channel([&](Sums & sums, int m) WIDTHWISE_AVX512
                     __attribute__((always_inline)) { sums.start(p.starts[m]); });
    const std::uint8_t* const bases[] = {p.bases[0], p.bases[Vectors > 1 ? 1 : 0], p.bases[Vectors > 2 ? 2 : 0]};
    const std::int8_t* weights = p.weights;
    for (int q = 0; q < p.quads; ++q, weights += 4 * Channels) {
        words.load(bases, p.offsets[q]);
        for_each_channel([&](Sums & sums, int m) WIDTHWISE_AVX512
                         __attribute__((always_inline)) { sums.add(words, weights + std::ptrdiff_t{4} * m); });
    }
    for_each_channel([&](Sums & sums, int m) WIDTHWISE_AVX512
                     __attribute__((always_inline)) { sums.store(p.sums + m * p.stride); });
}

template <int... Channels>
void dot_of(const DotProducts& p, std::integer_sequence<int, Channels...> /*all*/) {
    using Function = void (*)(const DotProducts&);
    static constexpr Function kTiles[sizeof...(Channels)][kDotVectors] = {
        {dot_tile<Channels + 1, 1>, dot_tile<Channels + 1, 2>, dot_tile<Channels + 1, 3>}...};
    kTiles[p.channels - 1][p.vectors - 1](p);
}

void dot_avx512(const DotProducts& p) { dot_of(p, std::make_integer_sequence<int, kDotChannels>{}); }

/// Rows of a 4 x 4 matrix in each 128 bits become columns.
WIDTHWISE_AVX512
inline void transpose(__m512i (&r)[4]) {
    const __m512i low01 = _mm512_unpacklo_epi32(r[0], r[1]);
    const __m512i high01 = _mm512_unpackhi_epi32(r[0], r[1]);
    const __m512i low23 = _mm512_unpacklo_epi32(r[2], r[3]);
    const __m512i high23 = _mm512_unpackhi_epi32(r[2], r[3]);
    r[0] = _mm512_unpacklo_epi64(low01, low23);
    r[1] = _mm512_unpackhi_epi64(low01, low23);
    r[2] = _mm512_unpacklo_epi64(high01, high23);
    r[3] = _mm512_unpackhi_epi64(high01, high23);
}

/// Interleaving the bytes of four taps brings those of a channel into one word: register k then holds the sums of
/// image k of each four, channel after channel.
WIDTHWISE_AVX512
void dot_depthwise_avx512(const DepthwiseProducts& p) {
    const __m512i starts = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p.starts)));
    for (int v = 0; v < p.vectors; ++v) {
        const std::uint8_t* base = p.bases[v];
        __m512i sums[4] = {starts, starts, starts, starts};
        for (int t = 0; t < p.taps; t += 4) {
            __m512i tap[4];
            for (int k = 0; k < 4; ++k)
                tap[k] = t + k < p.taps ? _mm512_loadu_si512(base + p.offsets[t + k]) : _mm512_setzero_si512();
            const __m512i weights = _mm512_broadcast_i32x4(
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(p.weights + std::ptrdiff_t{4} * t)));
            const __m512i low01 = _mm512_unpacklo_epi8(tap[0], tap[1]);
            const __m512i high01 = _mm512_unpackhi_epi8(tap[0], tap[1]);
            const __m512i low23 = _mm512_unpacklo_epi8(tap[2], tap[3]);
            const __m512i high23 = _mm512_unpackhi_epi8(tap[2], tap[3]);
            sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_unpacklo_epi16(low01, low23), weights);
            sums[1] = _mm512_dpbusd_epi32(sums[1], _mm512_unpackhi_epi16(low01, low23), weights);
            sums[2] = _mm512_dpbusd_epi32(sums[2], _mm512_unpacklo_epi16(high01, high23), weights);
            sums[3] = _mm512_dpbusd_epi32(sums[3], _mm512_unpackhi_epi16(high01, high23), weights);
        }
        transpose(sums);
        for (int m = 0; m < 4; ++m) _mm512_store_si512(p.sums + m * p.stride + 16 * v, sums[m]);
    }
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

/// Lanes take turns: a word of 32 bits holds an activation of the low words below one of the high words.
WIDTHWISE_AVX512
void widen_avx512(const std::uint8_t* low, const std::uint8_t* high, std::span<const std::int32_t> offsets, int offset,
                  LaneShorts* wide) {
    const __m512i byte = _mm512_set1_epi32(0xFF), lift = _mm512_set1_epi16(static_cast<short>(offset));
    for (std::size_t t = 0; t < offsets.size(); ++t) {
        const __m512i first = _mm512_loadu_si512(low + offsets[t]);
        const __m512i second = _mm512_loadu_si512(high + offsets[t]);
        // (first & byte) | ((second & byte) << 16)
        const __m512i both =
            _mm512_or_si512(_mm512_and_si512(first, byte), _mm512_slli_epi32(_mm512_and_si512(second, byte), 16));
        _mm512_store_si512(wide[t].lane, _mm512_sub_epi16(both, lift));
    }
}

WIDTHWISE_AVX512
inline __m512i low_halves(__m512i words) { return _mm512_srai_epi32(_mm512_slli_epi32(words, 16), 16); }
WIDTHWISE_AVX512
inline __m512i high_halves(__m512i words) { return _mm512_srai_epi32(words, 16); }

/// Up to 16 bits: 32 lanes of 16 bits. Products of 8-bit operands fit; a sum that leaves 16 bits saturates there, which
/// is still outside the accumulator's range, so that the range check sees it. Of one channel.
template <bool Saturate, bool Full>
struct ShortLanes {
    /// What all channels have in common.
    struct Range {
        __m512i low, high, one;
        __m128i wrap_shift;
        WIDTHWISE_AVX512 explicit Range(int bits)
            : low(_mm512_set1_epi16(static_cast<short>(-(1 << (bits - 1))))),
              high(_mm512_set1_epi16(static_cast<short>((1 << (bits - 1)) - 1))),
              one(_mm512_set1_epi16(1)),
              wrap_shift(_mm_cvtsi32_si128(16 - bits)) {}
    };
    __m512i value, events;
    WIDTHWISE_AVX512_INLINE void start(const OrderedChannel& channel) {
        value = _mm512_set1_epi16(static_cast<short>(channel.start));
        events = _mm512_setzero_si512();
    }
    WIDTHWISE_AVX512_INLINE void add(const Range& range, __m512i activations, std::int32_t weight) {
        const __m512i product = _mm512_mullo_epi16(activations, _mm512_set1_epi32(weight));
        const __m512i sum = _mm512_adds_epi16(value, product);
        __mmask32 overflow = 0;
        if constexpr (Full) {  // 16 bits: the instruction's own saturation
            const __m512i wrapped = _mm512_add_epi16(value, product);
            overflow = _mm512_cmpneq_epi16_mask(sum, wrapped);
            value = Saturate ? sum : wrapped;
        } else {
            const __m512i clamped = _mm512_min_epi16(_mm512_max_epi16(sum, range.low), range.high);
            overflow = _mm512_cmpneq_epi16_mask(sum, clamped);
            if constexpr (Saturate) {
                value = clamped;
            } else {
                const __m512i wrapped = _mm512_add_epi16(value, product);
                value = _mm512_sra_epi16(_mm512_sll_epi16(wrapped, range.wrap_shift), range.wrap_shift);
            }
        }
        count(events, overflow, range.one);
    }
    /// In place: GCC 12 would move the register to and fro for _mm512_mask_add_epi16().
    WIDTHWISE_AVX512_INLINE static void count(__m512i& events, __mmask32 overflow, __m512i one) {
        asm("vpaddw %2, %0, %0%{%1%}" : "+v"(events) : "Yk"(overflow), "v"(one));
    }
    WIDTHWISE_AVX512_INLINE void finish(const OrderedChannel& channel) const {
        _mm512_store_si512(channel.value->lane, low_halves(value));
        _mm512_store_si512(channel.value->lane + kVectorWords, high_halves(value));
        _mm512_store_si512(channel.events->lane, _mm512_and_si512(events, _mm512_set1_epi32(0xFFFF)));
        _mm512_store_si512(channel.events->lane + kVectorWords, _mm512_srli_epi32(events, 16));
    }
};

/// 32 products of 16-bit activations and a weight, as pair_of() gives it.
template <Products Size>
WIDTHWISE_AVX512 inline void multiply_lanes(__m512i activations, std::int32_t pair, __m512i* product) {
    if constexpr (Size == Products::short_ones) {
        const __m512i products = _mm512_mullo_epi16(activations, _mm512_set1_epi32(pair));
        product[0] = low_halves(products);
        product[1] = high_halves(products);
    } else {
        const __m512i weight = _mm512_set1_epi32(weight_of(pair));
        product[0] = _mm512_mullo_epi32(low_halves(activations), weight);
        product[1] = _mm512_mullo_epi32(high_halves(activations), weight);
    }
}

/// 17 to 31 bits, and any for long products: two registers of 16 lanes of 32 bits; the exact sums stay within 32 bits.
template <bool Saturate, Products Size>
struct LongLanes {
    struct Range {
        __m512i low, high, one;
        __m128i wrap_shift;
        WIDTHWISE_AVX512 explicit Range(int bits)
            : low(_mm512_set1_epi32(-(1 << (bits - 1)))),
              high(_mm512_set1_epi32(static_cast<std::int32_t>((std::uint32_t{1} << (bits - 1)) - 1))),
              one(_mm512_set1_epi32(1)),
              wrap_shift(_mm_cvtsi32_si128(32 - bits)) {}
    };
    __m512i low_value, high_value, low_events, high_events;
    WIDTHWISE_AVX512_INLINE void start(const OrderedChannel& channel) {
        low_value = high_value = _mm512_set1_epi32(channel.start);
        low_events = high_events = _mm512_setzero_si512();
    }
    WIDTHWISE_AVX512_INLINE static void add(const Range& range, __m512i product, __m512i& value, __m512i& events) {
        const __m512i sum = _mm512_add_epi32(value, product);
        const __m512i clamped = _mm512_min_epi32(_mm512_max_epi32(sum, range.low), range.high);
        const __mmask16 overflow = _mm512_cmpneq_epi32_mask(sum, clamped);
        events = _mm512_mask_add_epi32(events, overflow, events, range.one);
        value = Saturate ? clamped : _mm512_sra_epi32(_mm512_sll_epi32(sum, range.wrap_shift), range.wrap_shift);
    }
    WIDTHWISE_AVX512_INLINE void add(const Range& range, __m512i activations, std::int32_t weight) {
        __m512i product[2];
        multiply_lanes<Size>(activations, weight, product);
        add(range, product[0], low_value, low_events);
        add(range, product[1], high_value, high_events);
    }
    WIDTHWISE_AVX512_INLINE void finish(const OrderedChannel& channel) const {
        _mm512_store_si512(channel.value->lane, low_value);
        _mm512_store_si512(channel.value->lane + 16, high_value);
        _mm512_store_si512(channel.events->lane, low_events);
        _mm512_store_si512(channel.events->lane + 16, high_events);
    }
};

template <typename Lanes, int Channels>
WIDTHWISE_AVX512 void add_in_order(int bits, const LaneShorts* wide, int taps, const OrderedChannel* channels) {
    const typename Lanes::Range range(bits);
    Lanes m0, m1, m2, m3;
    m0.start(channels[0]);
    if constexpr (Channels == 4) m1.start(channels[1]), m2.start(channels[2]), m3.start(channels[3]);
    for (int t = 0; t < taps; ++t) {
        const __m512i x = _mm512_load_si512(wide[t].lane);
        m0.add(range, x, channels[0].weights[t]);
        if constexpr (Channels == 4) {
            m1.add(range, x, channels[1].weights[t]);
            m2.add(range, x, channels[2].weights[t]);
            m3.add(range, x, channels[3].weights[t]);
        }
    }
    m0.finish(channels[0]);
    if constexpr (Channels == 4) m1.finish(channels[1]), m2.finish(channels[2]), m3.finish(channels[3]);
}

template <int Channels>
WIDTHWISE_AVX512 void ordered_some_channels(Products products, const AccumulatorFormat& format, const LaneShorts* wide,
                                            int taps, const OrderedChannel* channels) {
    const bool saturate = format.overflow == Overflow::saturate;
    if (products == Products::long_ones) {
        saturate ? add_in_order<LongLanes<true, Products::long_ones>, Channels>(format.bits, wide, taps, channels)
                 : add_in_order<LongLanes<false, Products::long_ones>, Channels>(format.bits, wide, taps, channels);
        return;
    }
    // Event counters have 16 bits too.
    if (format.bits < 16 && taps < (1 << 16)) {
        saturate ? add_in_order<ShortLanes<true, false>, Channels>(format.bits, wide, taps, channels)
                 : add_in_order<ShortLanes<false, false>, Channels>(format.bits, wide, taps, channels);
    } else if (format.bits == 16 && taps < (1 << 16)) {
        saturate ? add_in_order<ShortLanes<true, true>, Channels>(16, wide, taps, channels)
                 : add_in_order<ShortLanes<false, true>, Channels>(16, wide, taps, channels);
    } else {
        saturate ? add_in_order<LongLanes<true, Products::short_ones>, Channels>(format.bits, wide, taps, channels)
                 : add_in_order<LongLanes<false, Products::short_ones>, Channels>(format.bits, wide, taps, channels);
    }
}

WIDTHWISE_AVX512
void ordered_sums_avx512(Products products, const AccumulatorFormat& format, const LaneShorts* wide, int taps,
                         std::span<const OrderedChannel> channels) {
    std::size_t m = 0;
    for (; m + 4 <= channels.size(); m += 4)
        ordered_some_channels<4>(products, format, wide, taps, channels.data() + m);
    for (; m < channels.size(); ++m) ordered_some_channels<1>(products, format, wide, taps, channels.data() + m);
}

/// Adds a vector of 32-bit sums to one of 64-bit ones, which lie in order.
WIDTHWISE_AVX512
inline void add_to(std::int64_t* totals, __m512i sums) {
    const __m512i low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(sums));
    const __m512i high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(sums, 1));
    _mm512_store_si512(totals, _mm512_add_epi64(_mm512_load_si512(totals), low));
    _mm512_store_si512(totals + 8, _mm512_add_epi64(_mm512_load_si512(totals + 8), high));
}

/// The moments of even and odd lanes may change places: only their totals matter.
WIDTHWISE_AVX512
void gather_psums_avx512(PsumMoments& moments, const LaneInts* exact, std::ptrdiff_t stride, int channels, int sums,
                         int bits) {
    __m512i min = _mm512_load_si512(moments.min.lane), max = _mm512_load_si512(moments.max.lane);
    __m512i even = _mm512_load_si512(moments.squares), odd = _mm512_load_si512(moments.squares + 8);
    // So many sums of so many bits stay within 32.
    const int most = 1 << std::min(30, 31 - bits);
    __m512i total = _mm512_setzero_si512();
    int added = 0;
    for (int m = 0; m < channels; ++m, exact += stride) {
        for (int i = 0; i < sums; i += kVectorWords) {
            __m512i psums = _mm512_load_si512(exact->lane + i);
            if (sums - i < kVectorWords) {
                const auto mask = static_cast<__mmask16>((1U << (sums - i)) - 1);
                min = _mm512_mask_min_epi32(min, mask, min, psums);
                max = _mm512_mask_max_epi32(max, mask, max, psums);
                psums = _mm512_maskz_mov_epi32(mask, psums);
            } else {
                min = _mm512_min_epi32(min, psums);
                max = _mm512_max_epi32(max, psums);
            }
            const __m512i upper = _mm512_srli_epi64(psums, 32);
            even = _mm512_add_epi64(even, _mm512_mul_epi32(psums, psums));
            odd = _mm512_add_epi64(odd, _mm512_mul_epi32(upper, upper));
            total = _mm512_add_epi32(total, psums);
            if (++added < most) continue;
            add_to(moments.sum, total);
            total = _mm512_setzero_si512();
            added = 0;
        }
    }
    add_to(moments.sum, total);
    _mm512_store_si512(moments.min.lane, min);
    _mm512_store_si512(moments.max.lane, max);
    _mm512_store_si512(moments.squares, even);
    _mm512_store_si512(moments.squares + 8, odd);
}

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
WIDTHWISE_AVX512 inline void requantize_with(const LaneInts* sums, std::ptrdiff_t stride,
                                             std::span<const IntegerScale> channels, const RequantFormat& format,
                                             LaneBytes* out) {
    const __m512i low = _mm512_set1_epi32(format.clamp_low - format.zero_point);
    const __m512i high = _mm512_set1_epi32(format.clamp_high - format.zero_point);
    const __m512i zero_point = _mm512_set1_epi32(format.zero_point);
    for (std::size_t m = 0; m < channels.size(); ++m) {
        const IntegerScale& scale = channels[m];
        const __m512i bias = _mm512_set1_epi32(scale.bias);
        const __m512i multiplier = _mm512_set1_epi64(scale.multiplier);
        const __m128i shift = _mm_cvtsi32_si128(scale.shift);
        const std::int32_t* from = sums[static_cast<std::ptrdiff_t>(m) * stride].lane;
        std::uint8_t* bytes = out[m].lane;
        for (int l = 0; l < kLanes; l += 16) {
            const __m512i sum = _mm512_add_epi32(_mm512_load_si512(from + l), bias);
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

WIDTHWISE_AVX512
void requantize_integer_avx512(const LaneInts* sums, std::ptrdiff_t stride, std::span<const IntegerScale> channels,
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

}  // namespace

const Kernels* avx512_kernels() {
    static constexpr Kernels kAvx512{
        dot_avx512,   dot_depthwise_avx512, gather_quads_avx512, prefixes_may_leave_avx512,
        widen_avx512, ordered_sums_avx512,  gather_psums_avx512, requantize_integer_avx512};
    const bool available = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                           __builtin_cpu_supports("avx512vnni");
    return available ? &kAvx512 : nullptr;
}

}  // namespace widthwise::fast

#else

namespace widthwise::fast {

const Kernels* avx512_kernels() { return nullptr; }

}  // namespace widthwise::fast

#endif
