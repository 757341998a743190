// SPDX-License-Identifier: Apache-2.0
// How a layer's finished exact psums are distributed: exact counts in buckets that follow their magnitude.
//
// A log-linear histogram: each octave (from 2^n up to 2^(n+1)) of each sign is parted into 8 buckets of equal width.
// The magnitude of a negative psum p is -p - 1, so that the limits of every two's complement register fall between
// buckets: how many psums fit how many bits is exact. Histograms of disjoint images add up to that of all of them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace widthwise {

class PsumHistogram {
public:
    /// Psums from `low` to `high`, both included.
    struct Bucket {
        std::int64_t low = 0;
        std::int64_t high = 0;
        std::uint64_t count = 0;
        friend bool operator==(const Bucket&, const Bucket&) = default;
    };

    void add(std::int64_t psum) {
        std::vector<std::uint64_t>& side = psum < 0 ? negative_ : positive_;
        const std::size_t index = index_of(static_cast<std::uint64_t>(psum < 0 ? ~psum : psum));
        if (index >= side.size()) side.resize(index + 1, 0);
        ++side[index];
    }
    PsumHistogram& operator+=(const PsumHistogram& other);
    friend bool operator==(const PsumHistogram&, const PsumHistogram&) = default;

    /// Those that hold psums, ascending.
    [[nodiscard]] std::vector<Bucket> buckets() const;

    /// Counts by magnitude, of psums from 0 on and of those below; trailing zeros left out. For other processes.
    [[nodiscard]] const std::vector<std::uint64_t>& positive() const { return positive_; }
    [[nodiscard]] const std::vector<std::uint64_t>& negative() const { return negative_; }
    static PsumHistogram from_counts(std::vector<std::uint64_t> positive, std::vector<std::uint64_t> negative);

private:
    static constexpr std::uint64_t kPerOctave = 8;
    static constexpr int kBits = 3;  ///< 2^kBits = kPerOctave

    /// Magnitudes below 2 * kPerOctave have a bucket each.
    static std::size_t index_of(std::uint64_t magnitude) {
        if (magnitude < kPerOctave) return magnitude;
        const auto octave = static_cast<int>(std::bit_width(magnitude)) - 1;
        const std::uint64_t part = (magnitude >> (octave - kBits)) & (kPerOctave - 1);
        return static_cast<std::size_t>(octave - kBits + 1) * kPerOctave + part;
    }
    /// Smallest magnitude in a bucket.
    static std::int64_t first_of(std::size_t index);

    std::vector<std::uint64_t> positive_, negative_;
};

}  // namespace widthwise
