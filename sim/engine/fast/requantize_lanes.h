// SPDX-License-Identifier: Apache-2.0
// What happens to a block's sums beside the additions, for all channels of a pixel at once: range bounds, statistics,
// range checks, requantization. `sums` and the like are arrays of one LaneInts per channel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arithmetic/requantize.h"
#include "engine/fast/kernels.h"
#include "record/record.h"

namespace widthwise::fast {

/// sums[m] += constants[m].
void add_constants(LaneInts* sums, std::span<const std::int32_t> constants);

/// From the sums of positive and of negative products: leaves[m] = some intermediate sum of the channel may leave
/// [low, high], whatever the order of addition; positive[m] becomes the exact sum. Sums begin at starts[m].
void bound_channels(LaneInts* positive, const LaneInts* negative, std::span<const std::int32_t> starts,
                    std::int32_t low, std::int32_t high, std::uint8_t* leaves);

void max_lanes(LaneBytes& best, const LaneBytes& other, bool is_signed);

/// Check per_output: brings finished sums into range; events 1 where they were not.
void check_channels(const AccumulatorFormat& format, const LaneInts* exact, LaneInts* value, LaneInts* events,
                    int channels);

/// Adds one channel's overflow events of lanes 0..lanes-1.
void count_overflow(const AccumulatorFormat& format, const LaneInts& exact, const LaneInts& events, int lanes,
                    OverflowCounts& counts);

/// Psum statistics of a block, lane by lane until flush(). `bits` bounds every psum's magnitude, at most 31.
class PsumLanes {
public:
    explicit PsumLanes(int bits);
    void add(const LaneInts* exact, int channels);
    /// Adds what lanes 0..lanes-1 have gathered to `psums` and starts anew.
    void flush(int lanes, PsumStats& psums);
    /// Another add() of so many channels might overflow the 64-bit sums of squares.
    [[nodiscard]] bool full(int channels) const { return taken_ + channels > limit_; }

private:
    void clear();
    struct Gathered {
        LaneInts min, max;
        alignas(64) std::int64_t sum[kLanes];
        alignas(64) std::int64_t squares[kLanes];
    };
    friend void gather_psums(Gathered& gathered, const LaneInts* exact, int channels);
    Gathered gathered_;
    std::int64_t limit_;
    std::int64_t taken_ = 0;
};

/// requantize() of every lane of every channel of a layer.
class LaneRequantizer {
public:
    /// `bits` bounds the magnitude of sum plus bias. `biases` is empty or has one entry per channel; both spans must
    /// outlive the object.
    LaneRequantizer(const RequantFormat& format, std::span<const RequantScale> scales,
                    std::span<const std::int64_t> biases, int bits, Dispatch dispatch);

    /// Channel m's bytes go to out[m * stride].
    void run(const LaneInts* sums, LaneBytes* out, std::ptrdiff_t stride) const;

private:
    /// Which form of the arithmetic gives the definition's result.
    enum class Path : std::uint8_t { float32, integer, plain };

    Dispatch dispatch_;
    RequantFormat format_;
    std::span<const RequantScale> scales_;
    std::span<const std::int64_t> biases_;
    Path path_ = Path::plain;
    std::vector<IntegerScale> integer_scales_;
};

}  // namespace widthwise::fast
