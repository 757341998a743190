// SPDX-License-Identifier: Apache-2.0
// Scales and zero points of QuantizeLinear and DequantizeLinear nodes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/onnx_model.h"

namespace widthwise {

/// What a QuantizeLinear or DequantizeLinear node says, its scales positive and finite.
struct QuantizationParameters {
    std::vector<float> scales;              ///< one, or one per slice along `axis`
    std::vector<std::int64_t> zero_points;  ///< empty (zero), one, or as many as scales
    int data_type = 0;                      ///< ONNX type of the quantized values; 0 when the node leaves it open
    std::int64_t axis = 1;
    [[nodiscard]] bool zero_points_are_zero() const;
};

QuantizationParameters read_quantization(const OnnxModel& model, const onnx::NodeProto& node);

/// The same from constants by name, as operators on integers have them; "" for a zero point that is left out.
QuantizationParameters read_quantization(const OnnxModel& model, const onnx::NodeProto& node, const std::string& scale,
                                         const std::string& zero_point);

/// For an activation: one scale, int8 or uint8. `open_type` is the data type when the node leaves it open.
Quantization activation_quantization(const OnnxModel& model, const onnx::NodeProto& node, int open_type);
Quantization activation_quantization(const OnnxModel& model, const onnx::NodeProto& node, const std::string& scale,
                                     const std::string& zero_point);

/// Equal scale, zero point and signedness: values need no requantization in between.
bool same_parameters(const Quantization& a, const Quantization& b);

/// "uint8, scale 0.5, zero point 3", for messages.
std::string describe(const Quantization& quantization);

/// Sets bits to the fewest (2..8) that hold low..high and the zero point, with which convolutions pad.
void narrow(Quantization& quantization, int low, int high);

/// round half even(real / scale) + zero point, limited to low()..high(), as QuantizeLinear; `real` may be infinite.
int quantize_value(float real, const Quantization& quantization);

}  // namespace widthwise
