// SPDX-License-Identifier: Apache-2.0
// The stage of the ResidualUnit.
#pragma once

#include <cstdint>
#include <vector>

#include "arithmetic/residual.h"
#include "layer/fields.h"

namespace widthwise {

/// Another feature map is added, or a constant.
struct Addition {
    int operator_index = 0;  ///< into Network::operators
    int layer = -1;          ///< the layer whose output is added; -1: the network's input, or a constant
    ResidualFormat format;
    bool operand_is_signed = false;
    bool operand_is_first = false;        ///< what is read is the addition's first operand
    std::vector<std::uint8_t> constants;  ///< what is added in place of a map: a byte per channel, as stored
    [[nodiscard]] bool adds_map() const { return constants.empty(); }
    /// A byte of the map or of the constants, as a number.
    [[nodiscard]] int operand(std::uint8_t byte) const {
        return operand_is_signed ? static_cast<std::int8_t>(byte) : byte;
    }
};

template <FieldsOf<Addition> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [operator_index, layer, format, operand_is_signed, operand_is_first, constants] = self;
    visit("operator_index", operator_index, Role::values);
    visit("layer", layer, Role::values);
    visit("format", format, Role::values);
    visit("operand_is_signed", operand_is_signed, Role::values);
    visit("operand_is_first", operand_is_first, Role::values);
    visit("constants", constants, Role::values);
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
