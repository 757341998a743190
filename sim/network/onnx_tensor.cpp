// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_tensor.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "common/error.h"
#include "network/onnx_limits.h"

namespace widthwise {
namespace {

using Proto = onnx::TensorProto;

// Values are stored little-endian; copying them as they lie needs a machine that agrees.
static_assert(std::endian::native == std::endian::little);

template <typename T>
T load(const std::string& bytes, std::int64_t i) {
    T value;
    std::memcpy(&value, bytes.data() + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    return value;
}

template <typename T>
void store(std::string& bytes, std::int64_t i, T value) {
    std::memcpy(bytes.data() + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

/// A 16-bit float of IEEE 754 by its bits.
double half_value(std::uint16_t bits) {
    const int exponent = bits >> 10 & 0x1F;
    const int fraction = bits & 0x3FF;
    double value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 0x400, exponent - 25);
    if (exponent == 0x1F) {
        value = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    }
    return bits >> 15 != 0 ? -value : value;
}

/// bfloat16: the upper half of a float.
double bfloat16_value(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// Calls with a value of the C++ type that holds elements of an ONNX type; false where there is none with arithmetic.
template <typename Visitor>
bool with_type(int data_type, Visitor&& visit) {
    switch (data_type) {
        case Proto::FLOAT: visit(float{}); return true;
        case Proto::DOUBLE: visit(double{}); return true;
        case Proto::INT8:
        case kOnnxInt4: visit(std::int8_t{}); return true;
        case Proto::UINT8:
        case Proto::BOOL:
        case kOnnxUint4: visit(std::uint8_t{}); return true;
        case Proto::INT16: visit(std::int16_t{}); return true;
        case Proto::UINT16: visit(std::uint16_t{}); return true;
        case Proto::INT32: visit(std::int32_t{}); return true;
        case Proto::UINT32: visit(std::uint32_t{}); return true;
        case Proto::INT64: visit(std::int64_t{}); return true;
        case Proto::UINT64: visit(std::uint64_t{}); return true;
        default: return false;
    }
}

bool has_four_bits(int data_type) { return data_type == kOnnxUint4 || data_type == kOnnxInt4; }

[[noreturn]] void fail(const std::string& name, const std::string& problem) {
    throw InputError(fmt::format("constant '{}' {}", name, problem));
}

std::int64_t count_elements(const std::string& name, const std::vector<std::int64_t>& dimensions) {
    std::int64_t count = 1;
    for (const std::int64_t extent : dimensions) {
        if (extent < 0) fail(name, fmt::format("has the dimension {}", extent));
        if (extent > kMaxConstantValues || count * extent > kMaxConstantValues) {
            fail(name, fmt::format("has more than {} values, the most that is read", kMaxConstantValues));
        }
        count *= extent;
    }
    return count;
}

[[noreturn]] void fail_size(const std::string& name, std::int64_t held, std::int64_t expected) {
    fail(name, fmt::format("holds {} bytes or values, expected {} as its dimensions say", held, expected));
}

/// Two values a byte, the first in the lower half.
std::string unpack_four_bits(const std::string& packed, std::int64_t count, bool is_signed) {
    std::string values(static_cast<std::size_t>(count), '\0');
    for (std::int64_t i = 0; i < count; ++i) {
        const auto byte = static_cast<unsigned char>(packed[static_cast<std::size_t>(i / 2)]);
        const int nibble = i % 2 == 0 ? byte & 0xF : byte >> 4;
        values[static_cast<std::size_t>(i)] = static_cast<char>(is_signed && nibble > 7 ? nibble - 16 : nibble);
    }
    return values;
}

/// Values that the file stores one by one, as numbers.
template <typename Field>
void take_numbers(const std::string& name, const Field& field, ConstantTensor& tensor) {
    const std::int64_t count = tensor.elements();
    if (field.size() != count) fail_size(name, field.size(), count);
    tensor.bytes.assign(static_cast<std::size_t>(count * tensor.element_bytes()), '\0');
    const bool known = with_type(tensor.data_type, [&](auto zero) {
        using T = decltype(zero);
        for (std::int64_t i = 0; i < count; ++i) {
            const auto value = field.Get(static_cast<int>(i));
            if constexpr (sizeof(T) < 4) {
                const auto number = static_cast<double>(value);
                if (number < tensor.lowest() || number > tensor.highest()) {
                    fail(name,
                         fmt::format("holds {}, out of range of its type {}", value, type_name(tensor.data_type)));
                }
            }
            store(tensor.bytes, i, static_cast<T>(value));
        }
    });
    if (known) return;
    for (std::int64_t i = 0; i < count; ++i) {  // 16-bit floats, by their bits
        store(tensor.bytes, i, static_cast<std::uint16_t>(field.Get(static_cast<int>(i))));
    }
}

void take_typed_field(const std::string& name, const Proto& proto, ConstantTensor& tensor) {
    switch (tensor.data_type) {
        case Proto::FLOAT: return take_numbers(name, proto.float_data(), tensor);
        case Proto::DOUBLE: return take_numbers(name, proto.double_data(), tensor);
        case Proto::INT64: return take_numbers(name, proto.int64_data(), tensor);
        case Proto::UINT32:
        case Proto::UINT64: return take_numbers(name, proto.uint64_data(), tensor);
        default: break;
    }
    if (!has_four_bits(tensor.data_type)) return take_numbers(name, proto.int32_data(), tensor);
    const std::int64_t count = tensor.elements();  // packed as in raw data, a byte an entry
    if (proto.int32_data_size() != (count + 1) / 2) fail_size(name, proto.int32_data_size(), (count + 1) / 2);
    std::string packed;
    for (const int byte : proto.int32_data()) packed += static_cast<char>(byte & 0xFF);
    tensor.bytes = unpack_four_bits(packed, count, tensor.data_type == kOnnxInt4);
}

void take_raw(const std::string& name, std::string&& raw, ConstantTensor& tensor) {
    const std::int64_t count = tensor.elements();
    const bool packed = has_four_bits(tensor.data_type);
    const std::int64_t expected = packed ? (count + 1) / 2 : count * tensor.element_bytes();
    if (static_cast<std::int64_t>(raw.size()) != expected) {
        fail_size(name, static_cast<std::int64_t>(raw.size()), expected);
    }
    tensor.bytes = packed ? unpack_four_bits(raw, count, tensor.data_type == kOnnxInt4) : std::move(raw);
}

}  // namespace

int element_bytes(int data_type) {
    int size = data_type == Proto::FLOAT16 || data_type == Proto::BFLOAT16 ? 2 : 0;
    with_type(data_type, [&](auto zero) { size = sizeof zero; });
    return size;
}

int ConstantTensor::element_bytes() const { return widthwise::element_bytes(data_type); }

std::int64_t ConstantTensor::elements() const {
    std::int64_t count = 1;
    for (const std::int64_t extent : dimensions) count *= extent;
    return count;
}

double ConstantTensor::at(std::int64_t i) const {
    if (data_type == Proto::FLOAT16) return half_value(load<std::uint16_t>(bytes, i));
    if (data_type == Proto::BFLOAT16) return bfloat16_value(load<std::uint16_t>(bytes, i));
    double value = std::numeric_limits<double>::quiet_NaN();
    with_type(data_type, [&](auto zero) { value = static_cast<double>(load<decltype(zero)>(bytes, i)); });
    return value;
}

void ConstantTensor::set(std::int64_t i, double value) {
    with_type(data_type, [&](auto zero) {
        using T = decltype(zero);
        if constexpr (std::is_floating_point_v<T>) {
            store(bytes, i, static_cast<T>(value));
        } else {
            // Through 64 bits, since a conversion of what does not fit is undefined.
            const double limited = std::isnan(value) ? 0.0 : std::fmin(std::fmax(value, -0x1p62), 0x1p62);
            store(bytes, i, static_cast<T>(static_cast<std::int64_t>(limited)));
        }
    });
}

bool ConstantTensor::is_integer() const {
    bool integer = false;
    with_type(data_type, [&](auto zero) { integer = std::is_integral_v<decltype(zero)>; });
    return integer;
}

double ConstantTensor::lowest() const {
    if (data_type == kOnnxInt4) return -8;
    double value = 0;
    with_type(data_type,
              [&](auto zero) { value = static_cast<double>(std::numeric_limits<decltype(zero)>::lowest()); });
    return value;
}

double ConstantTensor::highest() const {
    if (data_type == kOnnxInt4) return 7;
    if (data_type == kOnnxUint4) return 15;
    double value = 0;
    with_type(data_type, [&](auto zero) { value = static_cast<double>(std::numeric_limits<decltype(zero)>::max()); });
    return value;
}

ConstantTensor make_constant(int data_type, std::vector<std::int64_t> dimensions) {
    ConstantTensor tensor;
    tensor.data_type = data_type;
    tensor.dimensions = std::move(dimensions);
    tensor.bytes.assign(static_cast<std::size_t>(tensor.elements() * tensor.element_bytes()), '\0');
    return tensor;
}

ConstantTensor make_integers(const std::vector<std::int64_t>& values) {
    ConstantTensor tensor = make_constant(Proto::INT64, {static_cast<std::int64_t>(values.size())});
    for (std::size_t i = 0; i < values.size(); ++i) store(tensor.bytes, static_cast<std::int64_t>(i), values[i]);
    return tensor;
}

std::string type_name(int data_type) {
    if (data_type == kOnnxUint4) return "UINT4";
    if (data_type == kOnnxInt4) return "INT4";
    if (!Proto::DataType_IsValid(data_type)) return fmt::format("number {}", data_type);
    return Proto::DataType_Name(static_cast<Proto::DataType>(data_type));
}

ConstantTensor take_constant(Proto&& proto) {
    const std::string name = proto.name();
    ConstantTensor tensor;
    tensor.data_type = proto.data_type();
    tensor.dimensions.assign(proto.dims().begin(), proto.dims().end());
    if (proto.data_location() == Proto::EXTERNAL || proto.external_data_size() != 0) {
        fail(name, "is stored outside the model file, expected it inside");
    }
    if (tensor.element_bytes() == 0) {
        fail(name, fmt::format("is of type {}, expected numbers", type_name(tensor.data_type)));
    }
    count_elements(name, tensor.dimensions);
    if (proto.has_raw_data()) take_raw(name, std::move(*proto.mutable_raw_data()), tensor);
    else take_typed_field(name, proto, tensor);
    return tensor;
}

}  // namespace widthwise
