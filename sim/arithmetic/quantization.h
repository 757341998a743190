// SPDX-License-Identifier: Apache-2.0
// What a stored value means, and how many of them there are.
#pragma once

#include <cstdint>

namespace widthwise {

/// Feature map extent of one image. Vectors are channels x 1 x 1. Stored channel-major (CHW).
struct Shape {
    int channels = 0;
    int height = 1;
    int width = 1;
    [[nodiscard]] std::int64_t elements() const { return std::int64_t{channels} * height * width; }
    friend bool operator==(const Shape&, const Shape&) = default;
};

/// real = scale * (quantized - zero_point); quantized within [low(), high()].
struct Quantization {
    bool is_signed = false;
    int bits = 8;  ///< 2..8; decides the range of values and the multiplier's operand width
    int zero_point = 0;
    float scale = 1.0F;
    [[nodiscard]] int low() const { return is_signed ? -(1 << (bits - 1)) : 0; }
    [[nodiscard]] int high() const { return is_signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1; }
    friend bool operator==(const Quantization&, const Quantization&) = default;
};

}  // namespace widthwise
