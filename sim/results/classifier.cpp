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

OutputValues::OutputValues(const Network& network) {
    const Tensor& output = network.tensors[static_cast<std::size_t>(network.output)];
    values_ = static_cast<std::size_t>(output.shape.elements());
    pixels_ = static_cast<std::size_t>(output.shape.height) * static_cast<std::size_t>(output.shape.width);
    sums_ = network.operators.back().sums_leave;
    quantization_ = output.quantization;
    if (!sums_) scales_ = {quantization_.scale};
    for (int c = 0; sums_ && c < output.shape.channels; ++c)
        scales_.push_back(network.operators.back().sum_scale(network, c));
}

std::vector<std::int64_t> OutputValues::numbers(std::span<const std::uint8_t> output) const {
    const std::size_t bytes = output.size() / values_;
    if (bytes < 1 || bytes > 8 || bytes * values_ != output.size() || (!sums_ && bytes != 1)) {
        throw SimulationError(
            fmt::format("an output of {} bytes cannot be {} {}", output.size(), values_, sums_ ? "sums" : "values"));
    }
    std::vector<std::int64_t> numbers(values_);
    for (std::size_t i = 0; i < values_; ++i) {
        if (sums_ || quantization_.is_signed) numbers[i] = signed_number(output.subspan(i * bytes, bytes));
        else numbers[i] = output[i];
        if (!sums_) numbers[i] -= quantization_.zero_point;
    }
    return numbers;
}

Classifier::Classifier(const Network& network)
    : is_signed_(network.tensors[static_cast<std::size_t>(network.output)].quantization.is_signed),
      sums_(network.operators.back().sums_leave),
      values_(network) {}

int Classifier::operator()(std::span<const std::uint8_t> output) const {
    if (!sums_) return predicted_class(output, is_signed_);
    const std::vector<std::int64_t> sums = values_.numbers(output);
    const auto value = [&](std::size_t i) {
        return static_cast<double>(sums[i]) * values_.scales()[values_.scale_of(i)];
    };
    std::size_t best = 0;
    double greatest = value(0);
    for (std::size_t i = 1; i < sums.size(); ++i) {
        const double candidate = value(i);
        if (candidate <= greatest) continue;
        greatest = candidate;
        best = i;
    }
    return static_cast<int>(best);
}

}  // namespace widthwise
