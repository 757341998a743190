// SPDX-License-Identifier: Apache-2.0
// The stage of the ResidualUnit.
#pragma once

#include "arithmetic/residual.h"
#include "layer/fields.h"

namespace widthwise {

/// Another feature map is added.
struct Addition {
    int operator_index = 0;  ///< into Network::operators
    int layer = -1;          ///< the layer whose output is added; -1: the network's input
    ResidualFormat format;
    bool operand_is_signed = false;
    bool operand_is_first = false;  ///< what is read is the addition's first operand
};

template <FieldsOf<Addition> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [operator_index, layer, format, operand_is_signed, operand_is_first] = self;
    visit("operator_index", operator_index, Role::values);
    visit("layer", layer, Role::values);
    visit("format", format, Role::values);
    visit("operand_is_signed", operand_is_signed, Role::values);
    visit("operand_is_first", operand_is_first, Role::values);
}

/// First step: the rescaled values, added; `operand` is of the map that is read beside.
inline ScaledSum sum_of(const Addition& stage, int value, int operand) {
    return stage.operand_is_first ? residual_sum(operand, value, stage.format)
                                  : residual_sum(value, operand, stage.format);
}
/// Both steps: the stored sum.
inline int added(const Addition& stage, int value, int operand) {
    return residual_output(sum_of(stage, value, operand), stage.format);
}

}  // namespace widthwise
