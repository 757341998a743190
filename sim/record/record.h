// SPDX-License-Identifier: Apache-2.0
// What a run counts, per layer: integers only. Both engines fill these; ratios and energies are derived when printed.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <string_view>
#include <vector>

#include "arithmetic/pooling.h"
#include "arithmetic/requantize.h"
#include "arithmetic/residual.h"
#include "record/events.h"
#include "record/psum_histogram.h"

namespace widthwise {

/// Why the array did not issue a tap in a cycle, in order of precedence when several causes hold at once.
enum class Stall : std::uint8_t {
    skew,     ///< systolic: the previous tile's wavefront has not left the array
    drain,    ///< finished sums still occupy the (shadow) accumulators, or the layer's last results are on their way
    dram,     ///< weights or inputs have not arrived from DRAM, or results have not arrived there
    weights,  ///< the weight buffer's port is narrower than the array's rows
    port_conflict,  ///< the line buffer's fill lost the activation buffer's port to a write or a residual operand
    fill,           ///< a feature-map row has not arrived in the line buffer
    activations,    ///< the line buffer's read port is narrower than the array's columns
};
inline constexpr std::size_t kStallCount = static_cast<std::size_t>(Stall::activations) + 1;
std::string_view stall_name(Stall stall);
std::ostream& operator<<(std::ostream& out, Stall stall);

/// Cycles of one layer: total = compute + sum of stalls.
struct CycleCounts {
    std::uint64_t total = 0;
    std::uint64_t compute = 0;  ///< cycles in which a tap was issued
    std::array<std::uint64_t, kStallCount> stalls{};
    std::uint64_t& operator[](Stall stall) { return stalls[static_cast<std::size_t>(stall)]; }
    std::uint64_t operator[](Stall stall) const { return stalls[static_cast<std::size_t>(stall)]; }
    CycleCounts& operator+=(const CycleCounts& other);
    friend bool operator==(const CycleCounts&, const CycleCounts&) = default;
};

/// Overflow of a layer's accumulators.
struct OverflowCounts {
    std::uint64_t outputs = 0;     ///< sums computed
    std::uint64_t events = 0;      ///< additions (or finished sums, with check per_output) that did not fit
    std::uint64_t transient = 0;   ///< outputs that overflowed although their exact sum fits
    std::uint64_t persistent = 0;  ///< outputs that overflowed and whose exact sum does not fit
    OverflowCounts& operator+=(const OverflowCounts& other);
    friend bool operator==(const OverflowCounts&, const OverflowCounts&) = default;
};

/// Events of requantizing n sums. Each mode has an operator of its own; biases and zero points are added in all of
/// them.
inline void count_requantization(EventCounts& events, RequantMode mode, std::uint64_t n) {
    switch (mode) {
        case RequantMode::fixed_point:
            events[Event::requant_multiply] += n;
            events[Event::requant_shift] += n;
            break;
        case RequantMode::shift: events[Event::requant_plain_shift] += n; break;
        case RequantMode::reciprocal: events[Event::requant_divide] += n; break;
        case RequantMode::onnx:
        case RequantMode::float32: events[Event::requant_float_multiply] += n; break;
    }
    events[Event::requant_add] += n;
}

/// n residual additions: two rescaled operands, their sum, and the zero point (fused: two multiply-adds). Of dequantized
/// operands the sum is divided by a constant, the output's scale, too: counted as one more multiplication.
inline void count_additions(EventCounts& events, AdditionSum sum, std::uint64_t n) {
    const bool real = sum != AdditionSum::products;
    const std::uint64_t factors = sum == AdditionSum::dequantized ? 3 : 2;
    events[real ? Event::residual_float_multiply : Event::residual_multiply] += factors * n;
    events[real ? Event::residual_float_add : Event::residual_add] += 2 * n;
    if (!real) events[Event::residual_shift] += n;
}

/// Max pooling of `windows` windows that hold `pixels` pixels in all.
inline void count_max_pooling(EventCounts& events, std::uint64_t pixels, std::uint64_t windows) {
    events[Event::pool_compare] += pixels - windows;
}

/// Average pooling. Of real values each pixel is multiplied by its scale, and each sum divided by the number of pixels
/// and by the output's scale before the zero point is added.
inline void count_average_pooling(EventCounts& events, RequantMode mode, const AverageRule& rule, std::uint64_t pixels,
                                  std::uint64_t windows) {
    if (!rule.of_integers()) {
        events[Event::pool_float_multiply] += pixels;
        events[Event::pool_float_add] += pixels;
        events[Event::pool_float_divide] += 2 * windows;
        return;
    }
    events[Event::pool_add] += pixels - windows;
    count_requantization(events, mode, windows);
}

/// Range and moments of the exact (never overflowing) partial sums.
struct PsumStats {
    std::uint64_t count = 0;
    std::int64_t min = std::numeric_limits<std::int64_t>::max();
    std::int64_t max = std::numeric_limits<std::int64_t>::min();
    __int128 sum = 0;
    unsigned __int128 sum_of_squares = 0;
    void add(std::int64_t psum) {
        ++count;
        min = psum < min ? psum : min;
        max = psum > max ? psum : max;
        sum += psum;
        sum_of_squares += static_cast<unsigned __int128>(static_cast<__int128>(psum) * psum);
    }
    PsumStats& operator+=(const PsumStats& other);
    [[nodiscard]] double mean() const;
    [[nodiscard]] double deviation() const;  ///< population standard deviation
    [[nodiscard]] int bits() const;          ///< two's complement bits that [min, max] needs; 0 without psums
    friend bool operator==(const PsumStats&, const PsumStats&) = default;
};

/// Everything counted in one layer (or in the load or store phase around the layers).
struct LayerRecord {
    CycleCounts cycles;
    OverflowCounts overflow;
    PsumStats psums;
    EventCounts events;
    LayerRecord& operator+=(const LayerRecord& other);
    friend bool operator==(const LayerRecord&, const LayerRecord&) = default;
};

/// Everything counted over some images. Records of disjoint images add up to the record of all of them.
struct RunRecord {
    LayerRecord setup;  ///< resident weights: loaded once, before the first image; not part of an inference
    LayerRecord load;   ///< input images from DRAM
    std::vector<LayerRecord> layers;
    LayerRecord store;                      ///< outputs to DRAM
    std::vector<PsumHistogram> histograms;  ///< by layer; empty unless the engine was asked for them
    std::uint64_t images = 0;

    /// Adds the images of another record; the set-up is one and the same and stays.
    RunRecord& operator+=(const RunRecord& other);
    [[nodiscard]] LayerRecord total() const;  ///< of load, layers and store
    friend bool operator==(const RunRecord&, const RunRecord&) = default;
};

}  // namespace widthwise
