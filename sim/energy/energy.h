// SPDX-License-Identifier: Apache-2.0
// Energies that add up: counts of millionths of the table's unit.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace widthwise {

/// A whole number of millionths of the table's unit (of 10^-18 J where that is pJ). Sums are exact, so that the parts of
/// a result add up to its totals in every decimal.
class Energy {
public:
    Energy() = default;
    /// `count` operations of `cost` each, rounded half up to a millionth. Of the cost, 15 significant digits count: all
    /// that a formula's result in floating point is worth. `cost` is 0..kMostCost.
    Energy(std::uint64_t count, double cost);

    static constexpr double kMostCost = 1e9;

    [[nodiscard]] double value() const;      ///< the nearest double
    [[nodiscard]] std::string text() const;  ///< exactly: "0.3", "402692880"
    Energy& operator+=(const Energy& other) {
        millionths_ += other.millionths_;
        return *this;
    }
    /// Part of `reference` that `now` saves; negative when it costs more, 0 of nothing.
    static double saving(const Energy& reference, const Energy& now);
    friend Energy operator+(Energy a, const Energy& b) { return a += b; }
    friend Energy operator-(Energy a, const Energy& b) {
        a.millionths_ -= b.millionths_;
        return a;
    }
    friend bool operator==(const Energy&, const Energy&) = default;
    friend auto operator<=>(const Energy&, const Energy&) = default;

private:
    __int128 millionths_ = 0;
};

}  // namespace widthwise
