// SPDX-License-Identifier: Apache-2.0
// What happens to sums beside the additions: range bounds, statistics, range checks, requantization. Arrays of LaneInts
// have kTileLanes of them for each channel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arithmetic/requantize.h"
#include "engine/fast/kernels.h"
#include "engine/fast/tap_window.h"
#include "record/record.h"

namespace widthwise::fast {

/// LaneInts of a tile's sums of one channel.
inline constexpr int kTileLanes = kTileSums / kLanes;
static_assert(kTileSums % kLanes == 0);

/// From the sums of positive and of negative products: leaves[i] = some intermediate sum among the i-th LaneInts may
/// leave [low, high], whatever the order of addition; positive[i] becomes the exact sum. `positive` begins at
/// starts[channel], `negative` at 0. Of each channel the first `parts` LaneInts are looked at; the others do not
/// leave.
void bound_channels(LaneInts* positive, const LaneInts* negative, std::span<const std::int32_t> starts, int parts,
                    std::int32_t low, std::int32_t high, std::uint8_t* leaves);

/// Check per_output: brings `count` LaneInts of finished sums into range; events 1 where they were not.
void check_sums(const AccumulatorFormat& format, const LaneInts* exact, LaneInts* value, LaneInts* events, int count);

/// Adds the overflow events of the first `sums` sums of a channel.
void count_overflow(const AccumulatorFormat& format, const LaneInts* exact, const LaneInts* events, int sums,
                    OverflowCounts& counts);

/// Psum statistics, lane by lane until flush(). `bits` bounds every psum's magnitude, at most 31.
class PsumLanes {
public:
    PsumLanes(int bits, const Kernels& kernels);
    /// The first `sums` sums of each channel.
    void add(const LaneInts* exact, int channels, int sums);
    /// Adds what was gathered to `psums` and starts anew.
    void flush(PsumStats& psums);
    /// Another add() of so many sums might overflow the 64-bit sums of squares.
    [[nodiscard]] bool full(int sums) const { return taken_ + sums > limit_; }

private:
    void clear();
    const Kernels* kernels_;
    int bits_;
    PsumMoments gathered_;
    std::int64_t limit_;
    std::int64_t taken_ = 0;
    std::uint64_t count_ = 0;
};

/// requantize() of sums side by side. Bytes are as BlockMap has them: of signed values 128 more.
class LaneRequantizer {
public:
    /// `bits` bounds the magnitude of sum plus bias. `biases` is empty or has one entry per channel; both spans must
    /// outlive the object.
    LaneRequantizer(const RequantFormat& format, std::span<const RequantScale> scales,
                    std::span<const std::int64_t> biases, int bits, const Kernels& kernels);

    /// Words of the four channels that begin at `channel`, or of fewer at the end (the others are 0), each of the first
    /// `sums` of them. sums[m * kTileLanes] are those of channel + m.
    void write_words(const LaneInts* sums, int channel, int count, std::uint32_t* words) const;
    /// Of one LaneInts of each of `channels` channels, one after the other.
    void write_bytes(const LaneInts* sums, int channels, LaneBytes* bytes) const { lanes(sums, 1, 0, channels, bytes); }

private:
    /// Which form of the arithmetic gives the definition's result.
    enum class Path : std::uint8_t { float32, integer, plain };
    void lanes(const LaneInts* sums, std::ptrdiff_t stride, int channel, int channels, LaneBytes* bytes) const;
    [[nodiscard]] int channels() const { return static_cast<int>(scales_.size()); }
    [[nodiscard]] std::int64_t bias(int channel) const {
        return biases_.empty() ? 0 : biases_[static_cast<std::size_t>(channel)];
    }

    const Kernels* kernels_;
    RequantFormat format_;
    std::span<const RequantScale> scales_;
    std::span<const std::int64_t> biases_;
    Path path_ = Path::plain;
    std::vector<IntegerScale> integer_scales_;
};

}  // namespace widthwise::fast
