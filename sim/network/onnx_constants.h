// SPDX-License-Identifier: Apache-2.0
// Initialisers and Constant nodes as typed arrays, their sizes checked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/onnx_model.h"

namespace widthwise {

template <typename T>
struct ConstantArray {
    std::vector<std::int64_t> dimensions;
    std::vector<T> values;  ///< row-major, as many as the dimensions say
};

/// The constant `name` that `user` reads, T one of float, int8_t, uint8_t, int32_t, int64_t. Throws InputError when it
/// is no constant, of another type, stored outside the file, or not of the size that its dimensions say.
template <typename T>
ConstantArray<T> read_constant(const OnnxModel& model, const onnx::NodeProto& user, const std::string& name);

/// A constant with exactly one value.
template <typename T>
T read_scalar(const OnnxModel& model, const onnx::NodeProto& user, const std::string& name);

/// ONNX's name of a data type, "INT8".
std::string type_name(int data_type);

}  // namespace widthwise
