// SPDX-License-Identifier: Apache-2.0
// Weights and biases: layout, bits, scales per channel, and what is refused.
#include <limits>

#include "network/onnx_builder.h"

namespace widthwise::test {
namespace {

using U8 = std::uint8_t;
using I8 = std::int8_t;

TEST(WeightImport, FewestBitsThatHoldEveryValue) {
    const auto bits = [](std::vector<I8> values) {
        ChainBuilder builder = quantized_input();
        values.resize(9);
        builder.conv({1, 1, 3, 3}, values);
        return builder.qdq<U8>("y", 0.5F, 0).import().operators[0].weights.bits;
    };
    EXPECT_EQ(bits({}), 2);
    EXPECT_EQ(bits({1, -2}), 2);
    EXPECT_EQ(bits({2}), 3);
    EXPECT_EQ(bits({-8, 7}), 4);
    EXPECT_EQ(bits({8}), 5);
    EXPECT_EQ(bits({-64}), 7);
    EXPECT_EQ(bits({-128}), 8);
}

TEST(WeightImport, ConvolutionsPerChannel) {
    ChainBuilder builder = quantized_input();
    set(builder.parameter<I8>("w", {2, 1, 1, 2}, {1, 2, 3, 4}, {0.25F, 0.5F}), "axis", std::int64_t{0});
    builder.step("Conv", "conv", {"w"});
    const Network network = builder.qdq<U8>("y", 0.5F, 0).import();
    const Weights& weights = network.operators[0].weights;
    EXPECT_EQ(weights.values, (std::vector<std::int16_t>{1, 2, 3, 4}));
    EXPECT_EQ(weights.scales, (std::vector<float>{0.25F, 0.5F}));
    EXPECT_EQ(weights.scale(1), 0.5F);
    EXPECT_EQ(weights.output_channels, 2);
    EXPECT_EQ(weights.kernel_width, 2);
    EXPECT_TRUE(weights.bias.empty());
}

/// A fully connected layer of 2 inputs and 3 outputs; `transposed` stores the matrix as 3 x 2.
Network gemm(bool transposed, std::int64_t axis) {
    ChainBuilder builder = quantized_input({-1, 2});
    const Extents dims = transposed ? Extents{3, 2} : Extents{2, 3};
    const std::vector<I8> values = transposed ? std::vector<I8>{1, 2, 3, 4, 5, 6} : std::vector<I8>{1, 3, 5, 2, 4, 6};
    set(builder.parameter<I8>("w", dims, values, {0.25F, 0.5F, 1.0F}), "axis", axis);
    set(builder.step("Gemm", "gemm", {"w"}), "transB", std::int64_t{transposed});
    return builder.qdq<U8>("y", 0.5F, 0).import();
}

TEST(WeightImport, MatricesAreStoredOutByIn) {
    for (const Network& network : {gemm(true, 0), gemm(true, -2), gemm(false, 1), gemm(false, -1)}) {
        const Operator& op = network.operators[0];
        EXPECT_EQ(op.kind, OperatorKind::fully_connected);
        EXPECT_EQ(op.weights.values, (std::vector<std::int16_t>{1, 2, 3, 4, 5, 6}));
        EXPECT_EQ(op.weights.output_channels, 3);
        EXPECT_EQ(op.weights.input_channels, 2);
        EXPECT_EQ(output_tensor(network).shape, (Shape{3, 1, 1}));
        EXPECT_EQ(multiply_accumulates(network, op), 6);
    }
    EXPECT_THROW(gemm(true, 1), InputError);
    EXPECT_THROW(gemm(false, 0), InputError);
}

TEST(WeightImport, FloatWeightsBehindQuantizeLinear) {
    ChainBuilder builder = quantized_input();
    builder.constant<float>("wf", {2, 1, 1, 2}, {0.125F, -0.375F, 1e9F, -1.0F});
    builder.constant<float>("ws", {2}, {0.25F, 0.5F});
    builder.constant<I8>("wz", {2}, {0, 0});
    set(builder.node("QuantizeLinear", {"wf", "ws", "wz"}, "wq"), "axis", std::int64_t{0});
    set(builder.node("DequantizeLinear", {"wq", "ws", "wz"}, "w"), "axis", std::int64_t{0});
    builder.step("Conv", "conv", {"w"});
    const Network network = builder.qdq<U8>("y", 0.5F, 0).import();
    EXPECT_EQ(network.operators[0].weights.values,
              (std::vector<std::int16_t>{0, -2, 127, -2}));  // 0.5 and -1.5 to even
}

TEST(WeightImport, ConstantNodesServeAsInitialisers) {
    ChainBuilder builder = quantized_input();
    builder.conv({1, 1, 1, 1}, {7});
    builder.qdq<U8>("y", 0.5F, 0);
    onnx::GraphProto& graph = builder.graph();
    for (int i = 0; i < graph.initializer_size(); ++i) {
        if (graph.initializer(i).name() != "w_values") continue;
        onnx::NodeProto constant;
        constant.set_op_type("Constant");
        constant.add_output("w_values");
        onnx::AttributeProto* attribute = constant.add_attribute();
        attribute->set_name("value");
        attribute->set_type(onnx::AttributeProto::TENSOR);
        *attribute->mutable_t() = graph.initializer(i);
        graph.mutable_initializer()->DeleteSubrange(i, 1);
        *graph.add_node() = constant;
        break;
    }
    for (int i = graph.node_size() - 1; i > 0; --i) graph.mutable_node()->SwapElements(i, i - 1);
    EXPECT_EQ(builder.import().operators[0].weights.values, std::vector<std::int16_t>{7});
}

TEST(WeightImport, ValuesInTypedFields) {
    ChainBuilder builder = quantized_input();
    builder.conv({1, 1, 1, 2}, {0, 0});
    builder.qdq<U8>("y", 0.5F, 0);
    for (onnx::TensorProto& tensor : *builder.graph().mutable_initializer()) {
        if (tensor.name() != "w_values") continue;
        tensor.clear_raw_data();
        tensor.add_int32_data(-128);
        tensor.add_int32_data(5);
    }
    EXPECT_EQ(builder.import().operators[0].weights.values, (std::vector<std::int16_t>{-128, 5}));
    for (onnx::TensorProto& tensor : *builder.graph().mutable_initializer()) {
        if (tensor.name() == "w_values") tensor.set_int32_data(1, 128);
    }
    builder.expect_error({"'w_values' holds 128", "out of range", "INT8"});
    for (onnx::TensorProto& tensor : *builder.graph().mutable_initializer()) {
        if (tensor.name() == "w_values") tensor.add_int32_data(1);
    }
    builder.expect_error({"'w_values' holds 3", "expected 2"});
}

TEST(WeightImport, RefusesWeightsThatAreNoIntegersOfEightBits) {
    ChainBuilder real = quantized_input();
    real.constant<float>("w", {1, 1, 1, 1}, {1.0F});
    real.step("Conv", "conv", {"w"});
    real.qdq<U8>("y", 0.5F, 0).expect_error({"node 'conv_node' (Conv)", "'w' are not quantized"});
    ChainBuilder wide = quantized_input();
    wide.parameter<std::int32_t>("w", {1, 1, 1, 1}, {1}, {0.25F});
    wide.step("Conv", "conv", {"w"});
    wide.qdq<U8>("y", 0.5F, 0).expect_error({"'w' are of type INT32, expected INT8"});
    ChainBuilder count = quantized_input();
    set(count.parameter<I8>("w", {2, 1, 1, 1}, {1, 1}, {0.5F, 0.5F, 0.5F}), "axis", std::int64_t{0});
    count.step("Conv", "conv", {"w"});
    count.qdq<U8>("y", 0.5F, 0).expect_error({"node 'w_node'", "3 scales for 2 output channels"});
}

TEST(WeightImport, RefusesWrongSizesAndForeignStorage) {
    ChainBuilder shorter = quantized_input();
    shorter.conv({1, 1, 3, 3}, {1, 2, 3});
    shorter.qdq<U8>("y", 0.5F, 0).expect_error({"'w_values' holds 3 bytes", "expected 9"});
    ChainBuilder huge = quantized_input();
    huge.conv({1LL << 40, 1LL << 40, 3, 3}, {1});
    huge.qdq<U8>("y", 0.5F, 0).expect_error({"'w_values' has more than"});
    ChainBuilder negative = quantized_input();
    negative.conv({1, 1, -3, 3}, {1});
    negative.qdq<U8>("y", 0.5F, 0).expect_error({"'w_values' has the dimension -3"});
    ChainBuilder empty = quantized_input();
    empty.conv({0, 1, 3, 3}, {});
    empty.qdq<U8>("y", 0.5F, 0).expect_error({"shape [0, 1, 3, 3]", "above zero"});
    ChainBuilder external = quantized_input();
    external.conv({1, 1, 1, 1}, {1});
    external.qdq<U8>("y", 0.5F, 0);
    for (onnx::TensorProto& tensor : *external.graph().mutable_initializer()) {
        if (tensor.name() == "w_values") tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    }
    external.expect_error({"'w_values' is stored outside the model file"});
}

TEST(WeightImport, RefusesGemmForms) {
    for (const float alpha : {0.0F, -1.0F, std::numeric_limits<float>::infinity()}) {
        ChainBuilder builder = quantized_input({-1, 2});
        builder.parameter<I8>("w", {2, 1}, {1, 1}, {0.25F});
        set(builder.step("Gemm", "gemm", {"w"}), "alpha", alpha);
        builder.qdq<U8>("y", 0.5F, 0).expect_error({"node 'gemm_node' (Gemm)", "attribute alpha is ", "above 0"});
    }
    ChainBuilder transposed = quantized_input({-1, 2});
    transposed.parameter<I8>("w", {2, 1}, {1, 1}, {0.25F});
    set(transposed.step("Gemm", "gemm", {"w"}), "transA", std::int64_t{1});
    transposed.qdq<U8>("y", 0.5F, 0).expect_error({"transA is 1"});
    ChainBuilder left = quantized_input({-1, 2});
    left.parameter<I8>("w", {2, 2}, {1, 1, 1, 1}, {0.25F});
    left.node("MatMul", {"w", left.current()}, "matmul");
    left.graph().add_output()->set_name("matmul");
    left.expect_error({"node 'matmul_node' (MatMul)", "weights belong on the right"});
    ChainBuilder image = quantized_input();
    image.parameter<I8>("w", {4, 1}, {1, 1, 1, 1}, {0.25F});
    image.step("MatMul", "matmul", {"w"});
    image.qdq<U8>("y", 0.5F, 0).expect_error({"matmul_node", "a Flatten or Reshape before it"});
    ChainBuilder features = quantized_input({-1, 3});
    features.parameter<I8>("w", {2, 1}, {1, 1}, {0.25F});
    features.step("MatMul", "matmul", {"w"});
    features.qdq<U8>("y", 0.5F, 0).expect_error({"matmul_node", "take 2 features, but its input has 3"});
}

TEST(BiasImport, IntegersBehindDequantizeLinear) {
    ChainBuilder builder = quantized_input();
    set(builder.parameter<I8>("w", {2, 1, 1, 1}, {1, 2}, {0.25F, 0.5F}), "axis", std::int64_t{0});
    set(builder.parameter<std::int32_t>("b", {2}, {-70000, 2147483647}, {0.125F, 0.25F}), "axis", std::int64_t{0});
    builder.step("Conv", "conv", {"w", "b"});
    const Network network = builder.qdq<U8>("y", 0.5F, 0).import();
    EXPECT_EQ(network.operators[0].weights.bias, (std::vector<std::int32_t>{-70000, 2147483647}));
}

TEST(BiasImport, FloatsAreQuantizedHalfToEven) {
    ChainBuilder builder = quantized_input();
    builder.parameter<I8>("w", {3, 1, 1, 1}, {1, 2, 3}, {0.25F});
    builder.constant<float>("b", {3}, {0.0625F, 0.1875F, -100.0F});  // 0.5, 1.5 and -800 steps of 0.125
    builder.step("Conv", "conv", {"w", "b"});
    const Network network = builder.qdq<U8>("y", 0.5F, 0).import();
    EXPECT_EQ(network.operators[0].weights.bias, (std::vector<std::int32_t>{0, 2, -800}));
}

TEST(BiasImport, GemmAndAddAfterMatMul) {
    ChainBuilder c = quantized_input({-1, 2});
    c.parameter<I8>("w", {2, 2}, {1, 2, 3, 4}, {0.25F});
    c.parameter<std::int32_t>("b", {1, 2}, {5, 6}, {0.125F});
    c.step("Gemm", "gemm", {"w", "b"});
    EXPECT_EQ(c.qdq<U8>("y", 0.5F, 0).import().operators[0].weights.bias, (std::vector<std::int32_t>{5, 6}));
    for (const bool right : {true, false}) {
        ChainBuilder add = quantized_input({-1, 2});
        add.parameter<I8>("w", {2, 2}, {1, 2, 3, 4}, {0.25F});
        add.parameter<std::int32_t>("b", {2}, {5, 6}, {0.125F});
        add.step("MatMul", "matmul", {"w"});
        onnx::NodeProto& node = add.step("Add", "add", {"b"});
        if (!right) node.mutable_input()->SwapElements(0, 1);
        add.step("Relu", "relu");
        const Network network = add.qdq<U8>("y", 0.5F, 0).import();
        EXPECT_EQ(network.operators[0].weights.bias, (std::vector<std::int32_t>{5, 6}));
        EXPECT_EQ(network.operators[0].name, "matmul_node");
        EXPECT_EQ(network.operators[0].activation, Activation::relu);
    }
}

TEST(BiasImport, QuantizesBiasesOfAnotherScaleAnew) {
    ChainBuilder scale = quantized_input();
    scale.parameter<I8>("w", {1, 1, 1, 1}, {1}, {0.25F});
    scale.parameter<std::int32_t>("b", {1}, {5}, {1.0F});
    scale.step("Conv", "conv", {"w", "b"});
    scale.qdq<U8>("y", 0.5F, 0);
    EXPECT_EQ(scale.import().operators.at(0).weights.bias, std::vector<std::int32_t>{40});  // 5 / (0.5 * 0.25)
}

TEST(BiasImport, OfAGemmMayBeOneValueForAll) {
    ChainBuilder builder = quantized_input({-1, 2});
    builder.parameter<I8>("w", {2, 3}, {1, 2, 3, 4, 5, 6}, {0.25F});
    builder.constant<float>("b", {}, {1.0F});
    builder.step("Gemm", "gemm", {"w", "b"});
    builder.qdq<U8>("y", 0.5F, 0);
    EXPECT_EQ(builder.import().operators.at(0).weights.bias, (std::vector<std::int32_t>{8, 8, 8}));
}

TEST(BiasImport, RefusesOtherShapesAndPlaces) {
    ChainBuilder shape = quantized_input();
    shape.parameter<I8>("w", {1, 1, 1, 1}, {1}, {0.25F});
    shape.parameter<std::int32_t>("b", {2}, {5, 5}, {0.125F});
    shape.step("Conv", "conv", {"w", "b"});
    shape.qdq<U8>("y", 0.5F, 0).expect_error({"node 'conv_node' (Conv)", "bias 'b' has the shape [2], expected [1]"});
    for (const float value : {1e12F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        ChainBuilder large = quantized_input();
        large.parameter<I8>("w", {1, 1, 1, 1}, {1}, {0.25F});
        large.constant<float>("b", {1}, {value});
        large.step("Conv", "conv", {"w", "b"});
        large.qdq<U8>("y", 0.5F, 0).expect_error({"conv_node", "does not fit 32 bits"});
    }
    ChainBuilder twice = quantized_input({-1, 2});
    twice.parameter<I8>("w", {2, 1}, {1, 2}, {0.25F});
    twice.parameter<std::int32_t>("b", {1}, {5}, {0.125F});
    twice.step("Gemm", "gemm", {"w", "b"});
    twice.step("Add", "add", {"b"});
    twice.qdq<U8>("y", 0.5F, 0).expect_error({"node 'add_node' (Add)", "only supported as the bias directly behind"});
    ChainBuilder late = quantized_input({-1, 2});
    late.parameter<I8>("w", {2, 1}, {1, 2}, {0.25F});
    late.parameter<std::int32_t>("b", {1}, {5}, {0.125F});
    late.step("MatMul", "matmul", {"w"});
    late.qdq<U8>("m", 0.5F, 0).step("Add", "add", {"b"});
    late.qdq<U8>("y", 0.5F, 0).expect_error({"node 'b_node' (DequantizeLinear)", "INT32, expected UINT8 or INT8"});
}

}  // namespace
}  // namespace widthwise::test
