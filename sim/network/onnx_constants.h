// SPDX-License-Identifier: Apache-2.0
// Constants as typed arrays.
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
/// is no constant, or of another type.
template <typename T>
ConstantArray<T> read_constant(const OnnxModel& model, const onnx::NodeProto& user, const std::string& name);

/// The constant `name` whatever its type. Throws InputError when it is none.
const ConstantTensor& required_constant(const OnnxModel& model, const onnx::NodeProto& user, const std::string& name);

/// A constant with exactly one value.
template <typename T>
T read_scalar(const OnnxModel& model, const onnx::NodeProto& user, const std::string& name);

}  // namespace widthwise
