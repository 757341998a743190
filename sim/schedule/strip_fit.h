// SPDX-License-Identifier: Apache-2.0
// Part of compile(): how large the strips of a layer are whose maps lie in DRAM.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "schedule/read_rows.h"
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

/// Rows of the sums, and of the output, of the strip with this number among those of an image.
RowRange sum_rows(const LayerSchedule& layer, const StripExtents& extents, int number);
RowRange output_rows(const LayerSchedule& layer, const StripExtents& extents, int number);

/// Channels that a strip of so many channel tiles makes, and that it reads.
struct StripChannels {
    int made = 0;
    int read = 0;
};
StripChannels strip_channels(const LayerSchedule& layer, int channel_tiles);

/// For a layer of which is known which maps lie in DRAM, and which rows its taps read (number_read_rows()).
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
