// SPDX-License-Identifier: Apache-2.0
// What small networks compute, written down as plainly as possible: loops over the definition of a convolution, a fully
// connected layer, pooling. Nothing here is shared with the simulator but the arithmetic contract's requantize().
#pragma once

#include <cstdint>
#include <vector>

#include "config/hardware.h"
#include "network/network.h"

namespace widthwise::test {

/// `images` random feature maps of the tensor, values within its quantization, channel-major.
std::vector<std::vector<int>> random_images(const Tensor& tensor, int images, std::uint64_t seed);
std::vector<std::uint8_t> as_bytes(const std::vector<std::vector<int>>& images);

/// Pixel of a feature map, or `outside` in the padding.
int pixel(const std::vector<int>& map, const Shape& shape, int channel, int y, int x, int outside);

/// A finished accumulation.
struct PlainSum {
    std::int64_t value = 0;  ///< what the register holds
    std::int64_t exact = 0;
    std::uint64_t events = 0;  ///< overflows
};
/// Adds the products one after the other into a register of the format, written without the units' tricks.
PlainSum plain_sum(std::int64_t start, const std::vector<std::int64_t>& products, const AccumulatorFormat& format);

/// An operator with weights on one image: the accumulations of every output, [channel][pixel]. Taps in the given order.
std::vector<std::vector<PlainSum>> plain_sums(const Network& network, const Operator& op, const std::vector<int>& image,
                                              const AccumulatorParams& params, const AccumulatorFormat& format);
/// The whole network on one image; the last operator's output. Feature maps of every operator in `maps`, if given.
std::vector<int> plain_network(const Network& network, const HardwareParams& hardware, std::vector<int> image,
                               std::vector<std::vector<int>>* maps = nullptr);
/// One pooling operator on one image.
std::vector<int> plain_pool(const Network& network, const Operator& op, const HardwareParams& hardware,
                            const std::vector<int>& image);

}  // namespace widthwise::test
