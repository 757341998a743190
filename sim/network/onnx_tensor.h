// SPDX-License-Identifier: Apache-2.0
// A constant of an ONNX graph as raw values, whatever way the file stores them.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

namespace widthwise {

/// Types that operator set 21 added; the numbers are the ONNX standard's.
inline constexpr int kOnnxUint4 = 21;
inline constexpr int kOnnxInt4 = 22;

/// Row-major values, little-endian, each of element_bytes(); values of 4 bits take a byte each.
struct ConstantTensor {
    int data_type = onnx::TensorProto::UNDEFINED;
    std::vector<std::int64_t> dimensions;  ///< none of a scalar
    std::string bytes;

    [[nodiscard]] int element_bytes() const;
    [[nodiscard]] std::int64_t elements() const;
    /// Element i as a number. 64-bit integers beyond 2^53 lose digits.
    [[nodiscard]] double at(std::int64_t i) const;
    /// Sets element i: rounded to a float, or cut to an integer of the type, modulo its bits.
    void set(std::int64_t i, double value);
    [[nodiscard]] bool is_integer() const;
    /// The least and the greatest value of an integer type.
    [[nodiscard]] double lowest() const;
    [[nodiscard]] double highest() const;
    friend bool operator==(const ConstantTensor&, const ConstantTensor&) = default;
};

/// Room for values of this type and these dimensions, all zero.
ConstantTensor make_constant(int data_type, std::vector<std::int64_t> dimensions);
ConstantTensor make_integers(const std::vector<std::int64_t>& values);

/// Bytes of an element as ConstantTensor holds it; 0 of types that it cannot hold (texts, complex numbers, 8-bit floats).
int element_bytes(int data_type);

/// ONNX's name of a data type, "INT8".
std::string type_name(int data_type);

/// What takes the values of a tensor, without knowing where it stands in a graph. Throws InputError whose text begins
/// with "constant 'NAME'": a type that cannot be held, a dimension below zero, more values than are read, stored in
/// another file (read_external_data() first), or not as many values as the dimensions say.
ConstantTensor take_constant(onnx::TensorProto&& tensor);

}  // namespace widthwise
