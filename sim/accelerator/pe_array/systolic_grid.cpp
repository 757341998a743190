// SPDX-License-Identifier: Apache-2.0
#include "accelerator/pe_array/systolic_grid.h"

#include <algorithm>

#include "accelerator/pe_array/pe_grid.h"

namespace widthwise {

SystolicGrid::SystolicGrid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record)
    : PeGrid(params, statistics, record) {
    std::size_t place = 0;
    for (int d = 0; d < rows_ + columns_ - 1; ++d) {
        const Diagonal diagonal{place, std::max(0, d - (rows_ - 1)), std::min(d, columns_ - 1) + 1};
        for (int c = diagonal.first_column; c < diagonal.end_column; ++c) place_[(d - c) * columns_ + c] = place++;
        diagonals_.push_back(diagonal);
    }
    activation_.assign(place, 0);
    weight_.assign(place, 0);
    Entry empty;
    empty.activations.assign(static_cast<std::size_t>(columns_), 0);
    empty.weights.assign(static_cast<std::size_t>(rows_), 0);
    entries_.assign(diagonals_.size() + 1, empty);
}

void SystolicGrid::reset() {
    PeGrid::reset();
    std::fill(activation_.begin(), activation_.end(), 0);
    std::fill(weight_.begin(), weight_.end(), 0);
    for (Entry& entry : entries_) entry.tap = IssuedTap{};
    taps_end_in_ = 0;
}

const SystolicGrid::Entry& SystolicGrid::issued_ago(int cycles) const {
    const auto back = static_cast<std::size_t>(cycles);
    return entries_[newest_ >= back ? newest_ - back : newest_ + entries_.size() - back];
}

SystolicGrid::Workers SystolicGrid::workers(int d, const IssuedTap& tap) const {
    if (tap.layer == nullptr) return {};
    const Diagonal& diagonal = diagonals_[d];
    const int first = std::max(diagonal.first_column, d - (tap.rows - 1));
    const int end = std::min(diagonal.end_column, tap.columns);
    if (first >= end) return {};
    return {diagonal.place + static_cast<std::size_t>(first - diagonal.first_column), first,
            static_cast<std::size_t>(end - first)};
}

void SystolicGrid::clock(const IssuedTap& tap, const Activations& activations, const WeightOperands& weights) {
    if (tap.layer != nullptr) taps_end_in_ = entries_.size() + 1;
    if (taps_end_in_ == 0) return;
    --taps_end_in_;
    accumulate();
    multiply();
    shift();
    newest_ = newest_ + 1 == entries_.size() ? 0 : newest_ + 1;
    Entry& entry = entries_[newest_];
    entry.tap = tap;
    if (tap.layer != nullptr) {
        std::copy_n(activations.columns.values.begin(), tap.columns, entry.activations.begin());
        std::copy_n(weights.rows.values.begin(), tap.rows, entry.weights.begin());
    }
    enter();
    count();
}

/// Products are those of the operands of the cycle before.
void SystolicGrid::accumulate() {
    for (int d = 0; d < static_cast<int>(diagonals_.size()); ++d) {
        const IssuedTap& tap = issued_ago(d + 1).tap;
        const Workers at_work = workers(d, tap);
        if (at_work.count > 0) accumulate(d, tap, at_work);
    }
}

void SystolicGrid::accumulate(int diagonal, const IssuedTap& tap, const Workers& at_work) {
    const std::size_t first = at_work.place, end = first + at_work.count;
    if (!tap.layer->computation) {
        for (std::size_t i = first; i < end; ++i) value_[i] = exact_[i] = product_[i];
        return;
    }
    const Computation& computation = *tap.layer->computation;
    for (int c = at_work.first_column; tap.first && c < at_work.first_column + static_cast<int>(at_work.count); ++c)
        start(tap, diagonal - c, c);
    const AddKind kind = add_kind(computation.accumulator, computation.overflow_possible);
    add_products(kind, computation.accumulator.bits, &product_[first],
                 {&value_[first], &exact_[first], &events_[first]}, 1, at_work.count, at_work.count);
    if (statistics_ != PsumStatistics::every_add) return;
    PsumStats& psums = record_.layers[static_cast<std::size_t>(tap.layer->index)].psums;
    for (std::size_t i = first; i < end; ++i) psums.add(kind == AddKind::unchecked ? value_[i] : exact_[i]);
}

void SystolicGrid::multiply() {
    for (int d = 0; d < static_cast<int>(diagonals_.size()); ++d) {
        const Workers at_work = workers(d, issued_ago(d).tap);
        for (std::size_t i = at_work.place; i < at_work.place + at_work.count; ++i)
            product_[i] = activation_[i] * weight_[i];
    }
}

/// Activations move down, weights to the right: both from a diagonal to the next.
void SystolicGrid::shift() {
    for (int d = static_cast<int>(diagonals_.size()) - 1; d > 0; --d) {
        const Diagonal& to = diagonals_[d];
        const Diagonal& from = diagonals_[d - 1];
        const auto move = [&](std::vector<std::int16_t>& registers, int first, int end, int columns) {
            std::copy_n(
                registers.begin() + static_cast<std::ptrdiff_t>(from.place) + first - columns - from.first_column,
                end - first, registers.begin() + static_cast<std::ptrdiff_t>(to.place) + first - to.first_column);
        };
        move(activation_, to.first_column, std::min(to.end_column, d), 0);  // from the row above
        move(weight_, std::max(to.first_column, 1), to.end_column, 1);      // from the column before
    }
}

/// The edge registers hand row 0 and column 0 the operands that are due.
void SystolicGrid::enter() {
    for (int c = 0; c < columns_; ++c) {
        const Entry& entry = issued_ago(c);
        if (entry.tap.layer != nullptr && c < entry.tap.columns) activation_[at(0, c)] = entry.activations[c];
    }
    for (int r = 0; r < rows_; ++r) {
        const Entry& entry = issued_ago(r);
        if (entry.tap.layer != nullptr && r < entry.tap.rows) weight_[at(r, 0)] = entry.weights[r];
    }
}

/// Products are counted when PEs take their operands in.
void SystolicGrid::count() {
    for (int d = 0; d < static_cast<int>(diagonals_.size()); ++d) {
        const IssuedTap& tap = issued_ago(d).tap;
        const Workers at_work = workers(d, tap);
        if (at_work.count == 0 || !tap.layer->computation) continue;
        const auto first = activation_.begin() + static_cast<std::ptrdiff_t>(at_work.place);
        const auto zeros =
            zero_gating_ ? std::count(first, first + static_cast<std::ptrdiff_t>(at_work.count), 0) : std::ptrdiff_t{0};
        count_products(tap, static_cast<std::uint64_t>(zeros), at_work.count);
    }
}

void SystolicGrid::add_waves(WaveList& wave, const std::string& scope, int weight_bits) const {
    for (int r = 0; r < rows_; ++r) {
        for (int c = 0; c < columns_; ++c) {
            const std::string pe = scope + ".row" + std::to_string(r) + ".pe" + std::to_string(c);
            wave.add(pe, "activation", activation_[at(r, c)], 9);
            wave.add(pe, "weight", weight_[at(r, c)], weight_bits);
            trace_accumulators(wave, pe, r, c);
        }
    }
}

}  // namespace widthwise
