// SPDX-License-Identifier: Apache-2.0
// Forms that exporters write: what becomes of them, and what a refusal tells. That their values are right is what
// tests/goldens/exporters shows (shipped_models_test.cpp).
#include <cmath>
#include <limits>
#include <vector>

#include "network/onnx_builder.h"
#include "network/onnx_import.h"

namespace widthwise::test {
namespace {

using U8 = std::uint8_t;
using S8 = std::int8_t;

ChainBuilder convolved(const Extents& input = {-1, 1, 4, 4}) {
    ChainBuilder builder = quantized_input(input);
    builder.conv({1, 1, 1, 1}, {2});
    return builder;
}

const Quantization& input_format(const Network& network) {
    return network.tensors[static_cast<std::size_t>(network.input)].quantization;
}

std::string refusal(ChainBuilder&& builder) {
    const TemporaryFile file(builder.bytes());
    try {
        import_onnx(file.path());
    } catch (const InputError& error) {
        return error.what();
    }
    return "imported";
}

// ------------------------------------------------------------------------------------------------------ lone limits

TEST(LoneLimit, GoesIntoTheOperatorBeforeIt) {
    ChainBuilder builder = convolved();
    builder.qdq<S8>("y", 0.25F, -3);
    builder.step("Relu", "relu");
    builder.qdq<S8>("z", 0.25F, -3);
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 1U);
    ASSERT_EQ(network.tensors.size(), 2U);
    EXPECT_EQ(network.operators[0].clamp_low, -3);
    EXPECT_EQ(network.operators[0].clamp_high, 127);
    EXPECT_EQ(network.operators[0].activation, Activation::relu);
}

TEST(LoneLimit, StaysWhereSomethingElseReadsWhatItLimits) {
    ChainBuilder builder = convolved();
    builder.qdq<S8>("y", 0.25F, -3);
    builder.step("Relu", "relu");
    builder.qdq<S8>("z", 0.25F, -3);
    builder.step("Add", "sum", {"y_dq"});
    builder.qdq<S8>("s", 0.5F, 0);
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 3U);
    const Operator& limit = network.operators[1];
    EXPECT_EQ(limit.name, "z_q_node");
    EXPECT_EQ(limit.kind, OperatorKind::max_pool);
    EXPECT_EQ(limit.window, Window{});
    EXPECT_EQ(limit.clamp_low, -3);
    EXPECT_EQ(network.operators[0].clamp_low, -128);
}

TEST(LoneLimit, WithoutEffectLeavesNoTrace) {
    ChainBuilder builder = convolved();
    builder.qdq<U8>("y", 0.25F, 0);
    builder.step("Relu", "relu");
    builder.qdq<U8>("z", 0.25F, 0);
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 1U);
    EXPECT_EQ(network.operators[0].activation, Activation::none);
}

TEST(LoneLimit, OfIntegersDeclaresTheirWidth) {
    ChainBuilder builder;
    builder.quantize<U8>("x", 0.5F, 0);
    builder.constant<U8>("low", {}, {0});
    builder.constant<U8>("high", {}, {15});
    builder.step("Clip", "narrow", {"low", "high"});
    builder.dequantize("x");
    builder.conv({1, 1, 1, 1}, {2});
    builder.quantize<U8>("y", 0.25F, 0);
    builder.constant<U8>("most", {}, {7});
    builder.step("Clip", "narrower", {"low", "most"});
    builder.dequantize("y");
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 1U);
    EXPECT_EQ(input_format(network).bits, 4);
    EXPECT_EQ(output_tensor(network).quantization.bits, 3);
    EXPECT_EQ(network.operators[0].clamp_high, 7);
}

TEST(LoneLimit, OfTheInputAloneIsNoNetwork) {
    ChainBuilder builder;
    builder.quantize<U8>("x", 0.5F, 0);
    builder.constant<U8>("low", {}, {0});
    builder.constant<U8>("high", {}, {15});
    builder.step("Clip", "narrow", {"low", "high"});
    EXPECT_THAT(refusal(std::move(builder)), ::testing::HasSubstr("computes nothing"));
}

TEST(LoneLimit, OfTheInputStaysUnlessItIsARangeOfBits) {
    ChainBuilder builder;
    builder.quantize<U8>("x", 0.5F, 0);
    builder.constant<U8>("low", {}, {0});
    builder.constant<U8>("high", {}, {14});
    builder.step("Clip", "narrow", {"low", "high"});
    builder.dequantize("x");
    builder.conv({1, 1, 1, 1}, {2});
    builder.qdq<U8>("y", 0.25F, 0);
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 2U);
    EXPECT_EQ(input_format(network).bits, 8);
    EXPECT_EQ(network.operators[0].clamp_high, 14);
}

TEST(LoneLimit, WithoutAQuantizerMustHaveBoundsOfTheScale) {
    const auto clipped = [](float high) {
        ChainBuilder builder = convolved();
        builder.qdq<U8>("y", 0.25F, 0);
        builder.constant<float>("low", {}, {0.0F});
        builder.constant<float>("high", {}, {high});
        builder.step("Clip", "clip", {"low", "high"});
        builder.parameter<S8>("v", {1, 1, 1, 1}, {1}, {0.5F});
        builder.step("Conv", "next", {"v"});
        builder.qdq<U8>("z", 0.25F, 0);
        return builder;
    };
    EXPECT_EQ(clipped(1.5F).import().operators.at(0).clamp_high, 6);
    EXPECT_THAT(refusal(clipped(1.6F)), ::testing::HasSubstr("limited to 1.6, which is no multiple of its scale 0.25"));
}

TEST(LoneLimit, OffTheScaleHoldsBehindAMaxPool) {
    ChainBuilder builder = convolved();
    builder.qdq<U8>("y", 0.25F, 0);
    builder.constant<float>("low", {}, {0.0F});
    builder.constant<float>("high", {}, {1.6F});
    builder.step("Clip", "clip", {"low", "high"});
    set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{2, 2});
    builder.qdq<U8>("z", 0.25F, 0);
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 2U);
    EXPECT_EQ(network.operators[1].clamp_high, 6);  // 1.6 / 0.25 = 6.4
}

// ------------------------------------------------------------------------------------------------------- QONNX

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

TEST(AveragePool, OverTheWholeMapIsGlobal) {
    for (const bool whole : {true, false}) {
        ChainBuilder builder = quantized_input();
        set(builder.step("AveragePool", "pool"), "kernel_shape", whole ? Extents{4, 4} : Extents{4, 3});
        builder.qdq<U8>("y", 0.25F, 0);
        EXPECT_EQ(builder.import().operators.at(0).global_average, whole);
    }
}

// ---------------------------------------------------------------------------------------------------- graph inputs

TEST(InputForms, BytesThatAreCastAreNumbers) {
    ChainBuilder builder;
    builder.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::UINT8);
    set(builder.step("Cast", "cast"), "to", std::int64_t{onnx::TensorProto::FLOAT});
    builder.qdq<U8>("x", 1.0F, 0);
    builder.conv({1, 1, 1, 1}, {2});
    builder.qdq<U8>("y", 0.25F, 0);
    const Network network = builder.import();
    EXPECT_TRUE(network.input_is_bytes);
    EXPECT_FALSE(network.input_is_integer);
    EXPECT_FALSE(convolved().qdq<U8>("y", 0.25F, 0).import().input_is_bytes);
}

TEST(InputForms, ReluBeforeTheFirstQuantizer) {
    ChainBuilder builder;
    builder.step("Relu", "relu");
    builder.qdq<U8>("x", 0.5F, 0);
    builder.conv({1, 1, 1, 1}, {2});
    builder.qdq<U8>("y", 0.25F, 0);
    EXPECT_EQ(input_format(builder.import()), (Quantization{false, 8, 0, 0.5F}));
}

/// tf2onnx makes a Conv of one dimension one of two, around which it inserts and drops an axis.
TEST(InputForms, RowsThroughUnsqueeze) {
    struct Form {
        Extents input;
        std::vector<std::int64_t> inserted;  ///< axis by axis
        Extents permutation;                 ///< none: no Transpose
        Shape shape;
    };
    const Form forms[] = {
        {{-1, 6, 3}, {1}, {0, 3, 1, 2}, {3, 1, 6}}, {{-1, 6, 3}, {2}, {0, 3, 1, 2}, {3, 6, 1}},
        {{-1, 3, 6}, {2}, {}, {3, 1, 6}},           {{-1, 3, 6}, {3}, {}, {3, 6, 1}},
        {{-1, 5, 6}, {1}, {}, {1, 5, 6}},           {{-1, 5, 6}, {-1}, {0, 3, 1, 2}, {1, 5, 6}},
        {{-1, 18}, {1, 1}, {}, {1, 1, 18}},         {{-1, 18}, {2, 1}, {0, 3, 1, 2}, {1, 1, 18}},
    };
    for (const Form& form : forms) {
        ChainBuilder builder(form.input);
        builder.qdq<U8>("x", 0.5F, 0);
        int n = 0;
        for (const std::int64_t axis : form.inserted) {
            const std::string name = "axis" + std::to_string(++n);
            builder.constant<std::int64_t>(name, {1}, {axis});
            builder.step("Unsqueeze", "unsqueezed" + std::to_string(n), {name});
        }
        if (!form.permutation.empty()) set(builder.step("Transpose", "first"), "perm", form.permutation);
        set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{1, 1});
        builder.qdq<U8>("y", 0.5F, 0);
        const Network network = builder.import();
        EXPECT_EQ(network.tensors[static_cast<std::size_t>(network.input)].shape, form.shape)
            << form.input.size() << " dimensions, axis " << form.inserted[0];
        EXPECT_EQ(output_tensor(network).shape, form.shape);
    }
}

TEST(InputForms, VectorsBecomeTheRowThatTheyAreReshapedTo) {
    for (const bool last : {false, true}) {
        ChainBuilder builder({-1, 12});
        builder.qdq<U8>("x", 0.5F, 0);
        builder.constant<std::int64_t>("row_shape", {3}, {-1, 2, 6});
        builder.step("Reshape", "made", {"row_shape"});
        if (last) set(builder.step("Transpose", "first"), "perm", Extents{0, 2, 1});
        set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{1});
        builder.qdq<U8>("y", 0.5F, 0);
        const Network network = builder.import();
        EXPECT_EQ(network.tensors[static_cast<std::size_t>(network.input)].shape,
                  last ? (Shape{6, 1, 2}) : (Shape{2, 1, 6}));
    }
}

TEST(InputForms, IntegersAreNotedAndTakeTheirScaleFromTheirReader) {
    ChainBuilder builder;
    builder.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::INT8);
    builder.constant<float>("x_scale", {}, {0.5F});
    builder.constant<S8>("x_zero", {}, {-128});
    builder.dequantize("x");
    builder.conv({1, 1, 1, 1}, {2});
    builder.qdq<U8>("y", 0.25F, 0);
    const Network network = builder.import();
    EXPECT_TRUE(network.input_is_integer);
    EXPECT_TRUE(input_format(network).is_signed);
    EXPECT_EQ(input_format(network).zero_point, -128);
    EXPECT_EQ(input_format(network).scale, 0.5F);
    EXPECT_FALSE(convolved().qdq<U8>("y", 0.25F, 0).import().input_is_integer);
}

TEST(InputForms, ArithmeticIsKeptInOrder) {
    ChainBuilder builder({-1, 2, 3, 3});
    builder.constant<float>("mean", {1, 2, 1, 1}, {0.5F, 0.25F});
    builder.constant<float>("deviation", {}, {2.0F});
    builder.step("Sub", "centred", {"mean"});
    builder.step("Div", "scaled", {"deviation"});
    builder.qdq<U8>("x", 0.5F, 3);
    set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{2, 2});
    builder.qdq<U8>("y", 0.5F, 3);
    const Network network = builder.import();
    ASSERT_EQ(network.input_steps.size(), 2U);
    EXPECT_EQ(network.input_steps[0], (InputStep{InputStep::Kind::subtract, {0.5F, 0.25F}}));
    EXPECT_EQ(network.input_steps[1], (InputStep{InputStep::Kind::divide, {2.0F}}));
    EXPECT_EQ(network.notes.size(), 2U);
}

TEST(InputForms, ArithmeticPerPixelOrByZeroIsRefused) {
    for (const bool per_pixel : {true, false}) {
        ChainBuilder builder;
        const std::vector<float> values(per_pixel ? 16 : 1, 0.0F);
        builder.constant<float>("by", per_pixel ? Extents{4, 4} : Extents{}, values);
        builder.step("Div", "scaled", {"by"});
        builder.qdq<U8>("x", 0.5F, 3);
        set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{2, 2});
        builder.qdq<U8>("y", 0.5F, 3);
        EXPECT_THAT(refusal(std::move(builder)),
                    ::testing::HasSubstr(per_pixel ? "one per channel (1)" : "computes with 0"));
    }
}

TEST(InputForms, ChannelsLastAreFoundBehindReshapes) {
    ChainBuilder builder({-1, 5, 7, 3});
    builder.qdq<U8>("x", 0.5F, 3);
    builder.step("Flatten", "flat");
    builder.constant<std::int64_t>("image_shape", {4}, {-1, 5, 7, 3});
    builder.step("Reshape", "again", {"image_shape"});
    set(builder.step("Transpose", "first"), "perm", Extents{0, 3, 1, 2});
    set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{2, 2});
    builder.qdq<U8>("y", 0.5F, 3);
    const Network network = builder.import();
    EXPECT_EQ(network.tensors[static_cast<std::size_t>(network.input)].shape, (Shape{3, 5, 7}));
    EXPECT_EQ(output_tensor(network).shape, (Shape{3, 4, 6}));
}

TEST(InputForms, VectorsBecomeTheImageThatTheyAreReshapedTo) {
    for (const bool last : {false, true}) {
        ChainBuilder builder({-1, 40});
        builder.qdq<U8>("x", 0.5F, 3);
        builder.constant<std::int64_t>("image_shape", {4}, {-1, 2, 4, 5});
        builder.step("Reshape", "made", {"image_shape"});
        if (last) set(builder.step("Transpose", "first"), "perm", Extents{0, 3, 1, 2});
        set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{2, 2});
        builder.qdq<U8>("y", 0.5F, 3);
        const Network network = builder.import();
        EXPECT_EQ(network.tensors[static_cast<std::size_t>(network.input)].shape,
                  last ? (Shape{5, 2, 4}) : (Shape{2, 4, 5}));
    }
}

TEST(InputForms, ChannelsLastAreFoundByTheTranspose) {
    ChainBuilder builder({-1, 5, 6, 2});
    builder.qdq<U8>("x", 0.5F, 3);
    set(builder.step("Transpose", "first"), "perm", Extents{0, 3, 1, 2});
    set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{5, 6});
    builder.qdq<U8>("y", 0.5F, 3);
    const Network network = builder.import();
    EXPECT_EQ(network.tensors[static_cast<std::size_t>(network.input)].shape, (Shape{2, 5, 6}));
    EXPECT_EQ(output_tensor(network).shape, (Shape{2, 1, 1}));
}

// --------------------------------------------------------------------------------------------------------- padding

ChainBuilder padded(float value, int zero_point) {
    ChainBuilder builder = quantized_input();
    builder.conv({1, 1, 1, 1}, {2});
    builder.qdq<U8>("y", 0.25F, zero_point);
    builder.constant<std::int64_t>("pads", {8}, {0, 0, 1, 0, 0, 0, 0, 2});
    builder.constant<float>("value", {}, {value});
    builder.step("Pad", "pad", {"pads", "value"});
    return builder;
}

TEST(PadImport, BecomesThePaddingOfTheWindowBehindIt) {
    ChainBuilder builder = padded(0.0F, 7);
    builder.parameter<S8>("v", {1, 1, 2, 2}, {1, 2, 3, 4}, {0.5F});
    set(builder.step("Conv", "next", {"v"}), "pads", Extents{1, 1, 1, 1});
    builder.qdq<U8>("z", 0.25F, 0);
    const Window window = builder.import().operators.at(1).window;
    EXPECT_EQ(window.pad_top, 2);
    EXPECT_EQ(window.pad_bottom, 1);
    EXPECT_EQ(window.pad_left, 1);
    EXPECT_EQ(window.pad_right, 3);
}

TEST(PadImport, RefusesValuesThatTheWindowWouldNotSee) {
    ChainBuilder one = padded(1.0F, 7);
    one.parameter<S8>("v", {1, 1, 2, 2}, {1, 2, 3, 4}, {0.5F});
    one.step("Conv", "next", {"v"});
    EXPECT_THAT(refusal(std::move(one)), ::testing::HasSubstr("reads a map padded with 1, expected 0"));
    ChainBuilder maximum = padded(0.0F, 7);  // values may be below zero
    set(maximum.step("MaxPool", "pool"), "kernel_shape", Extents{3, 3});
    EXPECT_THAT(refusal(std::move(maximum)), ::testing::HasSubstr("which can be larger than its values"));
    ChainBuilder above_zero = padded(0.0F, 0);
    set(above_zero.step("MaxPool", "pool"), "kernel_shape", Extents{3, 3});
    EXPECT_EQ(above_zero.import().operators.at(1).window.pad_right, 2);
    ChainBuilder flat = padded(0.0F, 7);
    flat.step("Flatten", "flat");
    EXPECT_THAT(refusal(std::move(flat)), ::testing::HasSubstr("a map that a Pad has enlarged"));
    ChainBuilder last = padded(0.0F, 7);
    EXPECT_THAT(refusal(std::move(last)), ::testing::HasSubstr("a map that a Pad has enlarged"));
}

TEST(PadImport, OfIntegersMustPadWithTheirZeroPoint) {
    for (const int value : {3, 0}) {  // the zero point is 3
        ChainBuilder builder;
        builder.quantize<U8>("x", 0.5F, 3);
        builder.constant<std::int64_t>("pads", {8}, {0, 0, 1, 0, 0, 0, 0, 1});
        builder.constant<U8>("value", {}, {static_cast<U8>(value)});
        builder.step("Pad", "pad", {"pads", "value"});
        builder.constant<float>("y_scale", {}, {0.5F});
        builder.constant<U8>("y_zero", {}, {3});
        onnx::NodeProto& pool = builder.step("QLinearAveragePool", "y_q", {"x_scale", "x_zero", "y_scale", "y_zero"});
        pool.set_domain("com.microsoft");
        set(pool, "kernel_shape", Extents{2, 2});
        if (value == 3) {
            EXPECT_EQ(builder.import().operators.at(0).window.pad_right, 1);
        } else {
            EXPECT_THAT(refusal(std::move(builder)), ::testing::HasSubstr("padded with -1.5, expected 0"));
        }
        ChainBuilder sums;
        sums.quantize<U8>("x", 0.5F, 3);
        sums.constant<std::int64_t>("pads", {8}, {0, 0, 1, 0, 0, 0, 0, 1});
        sums.constant<U8>("value", {}, {static_cast<U8>(value)});
        sums.step("Pad", "pad", {"pads", "value"});
        sums.constant<S8>("w", {1, 1, 2, 2}, {1, 2, 3, 4});
        sums.step("ConvInteger", "sums", {"w", "x_zero"});
        EXPECT_THAT(refusal(std::move(sums)), ::testing::HasSubstr(value == 3 ? "imported" : "padded with -1.5"));
    }
}

// ------------------------------------------------------------------------------------------------------------ ends

TEST(Ends, SumsLeaveWithANote) {
    ChainBuilder builder = convolved();
    const Network network = builder.import();
    EXPECT_TRUE(network.operators.at(0).sums_leave);
    ASSERT_EQ(network.notes.size(), 1U);
    EXPECT_THAT(network.notes[0], ::testing::HasSubstr("The sums of 'conv_node' leave without quantization"));
}

TEST(Ends, RefusesSumsWhoseClassIsNotTheirs) {
    ChainBuilder relu = convolved();
    relu.step("Relu", "relu");
    EXPECT_THAT(refusal(std::move(relu)), ::testing::HasSubstr("would make classes equal"));
    ChainBuilder maps = convolved();
    maps.qdq<U8>("y", 0.25F, 0);
    set(maps.step("Softmax", "classes"), "axis", std::int64_t{1});
    EXPECT_THAT(refusal(std::move(maps)), ::testing::HasSubstr("expected one class for each image"));
    ChainBuilder inner = quantized_input({-1, 4});
    inner.step("Softmax", "classes");
    inner.parameter<S8>("w", {4, 2}, std::vector<S8>(8, 1), {0.25F});
    inner.step("MatMul", "next", {"w"});
    EXPECT_THAT(refusal(std::move(inner)), ::testing::HasSubstr("expected them at the end of the network"));
}

TEST(Ends, RefusesClassesInAnotherOrder) {
    for (const bool flat : {false, true}) {
        ChainBuilder builder = quantized_input({-1, 2, 3, 3});
        builder.conv({2, 2, 1, 1}, {1, 2, 3, 4});
        builder.qdq<U8>("y", 0.25F, 0);
        set(builder.step("Transpose", "last"), "perm", Extents{0, 2, 3, 1});
        if (flat) builder.step("Flatten", "flat");
        EXPECT_THAT(refusal(std::move(builder)),
                    ::testing::HasSubstr("expected N x C x H x W, in which classes are numbered"));
    }
}

TEST(Ends, RefusesAnArgMaxThatTakesTheLastOfEqualClasses) {
    ChainBuilder builder = quantized_input({-1, 4});
    builder.parameter<S8>("w", {4, 2}, std::vector<S8>(8, 1), {0.25F});
    builder.step("MatMul", "dense", {"w"});
    builder.qdq<U8>("y", 0.25F, 0);
    onnx::NodeProto& node = builder.step("ArgMax", "class");
    set(node, "axis", std::int64_t{1});
    set(node, "select_last_index", std::int64_t{1});
    EXPECT_THAT(refusal(std::move(builder)), ::testing::HasSubstr("select_last_index is 1, only 0"));
}

ChainBuilder vector_network() {
    ChainBuilder builder({-1, 4});
    builder.qdq<U8>("x", 0.5F, 0);
    builder.parameter<S8>("w", {4, 3}, std::vector<S8>(12, 1), {0.25F});
    builder.step("MatMul", "fc", {"w"});
    builder.quantize<U8>("y", 0.25F, 0);
    return builder;
}

TEST(Ends, ClassesOfClassesHaveTheSameAxis) {
    for (const std::int64_t axis : {0, 1, -1}) {
        ChainBuilder builder = vector_network();
        builder.dequantize("y");
        builder.step("Softmax", "softmax");
        set(builder.step("ArgMax", "class"), "axis", axis);
        const std::string why = refusal(std::move(builder));
        if (axis == 0) EXPECT_THAT(why, ::testing::HasSubstr("'class_node' (ArgMax): makes classes of"));
        else EXPECT_EQ(why, "imported");
    }
}

TEST(Ends, OnIntegers) {
    for (const std::string type : {"QLinearSoftmax", "QLinearSigmoid"}) {
        ChainBuilder builder = vector_network();
        builder.constant<float>("p_scale", {}, {1.0F / 256});
        builder.constant<U8>("p_zero", {}, {0});
        onnx::NodeProto& node = builder.step(type, "p", {"y_scale", "y_zero", "p_scale", "p_zero"});
        node.set_domain("com.microsoft");
        if (type == "QLinearSoftmax") {
            set(node, "axis", std::int64_t{-1});
            set(node, "opset", std::int64_t{13});
        }
        const Network network = builder.import();
        EXPECT_EQ(output_tensor(network).name, "y_q") << type;
        EXPECT_THAT(network.notes, ::testing::Contains(::testing::HasSubstr("at the end is left out")));
    }
    ChainBuilder inside = quantized_input();
    inside.step("Sigmoid", "s");
    inside.qdq<U8>("y", 0.25F, 0);
    EXPECT_THAT(refusal(std::move(inside)), ::testing::HasSubstr("only Relu and Clip are modelled as activations"));
}

TEST(Refusals, FunctionsOfTheFileAndControlFlowAreNamed) {
    ChainBuilder function = quantized_input();
    function.step("flat", "flattened").set_domain("pkg.torch");
    function.model().add_functions()->set_name("flat");
    function.model().mutable_functions(0)->set_domain("pkg.torch");
    EXPECT_THAT(refusal(std::move(function)),
                ::testing::HasSubstr("pkg.torch.flat is a function of the file: inline functions"));
    ChainBuilder flow;
    flow.constant<U8>("condition", {}, {1});
    onnx::AttributeProto* branch = flow.node("If", {"condition"}, "y").add_attribute();
    branch->set_name("then_branch");
    branch->set_type(onnx::AttributeProto::GRAPH);
    branch->mutable_g()->set_name("then");
    flow.graph().add_output()->set_name("y");
    EXPECT_THAT(refusal(std::move(flow)), ::testing::HasSubstr("'y_node' (If): runs a graph of its own"));
}

TEST(Ends, OneOfSeveralOutputsIsNamed) {
    ChainBuilder builder = convolved();
    builder.qdq<U8>("y", 0.25F, 0);
    set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{2, 2});
    builder.graph().add_output()->set_name("y_dq");
    builder.graph().add_output()->set_name("pool");
    const TemporaryFile file(builder.bytes());
    EXPECT_EQ(import_onnx(file.path(), "y_dq").operators.size(), 1U);
    const Network all = import_onnx(file.path(), "pool");
    EXPECT_EQ(all.operators.size(), 2U);
    EXPECT_EQ(all.notes, std::vector<std::string>{"The output 'y_dq' of the file is not computed."});
    EXPECT_NE(all.digest, import_onnx(file.path(), "y_dq").digest);
    ChainBuilder::expect_import_error(file.path(), {"2 graph outputs (y_dq, pool)", "network_output"});
    EXPECT_THROW(import_onnx(file.path(), "other"), InputError);
}

// -------------------------------------------------------------------------------------------------- external data

class ExternalData : public ::testing::Test {
protected:
    /// convolved() with the weights in a file beside it.
    std::string model(const std::string& location, const std::string& offset, const std::string& length) {
        ChainBuilder builder = quantized_input();
        builder.conv({1, 1, 1, 2}, {0, 0});
        builder.qdq<U8>("y", 0.25F, 0);
        for (onnx::TensorProto& tensor : *builder.graph().mutable_initializer()) {
            if (tensor.name() != "w_values") continue;
            tensor.clear_raw_data();
            tensor.set_data_location(onnx::TensorProto::EXTERNAL);
            const std::pair<const char*, std::string> entries[] = {
                {"location", location}, {"offset", offset}, {"length", length}};
            for (const auto& [key, value] : entries) {
                auto* entry = tensor.add_external_data();
                entry->set_key(key);
                entry->set_value(value);
            }
        }
        return builder.bytes();
    }
};

TEST_F(ExternalData, IsReadFromTheModelsFolder) {
    const TemporaryFile values(std::string("\x09\x05\xfb\x09", 4), ".bin");
    const std::string name = std::filesystem::path(values.path()).filename();
    const TemporaryFile file(model(name, "1", "2"));
    const Network network = import_onnx(file.path());
    EXPECT_EQ(network.operators.at(0).weights.values, (std::vector<std::int16_t>{5, -5}));
    std::ofstream(values.path(), std::ios::binary) << std::string("\x09\x06\xfb\x09", 4);
    EXPECT_NE(import_onnx(file.path()).digest, network.digest);  // the file is part of the network
}

TEST_F(ExternalData, OutsideOfTheFolderOrItsFileIsRefused) {
    const TemporaryFile values(std::string(4, '\1'), ".bin");
    const std::string name = std::filesystem::path(values.path()).filename();
    for (const std::string location : {"/etc/passwd", "../values.bin", "a/../../b"}) {
        const TemporaryFile file(model(location, "0", "2"));
        ChainBuilder::expect_import_error(file.path(),
                                          {"'w_values' is stored outside", "expected a file in the model's folder"});
    }
    const TemporaryFile absent(model("absent.bin", "0", "2"));
    ChainBuilder::expect_import_error(absent.path(), {"no regular file beside it"});
    const TemporaryFile beyond(model(name, "3", "2"));
    ChainBuilder::expect_import_error(beyond.path(), {"which has 4 bytes, expected 2 from byte 3 on"});
    const TemporaryFile text(model(name, "one", "2"));
    ChainBuilder::expect_import_error(text.path(), {"with the offset 'one', expected a number"});
    const TemporaryFile wrong(model(name, "0", "3"));
    ChainBuilder::expect_import_error(wrong.path(), {"'w_values' holds 3 bytes or values, expected 2"});
}

// ---------------------------------------------------------------------------------------------------------- advice

TEST(Advice, NamesEveryObstacleAtOnce) {
    ChainBuilder builder = convolved();
    builder.step("LeakyRelu", "leaky1");
    builder.qdq<U8>("y", 0.25F, 0);
    builder.parameter<S8>("v", {1, 1, 1, 1}, {1}, {0.5F});
    builder.step("Conv", "second", {"v"});
    builder.step("LeakyRelu", "leaky2");
    builder.qdq<U8>("z", 0.25F, 0);
    builder.parameter<S8>("u", {1, 3, 1, 1}, {1, 1, 1}, {0.5F});
    builder.step("Conv", "third", {"u"});
    builder.qdq<U8>("a", 0.25F, 0);
    builder.step("Resize", "resized");
    const std::string text = refusal(std::move(builder));
    EXPECT_THAT(text, ::testing::HasSubstr("node 'leaky1_node' (LeakyRelu), node 'leaky2_node' (LeakyRelu): operator "
                                           "LeakyRelu is not supported: only Relu and Clip"));
    EXPECT_THAT(text, ::testing::HasSubstr("node 'resized_node' (Resize): operator Resize is not supported"));
    EXPECT_THAT(text, ::testing::HasSubstr("node 'third_node' (Conv): its weights take 3 channels"));
}

TEST(Advice, GoesOnBehindARequantization) {
    ChainBuilder builder = convolved();
    builder.qdq<U8>("y", 0.25F, 0);
    builder.qdq<U8>("z", 0.5F, 0);
    builder.parameter<S8>("v", {1, 3, 1, 1}, {1, 1, 1}, {0.5F});
    builder.step("Conv", "second", {"v"});
    builder.qdq<U8>("a", 0.25F, 0);
    const std::string text = refusal(std::move(builder));
    EXPECT_THAT(text, ::testing::HasSubstr("node 'z_q_node' (QuantizeLinear): quantizes to uint8, scale 0.5"));
    EXPECT_THAT(text, ::testing::HasSubstr("node 'second_node' (Conv): its weights take 3 channels"));
}

TEST(Advice, TellsFloatAndDynamicNetworksWhatToDo) {
    ChainBuilder real;
    real.constant<float>("w", {1, 1, 1, 1}, {1.0F});
    real.step("Conv", "conv", {"w"});
    EXPECT_THAT(refusal(std::move(real)), ::testing::HasSubstr("holds a float network, without any quantization: "
                                                               "scripts/quantize makes an integer one of it"));
    ChainBuilder dynamic;
    onnx::NodeProto& node = dynamic.step("DynamicQuantizeLinear", "q");
    node.add_output("scale");
    node.add_output("zero");
    EXPECT_THAT(refusal(std::move(dynamic)), ::testing::HasSubstr("quantize statically, with calibration images"));
}

TEST(Advice, AConstantOnAMapBelongsToTheLayerBefore) {
    ChainBuilder builder = convolved();
    builder.qdq<U8>("y", 0.25F, 0);
    builder.constant<float>("constant", {}, {1.0F});
    builder.step("Add", "sum", {"constant"});
    EXPECT_THAT(refusal(std::move(builder)), ::testing::HasSubstr("adds a constant to a quantized map"));
    ChainBuilder product = convolved();
    product.qdq<U8>("y", 0.25F, 0);
    product.constant<float>("constant", {}, {1.0F});
    product.step("Mul", "product", {"constant"});
    EXPECT_THAT(refusal(std::move(product)), ::testing::HasSubstr("multiplies a quantized map"));
}

}  // namespace
}  // namespace widthwise::test
