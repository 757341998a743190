// SPDX-License-Identifier: Apache-2.0
// What the graph's input can be. That values are right is what tests/goldens/exporters shows
// (shipped_models_test.cpp).
#include <string>
#include <vector>

#include "kit/refusal.h"
#include "network/exporter_forms.h"

namespace widthwise::test {
namespace {

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

}  // namespace
}  // namespace widthwise::test
