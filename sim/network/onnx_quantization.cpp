// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_quantization.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "arithmetic/requantize.h"
#include "network/onnx_attributes.h"
#include "network/onnx_constants.h"
#include "network/onnx_fold.h"

namespace widthwise {
namespace {

void read_scales(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                 QuantizationParameters& parameters) {
    if (name.empty()) model.fail(node, "has no scale input");
    parameters.scales = read_constant<float>(model, node, name).values;
    if (parameters.scales.empty()) model.fail(node, "scale '{}' has no value", name);
    for (const float scale : parameters.scales) {
        if (!std::isfinite(scale) || !(scale > 0.0F)) {
            model.fail(node, "scale '{}' is {}, expected a finite value above zero", name, scale);
        }
    }
}

void read_zero_points(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                      QuantizationParameters& parameters) {
    if (name.empty()) return;
    const ConstantTensor* tensor = model.constant(node, name);
    if (tensor == nullptr) model.fail(node, "zero point '{}' is not a constant, expected an initialiser", name);
    const int type = tensor->data_type;
    if (parameters.data_type != 0 && parameters.data_type != type) {
        model.fail(node, "zero point '{}' is of type {}, but attribute output_dtype says {}", name, type_name(type),
                   type_name(parameters.data_type));
    }
    parameters.data_type = type;
    static const std::set<int> kTypes = {onnx::TensorProto::UINT8, onnx::TensorProto::INT8, onnx::TensorProto::INT32,
                                         kOnnxUint4, kOnnxInt4};
    if (kTypes.count(type) == 0) {
        model.fail(node, "zero point '{}' is of type {}, expected UINT8 or INT8", name, type_name(type));
    }
    parameters.zero_points = integers_of(*tensor);
    if (parameters.zero_points.size() != parameters.scales.size()) {
        model.fail(node, "has {} zero points, expected {} as there are scales", parameters.zero_points.size(),
                   parameters.scales.size());
    }
}

}  // namespace

bool QuantizationParameters::zero_points_are_zero() const {
    return std::all_of(zero_points.begin(), zero_points.end(), [](std::int64_t point) { return point == 0; });
}

QuantizationParameters read_quantization(const OnnxModel& model, const onnx::NodeProto& node) {
    if (node.input_size() > 3 || node.output_size() != 1) {
        model.fail(node, "has {} inputs and {} outputs, expected 2..3 and one", node.input_size(), node.output_size());
    }
    QuantizationParameters parameters;
    OnnxAttributes attributes(model, node);
    parameters.axis = attributes.integer("axis", 1);
    attributes.require("block_size", std::int64_t{0});
    attributes.integer("saturate", 1);  // concerns 8-bit floats only
    parameters.data_type = static_cast<int>(attributes.integer("output_dtype", 0));
    attributes.finish();
    read_scales(model, node, input_name(node, 1), parameters);
    read_zero_points(model, node, input_name(node, 2), parameters);
    return parameters;
}

QuantizationParameters read_quantization(const OnnxModel& model, const onnx::NodeProto& node, const std::string& scale,
                                         const std::string& zero_point) {
    QuantizationParameters parameters;
    read_scales(model, node, scale, parameters);
    read_zero_points(model, node, zero_point, parameters);
    return parameters;
}

namespace {

Quantization as_activation(const OnnxModel& model, const onnx::NodeProto& node,
                           const QuantizationParameters& parameters, int open_type) {
    if (parameters.scales.size() != 1) {
        model.fail(node, "has {} scales, expected one (activations are quantized per tensor)",
                   parameters.scales.size());
    }
    const int type = parameters.data_type == 0 ? open_type : parameters.data_type;
    const bool four_bits = type == kOnnxUint4 || type == kOnnxInt4;
    if (type != onnx::TensorProto::UINT8 && type != onnx::TensorProto::INT8 && !four_bits) {
        model.fail(node, "quantizes activations to {}, expected UINT8 or INT8", type_name(type));
    }
    Quantization quantization;
    quantization.is_signed = type == onnx::TensorProto::INT8 || type == kOnnxInt4;
    quantization.bits = four_bits ? 4 : 8;
    quantization.scale = parameters.scales[0];
    quantization.zero_point = parameters.zero_points.empty() ? 0 : static_cast<int>(parameters.zero_points[0]);
    return quantization;
}

}  // namespace

Quantization activation_quantization(const OnnxModel& model, const onnx::NodeProto& node, int open_type) {
    return as_activation(model, node, read_quantization(model, node), open_type);
}

Quantization activation_quantization(const OnnxModel& model, const onnx::NodeProto& node, const std::string& scale,
                                     const std::string& zero_point) {
    return as_activation(model, node, read_quantization(model, node, scale, zero_point), onnx::TensorProto::UINT8);
}

void narrow(Quantization& quantization, int low, int high) {
    low = std::min(low, quantization.zero_point);
    high = std::max(high, quantization.zero_point);
    const int most = quantization.bits;
    for (quantization.bits = 2; quantization.bits < most; ++quantization.bits) {
        if (quantization.low() <= low && quantization.high() >= high) return;
    }
}

bool same_parameters(const Quantization& a, const Quantization& b) {
    return a.is_signed == b.is_signed && a.zero_point == b.zero_point && a.scale == b.scale;
}

std::string describe(const Quantization& quantization) {
    return fmt::format("{}, scale {}, zero point {}", quantization.is_signed ? "int8" : "uint8", quantization.scale,
                       quantization.zero_point);
}

int quantize_value(float real, const Quantization& quantization) {
    return quantize_linear(real, quantization.scale, quantization.zero_point, quantization.low(), quantization.high());
}

}  // namespace widthwise
