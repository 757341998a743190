// SPDX-License-Identifier: Apache-2.0
// The stage of the RequantUnit.
#pragma once

#include <vector>

#include "arithmetic/requantize.h"
#include "layer/fields.h"

namespace widthwise {

/// Sums become stored integers. A computation without it is the network's last layer, whose sums leave as they are.
/// Without a computation stored integers that pass the array become others, of another scale or range.
struct Requantization {
    int operator_index = 0;    ///< into Network::operators: the computation's, if there is one
    int input_zero_point = 0;  ///< of integers that pass, taken off first; a computation has it in its bias
    RequantFormat format;
    std::vector<RequantScale> scales;  ///< per output channel
};

template <FieldsOf<Requantization> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [operator_index, input_zero_point, format, scales] = self;
    visit("operator_index", operator_index, Role::values);
    visit("input_zero_point", input_zero_point, Role::values);
    visit("format", format, Role::values);
    visit("scales", scales, Role::values);
}

inline const RequantScale& scale_of(const Requantization& stage, int channel) {
    return stage.scales[static_cast<std::size_t>(channel)];
}

/// What a stored integer of the channel becomes that passes the array.
inline int requantized(const Requantization& stage, int channel, int value) {
    return requantize(value, -stage.input_zero_point, scale_of(stage, channel), stage.format);
}

}  // namespace widthwise
