// SPDX-License-Identifier: Apache-2.0
// The inner loops of the fast engine. All work on a block of kLanes images at once, one image per lane, so that no
// layer shape leaves lanes idle. Each has a portable form and one for AVX-512 with VNNI, chosen at run time; both give
// the results of sim/arithmetic/accumulator.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "arithmetic/accumulator.h"
#include "arithmetic/requantize.h"

namespace widthwise::fast {

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
/// Four consecutive taps of every lane, side by side as the dot-product instruction wants them. The order of the images
/// within is the kernel's own.
struct alignas(64) LaneQuads {
    std::uint8_t byte[kLanes * 4];
};

/// Which instructions the kernels use.
enum class Dispatch : std::uint8_t { portable, avx512 };
/// The best this machine has; the environment variable WIDTHWISE_DISPATCH=portable forces the portable one. Throws
/// InputError for any other value (an empty one is none).
Dispatch best_dispatch();

/// Groups of four taps, `taps` values each an unsigned byte per lane (signed activations offset by 128 with `flip`),
/// the last group filled up with zeros.
void gather_quads(Dispatch dispatch, std::span<const LaneBytes* const> taps, bool flip, LaneQuads* quads);

/// sums[m] = sum over taps of activation * weights[m * 4 * groups + tap], exactly, for `channels` output channels.
void dot_quads(Dispatch dispatch, const LaneQuads* quads, int groups, const std::int8_t* weights, int channels,
               LaneInts* sums);

/// A channel's weights split by sign, as dot_quads() takes them, and where its sums begin.
struct BoundedChannel {
    const std::int8_t* positive = nullptr;
    const std::int8_t* negative = nullptr;
    std::int32_t start = 0;
};
/// Whether some intermediate sum of the channel, added up in order, may leave [low, high] in some lane: exact sums
/// after every four taps, and within four taps the bound by the signs. True answers may be wrong, false ones never are.
bool prefixes_may_leave(Dispatch dispatch, const LaneQuads* quads, int groups, const BoundedChannel& channel,
                        std::int32_t low, std::int32_t high);

/// Activations of each tap widened to 16 bits.
void widen(Dispatch dispatch, std::span<const LaneBytes* const> taps, bool is_signed, LaneShorts* wide);

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
void ordered_sums(Dispatch dispatch, Products products, const AccumulatorFormat& format, const LaneShorts* wide,
                  int taps, std::span<const OrderedChannel> channels);

/// What a channel's requantization in integers needs: the quotient (sum + bias) * multiplier / 2^shift fits 32 bits.
struct IntegerScale {
    std::int32_t bias = 0;
    std::int32_t multiplier = 1;
    int shift = 0;
    std::int64_t below_one = 0;  ///< 2^shift - 1
    std::int64_t half = 0;       ///< 2^(shift - 1); 0 without a shift
    std::int64_t tie = -1;       ///< what breaks a tie, as a mask; 0 without a shift
};
/// requantize() of every lane of every channel in the modes fixed_point (all roundings but gemmlowp's) and shift.
/// Channel m's bytes go to out[m * stride].
void requantize_integer(Dispatch dispatch, const LaneInts* sums, std::span<const IntegerScale> channels,
                        const RequantFormat& format, LaneBytes* out, std::ptrdiff_t stride);

}  // namespace widthwise::fast
