// SPDX-License-Identifier: Apache-2.0
// Values as they lie in a file, decoded.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "data/array_header.h"

namespace widthwise {

/// The bits of one value of `bytes` bytes.
inline std::uint64_t element_bits(const std::uint8_t* data, int bytes, bool big_endian) {
    std::uint64_t bits = 0;
    for (int i = 0; i < bytes; ++i) bits = bits << 8U | data[big_endian ? i : bytes - 1 - i];
    return bits;
}

/// An integer; values of 64 unsigned bits beyond those of int64 read as negative ones.
inline std::int64_t integer_at(const std::uint8_t* data, const ElementType& type) {
    const std::uint64_t bits = element_bits(data, type.bytes, type.big_endian);
    if (type.kind != ElementKind::signed_integer) return static_cast<std::int64_t>(bits);
    const int unused = 64 - 8 * type.bytes;
    return static_cast<std::int64_t>(bits << unused) >> unused;
}

/// A real number or a byte as float32, to which float64 is rounded (infinite where it is out of range).
inline float real_at(const std::uint8_t* data, const ElementType& type) {
    if (type.kind != ElementKind::real) return static_cast<float>(integer_at(data, type));
    const std::uint64_t bits = element_bits(data, type.bytes, type.big_endian);
    if (type.bytes == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    return static_cast<float>(std::bit_cast<double>(bits));
}

}  // namespace widthwise
