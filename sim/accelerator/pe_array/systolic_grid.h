// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "accelerator/pe_array/pe_grid.h"

namespace widthwise {

/// `systolic`: operands enter at the edges, skewed by one cycle per row and column, and move on by one PE a cycle. So
/// PE (r, c) works on the tap that was issued r + c cycles ago, and all PEs of a diagonal r + c work on the same one:
/// they lie side by side, by their columns. While no tap is on its way through the array, registers hold.
class SystolicGrid : public PeGrid {
public:
    SystolicGrid(const ArrayParams& params, PsumStatistics statistics, RunRecord& record);
    void reset() override;
    void clock(const IssuedTap& tap, const Activations& activations, const WeightOperands& weights) override;
    [[nodiscard]] int latency(int rows, int columns) const override { return kPipeline + skew(rows, columns); }
    [[nodiscard]] int skew(int rows, int columns) const override { return rows + columns - 2; }
    void add_waves(WaveList& wave, const std::string& scope, int weight_bits) const override;

private:
    /// What the edge registers remember of a tap until its last row and column have received it; and the tap itself
    /// until its last products are accumulated.
    struct Entry {
        IssuedTap tap;
        std::vector<std::int16_t> activations, weights;
    };
    /// PEs (d - c, c) of diagonal d, for c from first_column on.
    struct Diagonal {
        std::size_t place = 0;  ///< of the first
        int first_column = 0;
        int end_column = 0;
    };
    /// Those of a diagonal that work on a tap.
    struct Workers {
        std::size_t place = 0;
        int first_column = 0;
        std::size_t count = 0;
    };

    [[nodiscard]] Workers workers(int diagonal, const IssuedTap& tap) const;
    void accumulate();
    void accumulate(int diagonal, const IssuedTap& tap, const Workers& workers);
    void multiply();
    void shift();
    void enter();
    void count();
    [[nodiscard]] const Entry& issued_ago(int cycles) const;

    std::vector<Diagonal> diagonals_;
    std::vector<std::int16_t> activation_, weight_;  ///< per PE
    std::vector<Entry> entries_;                     ///< ring, newest at newest_
    std::size_t newest_ = 0;
    std::size_t taps_end_in_ = 0;  ///< cycles until the last tap has left the array
};

}  // namespace widthwise
