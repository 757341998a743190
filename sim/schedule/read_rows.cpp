// SPDX-License-Identifier: Apache-2.0
#include "schedule/read_rows.h"

#include <algorithm>
#include <set>

namespace widthwise {
namespace {

/// Positions along an axis of `extent` that some tap reads for some output; the others only pass by in padding, between
/// the taps of a dilated kernel, or between the kernels of a stride beyond it. A tap reads every `stride`-th position
/// from its first one on: where such runs begin and end is enough, however many taps and outputs there are.
std::vector<bool> positions_read(int extent, int outputs, int stride, int pad, const std::set<int>& taps) {
    std::vector<int> runs(static_cast<std::size_t>(extent), 0);  // that are open at a position
    for (const int tap : taps) {
        const int first = tap - pad;
        const int begin = first >= 0 ? first : first + ceil_div(-std::int64_t{first}, stride) * stride;
        const int end = first + outputs * stride;
        if (begin >= end || begin >= extent) continue;
        ++runs[begin];
        if (end < extent) --runs[end];
    }
    std::vector<bool> read(static_cast<std::size_t>(extent));
    for (int at = 0; at < extent; ++at) {
        if (at >= stride) runs[at] += runs[at - stride];
        read[at] = runs[at] > 0;
    }
    return read;
}

/// Rows that some tap reads. Where all columns of the taps lie in the padding that is none.
std::vector<bool> rows_read(const LayerSchedule& layer) {
    if (layer.fully_connected) return std::vector<bool>(layer.map_height, true);
    const auto positions = [](int taps, int span) {
        std::set<int> all;
        for (int tap = 0; tap < taps; ++tap) all.insert(tap * dilation(span, taps));
        return all;
    };
    const KernelTaps& kernel = layer.kernel_taps;
    const std::vector<bool> columns_read = positions_read(layer.line_bytes, layer.sums.width, layer.stride_width,
                                                          layer.pad_left, positions(kernel.width, layer.kernel_width));
    if (std::find(columns_read.begin(), columns_read.end(), true) == columns_read.end()) {
        return std::vector<bool>(layer.map_height, false);
    }
    return positions_read(layer.map_height, layer.sums.height, layer.stride_height, layer.pad_top,
                          positions(kernel.height, layer.kernel_height));
}

}  // namespace

ReadRows::ReadRows(const LayerSchedule& layer) : layer_(layer) {
    above_.push_back(0);
    for (int y = 0; y < layer.map_height; ++y) {
        if (layer.row_position[y] >= 0) rows_.push_back(y);
        above_.push_back(count());
    }
}

RowRange ReadRows::needed_by(const RowRange& sums) const {
    if (layer_.fully_connected) return {0, count()};
    const auto clip = [&](int y) { return std::clamp(y, 0, layer_.map_height); };
    const int top = sums.first * layer_.stride_height - layer_.pad_top;
    const int end = (sums.end - 1) * layer_.stride_height - layer_.pad_top + layer_.kernel_height;
    return {above_[clip(top)], above_[clip(end)]};
}

void number_read_rows(LayerSchedule& layer) {
    layer.row_position.clear();
    int rank = 0;
    for (const bool read : rows_read(layer)) layer.row_position.push_back(read ? rank++ : -1);
}

}  // namespace widthwise
