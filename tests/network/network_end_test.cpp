// SPDX-License-Identifier: Apache-2.0
// Ends of networks, values in other files, and what a refusal advises. That values are right is what
// tests/goldens/exporters shows (shipped_models_test.cpp).
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kit/refusal.h"
#include "kit/temporary_files.h"
#include "network/exporter_forms.h"

namespace widthwise::test {
namespace {

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

class ExternalData : public ::testing::Test {
protected:
    /// The path of convolved() with the weights in a file beside it.
    [[nodiscard]] std::string beside(const std::string& location, const std::string& offset,
                                     const std::string& length) const {
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
        return folder_.write("model.onnx", builder.bytes());
    }

    TemporaryFolder folder_;
};

TEST_F(ExternalData, IsReadFromTheModelsFolder) {
    folder_.write("values.bin", std::string("\x09\x05\xfb\x09", 4));
    const std::string file = beside("values.bin", "1", "2");
    const Network network = import_onnx(file);
    EXPECT_EQ(network.operators.at(0).weights.values, (std::vector<std::int16_t>{5, -5}));
    folder_.write("values.bin", std::string("\x09\x06\xfb\x09", 4));
    EXPECT_NE(import_onnx(file).digest, network.digest);  // the file is part of the network
}

TEST_F(ExternalData, OutsideOfTheFolderOrItsFileIsRefused) {
    folder_.write("values.bin", std::string(4, '\1'));
    const auto expect_error = [](const std::string& file, const std::string& what, const std::string& expected = "") {
        ChainBuilder::expect_import_error(file, {what, expected});
    };
    for (const std::string location : {"/etc/passwd", "../values.bin", "a/../../b"}) {
        expect_error(beside(location, "0", "2"), "'w_values' is stored outside",
                     "expected a file in the model's folder");
    }
    expect_error(beside("absent.bin", "0", "2"), "no regular file beside it");
    expect_error(beside("values.bin", "3", "2"), "which has 4 bytes, expected 2 from byte 3 on");
    expect_error(beside("values.bin", "one", "2"), "with the offset 'one', expected a number");
    expect_error(beside("values.bin", "0", "3"), "'w_values' holds 3 bytes or values, expected 2");
}

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

TEST(Advice, GoesOnBehindAQuantizerThatIsRefused) {
    ChainBuilder builder = convolved();
    builder.qdq<U8>("y", 0.25F, 0);
    set(builder.step("Pad", "pad"), "pads", Extents{0, 0, 1, 1, 0, 0, 1, 1});
    builder.qdq<U8>("z", 0.5F, 0);
    builder.parameter<S8>("v", {1, 3, 1, 1}, {1, 1, 1}, {0.5F});
    builder.step("Conv", "second", {"v"});
    builder.qdq<U8>("a", 0.25F, 0);
    const std::string text = refusal(std::move(builder));
    EXPECT_THAT(text, ::testing::HasSubstr("node 'z_q_node' (QuantizeLinear): reads a map that a Pad has"));
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

TEST(Advice, AConstantOnAMapIsQuantizedOrBelongsToTheLayerBefore) {
    ChainBuilder builder = convolved();
    builder.qdq<U8>("y", 0.25F, 0);
    builder.constant<float>("constant", {}, {1.0F});
    builder.step("Add", "sum", {"constant"});
    EXPECT_THAT(refusal(std::move(builder)),
                ::testing::HasSubstr("adds the real constant 'constant' to a quantized map, expected it "
                                     "quantized to 8 bits"));
    ChainBuilder product = convolved();
    product.qdq<U8>("y", 0.25F, 0);
    product.constant<float>("constant", {}, {1.0F});
    product.step("Mul", "product", {"constant"});
    EXPECT_THAT(refusal(std::move(product)), ::testing::HasSubstr("multiplies a quantized map"));
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

}  // namespace
}  // namespace widthwise::test
