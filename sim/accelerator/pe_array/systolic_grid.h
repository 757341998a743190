// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "accelerator/pe_array/pe_grid.h"

namespace widthwise {

/// `systolic`: operands enter at the edges, skewed by one cycle per row and column, and move on by one PE a cycle.
class SystolicGrid : public PeGrid {
public:
    SystolicGrid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record);
    void reset() override;
    void clock(const IssuedTap& tap, const Activations& activations, const WeightOperands& weights) override;
    [[nodiscard]] int latency(int rows, int columns) const override { return kPipeline + skew(rows, columns); }
    [[nodiscard]] int skew(int rows, int columns) const override { return rows + columns - 2; }
    void add_waves(WaveList& wave, const std::string& scope, int weight_bits) const override;

private:
    /// What the edge registers remember of a tap until its last row and column have received it.
    struct Entry {
        IssuedTap tap;
        std::vector<std::int16_t> activations, weights;
    };
    /// The tap whose operands a PE holds.
    struct Held {
        IssuedTap tap;
        int rows_left = 0;  ///< rows from here on that work on it; 0: nothing here
    };

    void accumulate();
    void shift();
    void enter();
    [[nodiscard]] const Entry& issued_ago(int cycles) const;

    std::vector<std::int16_t> activation_, weight_;  ///< per PE
    std::vector<Held> in_operands_, in_products_;
    std::vector<Entry> entries_;  ///< ring, newest at newest_
    std::size_t newest_ = 0;
};

}  // namespace widthwise
