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

/// The same for the output of a network, as the engines hand it out.
class Classifier {
public:
    explicit Classifier(const Network& network);

    /// `output`: of one image, one byte per value; of sums that leave two's complement numbers of one size, least
    /// significant byte first, compared as real values: sum * (input scale * weight scale of its channel), in double,
    /// in which the product of the scales is exact. Throws SimulationError when the values have no whole bytes.
    [[nodiscard]] int operator()(std::span<const std::uint8_t> output) const;

private:
    [[nodiscard]] int class_of_sums(std::span<const std::uint8_t> output) const;

    bool is_signed_ = false;
    std::size_t values_ = 0;
    std::size_t pixels_ = 1;              ///< of a channel
    std::vector<double> channel_scales_;  ///< of sums that leave; else empty
};

}  // namespace widthwise
