// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_constants.h"

#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

namespace widthwise {
namespace {

// Values are stored little-endian; copying them as they lie needs a machine that agrees.
static_assert(std::endian::native == std::endian::little);

constexpr std::int64_t kMaxElements = std::int64_t{1} << 30;

template <typename T>
constexpr int data_type_of() {
    if constexpr (std::is_same_v<T, float>) return onnx::TensorProto::FLOAT;
    if constexpr (std::is_same_v<T, std::int8_t>) return onnx::TensorProto::INT8;
    if constexpr (std::is_same_v<T, std::uint8_t>) return onnx::TensorProto::UINT8;
    if constexpr (std::is_same_v<T, std::int32_t>) return onnx::TensorProto::INT32;
    return onnx::TensorProto::INT64;
}

/// The field that holds values of this type when they are not raw bytes.
template <typename T>
const auto& typed_field(const onnx::TensorProto& tensor) {
    if constexpr (std::is_same_v<T, float>) {
        return tensor.float_data();
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        return tensor.int64_data();
    } else {
        return tensor.int32_data();
    }
}

/// One constant on its way into an array; messages name the node that wants it.
struct Reader {
    const OnnxModel& model;
    const onnx::NodeProto& user;
    const std::string& name;
    const onnx::TensorProto& tensor;

    [[nodiscard]] std::int64_t elements() const {
        std::int64_t count = 1;
        for (const std::int64_t extent : tensor.dims()) {
            if (extent < 0) model.fail(user, "constant '{}' has the dimension {}", name, extent);
            if (extent > kMaxElements || count * extent > kMaxElements) {
                model.fail(user, "constant '{}' has more than {} values, the most that is read", name, kMaxElements);
            }
            count *= extent;
        }
        return count;
    }

    void check_type(int expected) const {
        if (tensor.data_location() == onnx::TensorProto::EXTERNAL || tensor.external_data_size() != 0) {
            model.fail(user, "constant '{}' is stored outside the model file, expected it inside", name);
        }
        if (tensor.data_type() == expected) return;
        model.fail(user, "constant '{}' is of type {}, expected {}", name, type_name(tensor.data_type()),
                   type_name(expected));
    }

    [[noreturn]] void fail_size(std::size_t held, std::int64_t expected) const {
        model.fail(user, "constant '{}' holds {} bytes or values, expected {} as its dimensions say", name, held,
                   expected);
    }

    template <typename T>
    [[nodiscard]] std::vector<T> raw_values(std::int64_t count) const {
        const std::string& raw = tensor.raw_data();
        const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(T));
        if (static_cast<std::int64_t>(raw.size()) != bytes) fail_size(raw.size(), bytes);
        std::vector<T> values(static_cast<std::size_t>(count));
        if (!raw.empty()) std::memcpy(values.data(), raw.data(), raw.size());
        return values;
    }

    template <typename T>
    [[nodiscard]] std::vector<T> typed_values(std::int64_t count) const {
        const auto& field = typed_field<T>(tensor);
        if (field.size() != count) fail_size(static_cast<std::size_t>(field.size()), count);
        std::vector<T> values;
        values.reserve(static_cast<std::size_t>(count));
        for (const auto value : field) {
            if constexpr (sizeof(T) == 1) {
                if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) {
                    model.fail(user, "constant '{}' holds {}, out of range of its type {}", name, value,
                               type_name(tensor.data_type()));
                }
            }
            values.push_back(static_cast<T>(value));
        }
        return values;
    }
};

}  // namespace

std::string type_name(int data_type) {
    if (!onnx::TensorProto::DataType_IsValid(data_type)) return fmt::format("number {}", data_type);
    return onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(data_type));
}

template <typename T>
ConstantArray<T> read_constant(const OnnxModel& model, const onnx::NodeProto& user, const std::string& name) {
    const onnx::TensorProto* tensor = model.constant(name);
    if (tensor == nullptr) model.fail(user, "its input '{}' is not a constant, expected an initialiser", name);
    const Reader reader{model, user, name, *tensor};
    reader.check_type(data_type_of<T>());
    const std::int64_t count = reader.elements();
    ConstantArray<T> array;
    array.dimensions.assign(tensor->dims().begin(), tensor->dims().end());
    array.values = tensor->has_raw_data() ? reader.raw_values<T>(count) : reader.typed_values<T>(count);
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
