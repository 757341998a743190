// SPDX-License-Identifier: Apache-2.0
#include "accelerator/pe_array/systolic_grid.h"

#include <algorithm>

#include "accelerator/pe_array/pe_grid.h"

namespace widthwise {

SystolicGrid::SystolicGrid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record)
    : PeGrid(params, statistics, record) {
    const auto n = static_cast<std::size_t>(rows_ * columns_);
    activation_.assign(n, 0);
    weight_.assign(n, 0);
    in_operands_.assign(n, Held{});
    in_products_.assign(n, Held{});
    Entry empty;
    empty.activations.assign(static_cast<std::size_t>(columns_), 0);
    empty.weights.assign(static_cast<std::size_t>(rows_), 0);
    entries_.assign(static_cast<std::size_t>(std::max(rows_, columns_)), empty);
}

void SystolicGrid::reset() {
    PeGrid::reset();
    std::fill(activation_.begin(), activation_.end(), 0);
    std::fill(weight_.begin(), weight_.end(), 0);
    std::fill(in_operands_.begin(), in_operands_.end(), Held{});
    std::fill(in_products_.begin(), in_products_.end(), Held{});
    for (Entry& entry : entries_) entry.tap = IssuedTap{};
}

const SystolicGrid::Entry& SystolicGrid::issued_ago(int cycles) const {
    const std::size_t n = entries_.size();
    return entries_[(newest_ + n - static_cast<std::size_t>(cycles)) % n];
}

void SystolicGrid::clock(const IssuedTap& tap, const Activations& activations, const WeightOperands& weights) {
    accumulate();
    for (std::size_t i = 0; i < product_.size(); ++i) {
        if (in_operands_[i].rows_left > 0) product_[i] = activation_[i] * weight_[i];
    }
    in_products_ = in_operands_;
    shift();
    newest_ = (newest_ + 1) % entries_.size();
    Entry& entry = entries_[newest_];
    entry.tap = tap;
    if (tap.layer != nullptr) {
        std::copy_n(activations.columns.values.begin(), tap.columns, entry.activations.begin());
        std::copy_n(weights.rows.values.begin(), tap.rows, entry.weights.begin());
    }
    enter();
}

void SystolicGrid::accumulate() {
    for (int r = 0; r < rows_; ++r) {
        for (int c = 0; c < columns_; ++c) {
            const std::size_t i = at(r, c);
            const Held& held = in_products_[i];
            if (held.rows_left == 0) continue;
            const LayerSchedule& layer = *held.tap.layer;
            if (!layer.computation) {
                value_[i] = exact_[i] = product_[i];
                continue;
            }
            if (held.tap.first) start(held.tap, r, c);
            const AddKind kind = add_kind(layer.computation->accumulator, layer.computation->overflow_possible);
            add_products(kind, layer.computation->accumulator.bits, &product_[i], {&value_[i], &exact_[i], &events_[i]},
                         1, 1, 1);
            if (statistics_ == PsumStatistics::every_add) {
                record_.layers[static_cast<std::size_t>(layer.index)].psums.add(kind == AddKind::unchecked ? value_[i]
                                                                                                           : exact_[i]);
            }
        }
    }
}

/// Activations move down, weights to the right.
void SystolicGrid::shift() {
    for (int r = rows_ - 1; r > 0; --r) {
        for (int c = 0; c < columns_; ++c) {
            activation_[at(r, c)] = activation_[at(r - 1, c)];
            in_operands_[at(r, c)] = in_operands_[at(r - 1, c)];
            if (in_operands_[at(r, c)].rows_left > 0) --in_operands_[at(r, c)].rows_left;
        }
    }
    for (int r = 0; r < rows_; ++r) {
        for (int c = columns_ - 1; c > 0; --c) weight_[at(r, c)] = weight_[at(r, c - 1)];
    }
}

/// The edge registers hand row 0 and column 0 the operands that are due.
void SystolicGrid::enter() {
    for (int c = 0; c < columns_; ++c) {
        const Entry& entry = issued_ago(c);
        const bool works = entry.tap.layer != nullptr && c < entry.tap.columns;
        in_operands_[at(0, c)] = works ? Held{entry.tap, entry.tap.rows} : Held{};
        if (works) activation_[at(0, c)] = entry.activations[static_cast<std::size_t>(c)];
    }
    for (int r = 0; r < rows_; ++r) {
        const Entry& entry = issued_ago(r);
        if (entry.tap.layer != nullptr && r < entry.tap.rows) {
            weight_[at(r, 0)] = entry.weights[static_cast<std::size_t>(r)];
        }
    }
    // Counted when a PE takes its operands in.
    for (int r = 0; r < rows_; ++r) {
        for (int c = 0; c < columns_; ++c) {
            const Held& held = in_operands_[at(r, c)];
            if (held.rows_left > 0 && held.tap.layer->computation.has_value()) {
                count_products(held.tap, activation_[at(r, c)] == 0 ? 1 : 0, 1);
            }
        }
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
