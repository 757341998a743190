// SPDX-License-Identifier: Apache-2.0
#include "accelerator/pe_array/pe_grid.h"

#include <algorithm>
#include <numeric>

#include "accelerator/pe_array/systolic_grid.h"

namespace widthwise {

PeGrid::PeGrid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record)
    : rows_(params.rows),
      columns_(params.columns),
      zero_gating_(params.zero_gating),
      statistics_(statistics),
      record_(record) {
    const auto n = static_cast<std::size_t>(rows_ * columns_);
    place_.resize(n);
    std::iota(place_.begin(), place_.end(), std::size_t{0});
    product_.assign(n, 0);
    value_.assign(n, 0);
    exact_.assign(n, 0);
    events_.assign(n, 0);
}

void PeGrid::reset() {
    for (auto* registers : {&value_, &exact_, &events_}) std::fill(registers->begin(), registers->end(), 0);
    std::fill(product_.begin(), product_.end(), 0);
}

void PeGrid::start(const IssuedTap& tap, int row, int column) {
    const LayerSchedule& layer = *tap.layer;
    Accumulator accumulator(layer.computation->accumulator);
    accumulator.start(tap.bias != nullptr ? tap.bias[row] : 0);
    const std::size_t i = at(row, column);
    value_[i] = accumulator.value();
    exact_[i] = accumulator.exact();
    events_[i] = static_cast<std::int64_t>(accumulator.overflow_events());
}

void PeGrid::count_products(const IssuedTap& tap, std::uint64_t zero_operands, std::uint64_t products) {
    EventCounts& events = record_.layers[static_cast<std::size_t>(tap.layer->index)].events;
    const std::uint64_t gated = zero_gating_ ? zero_operands : 0;
    events[Event::mac_gated] += gated;
    events[Event::mac_multiply] += products - gated;
    events[Event::mac_add] += products - gated;
    events[Event::accumulator_write] += products - gated;
}

void PeGrid::trace_accumulators(WaveList& wave, const std::string& scope, int row, int column) const {
    wave.add(scope, "product", product_[at(row, column)], 17);
    wave.add(scope, "accumulator", value_[at(row, column)], kMaxAccumulatorBits);
}

std::unique_ptr<PeGrid> make_pe_grid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record) {
    if (params.interconnect == Interconnect::systolic)
        return std::make_unique<SystolicGrid>(params, statistics, record);
    return std::make_unique<BroadcastGrid>(params, statistics, record);
}

namespace {
std::string pe_scope(const std::string& scope, int row, int column) {
    return scope + ".row" + std::to_string(row) + ".pe" + std::to_string(column);
}
}  // namespace

BroadcastGrid::BroadcastGrid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record)
    : PeGrid(params, statistics, record),
      activation_(static_cast<std::size_t>(columns_), 0),
      weight_(static_cast<std::size_t>(rows_), 0) {}

void BroadcastGrid::reset() {
    PeGrid::reset();
    in_operands_ = in_products_ = IssuedTap{};
    std::fill(activation_.begin(), activation_.end(), 0);
    std::fill(weight_.begin(), weight_.end(), 0);
}

void BroadcastGrid::clock(const IssuedTap& tap, const Activations& activations, const WeightOperands& weights) {
    if (in_products_.layer != nullptr) accumulate();
    in_products_ = in_operands_;
    if (in_operands_.layer != nullptr) {
        multiply_outer(activation_.data(), weight_.data(), product_.data(), static_cast<std::size_t>(in_operands_.rows),
                       static_cast<std::size_t>(in_operands_.columns), static_cast<std::size_t>(columns_));
    }
    in_operands_ = tap;
    if (tap.layer == nullptr) return;
    std::copy_n(activations.columns.values.begin(), tap.columns, activation_.begin());
    std::copy_n(weights.rows.values.begin(), tap.rows, weight_.begin());
    if (!tap.layer->computation) return;
    std::uint64_t zeros = 0;
    if (zero_gating_) {
        zeros = static_cast<std::uint64_t>(std::count(activation_.begin(), activation_.begin() + tap.columns, 0));
    }
    const auto rows = static_cast<std::uint64_t>(tap.rows);
    count_products(tap, zeros * rows, rows * static_cast<std::uint64_t>(tap.columns));
}

void BroadcastGrid::accumulate() {
    const IssuedTap& tap = in_products_;
    if (!tap.layer->computation) {
        // No tap of this tile is still in the operand registers' way: a tile of passing pixels has one tap, and the
        // registers hold the next tile's only after this edge.
        for (int c = 0; c < tap.columns; ++c) value_[at(0, c)] = exact_[at(0, c)] = product_[at(0, c)];
        return;
    }
    if (tap.first) {
        for (int r = 0; r < tap.rows; ++r) {
            for (int c = 0; c < tap.columns; ++c) start(tap, r, c);
        }
    }
    const AddKind kind = add_kind(tap.layer->computation->accumulator, tap.layer->computation->overflow_possible);
    add_products(kind, tap.layer->computation->accumulator.bits, product_.data(),
                 {value_.data(), exact_.data(), events_.data()}, static_cast<std::size_t>(tap.rows),
                 static_cast<std::size_t>(tap.columns), static_cast<std::size_t>(columns_));
    if (statistics_ == PsumStatistics::every_add) {
        PsumStats& psums = record_.layers[static_cast<std::size_t>(tap.layer->index)].psums;
        const std::vector<std::int64_t>& sums = kind == AddKind::unchecked ? value_ : exact_;
        for (int r = 0; r < tap.rows; ++r) {
            for (int c = 0; c < tap.columns; ++c) psums.add(sums[at(r, c)]);
        }
    }
}

void BroadcastGrid::add_waves(WaveList& wave, const std::string& scope, int weight_bits) const {
    for (int r = 0; r < rows_; ++r) {
        for (int c = 0; c < columns_; ++c) {
            const std::string pe = pe_scope(scope, r, c);
            wave.add(pe, "activation", activation_[static_cast<std::size_t>(c)], 9);
            wave.add(pe, "weight", weight_[static_cast<std::size_t>(r)], weight_bits);
            trace_accumulators(wave, pe, r, c);
        }
    }
}

}  // namespace widthwise
