// SPDX-License-Identifier: Apache-2.0
// The accumulator of accumulator.h over many registers at once, for the vector unit (run-time dispatch). Results are
// those of Accumulator, lane by lane; a test holds them to it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arithmetic/accumulator.h"

namespace widthwise {

/// How an addition is carried out: with a range check after it, or without one because none is asked for (per_output)
/// or none can fail (bounds).
enum class AddKind : std::uint8_t { unchecked, saturating, wrapping };

constexpr AddKind add_kind(const AccumulatorFormat& format, bool overflow_possible) {
    if (!overflow_possible || format.check == OverflowCheck::per_output) return AddKind::unchecked;
    return format.overflow == Overflow::saturate ? AddKind::saturating : AddKind::wrapping;
}

/// n accumulators: value in the register, exact sum beside it, additions that did not fit. Unchecked additions keep
/// only `value`, which then is the exact sum.
struct AccumulatorLanes {
    std::int64_t* value;
    std::int64_t* exact;
    std::int64_t* events;
};

/// products[r * stride + c] = activations[c] * weights[r] for r < rows, c < columns.
void multiply_outer(const std::int16_t* activations, const std::int16_t* weights, std::int32_t* products,
                    std::size_t rows, std::size_t columns, std::size_t stride);

/// Adds one product to each of rows x columns accumulators that lie `stride` apart.
void add_products(AddKind kind, int bits, const std::int32_t* products, AccumulatorLanes lanes, std::size_t rows,
                  std::size_t columns, std::size_t stride);

}  // namespace widthwise
