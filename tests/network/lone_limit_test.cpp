// SPDX-License-Identifier: Apache-2.0
// Relu, Clip and Pad without a layer of their own, and pools: what becomes of them. That values are right is what
// tests/goldens/exporters shows (shipped_models_test.cpp).
#include <limits>
#include <utility>

#include "kit/refusal.h"
#include "network/exporter_forms.h"

namespace widthwise::test {
namespace {

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

/// Behind a Clip to 0..15 a limit beyond that would leave one value, which the narrowed integers do not have.
TEST(LoneLimit, IsRefusedWhereNoneOfTheValuesLies) {
    const auto limited = [](float low, float high) {
        ChainBuilder builder = convolved();
        builder.constant<float>("low", {}, {0.0F});
        builder.constant<float>("high", {}, {3.75F});
        builder.step("Clip", "narrow", {"low", "high"});
        builder.qdq<U8>("y", 0.25F, 0);
        builder.constant<float>("low2", {}, {low});
        builder.constant<float>("high2", {}, {high});
        builder.step("Clip", "limit", {"low2", "high2"});
        builder.qdq<U8>("z", 0.25F, 0);
        return builder;
    };
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const auto& [low, high] :
         {std::pair{10.0F, 20.0F}, std::pair{kInfinity, kInfinity}, std::pair{-2.0F, -1.0F}}) {
        limited(low, high).expect_error({"node 'z_q_node' (QuantizeLinear)", "its values lie in 0..3.75: one value"});
    }
    EXPECT_EQ(limited(3.0F, 20.0F).import().operators.back().clamp_low, 12);
    ChainBuilder integers = convolved();
    integers.constant<float>("low", {}, {0.0F});
    integers.constant<float>("high", {}, {3.75F});
    integers.step("Clip", "narrow", {"low", "high"});
    integers.quantize<U8>("y", 0.25F, 0);
    integers.constant<std::uint8_t>("low2", {}, {162});
    integers.constant<std::uint8_t>("high2", {}, {212});
    integers.step("Clip", "limit", {"low2", "high2"});
    integers.dequantize("y");
    integers.expect_error(
        {"node 'limit_node' (Clip)", "to 162..212, but its integers lie in 0..15: one value would be left"});
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

TEST(AveragePool, OverTheWholeMapIsGlobal) {
    for (const bool whole : {true, false}) {
        ChainBuilder builder = quantized_input();
        set(builder.step("AveragePool", "pool"), "kernel_shape", whole ? Extents{4, 4} : Extents{4, 3});
        builder.qdq<U8>("y", 0.25F, 0);
        EXPECT_EQ(builder.import().operators.at(0).global_average, whole);
    }
}

}  // namespace
}  // namespace widthwise::test
