// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "arithmetic/accumulator.h"
#include "network/onnx_constants.h"
#include "network/onnx_quantization.h"

namespace widthwise {
namespace {

constexpr double kBiasScaleTolerance = 1e-4;

/// An int8 constant with the scales of the DequantizeLinear behind it.
struct QuantizedConstant {
    ConstantArray<std::int8_t> array;
    QuantizationParameters parameters;
    [[nodiscard]] int extent(std::size_t axis) const { return static_cast<int>(array.dimensions[axis]); }
};

const onnx::NodeProto& dequantizer(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name) {
    const onnx::NodeProto* producer = model.producer(name);
    if (producer == nullptr || producer->op_type() != "DequantizeLinear") {
        model.fail(node, "its weights '{}' are not quantized, expected the output of a DequantizeLinear", name);
    }
    return *producer;
}

/// Slice along the quantization axis that element `index` belongs to.
std::size_t slice_of(const std::vector<std::int64_t>& dimensions, std::size_t axis, std::size_t index) {
    std::size_t inner = 1;
    for (std::size_t i = axis + 1; i < dimensions.size(); ++i) inner *= static_cast<std::size_t>(dimensions[i]);
    return index / inner % static_cast<std::size_t>(dimensions[axis]);
}

/// One scale, or one per output channel along `channel_axis`; all zero points zero.
void check_weight_parameters(const OnnxModel& model, const onnx::NodeProto& node, const QuantizationParameters& found,
                             const std::vector<std::int64_t>& dimensions, std::size_t channel_axis) {
    if (!found.zero_points_are_zero()) {
        model.fail(node, "has a zero point other than 0, expected symmetric weights (int8, zero point 0)");
    }
    if (found.data_type != 0 && found.data_type != onnx::TensorProto::INT8) {
        model.fail(node, "has a zero point of type {}, expected INT8 (symmetric weights)", type_name(found.data_type));
    }
    if (found.scales.size() == 1) return;
    const auto rank = static_cast<std::int64_t>(dimensions.size());
    const std::int64_t axis = found.axis < 0 ? found.axis + rank : found.axis;
    if (axis != static_cast<std::int64_t>(channel_axis)) {
        model.fail(node, "quantizes weights along axis {}, expected axis {} (output channels)", found.axis,
                   channel_axis);
    }
    if (static_cast<std::int64_t>(found.scales.size()) != dimensions[channel_axis]) {
        model.fail(node, "has {} scales for {} output channels, expected one, or one per channel", found.scales.size(),
                   dimensions[channel_axis]);
    }
}

/// Float weights behind QuantizeLinear, as PyTorch's exporter writes them.
ConstantArray<std::int8_t> quantize_weights(const OnnxModel& model, const onnx::NodeProto& quantizer,
                                            std::size_t channel_axis) {
    const auto real = read_constant<float>(model, quantizer, input_name(quantizer, 0));
    const QuantizationParameters parameters = read_quantization(model, quantizer);
    if (parameters.data_type != onnx::TensorProto::INT8) {
        model.fail(quantizer, "does not quantize weights to INT8, expected symmetric weights (int8, zero point 0)");
    }
    if (real.dimensions.size() <= channel_axis) {
        model.fail(quantizer, "weights '{}' have rank {}", quantizer.input(0), real.dimensions.size());
    }
    check_weight_parameters(model, quantizer, parameters, real.dimensions, channel_axis);
    ConstantArray<std::int8_t> result{real.dimensions, {}};
    result.values.reserve(real.values.size());
    Quantization format;
    format.is_signed = true;
    for (std::size_t i = 0; i < real.values.size(); ++i) {
        if (!std::isfinite(real.values[i])) {
            model.fail(quantizer, "weights '{}' hold {}, expected finite values", quantizer.input(0), real.values[i]);
        }
        const bool single = parameters.scales.size() == 1;
        format.scale = parameters.scales[single ? 0 : slice_of(real.dimensions, channel_axis, i)];
        result.values.push_back(static_cast<std::int8_t>(quantize_value(real.values[i], format)));
    }
    return result;
}

/// Behind a DequantizeLinear.
QuantizedConstant read_dequantized(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                                   std::size_t channel_axis) {
    const onnx::NodeProto& source = dequantizer(model, node, name);
    const std::string& values = input_name(source, 0);
    const onnx::NodeProto* producer = model.producer(values);
    QuantizedConstant constant;
    constant.parameters = read_quantization(model, source);
    if (producer != nullptr && producer->op_type() == "QuantizeLinear") {
        constant.array = quantize_weights(model, *producer, channel_axis);
        if (read_quantization(model, *producer).scales != constant.parameters.scales) {
            model.fail(source, "its scales differ from those of {}", OnnxModel::label(*producer));
        }
    } else {
        constant.array = read_constant<std::int8_t>(model, source, values);
    }
    return constant;
}

/// Integers as they are, with their scale beside them.
QuantizedConstant read_integers(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                                std::size_t channel_axis) {
    QuantizedConstant constant;
    constant.array = read_constant<std::int8_t>(model, node, names.values);
    if (!names.scale.empty()) {
        constant.parameters = read_quantization(model, node, names.scale, names.zero_point);
    } else {  // the scale follows further on in the graph
        constant.parameters.scales = {1.0F};
        if (!names.zero_point.empty()) {
            const auto points = read_constant<std::int8_t>(model, node, names.zero_point).values;
            constant.parameters.zero_points.assign(points.begin(), points.end());
        }
    }
    constant.parameters.axis = static_cast<std::int64_t>(channel_axis);
    return constant;
}

QuantizedConstant read_quantized(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                                 std::size_t rank, std::size_t channel_axis) {
    QuantizedConstant constant = names.integers ? read_integers(model, node, names, channel_axis)
                                                : read_dequantized(model, node, names.values, channel_axis);
    const std::vector<std::int64_t>& dimensions = constant.array.dimensions;
    const bool empty = std::find(dimensions.begin(), dimensions.end(), 0) != dimensions.end();
    if (dimensions.size() != rank || empty) {
        model.fail(node, "its weights '{}' have the shape [{}], expected {} dimensions above zero", names.values,
                   fmt::join(dimensions, ", "), rank);
    }
    const onnx::NodeProto& scaled_by = names.integers ? node : dequantizer(model, node, names.values);
    check_weight_parameters(model, scaled_by, constant.parameters, dimensions, channel_axis);
    return constant;
}

int fewest_bits(const std::vector<std::int8_t>& values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return std::max(2, bits_for_range(*low, *high));
}

Weights finish_weights(QuantizedConstant&& constant, Weights weights) {
    weights.bits = fewest_bits(constant.array.values);
    weights.values.assign(constant.array.values.begin(), constant.array.values.end());
    weights.scales = std::move(constant.parameters.scales);
    return weights;
}

/// in x out to out x in.
std::vector<std::int8_t> transpose(const std::vector<std::int8_t>& values, std::size_t rows, std::size_t columns) {
    std::vector<std::int8_t> result(values.size());
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t column = 0; column < columns; ++column) {
            result[column * rows + row] = values[row * columns + column];
        }
    }
    return result;
}

/// One value per output channel: [out], [1, out], or as it broadcasts over feature maps, [out, 1, 1] or [1, out, 1, 1].
void check_bias_shape(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                      const std::vector<std::int64_t>& dimensions, const Weights& weights) {
    const std::int64_t out = weights.output_channels;
    const std::vector<std::int64_t> allowed[] = {{out}, {1, out}, {out, 1, 1}, {1, out, 1, 1}};
    if (std::find(std::begin(allowed), std::end(allowed), dimensions) != std::end(allowed)) return;
    model.fail(node, "its bias '{}' has the shape [{}], expected [{}], one per output channel", name,
               fmt::join(dimensions, ", "), weights.output_channels);
}

void quantize_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, float input_scale,
                   Weights& weights) {
    const auto real = read_constant<float>(model, node, name);
    check_bias_shape(model, node, name, real.dimensions, weights);
    for (int channel = 0; channel < weights.output_channels; ++channel) {
        const double value = real.values[static_cast<std::size_t>(channel)];
        const double rounded = std::nearbyint(value / (double{input_scale} * weights.scale(channel)));
        if (!(std::fabs(rounded) <= std::numeric_limits<std::int32_t>::max())) {
            model.fail(node, "its bias '{}' holds {}, which does not fit 32 bits at the scale {} of its sums", name,
                       value, double{input_scale} * weights.scale(channel));
        }
        weights.bias.push_back(static_cast<std::int32_t>(rounded));
    }
}

void check_bias_scales(const OnnxModel& model, const onnx::NodeProto& source, float input_scale,
                       const Weights& weights) {
    const QuantizationParameters parameters = read_quantization(model, source);
    if (!parameters.zero_points_are_zero()) model.fail(source, "has a zero point other than 0, expected 0 (a bias)");
    const std::size_t count = parameters.scales.size();
    if (count != 1 && count != static_cast<std::size_t>(weights.output_channels)) {
        model.fail(source, "has {} scales, expected one, or one per output channel ({})", count,
                   weights.output_channels);
    }
    for (int channel = 0; channel < weights.output_channels; ++channel) {
        const double expected = double{input_scale} * weights.scale(channel);
        const double found = parameters.scales[count == 1 ? 0 : static_cast<std::size_t>(channel)];
        if (std::fabs(found - expected) <= kBiasScaleTolerance * expected) continue;
        model.fail(source, "bias scale {} of channel {}, expected input scale * weight scale = {}", found, channel,
                   expected);
    }
}

}  // namespace

Weights read_convolution_weights(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names) {
    QuantizedConstant constant = read_quantized(model, node, names, 4, 0);
    Weights weights;
    weights.output_channels = constant.extent(0);
    weights.input_channels = constant.extent(1);
    weights.kernel_height = constant.extent(2);
    weights.kernel_width = constant.extent(3);
    return finish_weights(std::move(constant), std::move(weights));
}

Weights read_matrix_weights(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                            bool transposed) {
    const std::size_t output_axis = transposed ? 0 : 1;
    QuantizedConstant constant = read_quantized(model, node, names, 2, output_axis);
    Weights weights;
    weights.output_channels = constant.extent(output_axis);
    weights.input_channels = constant.extent(1 - output_axis);
    if (!transposed) {
        constant.array.values = transpose(constant.array.values, static_cast<std::size_t>(weights.input_channels),
                                          static_cast<std::size_t>(weights.output_channels));
    }
    return finish_weights(std::move(constant), std::move(weights));
}

void read_integer_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, Weights& weights) {
    const auto integers = read_constant<std::int32_t>(model, node, name);
    check_bias_shape(model, node, name, integers.dimensions, weights);
    weights.bias = integers.values;
}

void read_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, float input_scale,
               Weights& weights) {
    if (model.constant(name) != nullptr) return quantize_bias(model, node, name, input_scale, weights);
    const onnx::NodeProto* source = model.producer(name);
    if (source == nullptr || source->op_type() != "DequantizeLinear") {
        model.fail(node, "its bias '{}' is not a constant, expected an initialiser or a DequantizeLinear of one", name);
    }
    const auto integers = read_constant<std::int32_t>(model, *source, input_name(*source, 0));
    check_bias_shape(model, node, name, integers.dimensions, weights);
    check_bias_scales(model, *source, input_scale, weights);
    weights.bias = integers.values;
}

}  // namespace widthwise
