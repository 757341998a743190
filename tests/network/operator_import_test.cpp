// SPDX-License-Identifier: Apache-2.0
// What each ONNX operator becomes: shapes, windows, clamp ranges, and which forms are refused.
#include <limits>

#include "network/onnx_builder.h"

namespace widthwise::test {
namespace {

using U8 = std::uint8_t;
using I8 = std::int8_t;

std::vector<I8> ones(std::size_t count) { return std::vector<I8>(count, 1); }

TEST(ConvImport, NameShapeWindowAndTensors) {
    ChainBuilder builder = quantized_input({-1, 2, 9, 8});
    onnx::NodeProto& conv = builder.conv({3, 2, 3, 2}, ones(36));
    set(conv, "kernel_shape", Extents{3, 2});
    set(conv, "strides", Extents{2, 3});
    set(conv, "pads", Extents{1, 0, 2, 1});
    set(conv, "dilations", Extents{1, 1});
    set(conv, "group", std::int64_t{1});
    builder.qdq<U8>("y", 0.1F, 128);
    const Network network = builder.import();
    EXPECT_EQ(network.name, "chain");
    EXPECT_EQ(network.digest.size(), 32U);
    ASSERT_EQ(network.operators.size(), 1U);
    const Operator& op = network.operators[0];
    EXPECT_EQ(op.name, "conv_node");
    EXPECT_EQ(op.kind, OperatorKind::convolution);
    EXPECT_EQ(op.window, (Window{3, 2, 2, 3, 1, 0, 2, 1}));
    ASSERT_EQ(network.tensors.size(), 2U);
    EXPECT_EQ(network.tensors[0].name, "x_q");
    EXPECT_EQ(network.tensors[0].shape, (Shape{2, 9, 8}));
    EXPECT_EQ(network.tensors[0].quantization, (Quantization{false, 8, 3, 0.5F}));
    EXPECT_EQ(network.tensors[1].shape, (Shape{3, 5, 3}));
    EXPECT_EQ(network.tensors[1].quantization, (Quantization{false, 8, 128, 0.1F}));
    EXPECT_EQ(op.input, network.input);
    EXPECT_EQ(op.output, network.output);
    EXPECT_EQ(op.clamp_low, 0);
    EXPECT_EQ(op.clamp_high, 255);
    EXPECT_EQ(op.activation, Activation::none);
}

TEST(ConvImport, AutomaticPadding) {
    const auto window = [](const std::string& mode, std::int64_t stride) {
        ChainBuilder builder = quantized_input({1, 1, 7, 8});
        onnx::NodeProto& conv = builder.conv({1, 1, 4, 3}, ones(12));
        set(conv, "auto_pad", mode);
        set(conv, "strides", Extents{stride, stride});
        builder.qdq<U8>("y", 0.1F, 0);
        const Network network = builder.import();
        return std::pair{network.operators[0].window, output_tensor(network).shape};
    };
    EXPECT_EQ(window("SAME_UPPER", 1), (std::pair{Window{4, 3, 1, 1, 1, 1, 2, 1}, Shape{1, 7, 8}}));
    EXPECT_EQ(window("SAME_LOWER", 1), (std::pair{Window{4, 3, 1, 1, 2, 1, 1, 1}, Shape{1, 7, 8}}));
    EXPECT_EQ(window("SAME_UPPER", 2), (std::pair{Window{4, 3, 2, 2, 1, 0, 2, 1}, Shape{1, 4, 4}}));
    EXPECT_EQ(window("SAME_UPPER", 5), (std::pair{Window{4, 3, 5, 5, 1, 0, 1, 0}, Shape{1, 2, 2}}));
    EXPECT_EQ(window("VALID", 2), (std::pair{Window{4, 3, 2, 2, 0, 0, 0, 0}, Shape{1, 2, 3}}));
    EXPECT_EQ(window("NOTSET", 1), (std::pair{Window{4, 3, 1, 1, 0, 0, 0, 0}, Shape{1, 4, 6}}));
}

/// Adds one attribute to an otherwise sound convolution and expects a refusal.
template <typename T>
void expect_conv_refuses(const std::string& name, const T& value, const std::string& part) {
    ChainBuilder builder = quantized_input();
    set(builder.conv({1, 1, 3, 3}, ones(9)), name, value);
    builder.qdq<U8>("y", 0.1F, 0).expect_error({"node 'conv_node' (Conv)", name, part});
}

TEST(ConvImport, RefusesWhatTheHardwareCannotRun) {
    expect_conv_refuses("dilations", Extents{2, 2}, "kernel 5x5 (with dilations) is larger than its padded input 4x4");
    expect_conv_refuses("dilations", Extents{0, 1}, "expected values of 1..65535");
    expect_conv_refuses("dilations", Extents{60000, 59999}, "span ");
    expect_conv_refuses("group", std::int64_t{2}, "expected a divisor of its 1 input and 1 output channels");
    expect_conv_refuses("group", std::int64_t{0}, "expected a divisor");
    expect_conv_refuses("group", std::int64_t{-1}, "expected a divisor");
    expect_conv_refuses("activation", std::string("relu"), "not supported");
    expect_conv_refuses("auto_pad", std::string("SAME"), "expected NOTSET");
    expect_conv_refuses("strides", Extents{0, 1}, "expected values of 1..65535");
    expect_conv_refuses("strides", Extents{1, 1LL << 40}, "expected values of 1..65535");
    expect_conv_refuses("strides", Extents{1}, "has 1 values, expected 2");
    expect_conv_refuses("pads", Extents{0, 0, -1, 0}, "expected values of 0..65535");
    expect_conv_refuses("kernel_shape", Extents{2, 2}, "but its weights are 3x3");
    expect_conv_refuses("kernel_shape", std::int64_t{3}, "is of type INT, expected INTS");
}

TEST(ConvImport, RefusesShapesThatDoNotFit) {
    ChainBuilder large = quantized_input({1, 1, 4, 4});
    large.conv({1, 1, 5, 5}, ones(25));
    large.qdq<U8>("y", 0.1F, 0).expect_error({"conv_node", "kernel 5x5 is larger than its padded input 4x4"});
    ChainBuilder channels = quantized_input({1, 3, 4, 4});
    channels.conv({1, 2, 1, 1}, ones(2));
    channels.qdq<U8>("y", 0.1F, 0).expect_error({"conv_node", "take 2 channels", "its input has 3"});
    ChainBuilder vector = quantized_input({1, 16});
    vector.conv({1, 1, 1, 1}, ones(1));
    vector.qdq<U8>("y", 0.1F, 0).expect_error({"conv_node", "expected N x channels x height x width"});
    ChainBuilder rank = quantized_input();
    rank.conv({1, 1, 3}, ones(3));
    rank.qdq<U8>("y", 0.1F, 0).expect_error({"conv_node", "shape [1, 1, 3]", "expected 4 dimensions"});
    ChainBuilder huge = quantized_input({1, 1, 4, 4});
    set(huge.conv({1, 1, 1, 1}, ones(1)), "pads", Extents{65535, 65535, 65535, 65535});
    huge.qdq<U8>("y", 0.1F, 0).expect_error({"conv_node", "its output is 131074 x 131074 pixels", "at most 65535"});
    ChainBuilder padded = quantized_input({1, 1, 4, 4});
    set(padded.conv({1, 1, 1, 1}, ones(1)), "pads", Extents{3000, 3000, 3000, 3000});
    padded.qdq<U8>("y", 0.1F, 0).expect_error({"conv_node", "1x6004x6004 has 36048016 values", "at most 16777216"});
    ChainBuilder wide = quantized_input({1, 1, 4, 4});
    wide.conv({65536, 1, 1, 1}, ones(65536));
    wide.qdq<U8>("y", 0.1F, 0).expect_error({"conv_node", "has 65536 output channels, expected at most 65535"});
    ChainBuilder deep = quantized_input({1, 1025, 32, 32});
    deep.conv({1, 1025, 32, 32}, ones(1025 * 1024));
    deep.qdq<U8>("y", 0.1F, 0).expect_error({"conv_node", "adds up 1049600 products", "at most 1048576"});
}

TEST(PoolImport, MaxPoolKeepsTheQuantization) {
    ChainBuilder builder = quantized_input({1, 3, 7, 7});
    onnx::NodeProto& pool = builder.step("MaxPool", "pool");
    set(pool, "kernel_shape", Extents{3, 2});
    set(pool, "strides", Extents{2, 2});
    set(pool, "pads", Extents{1, 0, 1, 1});
    set(pool, "ceil_mode", std::int64_t{0});
    set(pool, "storage_order", std::int64_t{0});
    builder.qdq<U8>("y", 0.5F, 3);
    const Network network = builder.import();
    EXPECT_EQ(network.operators[0].kind, OperatorKind::max_pool);
    EXPECT_EQ(network.operators[0].window, (Window{3, 2, 2, 2, 1, 0, 1, 1}));
    EXPECT_EQ(output_tensor(network).shape, (Shape{3, 4, 4}));
    EXPECT_EQ(output_tensor(network).quantization, network.tensors[0].quantization);
}

TEST(PoolImport, MaxPoolOnIntegers) {
    ChainBuilder builder({1, 1, 4, 4});
    builder.quantize<I8>("x", 0.5F, -3);
    set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{2, 2});
    builder.dequantize("x");
    const Network network = builder.import();
    EXPECT_EQ(output_tensor(network).name, "pool");
    EXPECT_EQ(output_tensor(network).quantization, (Quantization{true, 8, -3, 0.5F}));
    EXPECT_EQ(network.operators[0].clamp_low, -128);
    EXPECT_EQ(network.operators[0].clamp_high, 127);
}

TEST(PoolImport, OtherParametersBehindAMaxPoolAreARequantization) {
    ChainBuilder builder = quantized_input();
    set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{2, 2});
    builder.qdq<U8>("y", 0.25F, 3);
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 2U);
    EXPECT_EQ(network.operators[0].kind, OperatorKind::max_pool);
    const Operator& op = network.operators[1];
    EXPECT_EQ(op.kind, OperatorKind::requantization);
    EXPECT_EQ(op.name, "y_q_node");
    EXPECT_EQ(op.input, network.operators[0].output);
    EXPECT_EQ(network.tensors[op.input].quantization.scale, 0.5F);
    EXPECT_EQ(output_tensor(network).quantization, (Quantization{false, 8, 3, 0.25F}));
    EXPECT_EQ(output_tensor(network).shape, network.tensors[op.input].shape);
}

TEST(RequantizationImport, TakesAReluOrClipInBetween) {
    for (const bool relu : {true, false}) {
        ChainBuilder builder = quantized_input();
        if (relu) {
            builder.step("Relu", "limit");
        } else {
            builder.constant<float>("low", {}, {-0.5F});
            builder.constant<float>("high", {}, {6.0F});
            builder.step("Clip", "limit", {"low", "high"});
        }
        builder.qdq<U8>("y", 0.25F, 3);
        const Network network = builder.import();
        ASSERT_EQ(network.operators.size(), 1U);
        const Operator& op = network.operators[0];
        EXPECT_EQ(op.kind, OperatorKind::requantization);
        EXPECT_EQ(op.activation, relu ? Activation::relu : Activation::clip);
        EXPECT_EQ(op.clamp_low, relu ? 3 : 1);
        EXPECT_EQ(op.clamp_high, relu ? 255 : 27);
    }
}

TEST(PoolImport, AveragePoolMayRequantize) {
    ChainBuilder builder = quantized_input();
    onnx::NodeProto& pool = builder.step("AveragePool", "pool");
    set(pool, "kernel_shape", Extents{2, 2});
    set(pool, "count_include_pad", std::int64_t{1});
    builder.qdq<I8>("y", 0.25F, -9);
    const Network network = builder.import();
    EXPECT_EQ(network.operators[0].kind, OperatorKind::average_pool);
    EXPECT_TRUE(network.operators[0].average_counts_padding);
    EXPECT_EQ(output_tensor(network).shape, (Shape{1, 3, 3}));
    EXPECT_EQ(output_tensor(network).quantization, (Quantization{true, 8, -9, 0.25F}));
}

void expect_pool_refuses(const std::string& type, const std::string& name, std::int64_t value,
                         const std::string& part) {
    ChainBuilder builder = quantized_input();
    onnx::NodeProto& pool = builder.step(type, "pool");
    set(pool, "kernel_shape", Extents{2, 2});
    set(pool, name, value);
    builder.qdq<U8>("y", 0.5F, 3).expect_error({"node 'pool_node' (" + type + ")", name, part});
}

TEST(PoolImport, RefusesWhatTheHardwareCannotRun) {
    expect_pool_refuses("MaxPool", "storage_order", 1, "only 0 is supported");
    expect_pool_refuses("MaxPool", "count_include_pad", 1, "not supported");
    ChainBuilder kernel = quantized_input();
    kernel.step("MaxPool", "pool");
    kernel.qdq<U8>("y", 0.5F, 3).expect_error({"pool_node", "no attribute kernel_shape"});
    ChainBuilder pads = quantized_input();
    onnx::NodeProto& pool = pads.step("MaxPool", "pool");
    set(pool, "kernel_shape", Extents{2, 2});
    set(pool, "pads", Extents{0, 0, 2, 0});
    pads.qdq<U8>("y", 0.5F, 3).expect_error({"pool_node", "as large as the kernel"});
    ChainBuilder indices = quantized_input();
    onnx::NodeProto& two = indices.step("MaxPool", "pool");
    set(two, "kernel_shape", Extents{2, 2});
    two.add_output("indices");
    indices.qdq<U8>("y", 0.5F, 3).expect_error({"pool_node", "2 outputs"});
}

TEST(FlattenImport, LeavesNoTensorBehind) {
    for (const Extents& target : {Extents{}, Extents{0, -1}, Extents{-1, 8}, Extents{1, 8}, Extents{1, -1}}) {
        ChainBuilder builder = quantized_input({1, 2, 2, 2});
        if (target.empty()) {
            set(builder.step("Flatten", "flat"), "axis", std::int64_t{1});
        } else {
            builder.step("Reshape", "flat", {builder.constant<std::int64_t>("target", {2}, target)});
        }
        builder.qdq<U8>("f", 0.5F, 3);
        builder.parameter<I8>("w", {8, 2}, ones(16), {0.25F});
        builder.step("Gemm", "gemm", {"w"});
        builder.qdq<U8>("y", 0.5F, 0);
        const Network network = builder.import();
        ASSERT_EQ(network.operators.size(), 1U);
        EXPECT_EQ(network.tensors.size(), 2U);
        EXPECT_EQ(network.tensors[0].shape, (Shape{2, 2, 2}));
        EXPECT_EQ(network.operators[0].weights.input_channels, 8);
    }
}

TEST(FlattenImport, BetweenQuantizeAndDequantizeAndBeforeTheFirstQuantize) {
    ChainBuilder integers({-1, 1, 2, 2});
    integers.quantize<U8>("x", 0.5F, 0);
    integers.step("Flatten", "flat");
    integers.dequantize("x");
    integers.parameter<I8>("w", {4, 2}, ones(8), {0.25F});
    integers.step("MatMul", "matmul", {"w"});
    integers.qdq<U8>("y", 0.5F, 0);
    EXPECT_EQ(integers.import().tensors.size(), 2U);
    ChainBuilder early({-1, 1, 2, 2});
    early.step("Flatten", "flat");
    early.qdq<U8>("x", 0.5F, 0);
    early.parameter<I8>("w", {4, 2}, ones(8), {0.25F});
    early.step("MatMul", "matmul", {"w"});
    early.qdq<U8>("y", 0.5F, 0);
    EXPECT_EQ(early.import().tensors[0].shape, (Shape{1, 2, 2}));
}

TEST(FlattenImport, RefusesOtherReshapes) {
    ChainBuilder axis = quantized_input();
    set(axis.step("Flatten", "flat"), "axis", std::int64_t{5});
    axis.qdq<U8>("f", 0.5F, 3).expect_error({"node 'flat_node' (Flatten)", "names axis 5 of 4"});
    for (const Extents& target : {Extents{0, 15}, Extents{-1, -1}, Extents{3, -1}, Extents{1, 16, 2}, Extents{2, 8}}) {
        ChainBuilder reshape = quantized_input({1, 1, 4, 4});
        reshape.conv({1, 1, 1, 1}, {1});
        reshape.qdq<U8>("y", 0.5F, 3);
        const std::string name =
            reshape.constant<std::int64_t>("target", {static_cast<std::int64_t>(target.size())}, target);
        reshape.step("Reshape", "flat", {name});
        reshape.qdq<U8>("f", 0.5F, 3).expect_error({"node 'flat_node' (Reshape)", "reshapes "});
    }
}

TEST(FlattenImport, OtherParametersBehindItAreARequantization) {
    ChainBuilder builder = quantized_input();
    builder.step("Flatten", "flat");
    builder.qdq<U8>("f", 0.25F, 3);
    builder.parameter<I8>("v", {2, 16}, std::vector<std::int8_t>(32, 1), {0.5F});
    set(builder.step("Gemm", "dense", {"v"}), "transB", std::int64_t{1});
    builder.qdq<U8>("g", 0.25F, 0);
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 2U);
    EXPECT_EQ(network.operators[0].kind, OperatorKind::requantization);
    EXPECT_EQ(network.operators[1].kind, OperatorKind::fully_connected);
    EXPECT_EQ(network.operators[1].input, network.operators[0].output);
}

/// Clamp range and bits of a convolution's output after `activations` has appended its nodes.
struct Range {
    int low = 0;
    int high = 0;
    int bits = 0;
    Activation activation = Activation::none;
    friend bool operator==(const Range&, const Range&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Range& range) {
        return out << range.low << ".." << range.high << ", " << range.bits << " bits, " << int(range.activation);
    }
};

template <typename T, typename Append>
Range range_after(float scale, int zero_point, Append append) {
    ChainBuilder builder = quantized_input();
    builder.conv({1, 1, 3, 3}, ones(9));
    append(builder);
    builder.qdq<T>("y", scale, zero_point);
    const Network network = builder.import();
    const Operator& op = network.operators[0];
    return {op.clamp_low, op.clamp_high, output_tensor(network).quantization.bits, op.activation};
}

void relu(ChainBuilder& builder) { builder.step("Relu", "relu"); }

void clip(ChainBuilder& builder, float low, float high) {
    builder.constant<float>("low", {}, {low});
    builder.constant<float>("high", {}, {high});
    builder.step("Clip", "clip", {"low", "high"});
}

TEST(ActivationImport, ReluRaisesTheLowerBoundToTheZeroPoint) {
    EXPECT_EQ(range_after<U8>(0.5F, 0, relu), (Range{0, 255, 8, Activation::relu}));
    EXPECT_EQ(range_after<U8>(0.5F, 40, relu), (Range{40, 255, 8, Activation::relu}));
    EXPECT_EQ(range_after<I8>(0.5F, -128, relu), (Range{-128, 127, 8, Activation::relu}));
    EXPECT_EQ(range_after<I8>(0.5F, -5, relu), (Range{-5, 127, 8, Activation::relu}));
}

TEST(ActivationImport, ClipBoundsRoundHalfToEven) {
    const auto six = [](ChainBuilder& builder) { clip(builder, 0.0F, 6.0F); };
    EXPECT_EQ(range_after<U8>(0.5F, 0, six), (Range{0, 12, 4, Activation::clip}));
    EXPECT_EQ(range_after<U8>(4.0F, 0, six), (Range{0, 2, 2, Activation::clip}));  // 1.5 rounds to 2
    EXPECT_EQ(range_after<U8>(6.0F / 255.0F, 0, six), (Range{0, 255, 8, Activation::clip}));
    EXPECT_EQ(range_after<U8>(0.01F, 0, six), (Range{0, 255, 8, Activation::clip}));
    EXPECT_EQ(range_after<U8>(0.5F, 10, six), (Range{10, 22, 5, Activation::clip}));
    EXPECT_EQ(range_after<I8>(0.5F, 0, six), (Range{0, 12, 5, Activation::clip}));
    EXPECT_EQ(range_after<I8>(0.5F, -128, six), (Range{-128, -116, 8, Activation::clip}));
    const auto symmetric = [](ChainBuilder& builder) { clip(builder, -4.0F, 3.5F); };
    EXPECT_EQ(range_after<I8>(0.5F, 0, symmetric), (Range{-8, 7, 4, Activation::clip}));
    const auto negative = [](ChainBuilder& builder) { clip(builder, -9.0F, -8.0F); };
    EXPECT_EQ(range_after<U8>(0.5F, 130, negative), (Range{112, 114, 8, Activation::clip}));  // 8 bits for the 130
    const auto beyond = [](ChainBuilder& builder) { clip(builder, 500.0F, 600.0F); };
    EXPECT_EQ(range_after<U8>(0.5F, 0, beyond), (Range{255, 255, 8, Activation::clip}));
}

TEST(ActivationImport, ClipWithOpenBoundsAsAttributesAndAfterRelu) {
    EXPECT_EQ(range_after<U8>(0.5F, 9, [](ChainBuilder& builder) { builder.step("Clip", "clip"); }),
              (Range{0, 255, 8, Activation::clip}));
    const auto upper = [](ChainBuilder& builder) {
        builder.constant<float>("high", {}, {3.0F});
        builder.step("Clip", "clip", {"", "high"});
    };
    EXPECT_EQ(range_after<U8>(0.5F, 9, upper), (Range{0, 15, 4, Activation::clip}));
    const auto attributes = [](ChainBuilder& builder) {
        builder.model().mutable_opset_import(0)->set_version(10);
        onnx::NodeProto& node = builder.step("Clip", "clip");
        set(node, "min", 1.0F);
        set(node, "max", 3.0F);
    };
    EXPECT_EQ(range_after<U8>(0.5F, 0, attributes), (Range{2, 6, 3, Activation::clip}));
    const auto both = [](ChainBuilder& builder) {
        relu(builder);
        clip(builder, -2.0F, 3.0F);
    };
    EXPECT_EQ(range_after<U8>(0.5F, 4, both), (Range{4, 10, 4, Activation::clip}));
    const auto reversed = [](ChainBuilder& builder) {
        clip(builder, -2.0F, 3.0F);
        relu(builder);
    };
    EXPECT_EQ(range_after<U8>(0.5F, 4, reversed), (Range{4, 10, 4, Activation::clip}));
}

TEST(ActivationImport, PoolingKeepsTheNarrowRange) {
    ChainBuilder builder = quantized_input();
    builder.conv({1, 1, 3, 3}, ones(9));
    clip(builder, 0.0F, 6.0F);
    builder.qdq<U8>("y", 0.5F, 0);
    set(builder.step("MaxPool", "pool"), "kernel_shape", Extents{2, 2});
    builder.qdq<U8>("z", 0.5F, 0);
    const Network network = builder.import();
    EXPECT_EQ(output_tensor(network).quantization.bits, 4);
    EXPECT_EQ(network.operators[1].clamp_high, 15);
}

TEST(ActivationImport, RefusesBadBoundsAndPlaces) {
    ChainBuilder order = quantized_input();
    order.conv({1, 1, 3, 3}, ones(9));
    clip(order, 2.0F, 1.0F);
    order.qdq<U8>("y", 0.5F, 0).expect_error({"node 'clip_node' (Clip)", "minimum 2 is above its maximum 1"});
    ChainBuilder nan = quantized_input();
    nan.conv({1, 1, 3, 3}, ones(9));
    clip(nan, std::numeric_limits<float>::quiet_NaN(), 1.0F);
    nan.qdq<U8>("y", 0.5F, 0).expect_error({"clip_node", "not a number"});
    ChainBuilder two = quantized_input();
    two.conv({1, 1, 3, 3}, ones(9));
    two.constant<float>("low", {2}, {0.0F, 1.0F});
    two.step("Clip", "clip", {"low"});
    two.qdq<U8>("y", 0.5F, 0).expect_error({"clip_node", "'low' has 2 values, expected one"});
}

}  // namespace
}  // namespace widthwise::test
