// SPDX-License-Identifier: Apache-2.0
// Constants that are added to a feature map: what becomes of them and what is refused.
#include <vector>

#include "network/onnx_builder.h"

namespace widthwise::test {
namespace {

using U8 = std::uint8_t;
using S8 = std::int8_t;

/// image -> x of two channels, dequantized; then a constant `c` of scale 0.125 and zero point 5.
template <typename T>
ChainBuilder with_constant(const Extents& dims, const std::vector<T>& values) {
    ChainBuilder builder = quantized_input({-1, 2, 4, 4});
    builder.constant<T>("c_values", dims, values);
    builder.constant<float>("c_scale", {}, {0.125F});
    builder.constant<T>("c_zero", {}, {5});
    builder.node("DequantizeLinear", {"c_values", "c_scale", "c_zero"}, "c");
    return builder;
}

TEST(ConstantAddition, TakesOneValueForAllChannels) {
    ChainBuilder builder = with_constant<S8>({}, {-7});
    builder.step("Add", "sum", {"c"});
    builder.step("Relu", "relu");
    const Network network = builder.qdq<U8>("y", 0.5F, 4).import();
    ASSERT_EQ(network.operators.size(), 1U);
    const Operator& op = network.operators[0];
    EXPECT_EQ(op.kind, OperatorKind::addition);
    EXPECT_EQ(op.name, "sum_node");
    EXPECT_EQ(op.second_input, -1);
    ASSERT_TRUE(op.constant);
    EXPECT_EQ(*op.constant, (AddedConstant{{-7, -7}, {true, 8, 5, 0.125F}, false}));
    EXPECT_EQ(op.clamp_low, 4);  // the Relu
    EXPECT_EQ(output_tensor(network).shape, (Shape{2, 4, 4}));
}

TEST(ConstantAddition, TakesOneValuePerChannelOnEitherSide) {
    for (const Extents& dims : {Extents{2, 1, 1}, Extents{1, 2, 1, 1}}) {
        ChainBuilder builder = with_constant<U8>(dims, {200, 1});
        const std::string x = builder.current();
        builder.step("Add", "sum", {});
        builder.graph().mutable_node(builder.graph().node_size() - 1)->clear_input();
        for (const std::string& input : {std::string("c"), x})
            builder.graph().mutable_node(builder.graph().node_size() - 1)->add_input(input);
        const Operator op = builder.qdq<U8>("y", 0.5F, 4).import().operators.at(0);
        ASSERT_TRUE(op.constant);
        // One value over all pixels of a channel: ONNX Runtime's kernel takes it as its second operand.
        EXPECT_EQ(*op.constant, (AddedConstant{{200, 1}, {false, 8, 5, 0.125F}, false}));
    }
}

TEST(ConstantAddition, OfAVectorKeepsItsSide) {
    ChainBuilder builder = quantized_input({-1, 3});
    builder.parameter<U8>("c", {3}, {1, 2, 3}, {0.25F});
    const std::string x = builder.current();
    onnx::NodeProto& node = builder.step("Add", "sum");
    node.clear_input();
    node.add_input("c");
    node.add_input(x);
    const Operator op = builder.qdq<U8>("y", 0.5F, 4).import().operators.at(0);
    ASSERT_TRUE(op.constant);
    EXPECT_EQ(*op.constant, (AddedConstant{{1, 2, 3}, {false, 8, 0, 0.25F}, true}));
}

TEST(ConstantAddition, OfIntegerOperators) {
    for (const bool first : {false, true}) {
        ChainBuilder builder({-1, 2, 4, 4});
        builder.quantize<U8>("x", 0.5F, 3);
        const std::string x = builder.current();
        builder.constant<U8>("c", {2, 1, 1}, {9, 8});
        for (const std::string name : {"c", "y"}) {
            builder.constant<float>(name + "_scale", {}, {0.25F});
            builder.constant<U8>(name + "_zero", {}, {6});
        }
        const std::vector<std::string> of_x = {"x_scale", "x_zero"};
        const std::vector<std::string> of_c = {"c", "c_scale", "c_zero"};
        onnx::NodeProto& node = builder.step("QLinearAdd", "y_q");
        node.set_domain("com.microsoft");
        node.clear_input();
        const auto add = [&](const std::vector<std::string>& names) {
            for (const std::string& name : names) node.add_input(name);
        };
        if (first) add(of_c);
        add({x});
        add(of_x);
        if (!first) add(of_c);
        add({"y_scale", "y_zero"});
        builder.dequantize("y");
        const Operator op = builder.import().operators.at(0);
        ASSERT_TRUE(op.constant);
        EXPECT_EQ(*op.constant, (AddedConstant{{9, 8}, {false, 8, 6, 0.25F}, false}));
        EXPECT_EQ(op.input, 0);
    }
}

TEST(ConstantAddition, RefusesWhatTheWeightMemoryDoesNotHold) {
    ChainBuilder real = quantized_input({-1, 2, 4, 4});
    real.constant<float>("c", {}, {1.5F});
    real.step("Add", "sum", {"c"});
    real.qdq<U8>("y", 0.5F, 4)
        .expect_error({"node 'sum_node' (Add)",
                       "adds the real constant 'c' to a quantized map, expected it quantized to 8 bits"});
    ChainBuilder map = with_constant<U8>({4, 4}, std::vector<U8>(16, 1));
    map.step("Add", "sum", {"c"});
    map.qdq<U8>("y", 0.5F, 4)
        .expect_error({"node 'sum_node' (Add)",
                       "its constant 'c_values' has the shape [4, 4], expected one value, or one per channel (2)"});
    ChainBuilder wide = with_constant<std::int32_t>({}, {7});
    wide.step("Add", "sum", {"c"});
    wide.qdq<U8>("y", 0.5F, 4).expect_error({"INT32"});
}

}  // namespace
}  // namespace widthwise::test
