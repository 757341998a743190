// SPDX-License-Identifier: Apache-2.0
// Which kernel of ONNX Runtime an addition or an average is taken for. That its values are then ONNX Runtime's is what
// tests/goldens/kernels shows (tests/system/onnxruntime_operators_test.cpp).
#include <utility>

#include "network/exporter_forms.h"

namespace widthwise::test {
namespace {

/// A map behind a pair of type T that one node reads.
template <typename T>
ChainBuilder pooled_input() {
    ChainBuilder builder;
    builder.qdq<T>("x", 0.25F, 0);
    return builder;
}

RuntimeKernel kernel_of(ChainBuilder&& builder) { return builder.import().operators.at(0).runtime_kernel; }

ChainBuilder& averaged(ChainBuilder& builder) {
    builder.step("GlobalAveragePool", "mean");
    return builder;
}

ChainBuilder& max_of_one_pixel(ChainBuilder& builder) {
    set(builder.step("MaxPool", "max"), "kernel_shape", Extents{1, 1});
    return builder;
}

TEST(RuntimeKernel, OfOneTypeIsOnIntegers) {
    ChainBuilder builder = pooled_input<U8>();
    averaged(builder).qdq<U8>("y", 0.25F, 3);
    EXPECT_EQ(kernel_of(std::move(builder)), RuntimeKernel::unsigned_integers);
}

TEST(RuntimeKernel, Int8BecomesUnsignedWhereItHasOneReader) {
    ChainBuilder one_reader = pooled_input<S8>();
    averaged(one_reader).qdq<S8>("y", 0.25F, 3);
    EXPECT_EQ(kernel_of(std::move(one_reader)), RuntimeKernel::unsigned_integers);

    ChainBuilder two_readers = pooled_input<S8>();  // of both pairs
    averaged(two_readers).qdq<S8>("y", 0.25F, 3);
    two_readers.step("Add", "sum", {"y_dq"});
    two_readers.qdq<S8>("z", 0.5F, 0);
    const Network network = two_readers.import();
    EXPECT_EQ(network.operators.at(0).runtime_kernel, RuntimeKernel::reals) << "input relabelled, output not";
    EXPECT_EQ(network.operators.at(1).runtime_kernel, RuntimeKernel::reals) << "input not relabelled, output is";

    ChainBuilder doubled = pooled_input<S8>();
    doubled.step("Add", "sum", {doubled.current()});
    doubled.quantize<S8>("y", 0.5F, 3);
    doubled.dequantize("y");
    doubled.step("Add", "second", {"y_dq"});
    doubled.quantize<S8>("z", 1.0F, 0);
    doubled.dequantize("z");
    EXPECT_EQ(doubled.import().operators.at(0).runtime_kernel, RuntimeKernel::integers) << "neither is relabelled";
}

TEST(RuntimeKernel, OfTypesThatDifferIsOnRealsUnlessRelabellingMakesThemOne) {
    ChainBuilder made_one = pooled_input<S8>();
    averaged(made_one).qdq<U8>("y", 0.25F, 3);
    EXPECT_EQ(kernel_of(std::move(made_one)), RuntimeKernel::unsigned_integers);

    ChainBuilder constant = pooled_input<S8>();  // constants have no pair, and stay
    constant.parameter<S8>("c", {1, 1, 1}, {5}, {0.25F});
    constant.step("Add", "sum", {"c"});
    constant.qdq<S8>("y", 0.25F, 0);
    EXPECT_EQ(kernel_of(std::move(constant)), RuntimeKernel::reals);
}

TEST(RuntimeKernel, AnActivationThatStaysKeepsItOnReals) {
    const auto with_relu = [](int zero_point) {
        ChainBuilder builder = pooled_input<U8>();
        averaged(builder).step("Relu", "relu");
        builder.qdq<U8>("y", 0.25F, zero_point);
        return builder;
    };
    EXPECT_EQ(kernel_of(with_relu(0)), RuntimeKernel::unsigned_integers);
    EXPECT_EQ(kernel_of(with_relu(1)), RuntimeKernel::reals);
    const auto clipped = [](float high) {
        ChainBuilder builder = pooled_input<U8>();
        builder.constant<float>("low", {}, {0.0F});
        builder.constant<float>("high", {}, {high});
        averaged(builder).step("Clip", "clip", {"low", "high"});
        builder.qdq<U8>("y", 0.25F, 0);
        return builder;
    };
    EXPECT_EQ(kernel_of(clipped(63.75F)), RuntimeKernel::unsigned_integers);
    EXPECT_EQ(kernel_of(clipped(63.5F)), RuntimeKernel::reals);
}

TEST(RuntimeKernel, PairsPassOperatorsThatMoveValues) {
    ChainBuilder builder = pooled_input<S8>();
    max_of_one_pixel(averaged(builder)).qdq<S8>("y", 0.25F, 0);
    builder.step("Add", "sum", {"y_dq"});  // of the quantizer behind; the one shifted before it has one reader
    builder.qdq<S8>("z", 0.5F, 0);
    EXPECT_EQ(kernel_of(std::move(builder)), RuntimeKernel::unsigned_integers);
}

/// The quantizer is shifted past the MaxPool, but a limit behind that stays; and it must name its zero point.
TEST(RuntimeKernel, ALimitGoesOnlyDirectlyBeforeItsQuantizer) {
    const auto built = [](bool limit_last) {
        ChainBuilder builder = pooled_input<U8>();
        averaged(builder);
        if (!limit_last) builder.step("Relu", "relu");
        max_of_one_pixel(builder);
        if (limit_last) builder.step("Relu", "relu");
        builder.qdq<U8>("y", 0.25F, 0);
        return builder;
    };
    EXPECT_EQ(kernel_of(built(false)), RuntimeKernel::unsigned_integers);
    EXPECT_EQ(kernel_of(built(true)), RuntimeKernel::reals);
    ChainBuilder unnamed = pooled_input<U8>();
    averaged(unnamed).step("Relu", "relu");
    unnamed.quantize<U8>("y", 0.25F, 0).mutable_input()->RemoveLast();
    unnamed.dequantize("y");
    EXPECT_EQ(kernel_of(std::move(unnamed)), RuntimeKernel::reals);
}

TEST(RuntimeKernel, ThereIsNoneForReduceMean) {
    ChainBuilder builder = pooled_input<U8>();
    set(builder.step("ReduceMean", "mean"), "axes", Extents{2, 3});
    builder.qdq<U8>("y", 0.25F, 0);
    EXPECT_EQ(kernel_of(std::move(builder)), RuntimeKernel::reals);
}

TEST(RuntimeKernel, NodesOnIntegersAreTakenAtTheirWord) {
    ChainBuilder builder;
    builder.quantize<S8>("x", 0.25F, 0);
    builder.step("QLinearGlobalAveragePool", "y", {"x_scale", "x_zero", "x_scale", "x_zero"})
        .set_domain("com.microsoft");
    EXPECT_EQ(kernel_of(std::move(builder)), RuntimeKernel::integers);
}

}  // namespace
}  // namespace widthwise::test
