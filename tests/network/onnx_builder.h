// SPDX-License-Identifier: Apache-2.0
// Builds small QDQ models, sound or broken on purpose, and imports them from a temporary file.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

#include "common/error.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"
#include "network/network.h"
#include "network/onnx_import.h"

namespace widthwise::test {

using Extents = std::vector<std::int64_t>;

inline void set(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
    onnx::AttributeProto* attribute = node.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(value);
}

inline void set(onnx::NodeProto& node, const std::string& name, float value) {
    onnx::AttributeProto* attribute = node.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::FLOAT);
    attribute->set_f(value);
}

inline void set(onnx::NodeProto& node, const std::string& name, const std::string& value) {
    onnx::AttributeProto* attribute = node.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::STRING);
    attribute->set_s(value);
}

inline void set(onnx::NodeProto& node, const std::string& name, const Extents& values) {
    onnx::AttributeProto* attribute = node.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute->add_ints(value);
}

template <typename T>
constexpr onnx::TensorProto::DataType onnx_type() {
    if constexpr (std::is_same_v<T, float>) return onnx::TensorProto::FLOAT;
    if constexpr (std::is_same_v<T, double>) return onnx::TensorProto::DOUBLE;
    if constexpr (std::is_same_v<T, std::int8_t>) return onnx::TensorProto::INT8;
    if constexpr (std::is_same_v<T, std::uint8_t>) return onnx::TensorProto::UINT8;
    if constexpr (std::is_same_v<T, std::int16_t>) return onnx::TensorProto::INT16;
    if constexpr (std::is_same_v<T, std::int32_t>) return onnx::TensorProto::INT32;
    return onnx::TensorProto::INT64;
}

/// A field of a protobuf message that holds bytes.
inline std::string field(int number, const std::string& bytes) {
    const auto varint = [](std::size_t rest) {
        std::string text;
        for (; rest > 0x7f; rest >>= 7U) text += static_cast<char>((rest & 0x7fU) | 0x80U);
        return text + static_cast<char>(rest);
    };
    return varint(static_cast<std::size_t>(number) << 3U | 2U) + varint(bytes.size()) + bytes;
}

/// Each step reads the tensor that the step before made; the returned node takes attributes.
class ChainBuilder {
public:
    explicit ChainBuilder(const Extents& input = {-1, 1, 4, 4}) {
        model_.set_ir_version(8);
        model_.add_opset_import()->set_version(13);
        graph().set_name("chain");
        onnx::ValueInfoProto* value = graph().add_input();
        value->set_name(current_);
        auto* type = value->mutable_type()->mutable_tensor_type();
        type->set_elem_type(onnx::TensorProto::FLOAT);
        for (const std::int64_t extent : input) {
            auto* dim = type->mutable_shape()->add_dim();
            if (extent == -1) dim->set_dim_param("N");
            else dim->set_dim_value(extent);
        }
    }

    onnx::GraphProto& graph() { return *model_.mutable_graph(); }
    onnx::ModelProto& model() { return model_; }
    [[nodiscard]] const std::string& current() const { return current_; }

    template <typename T>
    std::string constant(const std::string& name, const Extents& dims, const std::vector<T>& values) {
        onnx::TensorProto* tensor = graph().add_initializer();
        tensor->set_name(name);
        tensor->set_data_type(onnx_type<T>());
        for (const std::int64_t extent : dims) tensor->add_dims(extent);
        tensor->set_raw_data(values.data(), values.size() * sizeof(T));
        return name;
    }

    onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output) {
        onnx::NodeProto* made = graph().add_node();
        made->set_op_type(op);
        made->set_name(output + "_node");
        for (const std::string& input : inputs) made->add_input(input);
        made->add_output(output);
        return *made;
    }

    /// A node on the chain; its output is called `name`, the node `name`_node.
    onnx::NodeProto& step(const std::string& op, const std::string& name, const std::vector<std::string>& more = {}) {
        std::vector<std::string> inputs{current_};
        inputs.insert(inputs.end(), more.begin(), more.end());
        current_ = name;
        return node(op, inputs, name);
    }

    /// QuantizeLinear to `name`_q and DequantizeLinear to `name`_dq, zero point of type T.
    template <typename T>
    ChainBuilder& qdq(const std::string& name, float scale, int zero_point) {
        quantize<T>(name, scale, zero_point);
        dequantize(name);
        return *this;
    }
    template <typename T>
    onnx::NodeProto& quantize(const std::string& name, float scale, int zero_point) {
        constant<float>(name + "_scale", {}, {scale});
        constant<T>(name + "_zero", {}, {static_cast<T>(zero_point)});
        return step("QuantizeLinear", name + "_q", {name + "_scale", name + "_zero"});
    }
    onnx::NodeProto& dequantize(const std::string& name) {
        return step("DequantizeLinear", name + "_dq", {name + "_scale", name + "_zero"});
    }

    /// A constant behind its own DequantizeLinear, which puts out `name`.
    template <typename T>
    onnx::NodeProto& parameter(const std::string& name, const Extents& dims, const std::vector<T>& values,
                               const std::vector<float>& scales) {
        constant<T>(name + "_values", dims, values);
        constant<float>(name + "_scale", scales.size() == 1 ? Extents{} : Extents{std::int64_t(scales.size())}, scales);
        constant<T>(name + "_zero", scales.size() == 1 ? Extents{} : Extents{std::int64_t(scales.size())},
                    std::vector<T>(scales.size(), 0));
        return node("DequantizeLinear", {name + "_values", name + "_scale", name + "_zero"}, name);
    }

    /// Conv called "conv" with weights `w` (dims) behind a DequantizeLinear of scale 0.25.
    onnx::NodeProto& conv(const Extents& dims, const std::vector<std::int8_t>& weights) {
        parameter<std::int8_t>("w", dims, weights, {0.25F});
        return step("Conv", "conv", {"w"});
    }

    std::string bytes() {
        if (graph().output_size() == 0) graph().add_output()->set_name(current_);
        return model_.SerializeAsString();
    }

    Network import() {
        const TemporaryFile file(bytes());
        return import_onnx(file.path());
    }

    /// Importing must fail with a message that names the file and contains every one of `parts`.
    void expect_error(const std::vector<std::string>& parts) {
        const TemporaryFile file(bytes());
        expect_import_error(file.path(), parts);
    }

    static void expect_import_error(const std::string& path, const std::vector<std::string>& parts) {
        const std::string message = refusal([&] { import_onnx(path); });
        EXPECT_THAT(message, ::testing::HasSubstr(path));
        for (const std::string& part : parts) EXPECT_THAT(message, ::testing::HasSubstr(part));
    }

private:
    onnx::ModelProto model_;
    std::string current_ = "image";
};

/// image -> Q -> DQ, ready for an operator: uint8, scale 0.5, zero point 3.
inline ChainBuilder quantized_input(const Extents& input = {-1, 1, 4, 4}) {
    ChainBuilder builder(input);
    builder.qdq<std::uint8_t>("x", 0.5F, 3);
    return builder;
}

inline const Tensor& output_tensor(const Network& network) {
    return network.tensors[static_cast<std::size_t>(network.output)];
}

}  // namespace widthwise::test
