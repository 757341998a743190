// SPDX-License-Identifier: Apache-2.0
// Definitions to compare with, written from the mathematics: powers of two by multiplication, division with remainder,
// no bit operations and no code shared with sim/arithmetic.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arithmetic/accumulator.h"
#include "arithmetic/rounding.h"

namespace widthwise::test {

using Wide = __int128;

inline Wide power_of_two(int exponent) {
    Wide power = 1;
    for (int i = 0; i < exponent; ++i) power *= 2;
    return power;
}

inline Wide lowest(int bits) { return -power_of_two(bits - 1); }
inline Wide highest(int bits) { return power_of_two(bits - 1) - 1; }

/// The multiple of `divisor` (> 0) that is nearest below `value`, as a count of divisors.
inline Wide floor_divide(Wide value, Wide divisor) {
    const Wide truncated = value / divisor;
    return truncated * divisor > value ? truncated - 1 : truncated;
}

/// What a register of `bits` bits holds after `sum` was written to it.
inline Wide in_register(Wide sum, int bits, Overflow overflow) {
    if (overflow == Overflow::saturate) {
        if (sum < lowest(bits)) return lowest(bits);
        return sum > highest(bits) ? highest(bits) : sum;
    }
    const Wide span = power_of_two(bits);
    return sum - span * floor_divide(sum - lowest(bits), span);
}

/// value / divisor as a rational number, rounded: the neighbours are compared by their distance.
inline Wide rounded_quotient(Wide value, Wide divisor, Rounding rounding) {
    const Wide below = floor_divide(value, divisor);
    if (below * divisor == value) return below;
    const Wide above = below + 1;
    if (rounding == Rounding::floor) return below;
    if (rounding == Rounding::toward_zero) return value < 0 ? above : below;
    const Wide to_below = value - below * divisor;
    const Wide to_above = above * divisor - value;
    if (to_below != to_above) return to_below < to_above ? below : above;
    switch (rounding) {
        case Rounding::half_up: return above;
        case Rounding::half_even: return below % 2 == 0 ? below : above;
        default: return value < 0 ? below : above;  // half_away, and gemmlowp's second step
    }
}

/// A sum as accumulator.h describes it, the additions one by one.
struct ReferenceSum {
    Wide value = 0;
    Wide exact = 0;
    std::uint64_t events = 0;
};

inline ReferenceSum accumulate(const AccumulatorFormat& format, std::int64_t initial,
                               const std::vector<std::int64_t>& products) {
    ReferenceSum sum;
    const auto check = [&] {
        const Wide kept = in_register(sum.value, format.bits, format.overflow);
        if (kept != sum.value) ++sum.events;
        sum.value = kept;
    };
    const bool always = format.check == OverflowCheck::per_add;
    sum.value = sum.exact = initial;
    if (always) check();
    for (const std::int64_t product : products) {
        sum.value += product;
        sum.exact += product;
        if (always) check();
    }
    if (!always) check();
    return sum;
}

inline const std::vector<Rounding>& all_roundings() {
    static const std::vector<Rounding> kAll = {Rounding::floor,     Rounding::toward_zero, Rounding::half_up,
                                               Rounding::half_away, Rounding::half_even,   Rounding::gemmlowp};
    return kAll;
}

/// Every combination of overflow handling and check at one width.
inline std::vector<AccumulatorFormat> formats_of(int bits) {
    std::vector<AccumulatorFormat> formats;
    for (const Overflow overflow : {Overflow::saturate, Overflow::wrap}) {
        for (const OverflowCheck check : {OverflowCheck::per_add, OverflowCheck::per_output}) {
            formats.push_back({bits, overflow, check});
        }
    }
    return formats;
}

inline std::string describe(const AccumulatorFormat& format) {
    return std::to_string(format.bits) + " bits, " + (format.overflow == Overflow::saturate ? "saturate" : "wrap") +
           (format.check == OverflowCheck::per_add ? ", per_add" : ", per_output");
}

}  // namespace widthwise::test
