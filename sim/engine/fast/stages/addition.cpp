// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/stages/addition.h"

namespace widthwise::fast {

/// The definition, one value after the other: there is one addition where a convolution has hundreds of products.
void LaneAddition::run(const BlockMap& values, const BlockMap& operands, BlockMap& output, int lanes,
                       const LaneProbe& probe) const {
    const Addition& stage = *layer_.addition;
    const StoredRange of_operands{stage.operand_is_signed};
    const int pixels = layer_.sums.height * layer_.sums.width;
    output.resize(static_cast<std::size_t>(layer_.sums.elements()));
    for (int at = 0; at < static_cast<int>(output.size()); ++at) {
        for (int lane = 0; lane < lanes; ++lane) {
            const int value = values_.value(values[at].lane[lane]);
            const int operand = of_operands.value(operands[at].lane[lane]);
            const int sum = added(stage, value, operand);
            output[at].lane[lane] = static_cast<std::uint8_t>(sum);
            if (probe) probe(stage.operator_index, lane, at / pixels, at % pixels, sum);
        }
    }
}

}  // namespace widthwise::fast
