// SPDX-License-Identifier: Apache-2.0
// Rounding of a right shift and of an integer division: the one definition of every rounding mode.
#pragma once

#include <cstdint>

namespace widthwise {

enum class Rounding : std::uint8_t {
    floor,        ///< towards minus infinity: what a bare arithmetic right shift does
    toward_zero,  ///< truncation
    half_up,      ///< nearest, ties towards plus infinity (add half, then shift)
    half_away,    ///< nearest, ties away from zero
    half_even,    ///< nearest, ties to the even neighbour
    gemmlowp,     ///< gemmlowp's double rounding: doubling high multiply, then a rounding shift (see requantize.h)
};

/// value / 2^shift, rounded; exact for every value of Int. shift below Int's width - 1. `gemmlowp` has no meaning for a
/// lone shift and rounds half away here, as its second step (RoundingDivideByPOT) does.
template <typename Int>
constexpr Int shift_right_rounded(Int value, int shift, Rounding rounding) {
    if (shift == 0) return value;
    const Int quotient = value >> shift;  // floor
    const Int remainder = value & ((Int{1} << shift) - 1);
    const Int half = Int{1} << (shift - 1);
    switch (rounding) {
        case Rounding::floor: return quotient;
        case Rounding::toward_zero: return quotient + (value < 0 && remainder != 0 ? 1 : 0);
        case Rounding::half_up: return quotient + (remainder >= half ? 1 : 0);
        case Rounding::half_away:
        case Rounding::gemmlowp: return quotient + (value < 0 ? remainder > half : remainder >= half);
        case Rounding::half_even:
            return quotient + (remainder > half || (remainder == half && (quotient & 1) != 0) ? 1 : 0);
    }
    return quotient;
}

/// value / divisor (divisor > 0), rounded. `gemmlowp` rounds half away here.
constexpr __int128 divide_rounded(__int128 value, std::int64_t divisor, Rounding rounding) {
    __int128 quotient = value / divisor;
    __int128 remainder = value % divisor;
    if (remainder < 0) {  // make it a floor division: 0 <= remainder < divisor
        remainder += divisor;
        quotient -= 1;
    }
    const __int128 twice = remainder * 2;
    switch (rounding) {
        case Rounding::floor: return quotient;
        case Rounding::toward_zero: return quotient + (value < 0 && remainder != 0 ? 1 : 0);
        case Rounding::half_up: return quotient + (twice >= divisor ? 1 : 0);
        case Rounding::half_away:
        case Rounding::gemmlowp: return quotient + (value < 0 ? twice > divisor : twice >= divisor);
        case Rounding::half_even:
            return quotient + (twice > divisor || (twice == divisor && (quotient & 1) != 0) ? 1 : 0);
    }
    return quotient;
}

}  // namespace widthwise
