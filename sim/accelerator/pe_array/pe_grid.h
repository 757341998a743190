// SPDX-License-Identifier: Apache-2.0
// The registers of the processing elements and what they do at a clock edge, for each interconnect.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "accelerator/link/payloads.h"
#include "arithmetic/lanes.h"
#include "record/record.h"
#include "schedule/layer_schedule.h"

namespace widthwise {

/// A tap entering the array at this edge.
struct IssuedTap {
    const LayerSchedule* layer = nullptr;  ///< null: no tap at this edge
    const std::int32_t* bias = nullptr;    ///< that each row starts from, with `first`; null: 0
    int rows = 0;
    int columns = 0;
    bool first = false;  ///< of the tile: accumulators start anew
};

/// rows x columns PEs. Derived classes add the interconnect's registers, and may choose how the PEs lie in the
/// simulator's memory: those that work on the same tap side by side.
class PeGrid {
public:
    PeGrid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record);
    virtual ~PeGrid() = default;
    PeGrid(const PeGrid&) = delete;
    PeGrid& operator=(const PeGrid&) = delete;

    virtual void reset();
    /// One edge: products are accumulated, operands multiplied, and the new tap's operands taken in.
    virtual void clock(const IssuedTap& tap, const Activations& activations, const WeightOperands& weights) = 0;
    /// Cycles from a tap's issue until the last PE of a rows x columns tile has accumulated it.
    [[nodiscard]] virtual int latency(int rows, int columns) const = 0;
    /// Cycles that the next tile has to stay behind this one.
    [[nodiscard]] virtual int skew(int rows, int columns) const = 0;
    virtual void add_waves(WaveList& wave, const std::string& scope, int weight_bits) const = 0;

    [[nodiscard]] std::int64_t value(int row, int column) const { return value_[at(row, column)]; }
    [[nodiscard]] std::int64_t exact(int row, int column) const { return exact_[at(row, column)]; }
    [[nodiscard]] std::int64_t events(int row, int column) const { return events_[at(row, column)]; }

protected:
    static constexpr int kPipeline =
        2;  ///< product register, accumulator: edges after the operand registers are loaded

    /// Row after row, unless a derived class says otherwise in `place_`.
    [[nodiscard]] std::size_t at(int row, int column) const { return place_[row * columns_ + column]; }
    /// Puts the tile's initial values (bias, or 0) into one accumulator.
    void start(const IssuedTap& tap, int row, int column);
    void count_products(const IssuedTap& tap, std::uint64_t zero_operands, std::uint64_t products);
    void trace_accumulators(WaveList& wave, const std::string& scope, int row, int column) const;

    int rows_, columns_;
    bool zero_gating_;
    PsumStatistics statistics_;
    RunRecord& record_;
    std::vector<std::size_t> place_;  ///< of PE (r, c), at r * columns + c
    std::vector<std::int32_t> product_;
    std::vector<std::int64_t> value_, exact_, events_;
};

/// `broadcast`: one operand register per row and per column feeds all PEs of it.
class BroadcastGrid : public PeGrid {
public:
    BroadcastGrid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record);
    void reset() override;
    void clock(const IssuedTap& tap, const Activations& activations, const WeightOperands& weights) override;
    [[nodiscard]] int latency(int, int) const override { return kPipeline; }
    [[nodiscard]] int skew(int, int) const override { return 0; }
    void add_waves(WaveList& wave, const std::string& scope, int weight_bits) const override;

private:
    void accumulate();

    IssuedTap in_operands_, in_products_;
    std::vector<std::int16_t> activation_, weight_;
};

std::unique_ptr<PeGrid> make_pe_grid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record);

}  // namespace widthwise
