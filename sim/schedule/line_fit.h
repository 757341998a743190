// SPDX-License-Identifier: Apache-2.0
// Part of compile(): whether what the array reads at once fits the line buffer, and if not, how it is cut.
#pragma once

#include <cstdint>

#include "config/hardware.h"
#include "mapping/dataflows/output_stationary.h"
#include "schedule/line_passes.h"
#include "schedule/schedule.h"

namespace widthwise {

/// For a layer whose passes hold whole rows.
class LineFitter {
public:
    /// `strips`: some layer of the network is worked on in strips. Then tiles of flat mapping may begin anywhere in a row
    /// when a batch has fewer images, and what fits must fit then too.
    LineFitter(const LayerSchedule& layer, const HardwareParams& hardware, bool strips);

    /// The rows that the array reads at once fit. Throws InputError for a configured number of rows that cannot be.
    [[nodiscard]] bool fits_whole() const;
    /// Rows that the buffer then holds.
    [[nodiscard]] int rows_held() const;
    /// Capacity from which on whole rows pass: those that the array reads at once, or as many as are configured; of a
    /// vector, which may pass word by word, a word.
    [[nodiscard]] std::int64_t least_bytes() const;
    /// The cut that fills the fewest bytes; of equal ones such that the next part can be filled meanwhile, and then the
    /// one with the fewest parts. Throws InputError when nothing fits.
    [[nodiscard]] LineFit choose() const;
    /// Blocks of that size that fit.
    [[nodiscard]] int blocks_held(std::int64_t block_bytes) const;

private:
    [[nodiscard]] int stripe_columns() const;
    [[nodiscard]] LineFit choose_cut() const;
    void check_configured_rows() const;

    const LayerSchedule& layer_;
    const HardwareParams& hardware_;
    int output_rows_ = 1;         ///< of a tile, at most
    int images_ = 1;              ///< of which lines lie side by side
    int needed_ = 1;              ///< rows that the array reads at once
    std::int64_t row_bytes_ = 0;  ///< of a whole row
    int fitting_ = 0;             ///< such rows that fit
};

}  // namespace widthwise
