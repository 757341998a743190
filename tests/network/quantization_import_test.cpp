// SPDX-License-Identifier: Apache-2.0
// QuantizeLinear and DequantizeLinear on the chain: types, scales, zero points, and pairs that must agree.
#include <limits>

#include "network/onnx_builder.h"

namespace widthwise::test {
namespace {

using U8 = std::uint8_t;
using I8 = std::int8_t;

/// image -> Q -> DQ -> Conv -> Q -> DQ, sound.
ChainBuilder sound() {
    ChainBuilder builder = quantized_input();
    builder.conv({1, 1, 1, 1}, {1});
    builder.qdq<U8>("y", 0.25F, 7);
    return builder;
}

onnx::TensorProto& initializer(ChainBuilder& builder, const std::string& name) {
    for (onnx::TensorProto& tensor : *builder.graph().mutable_initializer()) {
        if (tensor.name() == name) return tensor;
    }
    throw std::logic_error("no initialiser " + name);
}

void set_float(onnx::TensorProto& tensor, float value) { tensor.set_raw_data(&value, sizeof value); }

TEST(QuantizationImport, RefusesScalesThatAreNotPositiveAndFinite) {
    for (const float scale :
         {0.0F, -0.5F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        for (const std::string name : {"x_scale", "w_scale", "y_scale"}) {
            ChainBuilder builder = sound();
            set_float(initializer(builder, name), scale);
            builder.expect_error({"Linear)", "scale '" + name + "'", "finite value above zero"});
        }
    }
}

TEST(QuantizationImport, RefusesTypesAndSizes) {
    ChainBuilder type = quantized_input();
    type.conv({1, 1, 1, 1}, {1});
    type.qdq<std::int16_t>("y", 0.25F, 7).expect_error({"node 'y_q_node'", "type INT16, expected UINT8 or INT8"});
    ChainBuilder wide = quantized_input();
    wide.conv({1, 1, 1, 1}, {1});
    wide.qdq<std::int32_t>("y", 0.25F, 7).expect_error({"node 'y_q_node'", "INT32, expected UINT8 or INT8"});
    ChainBuilder doubles = sound();
    initializer(doubles, "x_scale").set_data_type(onnx::TensorProto::DOUBLE);
    initializer(doubles, "x_scale").set_raw_data(std::string(8, '\0'));
    doubles.expect_error({"'x_scale' is of type DOUBLE, expected FLOAT"});
    ChainBuilder unknown = sound();
    initializer(unknown, "x_scale").set_data_type(99);
    unknown.expect_error({"'x_scale' is of type number 99"});
    ChainBuilder truncated = sound();
    initializer(truncated, "x_scale").set_raw_data("ab");
    truncated.expect_error({"'x_scale' holds 2 bytes", "expected 4"});
    ChainBuilder none = sound();
    initializer(none, "x_scale").add_dims(0);
    initializer(none, "x_scale").clear_raw_data();
    none.expect_error({"'x_scale' has no value"});
    ChainBuilder channels = sound();
    const std::vector<float> scales{0.5F, 0.5F};
    initializer(channels, "y_scale").add_dims(2);
    initializer(channels, "y_scale").set_raw_data(scales.data(), 8);
    initializer(channels, "y_zero").add_dims(2);
    initializer(channels, "y_zero").set_raw_data("\7\7");
    channels.expect_error({"node 'y_q_node'", "has 2 scales, expected one"});
}

TEST(QuantizationImport, RefusesZeroPointsOutOfRange) {
    ChainBuilder builder = sound();
    initializer(builder, "x_zero").clear_raw_data();
    initializer(builder, "x_zero").add_int32_data(256);
    builder.expect_error({"'x_zero' holds 256", "out of range"});
    ChainBuilder count = sound();
    initializer(count, "x_zero").add_dims(2);
    initializer(count, "x_zero").set_raw_data("ab");
    count.expect_error({"x_q_node", "2 zero points, expected 1"});
}

TEST(QuantizationImport, OmittedZeroPointIsUnsignedZero) {
    ChainBuilder builder({-1, 1, 4, 4});
    builder.constant<float>("s", {}, {0.5F});
    builder.step("QuantizeLinear", "x_q", {"s"});
    builder.step("DequantizeLinear", "x_dq", {"s"});
    builder.conv({1, 1, 1, 1}, {1});
    const Network network = builder.qdq<I8>("y", 0.25F, -7).import();
    EXPECT_EQ(network.tensors[0].quantization, (Quantization{false, 8, 0, 0.5F}));
    EXPECT_EQ(network.tensors[1].quantization, (Quantization{true, 8, -7, 0.25F}));
}

TEST(QuantizationImport, PairsMustAgree) {
    ChainBuilder scale({-1, 1, 4, 4});
    scale.quantize<U8>("x", 0.5F, 3);
    scale.constant<float>("s", {}, {0.25F});
    scale.step("DequantizeLinear", "x_dq", {"s", "x_zero"});
    scale.conv({1, 1, 1, 1}, {1});
    scale.qdq<U8>("y", 0.25F, 7).expect_error({"node 'x_dq_node'", "dequantizes uint8, scale 0.25", "scale 0.5"});
    ChainBuilder type({-1, 1, 4, 4});
    type.quantize<U8>("x", 0.5F, 3);
    type.constant<I8>("z", {}, {3});
    type.step("DequantizeLinear", "x_dq", {"x_scale", "z"});
    type.conv({1, 1, 1, 1}, {1});
    type.qdq<U8>("y", 0.25F, 7).expect_error({"node 'x_dq_node'", "dequantizes int8", "is uint8"});
}

TEST(QuantizationImport, RepeatedEqualPairsAreHarmless) {
    ChainBuilder builder = sound();
    builder.qdq<U8>("z", 0.25F, 7);
    EXPECT_EQ(builder.import().tensors.size(), 2U);
}

TEST(QuantizationImport, ChainsMustAlternate) {
    ChainBuilder raw;
    raw.conv({1, 1, 1, 1}, {1});
    raw.qdq<U8>("y", 0.25F, 7).expect_error({"node 'conv_node' (Conv)", "'image' is not quantized"});
    ChainBuilder integers;
    integers.quantize<U8>("x", 0.5F, 0);
    integers.conv({1, 1, 1, 1}, {1});
    integers.qdq<U8>("y", 0.25F, 7).expect_error({"conv_node", "expected a DequantizeLinear before"});
    ChainBuilder direct = quantized_input();
    direct.conv({1, 1, 1, 1}, {1});
    set(direct.step("AveragePool", "pool"), "kernel_shape", Extents{2, 2});
    direct.qdq<U8>("y", 0.25F, 7);
    direct.expect_error({"node 'pool_node' (AveragePool)", "follows node 'conv_node' (Conv) directly"});
    ChainBuilder twice;
    twice.quantize<U8>("x", 0.5F, 0);
    twice.quantize<U8>("y", 0.5F, 0);
    twice.expect_error({"node 'y_q_node'", "quantized already"});
    ChainBuilder first;
    first.constant<float>("x_scale", {}, {0.5F});
    first.constant<U8>("x_zero", {}, {0});
    first.dequantize("x");
    first.expect_error({"node 'x_dq_node'", "'image' is not quantized"});
    ChainBuilder open = quantized_input();
    set(open.step("AveragePool", "pool"), "kernel_shape", Extents{2, 2});
    open.expect_error({"node 'pool_node' (AveragePool)", "not quantized before the graph output"});
    ChainBuilder nothing = quantized_input();
    nothing.expect_error({"computes nothing"});
}

TEST(QuantizationImport, MayEndWithSums) {
    ChainBuilder builder = quantized_input();
    builder.conv({2, 1, 4, 4}, std::vector<std::int8_t>(32, 1));
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 1U);
    const Operator& op = network.operators.front();
    EXPECT_TRUE(op.sums_leave);
    EXPECT_EQ(op.output, network.output);
    EXPECT_EQ(output_tensor(network).name, "conv");
    EXPECT_EQ(output_tensor(network).shape, (Shape{2, 1, 1}));
    EXPECT_EQ(op.sum_scale(network, 1), 0.5 * 0.25);
}

/// What follows the sums, or makes none, needs a quantizer still.
TEST(QuantizationImport, NothingElseMayEndUnquantized) {
    ChainBuilder relu = quantized_input();
    relu.conv({1, 1, 1, 1}, {1});
    relu.step("Relu", "relu");
    relu.expect_error({"node 'conv_node' (Conv)", "not quantized before the graph output"});
    ChainBuilder pool = quantized_input();
    set(pool.step("AveragePool", "pool"), "kernel_shape", Extents{2, 2});
    pool.expect_error({"node 'pool_node' (AveragePool)", "not quantized before the graph output"});
}

TEST(QuantizationImport, MayEndQuantized) {
    ChainBuilder builder = quantized_input();
    builder.conv({1, 1, 1, 1}, {1});
    builder.quantize<I8>("y", 0.25F, 7);
    EXPECT_EQ(output_tensor(builder.import()).name, "y_q");
}

TEST(QuantizationImport, RefusesBlockwiseQuantization) {
    ChainBuilder builder;
    set(builder.quantize<U8>("x", 0.5F, 0), "block_size", std::int64_t{16});
    builder.expect_error({"x_q_node", "block_size is 16"});
}

}  // namespace
}  // namespace widthwise::test
