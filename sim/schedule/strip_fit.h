// SPDX-License-Identifier: Apache-2.0
// Part of compile(): how large the strips of a layer are whose maps lie in DRAM.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "schedule/schedule.h"

namespace widthwise {

/// A choice of extents, and what it comes to.
struct StripChoice {
    StripExtents extents;
    bool prefetches = false;
    std::int64_t traffic = 0;  ///< bytes that one batch moves between DRAM and the chip for the layer
    std::int64_t strips = 0;
    std::int64_t transfers = 0;  ///< at most
};

/// Rows [first, end).
struct RowRange {
    int first = 0;
    int end = 0;
    [[nodiscard]] int count() const { return end - first; }
};

/// The rows of a layer's input that some tap reads, numbered from above (LayerSchedule::row_position).
class ReadRows {
public:
    explicit ReadRows(const LayerSchedule& layer);
    [[nodiscard]] int count() const { return static_cast<int>(rows_.size()); }
    /// Feature-map row of a number.
    [[nodiscard]] int row(int number) const { return rows_[number]; }
    /// From the first to the last that rows `sums` of the sums need.
    [[nodiscard]] RowRange needed_by(const RowRange& sums) const;

private:
    const LayerSchedule& layer_;
    std::vector<int> rows_;
    std::vector<int> above_;  ///< of them, for each row of the map and the one below
};

/// Rows of the sums, and of the output, of the strip with this number among those of an image.
RowRange sum_rows(const LayerSchedule& layer, const StripExtents& extents, int number);
RowRange output_rows(const LayerSchedule& layer, const StripExtents& extents, int number);

/// Channels that a strip of so many channel tiles makes, and that it reads.
struct StripChannels {
    int made = 0;
    int read = 0;
};
StripChannels strip_channels(const LayerSchedule& layer, int channel_tiles);

/// For a layer of which is known which maps lie in DRAM, and which rows its taps read (rank_rows()).
class StripFitter {
public:
    StripFitter(const LayerSchedule& layer, const HardwareParams& hardware);

    /// All extents that strips may have: their borders do not cut pooling windows.
    [[nodiscard]] std::vector<StripExtents> candidates() const;
    /// Bytes of the activation buffer that strips take.
    [[nodiscard]] std::int64_t bytes(const StripExtents& extents, bool prefetches) const;
    /// The least that any extents take.
    [[nodiscard]] std::int64_t least_bytes() const;
    [[nodiscard]] std::int64_t traffic(const StripExtents& extents) const;
    [[nodiscard]] std::int64_t strips(const StripExtents& extents) const;
    /// Of all strips, at most.
    [[nodiscard]] std::int64_t transfers(const StripExtents& extents) const;
    /// Of what fits `space` bytes the extents with the least traffic; of equal ones with the fewest strips, then with the
    /// most rows. The next strip is prefetched if both fit. None if nothing fits.
    [[nodiscard]] std::optional<StripChoice> choose(std::int64_t space) const;

    /// Of the ring in which the input's rows lie.
    [[nodiscard]] int ring_rows(const StripExtents& extents, bool prefetches) const;
    /// One input serves all strips.
    [[nodiscard]] bool input_stays(const StripExtents& extents) const;

private:
    [[nodiscard]] int row_strips(const StripExtents& extents) const;
    [[nodiscard]] bool windows_are_apart() const;
    [[nodiscard]] std::int64_t column_tiles(const StripExtents& extents) const;
    void measure_rings();

    const LayerSchedule& layer_;
    const HardwareParams& hardware_;
    bool streamed_;
    ReadRows rows_;
    /// By rows of a strip: input rows that a strip needs, that it and the next need, and that the last of an image and the
    /// first of the next one need.
    struct Ring {
        int one = 0, two = 0, across = 0;
    };
    std::vector<Ring> rings_;
};

}  // namespace widthwise
