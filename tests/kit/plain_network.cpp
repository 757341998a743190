// SPDX-License-Identifier: Apache-2.0
#include "kit/plain_network.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "arithmetic/requantize.h"
#include "kit/random.h"

namespace widthwise::test {

std::vector<std::vector<int>> random_images(const Tensor& tensor, int images, std::uint64_t seed) {
    Random random(seed, "images");
    std::vector<std::vector<int>> all(static_cast<std::size_t>(images));
    for (auto& image : all) {
        for (std::int64_t i = 0; i < tensor.shape.elements(); ++i) {
            image.push_back(random.percent(25) ? 0 : random.in(tensor.quantization.low(), tensor.quantization.high()));
        }
    }
    return all;
}

std::vector<std::uint8_t> as_bytes(const std::vector<std::vector<int>>& images) {
    std::vector<std::uint8_t> bytes;
    for (const auto& image : images) {
        for (const int value : image) bytes.push_back(static_cast<std::uint8_t>(value));
    }
    return bytes;
}

int pixel(const std::vector<int>& map, const Shape& shape, int channel, int y, int x, int outside) {
    if (y < 0 || y >= shape.height || x < 0 || x >= shape.width) return outside;
    return map[static_cast<std::size_t>((channel * shape.height + y) * shape.width + x)];
}

PlainSum plain_sum(std::int64_t start, const std::vector<std::int64_t>& products, const AccumulatorFormat& format) {
    const std::int64_t modulus = std::int64_t{1} << format.bits;
    PlainSum sum{start, start, 0};
    const auto check = [&] {
        if (sum.value >= -modulus / 2 && sum.value < modulus / 2) return;
        ++sum.events;
        if (format.overflow == Overflow::saturate) {
            sum.value = sum.value < 0 ? -modulus / 2 : modulus / 2 - 1;
        } else {
            while (sum.value >= modulus / 2) sum.value -= modulus;
            while (sum.value < -modulus / 2) sum.value += modulus;
        }
    };
    if (format.check == OverflowCheck::per_add) check();
    for (const std::int64_t product : products) {
        sum.exact += product;
        sum.value += product;
        if (format.check == OverflowCheck::per_add) check();
    }
    if (format.check == OverflowCheck::per_output) check();
    return sum;
}

namespace {

/// (channel, row, column) of every tap, in the configured order of the three loops.
std::vector<std::array<int, 3>> tap_order(const Operator& op, const TapOrder& order) {
    std::vector<std::array<int, 3>> taps;
    for (int c = 0; c < op.weights.input_channels; ++c) {
        for (int r = 0; r < op.weights.kernel_height; ++r) {
            for (int s = 0; s < op.weights.kernel_width; ++s) taps.push_back({c, r, s});
        }
    }
    const auto key = [&](const std::array<int, 3>& tap) {
        std::array<int, 3> k{};
        for (std::size_t i = 0; i < 3; ++i) k[i] = tap[static_cast<std::size_t>(order[i])];
        return k;
    };
    std::sort(taps.begin(), taps.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    return taps;
}

}  // namespace

std::vector<std::vector<PlainSum>> plain_sums(const Network& network, const Operator& op, const std::vector<int>& image,
                                              const AccumulatorParams& params, const AccumulatorFormat& format) {
    const Tensor& input = network.tensors[static_cast<std::size_t>(op.input)];
    const Shape& output = network.tensors[static_cast<std::size_t>(op.output)].shape;
    const int zero = input.quantization.zero_point;
    const bool connected = op.kind == OperatorKind::fully_connected;
    const auto taps = tap_order(op, params.order);
    std::vector<std::vector<PlainSum>> sums(static_cast<std::size_t>(output.channels));
    for (int m = 0; m < output.channels; ++m) {
        std::int64_t start = op.weights.bias.empty() ? 0 : op.weights.bias[static_cast<std::size_t>(m)];
        for (int y = 0; y < output.height; ++y) {
            for (int x = 0; x < output.width; ++x) {
                std::vector<std::int64_t> products;
                std::int64_t folded = start;
                for (const auto& [c, r, s] : taps) {
                    const int value =
                        connected ? image[static_cast<std::size_t>(c)]
                                  : pixel(image, input.shape, c, y * op.window.stride_height - op.window.pad_top + r,
                                          x * op.window.stride_width - op.window.pad_left + s, zero);
                    const auto at = static_cast<std::size_t>(
                        ((m * op.weights.input_channels + c) * op.weights.kernel_height + r) * op.weights.kernel_width +
                        s);
                    const std::int64_t weight = op.weights.values[at];
                    products.push_back(weight * value);
                    folded -= weight * zero;
                }
                const bool preload = params.bias == BiasMode::preload;
                sums[static_cast<std::size_t>(m)].push_back(plain_sum(preload ? folded : 0, products, format));
            }
        }
    }
    return sums;
}

std::vector<int> plain_pool(const Network& network, const Operator& op, const HardwareParams& hardware,
                            const std::vector<int>& image) {
    const Tensor& input = network.tensors[static_cast<std::size_t>(op.input)];
    const Tensor& output = network.tensors[static_cast<std::size_t>(op.output)];
    const RequantFormat format{hardware.requant.mode,          hardware.pool.rounding, hardware.requant.multiplier_bits,
                               output.quantization.zero_point, op.clamp_low,           op.clamp_high};
    const float scale = input.quantization.scale;
    std::vector<int> pooled;
    for (int c = 0; c < output.shape.channels; ++c) {
        for (int oy = 0; oy < output.shape.height; ++oy) {
            for (int ox = 0; ox < output.shape.width; ++ox) {
                std::vector<int> inside;
                for (int r = 0; r < op.window.kernel_height; ++r) {
                    for (int s = 0; s < op.window.kernel_width; ++s) {
                        const int y = oy * op.window.stride_height - op.window.pad_top + r;
                        const int x = ox * op.window.stride_width - op.window.pad_left + s;
                        const int value = pixel(image, input.shape, c, y, x, INT32_MIN);
                        if (value != INT32_MIN) inside.push_back(value);
                    }
                }
                if (op.kind == OperatorKind::max_pool) {
                    pooled.push_back(
                        std::clamp(*std::max_element(inside.begin(), inside.end()), op.clamp_low, op.clamp_high));
                    continue;
                }
                const int divisor = op.average_counts_padding ? op.window.kernel_height * op.window.kernel_width
                                                              : static_cast<int>(inside.size());
                std::int64_t sum = 0;
                float real = 0.0F;
                for (const int value : inside) {
                    sum += value - input.quantization.zero_point;
                    real += static_cast<float>(value - input.quantization.zero_point) * scale;
                }
                if (format.mode == RequantMode::float32) {
                    const float stored = real / static_cast<float>(divisor) / output.quantization.scale +
                                         static_cast<float>(format.zero_point);
                    pooled.push_back(std::clamp(static_cast<int>(std::nearbyint(stored)), op.clamp_low, op.clamp_high));
                } else {
                    const double factor =
                        static_cast<double>(scale) / (static_cast<double>(output.quantization.scale) * divisor);
                    pooled.push_back(requantize(sum, 0, derive_requant_scale(factor, format), format));
                }
            }
        }
    }
    return pooled;
}

std::vector<int> plain_network(const Network& network, const HardwareParams& hardware, std::vector<int> image,
                               std::vector<std::vector<int>>* maps) {
    for (const Operator& op : network.operators) {
        std::vector<int> next;
        if (!op.has_weights()) {
            next = plain_pool(network, op, hardware, image);
        } else {
            const Quantization& input = network.tensors[static_cast<std::size_t>(op.input)].quantization;
            const Quantization& output = network.tensors[static_cast<std::size_t>(op.output)].quantization;
            AccumulatorFormat accumulator = hardware.accumulator.format;
            const auto width = hardware.accumulator.layer_bits.find(op.name);
            if (width != hardware.accumulator.layer_bits.end()) accumulator.bits = width->second;
            const RequantFormat format{hardware.requant.mode,
                                       hardware.requant.rounding,
                                       hardware.requant.multiplier_bits,
                                       output.zero_point,
                                       op.clamp_low,
                                       op.clamp_high};
            const auto sums = plain_sums(network, op, image, hardware.accumulator, accumulator);
            const std::vector<std::int64_t> bias = folded_bias(op, input);
            for (std::size_t m = 0; m < sums.size(); ++m) {
                const float factor = input.scale * op.weights.scale(static_cast<int>(m)) / output.scale;
                const double exact =
                    static_cast<double>(input.scale) * op.weights.scale(static_cast<int>(m)) / output.scale;
                const RequantScale scale =
                    derive_requant_scale(format.mode == RequantMode::float32 ? factor : exact, format);
                const std::int64_t late = hardware.accumulator.bias == BiasMode::requant ? bias[m] : 0;
                for (const PlainSum& sum : sums[m]) next.push_back(requantize(sum.value, late, scale, format));
            }
        }
        image = std::move(next);
        if (maps != nullptr) maps->push_back(image);
    }
    return image;
}

}  // namespace widthwise::test
