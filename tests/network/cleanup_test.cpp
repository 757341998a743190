// SPDX-License-Identifier: Apache-2.0
// The clean-up of a graph on its own: what is left of the nodes, and which constants there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "network/onnx_cleanup.h"
#include "network/onnx_fold.h"

namespace widthwise::test {
namespace {

using Extents = std::vector<std::int64_t>;
using Proto = onnx::TensorProto;
using ::testing::ElementsAre;

class Cleanup : public ::testing::Test {
protected:
    onnx::NodeProto& node(const std::string& type, const std::vector<std::string>& inputs, const std::string& output) {
        onnx::NodeProto* made = graph.add_node();
        made->set_op_type(type);
        made->set_name(output + "_node");
        for (const std::string& input : inputs) made->add_input(input);
        made->add_output(output);
        return *made;
    }

    void constant(const std::string& name, int type, const Extents& dimensions, const std::vector<double>& values) {
        ConstantTensor tensor = make_constant(type, dimensions);
        for (std::size_t i = 0; i < values.size(); ++i) tensor.set(static_cast<std::int64_t>(i), values[i]);
        constants[name] = std::move(tensor);
    }

    /// "Type(inputs)->output" of each node that is left.
    std::vector<std::string> left(const std::string& output) {
        FoldBudget budget(constants);
        clean_up(graph, constants, output, budget);
        std::vector<std::string> texts;
        for (const onnx::NodeProto& node : graph.node()) {
            std::string inputs;
            for (const std::string& input : node.input()) inputs += (inputs.empty() ? "" : ",") + input;
            texts.push_back(node.op_type() + "(" + inputs + ")->" + node.output(0));
        }
        return texts;
    }

    std::vector<double> values(const std::string& name) const {
        std::vector<double> found;
        for (std::int64_t i = 0; i < constants.at(name).elements(); ++i) found.push_back(constants.at(name).at(i));
        return found;
    }

    static void integers(onnx::NodeProto& node, const std::string& name, const Extents& values) {
        onnx::AttributeProto* attribute = node.add_attribute();
        attribute->set_name(name);
        attribute->set_type(onnx::AttributeProto::INTS);
        for (const std::int64_t value : values) attribute->add_ints(value);
    }

    static void integer(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
        onnx::AttributeProto* attribute = node.add_attribute();
        attribute->set_name(name);
        attribute->set_type(onnx::AttributeProto::INT);
        attribute->set_i(value);
    }

    onnx::GraphProto graph;
    Constants constants;
};

TEST_F(Cleanup, DropsWhatTheOutputDoesNotNeed) {
    constant("w", Proto::FLOAT, {}, {1});
    constant("unused", Proto::FLOAT, {}, {1});
    node("Relu", {"image"}, "a");
    node("Conv", {"a", "w"}, "b");
    node("Conv", {"a", "unused"}, "side");
    node("Relu", {"side"}, "further");
    EXPECT_THAT(left("b"), ElementsAre("Relu(image)->a", "Conv(a,w)->b"));
    EXPECT_EQ(constants.size(), 1U);
}

TEST_F(Cleanup, IdentityAndDropoutLeaveNoTrace) {
    constant("no", Proto::BOOL, {}, {0});
    constant("yes", Proto::BOOL, {}, {1});
    constant("ratio", Proto::FLOAT, {}, {0.5});
    node("Identity", {"image"}, "a");
    node("Dropout", {"a"}, "b");
    node("Dropout", {"b", "ratio", "no"}, "c");
    node("Relu", {"c"}, "d");
    node("Dropout", {"d", "ratio", "yes"}, "trained");
    node("Identity", {"trained"}, "out");
    EXPECT_THAT(left("out"), ElementsAre("Relu(image)->d", "Dropout(d,ratio,yes)->trained", "Identity(trained)->out"));
}

TEST_F(Cleanup, ADropoutWhoseMaskIsReadStays) {
    node("Dropout", {"image"}, "a").add_output("mask");
    node("Where", {"mask", "a"}, "out");
    EXPECT_THAT(left("out"), ElementsAre("Dropout(image)->a", "Where(mask,a)->out"));
}

TEST_F(Cleanup, EvaluatesNodesOfConstants) {
    onnx::NodeProto& made = node("Constant", {}, "two");
    integer(made, "value_int", 2);
    integers(node("Constant", {}, "list"), "value_ints", {3, 4});
    node("Mul", {"two", "list"}, "product");
    node("Reshape", {"image", "product"}, "out");
    EXPECT_THAT(left("out"), ElementsAre("Reshape(image,product)->out"));
    EXPECT_THAT(values("product"), ElementsAre(6, 8));
    EXPECT_EQ(constants.size(), 1U);
}

TEST_F(Cleanup, LeavesWhatDoesNotFold) {
    constant("a", Proto::INT64, {2}, {1, 2});
    constant("b", Proto::INT64, {3}, {1, 2, 3});
    node("Add", {"a", "b"}, "sum");
    node("Constant", {}, "empty");
    node("Reshape", {"image", "sum", "empty"}, "out");
    EXPECT_THAT(left("out"), ElementsAre("Add(a,b)->sum", "Constant()->empty", "Reshape(image,sum,empty)->out"));
}

TEST_F(Cleanup, MovesATransposeInFrontOfTheDequantizer) {
    constant("w", Proto::INT8, {2, 3}, {1, 2, 3, 4, 5, 6});
    constant("scales", Proto::FLOAT, {2}, {0.5, 0.25});
    integer(node("DequantizeLinear", {"w", "scales"}, "real"), "axis", 0);
    node("Transpose", {"real"}, "turned");
    node("MatMul", {"image", "turned"}, "out");
    EXPECT_THAT(left("out"),
                ElementsAre("DequantizeLinear(turned_values,scales)->turned", "MatMul(image,turned)->out"));
    EXPECT_THAT(values("turned_values"), ElementsAre(1, 4, 2, 5, 3, 6));
    EXPECT_EQ(integer_attribute(graph.node(0), "axis", -1), 1);
}

TEST_F(Cleanup, ACastOfDequantizedWeightsToFloatLeavesNoTrace) {
    constant("w", Proto::INT8, {2}, {1, 2});
    constant("scale", Proto::FLOAT, {}, {0.5});
    node("DequantizeLinear", {"w", "scale"}, "real");
    integer(node("Cast", {"real"}, "cast"), "to", Proto::FLOAT);
    node("Conv", {"image", "cast"}, "a");
    integer(node("Cast", {"a"}, "out"), "to", Proto::FLOAT);
    EXPECT_THAT(left("out"), ElementsAre("DequantizeLinear(w,scale)->real", "Conv(image,real)->a", "Cast(a)->out"));
}

TEST_F(Cleanup, ADequantizerOfNothingStays) {
    constant("scale", Proto::FLOAT, {}, {0.5});
    node("DequantizeLinear", {"", "scale"}, "real");
    node("Transpose", {"real"}, "out");
    EXPECT_THAT(left("out"), ElementsAre("DequantizeLinear(scale)->real", "Transpose(real)->out"));
}

TEST_F(Cleanup, AReshapeThatTearsTheScalesAxisStays) {
    constant("w", Proto::INT8, {4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    constant("scales", Proto::FLOAT, {4}, {0.5, 0.25, 1, 2});
    constant("torn", Proto::INT64, {2}, {2, 6});
    constant("whole", Proto::INT64, {3}, {4, 1, 3});
    integer(node("DequantizeLinear", {"w", "scales"}, "real"), "axis", 0);
    node("Reshape", {"real", "torn"}, "a");
    node("Reshape", {"real", "whole"}, "b");
    node("Join", {"a", "b"}, "out");
    EXPECT_THAT(left("out"), ElementsAre("DequantizeLinear(w,scales)->real", "Reshape(real,torn)->a",
                                         "DequantizeLinear(b_values,scales)->b", "Join(a,b)->out"));
}

TEST_F(Cleanup, QuantizesOnceWhatIsQuantizedTwiceAlike) {
    constant("scale", Proto::FLOAT, {}, {0.5});
    constant("same", Proto::FLOAT, {}, {0.5});
    constant("other", Proto::FLOAT, {}, {0.25});
    node("QuantizeLinear", {"image", "scale"}, "a");
    node("QuantizeLinear", {"image", "same"}, "b");
    node("QuantizeLinear", {"image", "other"}, "c");
    node("Join", {"a", "b", "c"}, "out");
    EXPECT_THAT(left("out"),
                ElementsAre("QuantizeLinear(image,scale)->a", "QuantizeLinear(image,other)->c", "Join(a,a,c)->out"));
}

TEST_F(Cleanup, QuantBecomesIntegers) {
    constant("scale", Proto::FLOAT, {}, {0.5});
    constant("zero", Proto::FLOAT, {}, {0});
    constant("bits", Proto::FLOAT, {}, {4});
    node("Quant", {"image", "scale", "zero", "bits"}, "out").set_domain("qonnx.custom_op.general");
    EXPECT_THAT(left("out"), ElementsAre("QuantizeLinear(image,out_scale,out_zero_point)->out_quantized",
                                         "Clip(out_quantized,out_low,out_high)->out_clipped",
                                         "DequantizeLinear(out_clipped,out_scale,out_zero_point)->out"));
    EXPECT_THAT(values("out_low"), ElementsAre(-8));
    EXPECT_THAT(values("out_high"), ElementsAre(7));
}

}  // namespace
}  // namespace widthwise::test
