// SPDX-License-Identifier: Apache-2.0
// The inner loops of the fast engine. Sums lie side by side in vector lanes (tap_window.h says which). Each loop has a
// portable form and one for AVX-512 with VNNI; both give the results of sim/arithmetic/accumulator.h. Which are used is
// decided once, when the program starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "arithmetic/accumulator.h"
#include "arithmetic/requantize.h"

namespace widthwise::fast {

/// Channels of a word (block_map.h), and words of a vector.
inline constexpr int kWordChannels = 4;
inline constexpr int kVectorWords = 16;
/// Sums that are added up in order, or requantized in integers, at once.
inline constexpr int kLanes = 32;

/// One value of every lane.
struct alignas(32) LaneBytes {
    std::uint8_t lane[kLanes];
};
struct alignas(64) LaneShorts {
    std::int16_t lane[kLanes];
};
struct alignas(64) LaneInts {
    std::int32_t lane[kLanes];
};
/// Four consecutive taps of every lane, side by side as the dot-product instruction wants them. The order of the lanes
/// within is the kernel's own.
struct alignas(64) LaneQuads {
    std::uint8_t byte[kLanes * 4];
};

/// Vectors and channels that one call of a dot product takes at most: their sums fill the processor's registers.
inline constexpr int kDotVectors = 3;
inline constexpr int kDotChannels = 8;

/// sums[m * stride + i] = starts[m] + the sum over quads q and their bytes k of words[i][q][k] * weights[(q *
/// channels + m) * 4 + k], for each channel m and each of 16 * vectors words i; those of a vector lie one after the
/// other at bases[v] + offsets[q].
struct DotProducts {
    const std::uint8_t* const* bases = nullptr;
    int vectors = 0;
    const std::int32_t* offsets = nullptr;
    int quads = 0;
    const std::int8_t* weights = nullptr;
    const std::int32_t* starts = nullptr;
    int channels = 0;
    std::int32_t* sums = nullptr;
    std::ptrdiff_t stride = 0;
};

/// The same for four channels that each have one input channel of their own, the bytes of a word: sums[m * stride +
/// i] = starts[m] + the sum over taps t of words[i][t][m] * weights[(t / 4 * 4 + m) * 4 + t % 4]. Words of taps that
/// fill up the last four are not read.
struct DepthwiseProducts {
    const std::uint8_t* const* bases = nullptr;
    int vectors = 0;
    const std::int32_t* offsets = nullptr;  ///< of each tap
    int taps = 0;
    const std::int8_t* weights = nullptr;
    const std::int32_t* starts = nullptr;
    std::int32_t* sums = nullptr;
    std::ptrdiff_t stride = 0;
};

/// A channel's weights split by sign, and where its sums begin.
struct BoundedChannel {
    const std::int8_t* positive = nullptr;
    const std::int8_t* negative = nullptr;
    std::int32_t start = 0;
};

/// A weight in both halves of 32 bits: broadcasting those takes one instruction less than broadcasting 16.
constexpr std::int32_t pair_of(std::int16_t weight) {
    const std::uint32_t half = static_cast<std::uint16_t>(weight);
    return static_cast<std::int32_t>(half << 16 | half);
}
constexpr std::int32_t weight_of(std::int32_t pair) { return static_cast<std::int16_t>(pair); }

/// One output channel's sum in order of accumulation, in a register of format.bits (at most 31) that is checked after
/// every addition.
struct OrderedChannel {
    const std::int32_t* weights = nullptr;  ///< per tap, as pair_of() gives them
    std::int32_t start = 0;                 ///< within range
    LaneInts* value = nullptr;
    LaneInts* events = nullptr;  ///< additions that did not fit
};
/// Whether the products of activations and weights fit 16 bits: of 8-bit weights they do, of 9-bit ones they do not.
enum class Products : std::uint8_t { short_ones, long_ones };

/// What a channel's requantization in integers needs: the quotient (sum + bias) * multiplier / 2^shift fits 32 bits.
struct IntegerScale {
    std::int32_t bias = 0;
    std::int32_t multiplier = 1;
    int shift = 0;
    std::int64_t below_one = 0;  ///< 2^shift - 1
    std::int64_t half = 0;       ///< 2^(shift - 1); 0 without a shift
    std::int64_t tie = -1;       ///< what breaks a tie, as a mask; 0 without a shift
};

/// Range and moments of sums, lane by lane.
struct PsumMoments {
    LaneInts min, max;
    alignas(64) std::int64_t sum[kLanes];
    alignas(64) std::int64_t squares[kLanes];
};

struct Kernels {
    void (*dot)(const DotProducts& products);
    void (*dot_depthwise)(const DepthwiseProducts& products);
    /// Groups of four taps, `taps` values each a byte per lane (two's complement ones offset by 128 with `flip`), the
    /// last group filled up with zeros.
    void (*gather_quads)(std::span<const LaneBytes> taps, bool flip, LaneQuads* quads);
    /// Whether some intermediate sum of the channel, added up in order, may leave [low, high] in some lane: exact sums
    /// after every four taps, and within four taps the bound by the signs. True answers may be wrong, false ones never
    /// are.
    bool (*prefixes_may_leave)(const LaneQuads* quads, int groups, const BoundedChannel& channel, std::int32_t low,
                               std::int32_t high);
    /// Activations of each tap, less `offset`, in 16 bits: those of 16 words at low + offsets[tap], and of 16 at
    /// high. The order of the lanes within is the kernel's own.
    void (*widen)(const std::uint8_t* low, const std::uint8_t* high, std::span<const std::int32_t> offsets, int offset,
                  LaneShorts* wide);
    /// `wide`: as widen() gives them. Sums come out in the order of the words.
    void (*ordered_sums)(Products products, const AccumulatorFormat& format, const LaneShorts* wide, int taps,
                         std::span<const OrderedChannel> channels);
    /// Adds the first `sums` sums of each channel; one channel's begin `stride` LaneInts behind those of the one
    /// before. `bits` bounds their magnitude, at most 31.
    void (*gather_psums)(PsumMoments& moments, const LaneInts* exact, std::ptrdiff_t stride, int channels, int sums,
                         int bits);
    /// requantize() of every lane of every channel in the modes fixed_point (all roundings but gemmlowp's) and shift.
    /// Channel m's sums are sums[m * stride], its bytes go to out[m], two's complement.
    void (*requantize_integer)(const LaneInts* sums, std::ptrdiff_t stride, std::span<const IntegerScale> channels,
                               const RequantFormat& format, LaneBytes* out);
};

const Kernels& portable_kernels();
/// The best this machine has; the environment variable WIDTHWISE_DISPATCH=portable forces the portable ones. Throws
/// InputError for any other value (an empty one is none).
const Kernels& best_kernels();

}  // namespace widthwise::fast
