// SPDX-License-Identifier: Apache-2.0
// What a file of numbers says of itself: IDX (MNIST) or NumPy's .npy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/unpacked_file.h"

namespace widthwise {

enum class ElementKind : std::uint8_t { unsigned_integer, signed_integer, real };

struct ElementType {
    ElementKind kind = ElementKind::unsigned_integer;
    int bytes = 1;  ///< 1, 2, 4 or 8; of real numbers 4 or 8
    bool big_endian = false;
    [[nodiscard]] std::string name() const;  ///< as NumPy calls it: "uint8", "float32"
    friend bool operator==(const ElementType&, const ElementType&) = default;
};

struct ArrayHeader {
    ElementType element;
    std::vector<int> dimensions;  ///< rank 1..4, each 1..2147483647
    std::int64_t offset = 0;      ///< of the first value, in bytes
    [[nodiscard]] std::int64_t values() const;
    /// Of one item along the first dimension.
    [[nodiscard]] std::int64_t values_each() const { return values() / dimensions.front(); }
    [[nodiscard]] std::string shape_text() const;  ///< "2 x 1 x 3"
};

/// The most values that a file of numbers may hold. They need no memory: large files are read block by block.
inline constexpr std::int64_t kMaxArrayValues = std::int64_t{1} << 40;

/// The most bytes of a .npy header's dictionary.
inline constexpr std::int64_t kMaxNpyDictionary = 65536;

/// Reads the header alone. Throws InputError naming the file and what is wrong with it: neither IDX nor .npy, a type or
/// rank that is not supported, absurd dimensions, a .npy header that NumPy would not write, column-major order.
ArrayHeader read_array_header(const UnpackedFile& file);

/// Whether it begins as an IDX or .npy file does.
bool is_array(const UnpackedFile& file);

/// Adds a dimension; throws InputError when it, or the number of values so far, is out of range.
void add_dimension(const UnpackedFile& file, ArrayHeader& header, std::uint64_t extent);

}  // namespace widthwise
