// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_weights.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "arithmetic/accumulator.h"
#include "network/onnx_constants.h"
#include "network/onnx_fold.h"
#include "network/onnx_quantization.h"

namespace widthwise {
namespace {

/// An integer constant with the scales that make real weights of it.
struct QuantizedConstant {
    const ConstantTensor* values = nullptr;
    QuantizationParameters parameters;
    std::vector<std::int64_t> dimensions;  ///< of the weights: as a Conv or a matrix has them
    [[nodiscard]] int extent(std::size_t axis) const { return static_cast<int>(dimensions[axis]); }
};

bool is_weight_type(int type) {
    return type == onnx::TensorProto::INT8 || type == onnx::TensorProto::UINT8 || type == kOnnxInt4 ||
           type == kOnnxUint4;
}

const onnx::NodeProto& dequantizer(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name) {
    const onnx::NodeProto* producer = model.producer(name);
    if (producer == nullptr || producer->op_type() != "DequantizeLinear") {
        model.fail(node,
                   "its weights '{}' are not quantized to 8 bits or fewer, expected the output of a DequantizeLinear",
                   name);
    }
    return *producer;
}

/// Slice along the quantization axis that element `index` belongs to.
std::size_t slice_of(const std::vector<std::int64_t>& dimensions, std::size_t axis, std::size_t index) {
    std::size_t inner = 1;
    for (std::size_t i = axis + 1; i < dimensions.size(); ++i) inner *= static_cast<std::size_t>(dimensions[i]);
    return index / inner % static_cast<std::size_t>(dimensions[axis]);
}

/// One scale, or one per output channel along `channel_axis`; zero points of the weights' type.
void check_weight_parameters(const OnnxModel& model, const onnx::NodeProto& node, const QuantizedConstant& found,
                             std::size_t channel_axis) {
    const QuantizationParameters& parameters = found.parameters;
    if (parameters.data_type != 0 && parameters.data_type != found.values->data_type) {
        model.fail(node, "has a zero point of type {}, expected {} as its weights are", type_name(parameters.data_type),
                   type_name(found.values->data_type));
    }
    if (parameters.scales.size() == 1) return;
    const auto rank = static_cast<std::int64_t>(found.dimensions.size());
    const std::int64_t axis = parameters.axis < 0 ? parameters.axis + rank : parameters.axis;
    if (axis != static_cast<std::int64_t>(channel_axis)) {
        model.fail(node, "quantizes weights along axis {}, expected axis {} (output channels)", parameters.axis,
                   channel_axis);
    }
    if (static_cast<std::int64_t>(parameters.scales.size()) != found.dimensions[channel_axis]) {
        model.fail(node, "has {} scales for {} output channels, expected one, or one per channel",
                   parameters.scales.size(), found.dimensions[channel_axis]);
    }
}

/// Integers as they are, with their scale beside them.
QuantizedConstant read_integers(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                                std::size_t channel_axis) {
    QuantizedConstant constant;
    constant.values = &required_constant(model, node, names.values);
    if (!names.scale.empty()) {
        constant.parameters = read_quantization(model, node, names.scale, names.zero_point);
    } else {  // the scale follows further on in the graph
        constant.parameters.scales = {1.0F};
        if (!names.zero_point.empty()) {
            constant.parameters.zero_points = integers_of(required_constant(model, node, names.zero_point));
        }
    }
    constant.parameters.axis = static_cast<std::int64_t>(channel_axis);
    return constant;
}

/// Behind a DequantizeLinear.
QuantizedConstant read_dequantized(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name) {
    const onnx::NodeProto& source = dequantizer(model, node, name);
    QuantizedConstant constant;
    constant.parameters = read_quantization(model, source);
    constant.values = &required_constant(model, source, input_name(source, 0));
    return constant;
}

/// Weights of `rank` dimensions; of a matrix, those in front of it that are 1 are left out.
QuantizedConstant read_quantized(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                                 std::size_t rank, std::size_t channel_axis) {
    QuantizedConstant constant =
        names.integers ? read_integers(model, node, names, channel_axis) : read_dequantized(model, node, names.values);
    const ConstantTensor& values = *constant.values;
    if (!is_weight_type(values.data_type)) {
        model.fail(node, "its weights '{}' are of type {}, expected INT8, UINT8, INT4 or UINT4", names.values,
                   type_name(values.data_type));
    }
    constant.dimensions = values.dimensions;
    while (rank == 2 && constant.dimensions.size() > rank && constant.dimensions[0] == 1) {
        constant.dimensions.erase(constant.dimensions.begin());
        if (constant.parameters.axis > 0) --constant.parameters.axis;
    }
    const std::vector<std::int64_t>& dimensions = constant.dimensions;
    const bool empty = std::find(dimensions.begin(), dimensions.end(), 0) != dimensions.end();
    if (dimensions.size() != rank || empty) {
        model.fail(node, "its weights '{}' have the shape [{}], expected {} dimensions above zero", names.values,
                   fmt::join(dimensions, ", "), rank);
    }
    check_weight_parameters(model, names.integers ? node : dequantizer(model, node, names.values), constant,
                            channel_axis);
    return constant;
}

/// Of eight bits less a zero point of eight bits.
constexpr std::int64_t kMaxWeight = 255;

int fewest_bits(const std::vector<std::int16_t>& values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return std::max(2, bits_for_range(*low, *high));
}

/// Values less their zero points.
Weights finish_weights(const OnnxModel& model, const onnx::NodeProto& node, QuantizedConstant&& constant,
                       std::size_t channel_axis, Weights weights) {
    const ConstantTensor& source = *constant.values;
    const std::vector<std::int64_t>& points = constant.parameters.zero_points;
    weights.values.resize(static_cast<std::size_t>(source.elements()));
    for (std::size_t i = 0; i < weights.values.size(); ++i) {
        std::int64_t value = static_cast<std::int64_t>(source.at(static_cast<std::int64_t>(i)));
        if (!points.empty()) {
            value -= points.size() == 1 ? points[0] : points[slice_of(constant.dimensions, channel_axis, i)];
        }
        if (std::abs(value) > kMaxWeight) {
            model.fail(node, "its weights less their zero point take the value {}, expected -{}..{}", value, kMaxWeight,
                       kMaxWeight);
        }
        weights.values[i] = static_cast<std::int16_t>(value);
    }
    weights.bits = fewest_bits(weights.values);
    weights.scales = std::move(constant.parameters.scales);
    return weights;
}

/// in x out to out x in.
std::vector<std::int16_t> transpose(const std::vector<std::int16_t>& values, std::size_t rows, std::size_t columns) {
    std::vector<std::int16_t> result(values.size());
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
    const std::vector<std::int64_t> allowed[] = {{out}, {1, out}};
    if (std::find(std::begin(allowed), std::end(allowed), dimensions) != std::end(allowed)) return;
    model.fail(node, "its bias '{}' has the shape [{}], expected [{}], one per output channel", name,
               fmt::join(dimensions, ", "), weights.output_channels);
}

/// An Add broadcasts: the bias may only differ along the dimension of the channels.
void check_added_shape(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name,
                       const std::vector<std::int64_t>& dimensions, const FeatureView& view, const Weights& weights) {
    const std::size_t rank = view.dimensions.size();
    bool along_channels = dimensions.size() <= rank;
    for (std::size_t i = 0; i < dimensions.size() && along_channels; ++i) {
        if (dimensions[i] == 1) continue;
        const std::vector<Axis>& axes = view.dimensions[rank - dimensions.size() + i];
        along_channels = axes == std::vector<Axis>{Axis::channel} && dimensions[i] == weights.output_channels;
    }
    if (along_channels) return;
    model.fail(node, "its bias '{}' has the shape [{}], which {} sums of {} do not take as one value per channel", name,
               fmt::join(dimensions, ", "), weights.output_channels, view.text());
}

std::int32_t quantized_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, double value,
                            double scale) {
    const double rounded = std::nearbyint(value / scale);
    if (std::fabs(rounded) <= std::numeric_limits<std::int32_t>::max()) return static_cast<std::int32_t>(rounded);
    model.fail(node, "its bias '{}' holds {}, which does not fit 32 bits at the scale {} of its sums", name, value,
               scale);
}

/// A bias as the file has it: integers and their scales, or real numbers with one scale of 1.
struct FoundBias {
    const ConstantTensor* values = nullptr;
    std::vector<double> scales = {1.0};
    std::vector<std::int64_t> zero_points = {0};
    [[nodiscard]] double real(std::int64_t i) const {
        const auto at = [i](const auto& list) {
            return list.size() == 1 ? list[0] : list[static_cast<std::size_t>(i)];
        };
        return (values->at(i) - static_cast<double>(at(zero_points))) * at(scales);
    }
};

FoundBias find_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, int channels) {
    FoundBias bias;
    if (model.is_constant(name)) {
        bias.values = model.constant(node, name);
        if (bias.values->data_type == onnx::TensorProto::FLOAT) return bias;
        model.fail(node, "constant '{}' is of type {}, expected FLOAT", name, type_name(bias.values->data_type));
    }
    const onnx::NodeProto* source = model.producer(name);
    if (source == nullptr || source->op_type() != "DequantizeLinear") {
        model.fail(node, "its bias '{}' is not a constant, expected an initialiser or a DequantizeLinear of one", name);
    }
    bias.values = &required_constant(model, *source, input_name(*source, 0));
    if (!bias.values->is_integer()) {
        model.fail(*source, "constant '{}' is of type {}, expected integers", input_name(*source, 0),
                   type_name(bias.values->data_type));
    }
    const QuantizationParameters parameters = read_quantization(model, *source);
    const std::size_t count = parameters.scales.size();
    if (count != 1 && static_cast<std::int64_t>(count) != bias.values->elements()) {
        model.fail(*source, "has {} scales, expected one, or one per output channel ({})", count, channels);
    }
    bias.scales.assign(parameters.scales.begin(), parameters.scales.end());
    if (!parameters.zero_points.empty()) bias.zero_points = parameters.zero_points;
    return bias;
}

constexpr double kBiasScaleTolerance = 1e-4;

/// Integers that already have the scale of the sums are taken as they are.
bool has_scale_of_sums(const FoundBias& bias, std::int64_t i, double scale) {
    if (!bias.values->is_integer() || bias.zero_points.size() != 1 || bias.zero_points[0] != 0) return false;
    const double found = bias.scales.size() == 1 ? bias.scales[0] : bias.scales[static_cast<std::size_t>(i)];
    return std::fabs(found - scale) <= kBiasScaleTolerance * scale;
}

}  // namespace

Weights read_convolution_weights(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                                 int spatial_axes) {
    QuantizedConstant constant = read_quantized(model, node, names, spatial_axes == 1 ? 3 : 4, 0);
    Weights weights;
    weights.output_channels = constant.extent(0);
    weights.input_channels = constant.extent(1);
    weights.kernel_height = spatial_axes == 1 ? 1 : constant.extent(2);
    weights.kernel_width = constant.extent(constant.dimensions.size() - 1);
    return finish_weights(model, node, std::move(constant), 0, std::move(weights));
}

Weights read_matrix_weights(const OnnxModel& model, const onnx::NodeProto& node, const WeightNames& names,
                            bool transposed) {
    const std::size_t output_axis = transposed ? 0 : 1;
    QuantizedConstant constant = read_quantized(model, node, names, 2, output_axis);
    Weights weights;
    weights.output_channels = constant.extent(output_axis);
    weights.input_channels = constant.extent(1 - output_axis);
    weights = finish_weights(model, node, std::move(constant), output_axis, std::move(weights));
    if (!transposed) {
        weights.values = transpose(weights.values, static_cast<std::size_t>(weights.input_channels),
                                   static_cast<std::size_t>(weights.output_channels));
    }
    return weights;
}

void reorder_inputs(Weights& weights, const std::vector<std::int32_t>& order) {
    const auto values = weights.values;
    const std::size_t inputs = order.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
        weights.values[i] = values[i / inputs * inputs + static_cast<std::size_t>(order[i % inputs])];
    }
}

void read_integer_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, Weights& weights) {
    const auto integers = read_constant<std::int32_t>(model, node, name);
    check_bias_shape(model, node, name, integers.dimensions, weights);
    weights.bias = integers.values;
}

void read_bias(const OnnxModel& model, const onnx::NodeProto& node, const std::string& name, const BiasUse& use,
               Weights& weights) {
    const FoundBias bias = find_bias(model, node, name, weights.output_channels);
    const std::vector<std::int64_t>& dimensions = bias.values->dimensions;
    const bool single = bias.values->elements() == 1;
    if (use.view != nullptr) check_added_shape(model, node, name, dimensions, *use.view, weights);
    else if (!single || !use.may_be_single) check_bias_shape(model, node, name, dimensions, weights);
    for (int channel = 0; channel < weights.output_channels; ++channel) {
        const std::int64_t i = single ? 0 : channel;
        const double scale = double{use.input_scale} * weights.scale(channel);
        if (has_scale_of_sums(bias, i, scale) && use.factor == 1.0F) {
            weights.bias.push_back(quantized_bias(model, node, name, bias.values->at(i), 1.0));
        } else {
            weights.bias.push_back(quantized_bias(model, node, name, use.factor * bias.real(i), scale));
        }
    }
}

}  // namespace widthwise
