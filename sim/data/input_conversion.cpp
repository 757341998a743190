// SPDX-License-Identifier: Apache-2.0
#include "data/input_conversion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "arithmetic/requantize.h"
#include "common/error.h"
#include "data/element_values.h"

namespace widthwise {
namespace {

/// More tables than this cost more than they save.
constexpr int kMostTables = 64;

bool is_byte(const ElementType& element) { return element.bytes == 1; }

/// There is one for all channels, or one for each.
float of_channel(const std::vector<float>& values, std::size_t channel) {
    return values[values.size() == 1 ? 0 : channel];
}

std::vector<float> in_float32(const std::vector<double>& values, std::string_view key, const Tensor& input) {
    const auto channels = static_cast<std::size_t>(input.shape.channels);
    if (values.size() != 1 && values.size() != channels) {
        throw InputError(
            fmt::format("preprocessing.{}: {} values for the network's input '{}' of {} channels, expected one, or one "
                        "per channel",
                        key, values.size(), input.name, channels));
    }
    std::vector<float> result(values.size());
    std::transform(values.begin(), values.end(), result.begin(), [](double v) { return static_cast<float>(v); });
    return result;
}

float after(const InputStep& step, float value, std::size_t channel) {
    const float operand = of_channel(step.values, channel);
    switch (step.kind) {
        case InputStep::Kind::add: return value + operand;
        case InputStep::Kind::subtract: return value - operand;
        case InputStep::Kind::multiply: return value * operand;
        case InputStep::Kind::divide: return value / operand;
    }
    return value;
}

std::uint8_t quantize(float real, const Quantization& q) {
    return static_cast<std::uint8_t>(quantize_linear(real, q.scale, q.zero_point, q.low(), q.high()));
}

void check_type(const ImageFormat& images) {
    if (is_byte(images.element) || images.element.kind == ElementKind::real) return;
    throw InputError(
        fmt::format("{}: holds {} values, expected uint8, int8, float32 or float64 ones (NumPy's astype() converts)",
                    images.path, images.element.name()));
}

}  // namespace

NetworkInput::NetworkInput(const Network& network)
    : tensor(network.tensors[static_cast<std::size_t>(network.input)]),
      steps(network.input_steps),
      is_integer(network.input_is_integer),
      is_bytes(network.input_is_bytes) {}

NetworkInput::NetworkInput(const Tensor& of_tensor) : tensor(of_tensor) {}

Preprocessing resolved(const Preprocessing& preprocessing, const ElementType& element, const NetworkInput& input) {
    Preprocessing result = preprocessing;
    const bool stays = element.kind == ElementKind::real || input.is_bytes;
    if (result.scale == 0) result.scale = stays ? 1.0 : 1.0 / 255;
    return result;
}

std::string_view step_name(InputStep::Kind kind) {
    switch (kind) {
        case InputStep::Kind::add: return "add";
        case InputStep::Kind::subtract: return "subtract";
        case InputStep::Kind::multiply: return "multiply";
        case InputStep::Kind::divide: return "divide";
    }
    return "";
}

std::string steps_text(const std::vector<InputStep>& steps) {
    constexpr std::size_t kShown = 4;
    std::vector<std::string> parts;
    for (const InputStep& step : steps) {
        const auto shown = std::min(step.values.size(), kShown);
        parts.push_back(fmt::format(
            "{} {}{}", step_name(step.kind), fmt::join(step.values.begin(), step.values.begin() + shown, ", "),
            shown < step.values.size() ? fmt::format(", ... ({} values)", step.values.size()) : ""));
    }
    return fmt::format("{}", fmt::join(parts, "; "));
}

bool about_key(std::string_view message) { return message.starts_with("preprocessing."); }

std::vector<UnusedKey> unused_data_keys(const ImageFormat& images, const Preprocessing& preprocessing,
                                        const NetworkInput& input) {
    std::vector<UnusedKey> unused;
    if (preprocessing.quantized) {
        for (const char* key : {"preprocessing.scale", "preprocessing.mean", "preprocessing.deviation"}) {
            unused.push_back({key, "preprocessing.quantized: true takes the file's integers as they are"});
        }
    }
    if (images.extents.size() < 3) unused.push_back({"preprocessing.layout", "the images have no axis of channels"});
    if (!preprocessing.quantized && !input.is_integer) {
        unused.push_back({"preprocessing.quantized", "the network takes real numbers, and false makes them"});
    }
    return unused;
}

InputConversion::InputConversion(const ImageFormat& images, const Preprocessing& preprocessing,
                                 const NetworkInput& input)
    : images_(images), preprocessing_(resolved(preprocessing, images.element, input)), input_(input) {
    check_type(images_);
    const Shape& shape = input_.tensor.shape;
    view_ = view_of(images_, preprocessing_.layout, preprocessing_.fit, input_.tensor);
    const bool is_vector = shape.height == 1 && shape.width == 1;
    target_ = is_vector && preprocessing_.fit != Preprocessing::Fit::resize ? view_.shape : shape;
    per_channel_ = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
    if (preprocessing_.quantized) {
        check_quantized();
        return;
    }
    scale_ = static_cast<float>(preprocessing_.scale);
    mean_ = in_float32(preprocessing_.mean, "mean", input_.tensor);
    deviation_ = in_float32(preprocessing_.deviation, "deviation", input_.tensor);
    if (is_byte(images_.element) && preprocessing_.fit != Preprocessing::Fit::resize) make_tables();
}

void InputConversion::check_quantized() const {
    if (!is_byte(images_.element)) {
        throw InputError(fmt::format("preprocessing.quantized: {} holds {} values, expected uint8 or int8 ones",
                                     images_.path, images_.element.name()));
    }
    if (!input_.steps.empty()) {
        throw InputError(
            fmt::format("preprocessing.quantized: the network does arithmetic on its input '{}' before it quantizes "
                        "it, expected false",
                        input_.tensor.name));
    }
    if (preprocessing_.fit == Preprocessing::Fit::resize) {
        throw InputError(
            "preprocessing.fit: resize makes values between the integers, expected none or pad with "
            "preprocessing.quantized: true");
    }
}

bool InputConversion::is_same_for_all_channels() const {
    return mean_.size() == 1 && deviation_.size() == 1 &&
           std::all_of(input_.steps.begin(), input_.steps.end(),
                       [](const InputStep& step) { return step.values.size() == 1; });
}

/// The file has few values: each is quantized once.
void InputConversion::make_tables() {
    const int channels = is_same_for_all_channels() ? 1 : input_.tensor.shape.channels;
    if (channels > kMostTables) return;
    tables_.resize(static_cast<std::size_t>(channels));
    for (std::size_t c = 0; c < tables_.size(); ++c) {
        for (std::size_t byte = 0; byte < tables_[c].size(); ++byte) {
            const auto value = static_cast<std::uint8_t>(byte);
            tables_[c][byte] = quantized_value(real_at(&value, images_.element), c);
        }
    }
}

std::uint8_t InputConversion::quantized_value(float pixel, std::size_t channel) const {
    float value = (pixel * scale_ - of_channel(mean_, channel)) / of_channel(deviation_, channel);
    for (const InputStep& step : input_.steps) value = after(step, value, channel);
    return quantize(value, input_.tensor.quantization);
}

std::vector<std::uint8_t> InputConversion::convert(int index, std::span<const std::uint8_t> image) const {
    if (preprocessing_.quantized) return from_integers(index, image);
    return tables_.empty() ? from_real(image) : from_table(image);
}

std::vector<std::uint8_t> InputConversion::from_table(std::span<const std::uint8_t> image) const {
    std::vector<std::uint8_t> plane = padded<std::uint8_t>(view_, image.data(), target_, 0);
    const std::size_t step = tables_.size() == 1 ? plane.size() : per_channel_;
    for (std::size_t first = 0; first < plane.size(); first += step) {
        const ByteTable& table = tables_[first / step];
        for (std::size_t i = first; i < first + step; ++i) plane[i] = table[plane[i]];
    }
    return plane;
}

std::vector<std::uint8_t> InputConversion::from_real(std::span<const std::uint8_t> image) const {
    const auto size = static_cast<std::size_t>(images_.element.bytes);
    std::vector<float> pixels(image.size() / size);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = real_at(image.data() + i * size, images_.element);
    const std::vector<float> plane = preprocessing_.fit == Preprocessing::Fit::resize
                                         ? resized(view_, pixels, target_)
                                         : padded(view_, pixels.data(), target_, 0.0F);
    std::vector<std::uint8_t> bytes(plane.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = quantized_value(plane[i], i / per_channel_);
    return bytes;
}

std::vector<std::uint8_t> InputConversion::from_integers(int index, std::span<const std::uint8_t> image) const {
    const Quantization& quantization = input_.tensor.quantization;
    for (std::size_t i = 0; i < image.size(); ++i) {
        const std::int64_t value = integer_at(&image[i], images_.element);
        if (value >= quantization.low() && value <= quantization.high()) continue;
        throw InputError(
            fmt::format("{}: value {} of image {} is {}, which the network's input '{}' cannot be "
                        "(allowed: {}..{}); preprocessing.quantized: false makes integers of real numbers",
                        images_.path, i, index, value, input_.tensor.name, quantization.low(), quantization.high()));
    }
    return padded(view_, image.data(), target_, static_cast<std::uint8_t>(quantization.zero_point));
}

}  // namespace widthwise
