// SPDX-License-Identifier: Apache-2.0
// Nodes of constants: what they compute by the ONNX standard, worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "common/error.h"
#include "network/onnx_fold.h"

namespace widthwise::test {
namespace {

using Extents = std::vector<std::int64_t>;
using Proto = onnx::TensorProto;
using ::testing::ElementsAre;

ConstantTensor tensor(int type, const Extents& dimensions, const std::vector<double>& values) {
    ConstantTensor made = make_constant(type, dimensions);
    EXPECT_EQ(made.elements(), static_cast<std::int64_t>(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) made.set(static_cast<std::int64_t>(i), values[i]);
    return made;
}

std::vector<double> values_of(const ConstantTensor& tensor) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < tensor.elements(); ++i) values.push_back(tensor.at(i));
    return values;
}

onnx::NodeProto node(const std::string& type) {
    onnx::NodeProto made;
    made.set_op_type(type);
    return made;
}

onnx::NodeProto with(onnx::NodeProto made, const std::string& name, const Extents& values) {
    onnx::AttributeProto* attribute = made.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute->add_ints(value);
    return made;
}

onnx::NodeProto with(onnx::NodeProto made, const std::string& name, std::int64_t value) {
    onnx::AttributeProto* attribute = made.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(value);
    return made;
}

const ConstantTensor kShape = make_integers({2, 3, 4});
const ConstantTensor kMatrix = tensor(Proto::INT8, {2, 3}, {1, 2, 3, 4, 5, 6});

TEST(Fold, ShapeArithmetic) {
    const ConstantTensor last = tensor(Proto::INT64, {}, {-1});
    const auto picked = fold(node("Gather"), {&kShape, &last});
    EXPECT_EQ(picked->dimensions, Extents{});
    EXPECT_THAT(values_of(*picked), ElementsAre(4));
    const ConstantTensor axes = make_integers({0});
    const auto row = fold(node("Unsqueeze"), {&*picked, &axes});
    EXPECT_EQ(row->dimensions, Extents{1});
    const auto joined = fold(with(node("Concat"), "axis", std::int64_t{0}), {&*row, &kShape});
    EXPECT_THAT(values_of(*joined), ElementsAre(4, 2, 3, 4));
    const auto product = fold(node("Mul"), {&*picked, &kShape});
    EXPECT_THAT(values_of(*product), ElementsAre(8, 12, 16));
    EXPECT_THAT(values_of(*fold(node("Shape"), {&kMatrix})), ElementsAre(2, 3));
    EXPECT_THAT(values_of(*fold(node("Size"), {&kMatrix})), ElementsAre(6));
}

TEST(Fold, MovesValues) {
    const auto turned = fold(with(node("Transpose"), "perm", Extents{1, 0}), {&kMatrix});
    EXPECT_EQ(turned->dimensions, (Extents{3, 2}));
    EXPECT_THAT(values_of(*turned), ElementsAre(1, 4, 2, 5, 3, 6));
    EXPECT_EQ(*fold(node("Transpose"), {&kMatrix}), *turned);  // the reverse order without an attribute
    const ConstantTensor cube = tensor(Proto::FLOAT, {2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
    EXPECT_THAT(values_of(*fold(with(node("Transpose"), "perm", Extents{2, 0, 1}), {&cube})),
                ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
    const ConstantTensor columns = make_integers({2, 0});
    const auto gathered = fold(with(node("Gather"), "axis", std::int64_t{1}), {&kMatrix, &columns});
    EXPECT_THAT(values_of(*gathered), ElementsAre(3, 1, 6, 4));
    const auto beside = fold(with(node("Concat"), "axis", std::int64_t{1}), {&kMatrix, &*gathered});
    EXPECT_THAT(values_of(*beside), ElementsAre(1, 2, 3, 3, 1, 4, 5, 6, 6, 4));
    EXPECT_EQ(fold(with(node("Flatten"), "axis", std::int64_t{0}), {&kMatrix})->dimensions, (Extents{1, 6}));
    const ConstantTensor target = make_integers({3, -1});
    EXPECT_EQ(fold(node("Reshape"), {&kMatrix, &target})->dimensions, (Extents{3, 2}));
    const ConstantTensor thin = tensor(Proto::INT8, {1, 3, 1}, {1, 2, 3});
    EXPECT_EQ(fold(node("Squeeze"), {&thin})->dimensions, Extents{3});
    EXPECT_EQ(fold(with(node("Squeeze"), "axes", Extents{-1}), {&thin})->dimensions, (Extents{1, 3}));
}

TEST(Fold, Slices) {
    const ConstantTensor starts = make_integers({1}), ends = make_integers({3}), axes = make_integers({1});
    EXPECT_THAT(values_of(*fold(node("Slice"), {&kMatrix, &starts, &ends, &axes})), ElementsAre(2, 3, 5, 6));
    const ConstantTensor last = make_integers({-1}), before = make_integers({-100}), back = make_integers({-2});
    EXPECT_THAT(values_of(*fold(node("Slice"), {&kMatrix, &last, &before, &axes, &back})), ElementsAre(3, 1, 6, 4));
    EXPECT_THAT(values_of(*fold(with(with(node("Slice"), "starts", Extents{1}), "ends", Extents{100}), {&kShape})),
                ElementsAre(3, 4));  // before operator set 10
}

TEST(Fold, Numbers) {
    const ConstantTensor a = tensor(Proto::FLOAT, {2, 1}, {1, 10}), b = tensor(Proto::FLOAT, {3}, {1, 2, 4});
    EXPECT_THAT(values_of(*fold(node("Add"), {&a, &b})), ElementsAre(2, 3, 5, 11, 12, 14));
    EXPECT_THAT(values_of(*fold(node("Div"), {&a, &b})), ElementsAre(1, 0.5, 0.25, 10, 5, 2.5));
    const ConstantTensor seven = make_integers({-7}), two = make_integers({2});
    EXPECT_THAT(values_of(*fold(node("Div"), {&seven, &two})), ElementsAre(-3));  // towards zero
    EXPECT_THAT(values_of(*fold(node("Neg"), {&seven})), ElementsAre(7));
    const ConstantTensor low = tensor(Proto::INT8, {}, {-2}), high = tensor(Proto::INT8, {}, {3});
    EXPECT_THAT(values_of(*fold(node("Clip"), {&kMatrix, &low, &high})), ElementsAre(1, 2, 3, 3, 3, 3));
    const auto cast = fold(with(node("Cast"), "to", std::int64_t{Proto::FLOAT}), {&kMatrix});
    EXPECT_EQ(cast->data_type, Proto::FLOAT);
    EXPECT_THAT(values_of(*cast), ElementsAre(1, 2, 3, 4, 5, 6));
    ConstantTensor half = make_constant(Proto::FLOAT16, {5});
    half.bytes = std::string("\x00\x3c\x01\x00\x00\xc5\xff\x7b\x00\xfc", 10);
    const auto single = fold(with(node("Cast"), "to", std::int64_t{Proto::FLOAT}), {&half});
    EXPECT_THAT(values_of(*single), ElementsAre(1, 0x1p-24, -5, 65504, -INFINITY));
    ConstantTensor brain = make_constant(Proto::BFLOAT16, {2});
    brain.bytes = std::string("\x80\x3f\x20\xc0", 4);
    EXPECT_THAT(values_of(*fold(with(node("Cast"), "to", std::int64_t{Proto::FLOAT}), {&brain})), ElementsAre(1, -2.5));
}

TEST(Fold, QuantizesHalfToEven) {
    const ConstantTensor real = tensor(Proto::FLOAT, {2, 3}, {0.25, 0.75, -0.25, 100, -100, 1});
    const ConstantTensor scale = tensor(Proto::FLOAT, {}, {0.5}), zero = tensor(Proto::INT8, {}, {3});
    const auto quantized = fold(node("QuantizeLinear"), {&real, &scale, &zero});
    EXPECT_EQ(quantized->data_type, Proto::INT8);
    EXPECT_THAT(values_of(*quantized), ElementsAre(3, 5, 3, 127, -128, 5));
    const ConstantTensor scales = tensor(Proto::FLOAT, {2}, {0.25, 50}), zeros = tensor(Proto::UINT8, {2}, {0, 10});
    EXPECT_THAT(values_of(*fold(with(node("QuantizeLinear"), "axis", std::int64_t{0}), {&real, &scales, &zeros})),
                ElementsAre(1, 3, 0, 12, 8, 10));
}

TEST(Fold, RefusesOperandsThatDoNotFit) {
    const ConstantTensor beyond = make_integers({3}), zero = make_integers({0}), none = make_integers({});
    const ConstantTensor pair = make_integers({1, 2});
    EXPECT_THROW(fold(node("Gather"), {&kShape, &beyond}), InputError);
    EXPECT_THROW(fold(node("Gather"), {&kShape}), InputError);
    EXPECT_THROW(fold(node("Div"), {&kShape, &zero}), InputError);
    EXPECT_THROW(fold(node("Add"), {&kShape, &pair}), InputError);
    EXPECT_THROW(fold(node("Reshape"), {&kMatrix, &beyond}), InputError);
    EXPECT_THROW(fold(with(node("Transpose"), "perm", Extents{0, 0}), {&kMatrix}), InputError);
    EXPECT_THROW(fold(with(node("Transpose"), "perm", Extents{0}), {&kMatrix}), InputError);
    EXPECT_THROW(fold(with(node("Squeeze"), "axes", Extents{0}), {&kMatrix}), InputError);
    EXPECT_THROW(fold(with(node("Unsqueeze"), "axes", Extents{7}), {&kMatrix}), InputError);
    EXPECT_THROW(fold(with(node("Concat"), "axis", std::int64_t{0}), {&kMatrix, &kShape}), InputError);
    EXPECT_THROW(fold(node("Slice"), {&kMatrix, &pair, &beyond}), InputError);
    const ConstantTensor real = tensor(Proto::FLOAT, {1}, {std::numeric_limits<double>::infinity()});
    const ConstantTensor scale = tensor(Proto::FLOAT, {}, {0.5}), point = tensor(Proto::INT8, {}, {0});
    EXPECT_THROW(fold(node("QuantizeLinear"), {&real, &scale, &point}), InputError);
    EXPECT_FALSE(fold(node("Conv"), {&kMatrix, &kMatrix}));
    EXPECT_FALSE(fold(node("Add"), {&kMatrix, &kShape}));  // types differ: the standard has no such Add
    EXPECT_EQ(fold(node("ConstantOfShape"), {&none})->elements(), 1);
}

TEST(Fold, BoundsWhatFewBytesAskFor) {
    const ConstantTensor large = make_integers({1 << 20, 1 << 20});
    EXPECT_THROW(fold(node("ConstantOfShape"), {&large}), InputError);
    const ConstantTensor wide = make_constant(Proto::INT8, {1, 1 << 20});
    ConstantTensor places = make_constant(Proto::INT64, {1 << 12});
    EXPECT_THROW(fold(node("Gather"), {&wide, &places}), InputError);
    const ConstantTensor row = make_constant(Proto::FLOAT, {1, 1 << 16}),
                         column = make_constant(Proto::FLOAT, {1 << 16, 1});
    EXPECT_THROW(fold(node("Add"), {&row, &column}), InputError);
}

onnx::TensorProto four_bits(int type, const std::string& raw, std::int64_t count) {
    onnx::TensorProto proto;
    proto.set_name("w");
    proto.set_data_type(type);
    proto.add_dims(count);
    proto.set_raw_data(raw);
    return proto;
}

TEST(ConstantTensor, UnpacksFourBitsLowHalfFirst) {
    const ConstantTensor is_signed = take_constant(four_bits(kOnnxInt4, "\x8f\x07", 3));
    EXPECT_THAT(values_of(is_signed), ElementsAre(-1, -8, 7));
    const ConstantTensor is_unsigned = take_constant(four_bits(kOnnxUint4, "\x8f\x07", 3));
    EXPECT_THAT(values_of(is_unsigned), ElementsAre(15, 8, 7));
    EXPECT_THROW(take_constant(four_bits(kOnnxInt4, "\x8f", 3)), InputError);
}

TEST(ConstantTensor, RefusesWhatItCannotHold) {
    EXPECT_THROW(take_constant(four_bits(Proto::STRING, "", 0)), InputError);
    EXPECT_THROW(take_constant(four_bits(Proto::FLOAT, "abc", 1)), InputError);
    EXPECT_THROW(take_constant(four_bits(Proto::INT8, "", -1)), InputError);
    EXPECT_THROW(take_constant(four_bits(Proto::INT8, "", std::int64_t{1} << 40)), InputError);
}

}  // namespace
}  // namespace widthwise::test
