// SPDX-License-Identifier: Apache-2.0
#include "arithmetic/lanes.h"

#include "arithmetic/vector_clones.h"

namespace widthwise {

WIDTHWISE_VECTOR_CLONES
void multiply_outer(const std::int16_t* __restrict activations, const std::int16_t* __restrict weights,
                    std::int32_t* __restrict products, std::size_t rows, std::size_t columns, std::size_t stride) {
    for (std::size_t r = 0; r < rows; ++r) {
        const std::int32_t weight = weights[r];
        std::int32_t* __restrict row = products + r * stride;
        for (std::size_t c = 0; c < columns; ++c) row[c] = weight * activations[c];
    }
}

WIDTHWISE_VECTOR_CLONES
static void add_unchecked(const std::int32_t* __restrict products, std::int64_t* __restrict value, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) value[i] += products[i];
}

WIDTHWISE_VECTOR_CLONES
static void add_saturating(const std::int32_t* __restrict products, std::int64_t* __restrict value,
                           std::int64_t* __restrict exact, std::int64_t* __restrict events, std::int64_t low,
                           std::int64_t high, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const std::int64_t product = products[i];
        const std::int64_t sum = value[i] + product;
        const std::int64_t kept = saturate_to_range(sum, low, high);
        value[i] = kept;
        exact[i] += product;
        events[i] += kept != sum ? 1 : 0;
    }
}

WIDTHWISE_VECTOR_CLONES
static void add_wrapping(const std::int32_t* __restrict products, std::int64_t* __restrict value,
                         std::int64_t* __restrict exact, std::int64_t* __restrict events, int bits, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const std::int64_t product = products[i];
        const std::int64_t sum = value[i] + product;
        const std::int64_t kept = wrap_to_bits(sum, bits);
        value[i] = kept;
        exact[i] += product;
        events[i] += kept != sum ? 1 : 0;
    }
}

void add_products(AddKind kind, int bits, const std::int32_t* products, AccumulatorLanes lanes, std::size_t rows,
                  std::size_t columns, std::size_t stride) {
    if (columns == stride) {  // contiguous: one long run
        columns *= rows;
        rows = 1;
    }
    const AccumulatorFormat format{bits, Overflow::saturate, OverflowCheck::per_add};
    for (std::size_t at = 0; at < rows * stride; at += stride) {
        switch (kind) {
            case AddKind::unchecked: add_unchecked(products + at, lanes.value + at, columns); break;
            case AddKind::saturating:
                add_saturating(products + at, lanes.value + at, lanes.exact + at, lanes.events + at, format.min(),
                               format.max(), columns);
                break;
            case AddKind::wrapping:
                add_wrapping(products + at, lanes.value + at, lanes.exact + at, lanes.events + at, bits, columns);
                break;
        }
    }
}

}  // namespace widthwise
