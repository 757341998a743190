// SPDX-License-Identifier: Apache-2.0
#include "schedule/stages/addition.h"

#include <fmt/format.h>

#include "common/error.h"
#include "schedule/tiling.h"

namespace widthwise {

void describe_addition(LayerSchedule& layer, const Network& network, const HardwareParams& hardware,
                       const LayerOperators& operators) {
    const auto quantization = [&](int tensor) -> const Quantization& { return network.tensors[tensor].quantization; };
    const Operator& addition = network.operators[operators.addition];
    const int before = operators.before_addition();
    const int stream = before >= 0 ? network.operators[before].output : addition.input;
    Addition& stage = layer.addition.emplace();
    stage.operator_index = operators.addition;
    const auto& constant = addition.constant;
    stage.operand_is_first = constant ? constant->is_first : stream != addition.input;
    const Quantization& second = constant ? constant->quantization : quantization(addition.second_input);
    const Quantization& a = constant && constant->is_first ? second : quantization(addition.input);
    const Quantization& b = constant && constant->is_first ? quantization(addition.input) : second;
    const Quantization& sum = quantization(addition.output);
    stage.operand_is_signed = (stage.operand_is_first ? a : b).is_signed;
    const RequantFormat format = {hardware.requant.mode, hardware.requant.rounding, hardware.requant.multiplier_bits,
                                  sum.zero_point,        addition.clamp_low,        addition.clamp_high};
    try {
        stage.format = derive_residual(a, b, sum, format, addition.runtime_kernel);
    } catch (const InputError& error) {
        refuse(layer, fmt::format("addition '{}': {}", addition.name, error.what()));
    }
    if (constant) {
        stage.constants.assign(constant->values.begin(), constant->values.end());
    } else if (hardware.activation_buffer.ports == 1) {
        refuse(layer,
               fmt::format("activation_buffer.ports: 1 cannot serve the residual addition '{}', whose operand is "
                           "read while results are written; needs 2",
                           addition.name));
    }
}

}  // namespace widthwise
