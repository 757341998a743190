// SPDX-License-Identifier: Apache-2.0
// QONNX: what its nodes become, and what a refusal tells. That values are right is what tests/goldens/exporters shows
// (shipped_models_test.cpp).
#include <optional>
#include <string>
#include <vector>

#include "kit/refusal.h"
#include "network/exporter_forms.h"

namespace widthwise::test {
namespace {

onnx::NodeProto& quant(ChainBuilder& builder, const std::string& name, const std::string& source, float scale,
                       float bits, bool is_signed, bool narrow) {
    builder.constant<float>(name + "_scale", {}, {scale});
    builder.constant<float>(name + "_zero", {}, {0.0F});
    builder.constant<float>(name + "_bits", {}, {bits});
    onnx::NodeProto& node = builder.node("Quant", {source, name + "_scale", name + "_zero", name + "_bits"}, name);
    node.set_domain("qonnx.custom_op.general");
    set(node, "signed", std::int64_t{is_signed ? 1 : 0});
    set(node, "narrow", std::int64_t{narrow ? 1 : 0});
    set(node, "rounding_mode", std::string("ROUND"));
    return node;
}

ChainBuilder quantized_by_quant(float bits = 4) {
    ChainBuilder builder;
    quant(builder, "x", "image", 0.5F, 8, false, false);
    builder.constant<float>("real", {1, 1, 1, 2}, {0.9F, -5.0F});
    quant(builder, "w", "real", 0.25F, bits, true, true);
    builder.node("Conv", {"x", "w"}, "conv");
    builder.node("Relu", {"conv"}, "relu");
    quant(builder, "y", "relu", 0.125F, 3, false, false);
    builder.graph().add_output()->set_name("y");
    return builder;
}

TEST(Qonnx, QuantIsQuantizeClipDequantize) {
    const Network network = quantized_by_quant().import();
    ASSERT_EQ(network.operators.size(), 1U);
    const Operator& op = network.operators[0];
    EXPECT_EQ(op.weights.values, (std::vector<std::int16_t>{4, -7}));  // 0.9 / 0.25 = 3.6; narrow: -7..7
    EXPECT_EQ(op.weights.bits, 4);
    EXPECT_EQ(op.weights.scales, std::vector<float>{0.25F});
    EXPECT_EQ(input_format(network).bits, 8);
    EXPECT_FALSE(input_format(network).is_signed);
    EXPECT_EQ(output_tensor(network).quantization.bits, 3);
    EXPECT_EQ(output_tensor(network).quantization.scale, 0.125F);
    EXPECT_EQ(op.clamp_low, 0);
    EXPECT_EQ(op.clamp_high, 7);
}

TEST(Qonnx, OneSignedBitAndBipolarQuantAreMinusOneAndOne) {
    for (const std::string type : {"BipolarQuant", "Quant"}) {
        ChainBuilder builder = quantized_input();
        builder.constant<float>("real", {2, 1, 1, 2}, {0.9F, -5.0F, 0.0F, -0.1F});
        builder.constant<float>("scale", {2, 1, 1, 1}, {0.5F, 0.25F});
        builder.constant<float>("zero", {}, {0.0F});
        builder.constant<float>("bits", {}, {1.0F});
        onnx::NodeProto& node = builder.node(type, {"real", "scale"}, "w");
        if (type == "Quant") {
            node.add_input("zero");
            node.add_input("bits");
        }
        node.set_domain("qonnx.custom_op.general");
        builder.step("Conv", "conv", {"w"});
        builder.qdq<U8>("y", 0.25F, 0);
        const Operator op = builder.import().operators.at(0);
        EXPECT_EQ(op.weights.values, (std::vector<std::int16_t>{1, -1, 1, -1})) << type;
        EXPECT_EQ(op.weights.scales, (std::vector<float>{0.5F, 0.25F})) << type;
    }
}

TEST(Qonnx, RefusesWhatIntegersOfEightBitsDoNotHold) {
    EXPECT_THAT(refusal(quantized_by_quant(9)),
                ::testing::HasSubstr("weights 'w' are not quantized to 8 bits or fewer"));
    ChainBuilder rounding = quantized_by_quant();
    rounding.graph().mutable_node(4)->mutable_attribute(2)->set_s("FLOOR");
    EXPECT_THAT(refusal(std::move(rounding)), ::testing::HasSubstr("rounds by FLOOR, expected ROUND"));
    ChainBuilder activation = quantized_input();
    activation.constant<float>("scale", {}, {0.5F});
    activation.node("BipolarQuant", {"x_dq", "scale"}, "signs").set_domain("qonnx.custom_op.general");
    activation.graph().add_output()->set_name("signs");
    EXPECT_THAT(refusal(std::move(activation)), ::testing::HasSubstr("quantizes a feature map to -1 and 1"));
}

/// Brevitas' average pool: an average of 2 x 2 pixels, their number, Trunc.
struct TruncForm {
    float factor = 4.0F;
    float scale = 0.25F;
    float zero_point = 0.0F;
    float bits_before = 10.0F;
    std::optional<float> output_scale = std::nullopt;  ///< the form of seven inputs, with zero point 0
    float bits_behind = 8.0F;
    std::string rounding = "FLOOR";
    bool is_signed = false;
    bool narrow = false;
};

ChainBuilder truncated(const TruncForm& form) {
    ChainBuilder builder;
    quant(builder, "x", "image", 0.25F, 8, form.is_signed, false);
    set(builder.node("AveragePool", {"x"}, "average"), "kernel_shape", Extents{2, 2});
    builder.constant<float>("factor", {}, {form.factor});
    builder.node("Mul", {"factor", "average"}, "sum");
    const auto parameter = [&](onnx::NodeProto& node, const std::string& name, float value) {
        builder.constant<float>(name, {}, {value});
        node.add_input(name);
    };
    onnx::NodeProto& node = builder.node("Trunc", {"sum"}, "y");
    node.set_domain("qonnx.custom_op.general");
    parameter(node, "scale", form.scale);
    parameter(node, "zero", form.zero_point);
    parameter(node, "before", form.bits_before);
    if (form.output_scale) {
        parameter(node, "out_scale", *form.output_scale);
        parameter(node, "out_zero", 0.0F);
        set(node, "signed", std::int64_t{form.is_signed ? 1 : 0});
        set(node, "narrow", std::int64_t{form.narrow ? 1 : 0});
    }
    parameter(node, "behind", form.bits_behind);
    set(node, "rounding_mode", form.rounding);
    builder.graph().add_output()->set_name("y");
    return builder;
}

TEST(Qonnx, TruncShiftsTheSumOfAnAveragePool) {
    const Network network = truncated({}).import();
    ASSERT_EQ(network.operators.size(), 1U);
    const Operator& pool = network.operators[0];
    EXPECT_EQ(pool.kind, OperatorKind::average_pool);
    EXPECT_EQ(pool.sum_shift, (SumShift{2, true}));
    EXPECT_EQ(output_tensor(network).quantization, (Quantization{false, 8, 0, 0.25F}));
    EXPECT_EQ(pool.clamp_low, 0);
    EXPECT_EQ(pool.clamp_high, 255);
}

TEST(Qonnx, TruncWithAnOutputScaleLimits) {
    const TruncForm form{.output_scale = 1.0F, .bits_behind = 4.0F, .rounding = "round", .is_signed = true};
    const Network network = truncated(form).import();
    const Operator& pool = network.operators.at(0);
    EXPECT_EQ(pool.sum_shift, (SumShift{2, false}));  // log2(1 / 0.25)
    EXPECT_EQ(output_tensor(network).quantization, (Quantization{true, 4, 0, 1.0F}));
    EXPECT_EQ(pool.clamp_low, -8);
    EXPECT_EQ(pool.clamp_high, 7);
    TruncForm narrow = form;
    narrow.narrow = true;
    EXPECT_EQ(truncated(narrow).import().operators.at(0).clamp_low, -7);
}

TEST(Qonnx, RefusesATruncThatIsNoShiftedSum) {
    using ::testing::HasSubstr;
    EXPECT_THAT(refusal(truncated({.factor = 3.0F})), HasSubstr("averages of 4 pixels times 3, expected a Mul by 4"));
    EXPECT_THAT(refusal(truncated({.scale = 0.5F})), HasSubstr("has the scale 0.5, but the pool's input has 0.25"));
    EXPECT_THAT(refusal(truncated({.zero_point = 2.0F})), HasSubstr("has the zero point 2, expected 0"));
    EXPECT_THAT(refusal(truncated({.bits_before = 7.0F})), HasSubstr("drops -1 bits, expected 0..62"));
    EXPECT_THAT(refusal(truncated({.bits_before = 9.0F})),
                HasSubstr("its results reach from 0 to 510, expected them within 0..255, the range of 8 bits"));
    EXPECT_THAT(refusal(truncated({.bits_behind = 9.0F})), HasSubstr("has the bit width 9, expected 1..8"));
    EXPECT_THAT(refusal(truncated({.rounding = "CEIL"})), HasSubstr("rounds by CEIL, expected FLOOR or ROUND"));
    EXPECT_THAT(refusal(truncated({.output_scale = 0.1F})), HasSubstr("drops -1 bits, expected 0..62"));
    EXPECT_THAT(refusal(truncated({.output_scale = 0.0F})), HasSubstr("has the output scale 0, expected a finite"));
    ChainBuilder lone = quantized_input();
    lone.step("Trunc", "trunc").set_domain("qonnx.custom_op.general");
    EXPECT_THAT(refusal(std::move(lone)), HasSubstr("expected an AveragePool and a Mul by its number of pixels"));
    ChainBuilder quantized = truncated({.bits_before = 8.0F});
    onnx::NodeProto& last = *quantized.graph().mutable_node(quantized.graph().node_size() - 1);
    last.set_op_type("Quant");
    last.mutable_input()->RemoveLast();
    last.clear_attribute();
    EXPECT_THAT(refusal(std::move(quantized)), HasSubstr("its averages are multiplied by 4 before they are quantized"));
}

TEST(Qonnx, ConstantsAreQuantizedByTheDefinition) {
    const auto weights = [](const std::string& rounding, float zero_point) {
        ChainBuilder builder = quantized_input();
        builder.constant<float>("real", {1, 1, 2, 3},
                                {0.3F, 0.5F, 0.75F, -0.3F, -0.5F, -0.75F});  // by 0.5: 0.6, 1, 1.5
        quant(builder, "w", "real", 0.5F, 8, true, false).mutable_attribute(2)->set_s(rounding);
        auto& zero = *builder.graph().mutable_initializer(builder.graph().initializer_size() - 2);
        zero.set_raw_data(&zero_point, sizeof zero_point);
        builder.step("Conv", "conv", {"w"});
        builder.qdq<U8>("y", 0.25F, 0);
        return builder.import().operators.at(0).weights.values;
    };
    using Values = std::vector<std::int16_t>;
    EXPECT_EQ(weights("ROUND", 0), (Values{1, 1, 2, -1, -1, -2}));
    EXPECT_EQ(weights("ROUND", 1), (Values{1, 1, 1, -1, -1, -1}));  // 2.5 to 2 and -0.5 to 0, less 1
    EXPECT_EQ(weights("FLOOR", 0), (Values{0, 1, 1, -1, -1, -2}));
    EXPECT_EQ(weights("CEIL", 0), (Values{1, 1, 2, 0, -1, -1}));
    EXPECT_EQ(weights("DOWN", 0), (Values{0, 1, 1, 0, -1, -1}));
    EXPECT_EQ(weights("UP", 0), (Values{1, 1, 2, -1, -1, -2}));
    EXPECT_EQ(weights("HALF_UP", 0), (Values{1, 1, 2, -1, -1, -2}));
    EXPECT_EQ(weights("half_down", 0), (Values{1, 1, 1, -1, -1, -1}));
}

TEST(Qonnx, AQuantWithoutInputsIsRefused) {
    for (const int is_signed : {0, 1}) {
        ChainBuilder builder = quantized_input();
        onnx::NodeProto& node = builder.node("Quant", {}, "w");
        node.set_domain("qonnx.custom_op.general");
        set(node, "signed", std::int64_t{is_signed});
        builder.step("Conv", "conv", {"w"});
        EXPECT_THAT(refusal(std::move(builder)), ::testing::HasSubstr("'w_node' (Quant)"));
    }
}

TEST(Qonnx, ABiasMayHaveMoreThanEightBits) {
    for (const float bits : {12.0F, 16.0F, 32.0F}) {
        ChainBuilder builder = quantized_input();
        quant(builder, "bias", builder.constant<float>("real_bias", {1}, {300.3F}), 0.125F, bits, true, false);
        builder.constant<float>("real", {1, 1, 1, 1}, {1.0F});
        quant(builder, "w", "real", 0.25F, 8, true, false);
        builder.step("Conv", "conv", {"w", "bias"});
        builder.qdq<U8>("y", 0.25F, 0);
        const Operator op = builder.import().operators.at(0);
        const float sum_scale = 0.25F * 0.5F;                               // quantized_input() has 0.5
        const float expected = bits == 12.0F ? 2047.0F * 0.125F : 300.25F;  // 300.3 / 0.125 = 2402.4
        EXPECT_EQ(op.weights.bias, std::vector<std::int32_t>{static_cast<std::int32_t>(expected / sum_scale)}) << bits;
    }
}

TEST(Qonnx, MadeUpNamesDoNotMeetThoseOfTheFile) {
    ChainBuilder builder = quantized_by_quant();
    builder.graph().mutable_node(2)->set_output(0, "y_quantized");  // the convolution's sums
    builder.graph().mutable_node(3)->set_input(0, "y_quantized");
    builder.graph().mutable_node(3)->set_output(0, "y_clipped");
    builder.graph().mutable_node(4)->set_input(0, "y_clipped");
    EXPECT_EQ(builder.import().operators.size(), 1U);
}

}  // namespace
}  // namespace widthwise::test
