// SPDX-License-Identifier: Apache-2.0
#include "schedule/stages/requantization.h"

#include "common/error.h"
#include "schedule/tiling.h"

namespace widthwise {

namespace {

/// Rescale factors are formed in float32 for the float32 mode, as ONNX Runtime forms them, and in double otherwise.
double rescale_factor(float input_scale, float weight_scale, float output_scale, RequantMode mode) {
    if (mode == RequantMode::float32) {
        const float product = input_scale * weight_scale;
        return product / output_scale;
    }
    return static_cast<double>(input_scale) * weight_scale / output_scale;
}

RequantScale sum_scale(float input_scale, float weight_scale, float output_scale, const RequantFormat& format) {
    return derive_requant_scale(rescale_factor(input_scale, weight_scale, output_scale, format.mode), format);
}

/// Of stored integers. ONNX Runtime rounds the real value that they stand for to a float32 before it divides.
RequantScale stored_scale(float input_scale, float output_scale, const RequantFormat& format) {
    if (format.mode != RequantMode::float32) return sum_scale(input_scale, 1.0F, output_scale, format);
    RequantScale scale = derive_requant_scale(input_scale, format);
    scale.real_divisor = output_scale;
    return scale;
}

}  // namespace

Requantization describe_requantization(const Network& network, const HardwareParams& hardware, int index) {
    const Operator& op = network.operators[index];
    Requantization stage;
    stage.operator_index = index;
    stage.format = {sum_mode(hardware.requant.mode),
                    hardware.requant.rounding,
                    hardware.requant.multiplier_bits,
                    network.tensors[op.output].quantization.zero_point,
                    op.clamp_low,
                    op.clamp_high};
    if (!op.has_weights()) stage.input_zero_point = network.tensors[op.input].quantization.zero_point;
    return stage;
}

void complete_requantization(LayerSchedule& layer, const Network& network) {
    const auto scale_of = [&](int tensor) { return network.tensors[tensor].quantization.scale; };
    Requantization& stage = *layer.requantization;
    const Operator& op = network.operators[stage.operator_index];
    const float input_scale = scale_of(op.input);
    const float output_scale = scale_of(op.output);
    stage.scales.reserve(layer.sums.channels);
    for (int m = 0; m < layer.sums.channels; ++m) {
        try {
            stage.scales.push_back(op.has_weights()
                                       ? sum_scale(input_scale, op.weights.scale(m), output_scale, stage.format)
                                       : stored_scale(input_scale, output_scale, stage.format));
        } catch (const InputError& error) {
            refuse(layer, error.what());
        }
    }
}

}  // namespace widthwise
