// SPDX-License-Identifier: Apache-2.0
// Graphs that branch, groups, and operators on integers: what becomes of them and what is refused. That their values
// are right is what the operator goldens (shipped_models_test.cpp) show.
#include <vector>

#include "network/onnx_builder.h"

namespace widthwise::test {
namespace {

using U8 = std::uint8_t;
using S8 = std::int8_t;

const Tensor& tensor(const Network& network, int index) { return network.tensors[static_cast<std::size_t>(index)]; }

/// image -> x, and y = conv(x) of the same shape.
ChainBuilder block() {
    ChainBuilder builder = quantized_input();
    builder.conv({1, 1, 1, 1}, {2});
    builder.qdq<U8>("y", 0.25F, 7);
    return builder;
}

TEST(BranchImport, AdditionReadsTwoTensors) {
    ChainBuilder builder = block();
    builder.step("Add", "sum", {"x_dq"});
    builder.step("Relu", "relu");
    builder.qdq<U8>("z", 0.5F, 4);
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 2U);
    const Operator& op = network.operators[1];
    EXPECT_EQ(op.kind, OperatorKind::addition);
    EXPECT_EQ(op.name, "sum_node");
    EXPECT_EQ(tensor(network, op.input).name, "y_q");
    EXPECT_EQ(tensor(network, op.second_input).name, "x_q");
    EXPECT_EQ(output_tensor(network).shape, (Shape{1, 4, 4}));
    EXPECT_EQ(op.clamp_low, 4);  // the Relu
    EXPECT_EQ(op.clamp_high, 255);
}

TEST(BranchImport, AdditionOfOneTensorWithItself) {
    ChainBuilder builder = quantized_input();
    builder.step("Add", "sum", {"x_dq"});
    builder.qdq<U8>("z", 0.5F, 4);
    const Operator op = builder.import().operators.at(0);
    EXPECT_EQ(op.input, op.second_input);
}

TEST(BranchImport, RefusesWhatCannotBeAdded) {
    ChainBuilder shapes = quantized_input();
    shapes.conv({2, 1, 3, 3}, std::vector<S8>(18, 1));
    shapes.qdq<U8>("y", 0.25F, 7);
    shapes.step("Add", "sum", {"x_dq"});
    shapes.qdq<U8>("z", 0.5F, 4).expect_error({"node 'sum_node' (Add)", "adds 2x2x2 and 1x4x4, expected equal shapes"});
    ChainBuilder integers = block();
    integers.step("Add", "sum", {"x_q"});
    integers.qdq<U8>("z", 0.5F, 4)
        .expect_error({"node 'sum_node' (Add)", "'x_q' is quantized, expected a DequantizeLinear"});
    ChainBuilder sums = quantized_input();
    sums.conv({1, 1, 1, 1}, {2});
    sums.step("Add", "sum", {"x_dq"});
    sums.qdq<U8>("z", 0.5F, 4).expect_error({"node 'sum_node' (Add)", "follows node 'conv_node' (Conv) directly"});
}

TEST(BranchImport, LeavesOutResultsThatNobodyReads) {
    ChainBuilder builder = block();
    builder.node("MaxPool", {"x_dq"}, "side_max");
    set(*builder.graph().mutable_node(builder.graph().node_size() - 1), "kernel_shape", Extents{2, 2});
    builder.constant<float>("side_scale", {}, {0.5F});
    builder.constant<U8>("side_zero", {}, {3});
    builder.node("QuantizeLinear", {"side_max", "side_scale", "side_zero"}, "side_q");
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 1U);
    EXPECT_EQ(network.operators[0].name, "conv_node");
}

TEST(GroupImport, DepthwiseWeightsAreOfOneChannel) {
    ChainBuilder builder({-1, 3, 5, 5});
    builder.qdq<U8>("x", 0.5F, 3);
    set(builder.conv({6, 1, 3, 3}, std::vector<S8>(54, 1)), "group", std::int64_t{3});
    builder.qdq<U8>("y", 0.5F, 3);
    const Operator op = builder.import().operators.at(0);
    EXPECT_EQ(op.groups, 3);
    EXPECT_EQ(op.weights.input_channels, 1);
    EXPECT_EQ(op.weights.output_channels, 6);
    ChainBuilder wrong({-1, 4, 5, 5});
    wrong.qdq<U8>("x", 0.5F, 3);
    set(wrong.conv({6, 1, 3, 3}, std::vector<S8>(54, 1)), "group", std::int64_t{2});
    wrong.qdq<U8>("y", 0.5F, 3).expect_error({"take 1 channels (group 2), but its input has 2"});
}

TEST(InputImport, ClipDeclaresANarrowInput) {
    const auto clipped = [](float high) {
        ChainBuilder builder;
        builder.constant<float>("low", {}, {0.0F});
        builder.constant<float>("high", {}, {high});
        builder.step("Clip", "clip", {"low", "high"});
        builder.qdq<U8>("x", 0.5F, 0);
        builder.conv({1, 1, 3, 3}, std::vector<S8>(9, 1));
        builder.qdq<U8>("y", 0.5F, 0);
        return builder;
    };
    const Network network = clipped(7.5F).import();
    EXPECT_EQ(tensor(network, network.input).quantization.bits, 4);
    clipped(7.0F).expect_error({"node 'x_q_node' (QuantizeLinear)", "clipped to 0..14", "such as 0..15"});
}

/// QLinearConv 3x3 of x (scale 0.5, zero point 3) with weights of scale 0.25.
ChainBuilder integer_conv(float input_scale = 0.5F) {
    ChainBuilder builder;
    builder.quantize<U8>("x", 0.5F, 3);
    builder.constant<float>("a_scale", {}, {input_scale});
    builder.constant<S8>("w", {1, 1, 3, 3}, std::vector<S8>(9, 2));
    builder.constant<float>("w_scale", {}, {0.25F});
    builder.constant<S8>("w_zero", {}, {0});
    builder.constant<float>("y_scale", {}, {1.5F});
    builder.constant<S8>("y_zero", {}, {-5});
    builder.constant<std::int32_t>("bias", {1}, {77});
    builder.step("QLinearConv", "y_q", {"a_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero", "bias"});
    return builder;
}

TEST(IntegerImport, QLinearConv) {
    const Network network = integer_conv().import();
    const Operator& op = network.operators.at(0);
    EXPECT_EQ(op.kind, OperatorKind::convolution);
    EXPECT_EQ(op.weights.scales, std::vector<float>{0.25F});
    EXPECT_EQ(op.weights.bias, std::vector<std::int32_t>{77});
    const Quantization& out = output_tensor(network).quantization;
    EXPECT_TRUE(out.is_signed);
    EXPECT_EQ(out.scale, 1.5F);
    EXPECT_EQ(out.zero_point, -5);
    integer_conv(0.4F).expect_error({"node 'y_q_node' (QLinearConv)",
                                     "takes uint8, scale 0.4, zero point 3, but 'x_q' is "
                                     "uint8, scale 0.5, zero point 3"});
}

TEST(IntegerImport, TakesTheZeroPointOffItsWeights) {
    const std::vector<std::int16_t> symmetric = integer_conv().import().operators.at(0).weights.values;
    ChainBuilder builder = integer_conv();
    for (auto& constant : *builder.graph().mutable_initializer()) {
        if (constant.name() == "w_zero") constant.set_raw_data("\x01", 1);
    }
    const std::vector<std::int16_t> shifted = builder.import().operators.at(0).weights.values;
    for (std::size_t i = 0; i < symmetric.size(); ++i) EXPECT_EQ(shifted[i], symmetric[i] - 1) << i;
}

TEST(IntegerImport, RefusesRealInputs) {
    ChainBuilder real = integer_conv();
    real.graph().mutable_node(0)->set_output(0, "other");
    real.graph().mutable_node(1)->set_input(0, "image");
    real.expect_error({"node 'y_q_node' (QLinearConv)", "'image' is not quantized"});
}

/// MatMulInteger of a vector of 4, zero point 3, then Cast and Mul by `scale`.
ChainBuilder integer_sums(const std::vector<float>& scale) {
    ChainBuilder builder({-1, 4});
    builder.quantize<U8>("x", 0.5F, 3);
    builder.constant<S8>("w", {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    builder.step("MatMulInteger", "integers", {"w", "x_zero"});
    set(builder.step("Cast", "cast"), "to", std::int64_t{onnx::TensorProto::FLOAT});
    builder.constant<float>("scale", scale.size() == 1 ? Extents{} : Extents{std::int64_t(scale.size())}, scale);
    builder.step("Mul", "real", {"scale"});
    builder.qdq<U8>("y", 0.5F, 0);
    return builder;
}

TEST(IntegerImport, MatMulIntegerTakesItsScaleFromTheMul) {
    const Network network = integer_sums({0.125F}).import();
    const Operator& op = network.operators.at(0);
    EXPECT_EQ(op.kind, OperatorKind::fully_connected);
    EXPECT_EQ(op.weights.scales, std::vector<float>{0.25F});
    EXPECT_EQ(op.weights.values, (std::vector<std::int16_t>{1, 3, 5, 7, 2, 4, 6, 8}));
    EXPECT_EQ(integer_sums({0.125F, 0.25F}).import().operators.at(0).weights.scales, (std::vector<float>{0.25F, 0.5F}));
    integer_sums({0.1F, 0.1F, 0.1F}).expect_error({"node 'real_node' (Mul)", "[3]", "one per channel (2)"});
    integer_sums({0.0F}).expect_error({"node 'real_node' (Mul)", "finite scale above zero"});
}

TEST(IntegerImport, SumsNeedCastAndMul) {
    ChainBuilder builder({-1, 4});
    builder.quantize<U8>("x", 0.5F, 3);
    builder.constant<S8>("w", {4, 2}, std::vector<S8>(8, 1));
    builder.step("MatMulInteger", "integers", {"w", "x_zero"});
    builder.qdq<U8>("y", 0.5F, 0);
    builder.expect_error({"node 'integers_node' (MatMulInteger)", "without Cast and Mul"});
}

}  // namespace
}  // namespace widthwise::test
