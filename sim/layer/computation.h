// SPDX-License-Identifier: Apache-2.0
// What the array computes.
#pragma once

#include <cstdint>
#include <vector>

#include "arithmetic/accumulator.h"
#include "layer/fields.h"

namespace widthwise {

/// Sums of products with weights, in the order of accumulation that the schedule's taps have.
struct Computation {
    int operator_index = 0;  ///< into Network::operators
    /// Width and rule of the register. Not among the values' fields: where no sum can overflow they do not matter.
    AccumulatorFormat accumulator;
    int worst_case_bits = 0;        ///< accumulator bits that no sum can exceed, by the l1 bound of the actual weights
    bool overflow_possible = true;  ///< false: the l1 bound proves every sum fits (a faster, equal path may be taken)
    bool bias_preload = false;
    bool has_bias = false;
    std::vector<std::int64_t> bias;     ///< per output channel, zero point folded in; empty without
    std::vector<std::int16_t> weights;  ///< [output channel][tap in order of accumulation]
    /// Weights of 9 bits are stored in 8: each byte is its weight plus the channel's zero point, which is taken off
    /// between weight buffer and array.
    bool weights_have_zero_points = false;
    std::vector<std::uint8_t> weight_zero_points;  ///< per output channel; empty without
};

template <FieldsOf<Computation> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [operator_index, accumulator, worst_case_bits, overflow_possible, bias_preload, has_bias, bias, weights,
           weights_have_zero_points, weight_zero_points] = self;
    visit("operator_index", operator_index, Role::values);
    static_cast<void>(accumulator);
    visit("worst_case_bits", worst_case_bits, Role::elsewhere);
    visit("overflow_possible", overflow_possible, Role::elsewhere);
    visit("bias_preload", bias_preload, Role::values);
    visit("has_bias", has_bias, Role::elsewhere);  // follows from bias
    visit("bias", bias, Role::values);
    visit("weights", weights, Role::values);
    visit("weights_have_zero_points", weights_have_zero_points, Role::values);  // counted as events
    visit("weight_zero_points", weight_zero_points, Role::elsewhere);  // added before storing, taken off behind
}

}  // namespace widthwise
