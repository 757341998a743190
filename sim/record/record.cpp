// SPDX-License-Identifier: Apache-2.0
#include "record/record.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "arithmetic/accumulator.h"

namespace widthwise {

std::string_view stall_name(Stall stall) {
    static constexpr std::array<std::string_view, kStallCount> kNames = {
        "skew", "drain", "dram", "weights", "port_conflict", "fill", "activations"};
    return kNames[static_cast<std::size_t>(stall)];
}

std::ostream& operator<<(std::ostream& out, Stall stall) { return out << stall_name(stall); }

CycleCounts& CycleCounts::operator+=(const CycleCounts& other) {
    total += other.total;
    compute += other.compute;
    for (std::size_t i = 0; i < kStallCount; ++i) stalls[i] += other.stalls[i];
    return *this;
}

OverflowCounts& OverflowCounts::operator+=(const OverflowCounts& other) {
    outputs += other.outputs;
    events += other.events;
    transient += other.transient;
    persistent += other.persistent;
    return *this;
}

PsumStats& PsumStats::operator+=(const PsumStats& other) {
    count += other.count;
    min = std::min(min, other.min);
    max = std::max(max, other.max);
    sum += other.sum;
    sum_of_squares += other.sum_of_squares;
    return *this;
}

double PsumStats::mean() const { return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count); }

double PsumStats::deviation() const {
    if (count == 0) return 0.0;
    // About a whole number near the mean, exactly: the difference of two large squares would lose small deviations.
    const auto n = static_cast<__int128>(count);
    const __int128 near = sum / n;
    const auto squares = static_cast<__int128>(sum_of_squares - static_cast<unsigned __int128>(2 * near * sum) +
                                               static_cast<unsigned __int128>(near * near * n));
    const double offset = static_cast<double>(sum - near * n) / static_cast<double>(count);
    return std::sqrt(std::max(0.0, static_cast<double>(squares) / static_cast<double>(count) - offset * offset));
}

int PsumStats::bits() const { return count == 0 ? 0 : bits_for_range(min, max); }

LayerRecord& LayerRecord::operator+=(const LayerRecord& other) {
    cycles += other.cycles;
    overflow += other.overflow;
    psums += other.psums;
    events += other.events;
    return *this;
}

RunRecord& RunRecord::operator+=(const RunRecord& other) {
    if (setup == LayerRecord{}) setup = other.setup;
    load += other.load;
    layers.resize(std::max(layers.size(), other.layers.size()));
    for (std::size_t i = 0; i < other.layers.size(); ++i) layers[i] += other.layers[i];
    histograms.resize(std::max(histograms.size(), other.histograms.size()));
    for (std::size_t i = 0; i < other.histograms.size(); ++i) histograms[i] += other.histograms[i];
    store += other.store;
    images += other.images;
    return *this;
}

LayerRecord RunRecord::total() const {
    LayerRecord sum = load;
    for (const LayerRecord& layer : layers) sum += layer;
    return sum += store;
}

}  // namespace widthwise
