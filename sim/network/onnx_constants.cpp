// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_constants.h"

#include <cstring>
#include <type_traits>

namespace widthwise {
namespace {

template <typename T>
constexpr int data_type_of() {
    if constexpr (std::is_same_v<T, float>) return onnx::TensorProto::FLOAT;
    if constexpr (std::is_same_v<T, std::int8_t>) return onnx::TensorProto::INT8;
    if constexpr (std::is_same_v<T, std::uint8_t>) return onnx::TensorProto::UINT8;
    if constexpr (std::is_same_v<T, std::int32_t>) return onnx::TensorProto::INT32;
    return onnx::TensorProto::INT64;
}

}  // namespace

const ConstantTensor& required_constant(const OnnxModel& model, const onnx::NodeProto& user, const std::string& name) {
    if (!model.is_constant(name)) model.fail(user, "its input '{}' is not a constant, expected an initialiser", name);
    return *model.constant(user, name);
}

template <typename T>
ConstantArray<T> read_constant(const OnnxModel& model, const onnx::NodeProto& user, const std::string& name) {
    const ConstantTensor& tensor = required_constant(model, user, name);
    if (tensor.data_type != data_type_of<T>()) {
        model.fail(user, "constant '{}' is of type {}, expected {}", name, type_name(tensor.data_type),
                   type_name(data_type_of<T>()));
    }
    ConstantArray<T> array;
    array.dimensions = tensor.dimensions;
    array.values.resize(static_cast<std::size_t>(tensor.elements()));
    if (!array.values.empty()) std::memcpy(array.values.data(), tensor.bytes.data(), tensor.bytes.size());
    return array;
}

template <typename T>
T read_scalar(const OnnxModel& model, const onnx::NodeProto& user, const std::string& name) {
    const ConstantArray<T> array = read_constant<T>(model, user, name);
    if (array.values.size() != 1) {
        model.fail(user, "constant '{}' has {} values, expected one", name, array.values.size());
    }
    return array.values[0];
}

template ConstantArray<float> read_constant(const OnnxModel&, const onnx::NodeProto&, const std::string&);
template ConstantArray<std::int8_t> read_constant(const OnnxModel&, const onnx::NodeProto&, const std::string&);
template ConstantArray<std::uint8_t> read_constant(const OnnxModel&, const onnx::NodeProto&, const std::string&);
template ConstantArray<std::int32_t> read_constant(const OnnxModel&, const onnx::NodeProto&, const std::string&);
template ConstantArray<std::int64_t> read_constant(const OnnxModel&, const onnx::NodeProto&, const std::string&);
template float read_scalar(const OnnxModel&, const onnx::NodeProto&, const std::string&);
template std::int8_t read_scalar(const OnnxModel&, const onnx::NodeProto&, const std::string&);
template std::uint8_t read_scalar(const OnnxModel&, const onnx::NodeProto&, const std::string&);

}  // namespace widthwise
