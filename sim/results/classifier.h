// SPDX-License-Identifier: Apache-2.0
// Which class a network's output says.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "network/network.h"

namespace widthwise {

/// Index of the greatest value; of equal ones the first.
int predicted_class(std::span<const std::uint8_t> output, bool is_signed);

/// The output of a network, as the engines hand it out, as numbers.
class OutputValues {
public:
    explicit OutputValues(const Network& network);

    /// Stored integers less their zero point; or sums that leave, two's complement numbers of one size, least significant
    /// byte first. Throws SimulationError when the values have no whole bytes.
    [[nodiscard]] std::vector<std::int64_t> numbers(std::span<const std::uint8_t> output) const;
    /// What 1 stands for: in all values, or of sums in each channel (input scale * weight scale, exact in double).
    [[nodiscard]] const std::vector<double>& scales() const { return scales_; }
    /// Which of them is that of value `i`.
    [[nodiscard]] std::size_t scale_of(std::size_t i) const { return scales_.size() == 1 ? 0 : i / pixels_; }

private:
    std::size_t values_ = 0;
    std::size_t pixels_ = 1;  ///< of a channel
    bool sums_ = false;
    Quantization quantization_;
    std::vector<double> scales_;
};

/// The class of such an output.
class Classifier {
public:
    explicit Classifier(const Network& network);

    /// `output`: of one image, one byte per value; of sums that leave two's complement numbers of one size, least
    /// significant byte first, compared as real values: sum * (input scale * weight scale of its channel), in double,
    /// in which the product of the scales is exact. Throws SimulationError when the values have no whole bytes.
    [[nodiscard]] int operator()(std::span<const std::uint8_t> output) const;

private:
    bool is_signed_ = false;
    bool sums_ = false;
    OutputValues values_;
};

}  // namespace widthwise
