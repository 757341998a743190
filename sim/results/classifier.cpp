// SPDX-License-Identifier: Apache-2.0
#include "results/classifier.h"

#include <fmt/format.h>

#include "common/error.h"

namespace widthwise {
namespace {

/// Two's complement, least significant byte first; at most 8 bytes.
std::int64_t signed_number(std::span<const std::uint8_t> bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8 | bytes[i];
    const int unused = 64 - 8 * static_cast<int>(bytes.size());
    return static_cast<std::int64_t>(number << unused) >> unused;
}

}  // namespace

int predicted_class(std::span<const std::uint8_t> output, bool is_signed) {
    const auto value = [&](std::size_t i) { return is_signed ? static_cast<std::int8_t>(output[i]) : int{output[i]}; };
    std::size_t best = 0;
    for (std::size_t i = 1; i < output.size(); ++i) {
        if (value(i) > value(best)) best = i;
    }
    return static_cast<int>(best);
}

Classifier::Classifier(const Network& network) {
    const Tensor& output = network.tensors[static_cast<std::size_t>(network.output)];
    is_signed_ = output.quantization.is_signed;
    values_ = static_cast<std::size_t>(output.shape.elements());
    pixels_ = static_cast<std::size_t>(output.shape.height) * static_cast<std::size_t>(output.shape.width);
    if (!network.operators.back().sums_leave) return;
    for (int c = 0; c < output.shape.channels; ++c) {
        channel_scales_.push_back(network.operators.back().sum_scale(network, c));
    }
}

int Classifier::operator()(std::span<const std::uint8_t> output) const {
    return channel_scales_.empty() ? predicted_class(output, is_signed_) : class_of_sums(output);
}

int Classifier::class_of_sums(std::span<const std::uint8_t> output) const {
    const std::size_t bytes = output.size() / values_;
    if (bytes < 1 || bytes > 8 || bytes * values_ != output.size()) {
        throw SimulationError(fmt::format("an output of {} bytes cannot be {} sums", output.size(), values_));
    }
    const auto value = [&](std::size_t i) {
        return static_cast<double>(signed_number(output.subspan(i * bytes, bytes))) * channel_scales_[i / pixels_];
    };
    std::size_t best = 0;
    double greatest = value(0);
    for (std::size_t i = 1; i < values_; ++i) {
        const double candidate = value(i);
        if (candidate <= greatest) continue;
        greatest = candidate;
        best = i;
    }
    return static_cast<int>(best);
}

}  // namespace widthwise
