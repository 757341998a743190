// SPDX-License-Identifier: Apache-2.0
// The inner loops of the fast engine. All work on a block of kLanes images at once, one image per lane, so that no
// layer shape leaves lanes idle. Each has a portable form and one for AVX-512 with VNNI, chosen at run time; both give
// the results of sim/arithmetic/accumulator.h.
#pragma once

#include <cstdint>
#include <span>

#include "arithmetic/accumulator.h"

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
/// The best this machine has; the environment variable WIDTHWISE_DISPATCH=portable forces the portable one.
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

/// One output channel's sum in order of accumulation, in a register of format.bits (at most 31) that is checked after
/// every addition.
struct OrderedChannel {
    const std::int16_t* weights = nullptr;  ///< per tap
    std::int32_t start = 0;                 ///< within range
    LaneInts* value = nullptr;
    LaneInts* events = nullptr;  ///< additions that did not fit
};
void ordered_sums(Dispatch dispatch, const AccumulatorFormat& format, const LaneShorts* wide, int taps,
                  std::span<const OrderedChannel> channels);

}  // namespace widthwise::fast
