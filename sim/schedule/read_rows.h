// SPDX-License-Identifier: Apache-2.0
// Part of compile(): the rows of a layer's input that some tap reads.
#pragma once

#include <vector>

#include "schedule/schedule.h"

namespace widthwise {

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
    [[nodiscard]] const std::vector<int>& all() const { return rows_; }
    /// Feature-map row of a number.
    [[nodiscard]] int row(int number) const { return rows_[number]; }
    /// From the first to the last that rows `sums` of the sums need.
    [[nodiscard]] RowRange needed_by(const RowRange& sums) const;

private:
    const LayerSchedule& layer_;
    std::vector<int> rows_;
    std::vector<int> above_;  ///< of them, for each row of the map and the one below
};

/// Finds them, for LayerSchedule::row_position.
void number_read_rows(LayerSchedule& layer);

/// From one tap of an axis to the next, of `taps` that span `span` pixels.
constexpr int dilation(int span, int taps) { return taps > 1 ? (span - 1) / (taps - 1) : 1; }

}  // namespace widthwise
