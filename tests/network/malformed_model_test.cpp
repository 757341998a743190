// SPDX-License-Identifier: Apache-2.0
// Files that are no models, graphs that make no sense: refused with a message, never with a crash.
#include <random>

#include "kit/temporary_files.h"
#include "network/onnx_builder.h"
#include "network/onnx_import.h"
#include "network/onnx_input.h"

namespace widthwise::test {
namespace {

using U8 = std::uint8_t;

ChainBuilder sound(const Extents& input = {-1, 1, 4, 4}) {
    ChainBuilder builder = quantized_input(input);
    builder.conv({1, 1, 1, 1}, {1});
    builder.qdq<U8>("y", 0.25F, 7);
    return builder;
}

void expect_refused(const std::string& bytes, const std::string& part) {
    const TemporaryFile file(bytes);
    ChainBuilder::expect_import_error(file.path(), {part});
}

TEST(MalformedModel, FilesThatAreNoModels) {
    ChainBuilder::expect_import_error("/no/such/model.onnx", {"no such file"});
    ChainBuilder::expect_import_error(::testing::TempDir(), {"not a regular file"});
    ChainBuilder::expect_import_error("/dev/zero", {"not a regular file"});
    expect_refused("", "empty");
    expect_refused("This is a text, not a model.\n", "not an ONNX model");
    expect_refused(std::string(100, '\0'), "not an ONNX model");
    expect_refused("\x08\x08", "no graph");
}

TEST(MalformedModel, EveryTruncationIsRefused) {
    const std::string bytes = sound().bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const TemporaryFile file(bytes.substr(0, size));
        EXPECT_THROW(import_onnx(file.path()), InputError) << size << " of " << bytes.size() << " bytes";
    }
}

TEST(MalformedModel, DamagedBytesNeverCrash) {
    const std::string bytes = sound().bytes();
    std::mt19937 random(3);
    std::uniform_int_distribution<std::size_t> position(0, bytes.size() - 1);
    std::uniform_int_distribution<int> byte(0, 255);
    for (int round = 0; round < 3000; ++round) {
        std::string damaged = bytes;
        for (int i = 0; i < 1 + round % 3; ++i) damaged[position(random)] = static_cast<char>(byte(random));
        const TemporaryFile file(damaged);
        try {
            import_onnx(file.path());
        } catch (const InputError&) {  // either is fine; anything else fails the test
        }
    }
}

std::string repeated(const std::string& bytes, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += bytes;
    return text;
}

// Two bytes in the file, an object of a hundred once parsed.
TEST(MalformedModel, MorePartsThanAreRead) {
    const std::string message = "holds more than 500000 nodes, tensors, attributes and names, the most that is read";
    constexpr int kGraph = 7;
    constexpr int kNode = 1;
    const std::string empty_node = field(kNode, "");
    expect_refused(field(kGraph, repeated(empty_node, 600000)), message);
    expect_refused(field(kGraph, field(kNode, repeated(field(1, ""), 600000))), message);      // names of inputs
    expect_refused(field(kGraph, repeated(std::string("\xf8\x01\x05", 3), 600000)), message);  // unknown, number 31
    expect_refused(field(kGraph, repeated(std::string("\x08\x05", 2), 600000)), message);      // node, as a number
    expect_refused(field(kGraph, repeated(field(31, "ab"), 600000)), message);
    expect_refused(repeated(field(kGraph, empty_node), 300000), message);
    expect_refused(field(kGraph, repeated(empty_node, 1000)), "operator set");  // few of them are fine so far
}

TEST(MalformedModel, MoreNumbersThanAreRead) {
    constexpr int kInitializer = 5;
    const std::string message = "holds more than 134217728 numbers outside of raw data, the most that is read";
    const auto tensor = [](const std::string& content) { return field(7, field(kInitializer, content)); };
    std::string bytes;
    bytes.resize((std::size_t{1} << 27) + 1, '\1');
    for (const int packed : {5, 7}) expect_refused(tensor(field(packed, bytes)), message);  // int32_data, int64_data
    expect_refused(tensor(field(9, bytes)), "no graph");                                    // raw_data: as many bytes
}

TEST(MalformedModel, MoreOperatorsThanAreRun) {
    ChainBuilder builder;
    builder.quantize<U8>("x", 0.5F, 3);
    for (int i = 0; i < 4096; ++i) set(builder.step("MaxPool", fmt::format("p{}", i)), "kernel_shape", Extents{1, 1});
    EXPECT_EQ(builder.import().operators.size(), 4096U);
    set(builder.step("MaxPool", "last"), "kernel_shape", Extents{1, 1});
    builder.graph().mutable_output(0)->set_name("last");
    builder.expect_error({"node 'last_node' (MaxPool): is one operator too many, expected at most 4096"});
}

TEST(MalformedModel, OperatorSet) {
    ChainBuilder old = sound();
    old.model().mutable_opset_import(0)->set_version(9);
    old.expect_error({"operator set 9, expected 10 or later"});
    ChainBuilder none = sound();
    none.model().clear_opset_import();
    none.expect_error({"names no ONNX operator set"});
}

TEST(MalformedModel, UnknownOperator) {
    ChainBuilder builder = sound();
    builder.step("Hardmax", "hardmax");
    builder.expect_error({"node 'hardmax_node' (Hardmax)", "not supported", "Conv", "Gemm", "MaxPool", "Reshape"});
    ChainBuilder domain = sound();
    domain.step("Relu", "relu").set_domain("my.domain");
    domain.expect_error({"node 'relu_node' (Relu)", "my.domain.Relu is not supported"});
    ChainBuilder unnamed = sound();
    unnamed.step("Softplus", "q").clear_name();
    unnamed.expect_error({"node of output 'q' (Softplus)", "not supported"});
    ChainBuilder norm = sound();
    norm.step("BatchNormalization", "norm");
    norm.expect_error({"node 'norm_node' (BatchNormalization)", "fold it into the weights"});
}

TEST(MalformedModel, UnsortedAndCyclicGraphs) {
    ChainBuilder unsorted = sound();
    unsorted.graph().mutable_node()->SwapElements(0, 1);
    unsorted.expect_error({"node 'x_dq_node'", "'x_q' is computed only later, by node 'x_q_node'", "not sorted"});
    ChainBuilder cycle = sound();
    cycle.graph().mutable_node(0)->set_input(0, "y_dq");
    cycle.expect_error({"node 'x_q_node'", "'y_dq' is computed only later", "cycle"});
    ChainBuilder itself = sound();
    itself.graph().mutable_node(0)->set_input(0, "x_q");
    itself.expect_error({"node 'x_q_node'", "cycle"});
}

TEST(MalformedModel, MissingAndDoubleDefinitions) {
    ChainBuilder missing = sound();
    missing.graph().mutable_initializer()->DeleteSubrange(0, 1);
    missing.expect_error({"node 'x_q_node'", "'x_scale' is missing"});
    ChainBuilder twice = sound();
    *twice.graph().add_initializer() = twice.graph().initializer(0);
    twice.expect_error({"initialiser 'x_scale' is there twice"});
    ChainBuilder output = sound();
    output.graph().mutable_node(1)->set_output(0, "x_q");
    output.expect_error({"node 'x_dq_node'", "'x_q' is defined elsewhere already"});
    ChainBuilder unnamed = sound();
    unnamed.graph().mutable_initializer(0)->clear_name();
    unnamed.expect_error({"an initialiser has no name"});
    ChainBuilder sparse = sound();
    sparse.graph().add_sparse_initializer();
    sparse.expect_error({"sparse"});
    ChainBuilder attribute = sound();
    attribute.graph().mutable_node(2)->add_attribute()->set_name("axis");
    attribute.graph().mutable_node(2)->add_attribute()->set_name("axis");
    attribute.expect_error({"attribute axis is there twice"});
}

TEST(MalformedModel, NodesWithoutInputsOrOutputs) {
    for (int index = 0; index < 6; ++index) {
        ChainBuilder inputs = sound();
        inputs.graph().mutable_node(index)->clear_input();
        inputs.graph().add_output()->set_name("y_dq");
        EXPECT_THROW(inputs.import(), InputError) << index;
        ChainBuilder outputs = sound();
        outputs.graph().mutable_node(index)->clear_output();
        outputs.graph().mutable_node(index)->clear_name();
        EXPECT_THROW(outputs.import(), InputError) << index;
        ChainBuilder empty = sound();
        empty.graph().mutable_node(index)->set_output(0, "");
        EXPECT_THROW(empty.import(), InputError) << index;
    }
}

TEST(MalformedModel, Branches) {
    ChainBuilder sums = sound();
    sums.node("Relu", {"conv"}, "side");
    sums.node("Add", {"y_dq", "side"}, "sum");
    sums.graph().add_output()->set_name("sum");
    sums.expect_error({"node 'conv_node' (Conv)", "'conv' is used 2 times", "node 'side_node' (Relu)"});
    ChainBuilder residual = sound();
    residual.node("Add", {"y_dq", "y_dq"}, "sum");
    residual.graph().add_output()->set_name("sum");
    residual.expect_error({"node 'sum_node' (Add)", "not quantized before the graph output"});
    ChainBuilder tap = sound();
    tap.graph().add_output()->set_name("x_dq");
    tap.expect_error({"computes nothing"});
    ChainBuilder outputs = sound();
    outputs.graph().add_output()->set_name("x_q");
    outputs.graph().add_output()->set_name("y_dq");
    outputs.expect_error({"2 graph outputs (x_q, y_dq), expected one"});
    ChainBuilder dead = sound();
    dead.graph().add_output()->set_name("w");
    dead.expect_error({"no graph input that its output depends on"});
    ChainBuilder aside = sound();
    aside.node("Relu", {"x_scale"}, "side");
    EXPECT_EQ(aside.import().operators.size(), 1U);
    ChainBuilder absent = sound();
    absent.graph().add_output()->set_name("other");
    absent.expect_error({"no node computes the graph output 'other'"});
}

TEST(MalformedModel, GraphInput) {
    sound({-1, 0, 4, 4}).expect_error({"graph input 'image': dimension 1 is 0, expected 1.."});
    sound({-1, 1, -4, 4}).expect_error({"dimension 2 is -4"});
    sound({-1, 1, 4, 1LL << 62}).expect_error({"dimension 3 is 4611686018427387904"});
    sound({-1, 1, 65536, 4}).expect_error({"graph input 'image': dimension 2 is 65536, expected 1..65535"});
    sound({-1, 1, 4, 65536}).expect_error({"graph input 'image': dimension 3 is 65536, expected 1..65535"});
    sound({-1, 16777217, 1, 1}).expect_error({"graph input 'image': dimension 1 is 16777217, expected 1..16777216"});
    sound({-1, 100000, 20000, 1}).expect_error({"graph input 'image' has 2000000000 values", "at most 16777216"});
    sound({-1, 1, -1, 4}).expect_error({"dimension 2 is not a number"});
    sound({-1, 1, 1, 4, 4}).expect_error({"5 dimensions, expected 4"});
    ChainBuilder second = sound();
    *second.graph().add_input() = second.graph().input(0);
    second.graph().mutable_input(1)->set_name("extra");
    EXPECT_EQ(second.import().operators.size(), 1U);  // nothing reads it
    second.node("Add", {"extra", "y_dq"}, "sum");
    second.graph().mutable_output(0)->set_name("sum");
    second.expect_error({"graph inputs 'image' and 'extra', expected one"});
    ChainBuilder none = sound();
    none.graph().clear_input();
    none.expect_error({"no graph input"});
    ChainBuilder integers = sound();
    integers.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::INT32);
    integers.expect_error({"graph input 'image' is not a tensor of FLOAT"});
    ChainBuilder shapeless = sound();
    shapeless.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
    shapeless.expect_error({"graph input 'image' has no shape"});
}

TEST(MalformedModel, OldFilesListInitialisersAsInputs) {
    ChainBuilder builder = sound();
    builder.graph().add_input()->set_name("x_scale");
    EXPECT_EQ(builder.import().operators.size(), 1U);
}

TEST(NodeNames, FallBackToTheOutputAndAreUnique) {
    ChainBuilder builder = quantized_input();
    builder.conv({1, 1, 1, 1}, {1}).clear_name();
    builder.qdq<U8>("a", 0.5F, 0);
    set(builder.step("MaxPool", "p"), "kernel_shape", Extents{1, 1});
    builder.graph().mutable_node(builder.graph().node_size() - 1)->set_name("CONV");
    builder.qdq<U8>("b", 0.5F, 0);
    set(builder.step("MaxPool", "r"), "kernel_shape", Extents{1, 1});
    builder.graph().mutable_node(builder.graph().node_size() - 1)->set_name("same");
    builder.qdq<U8>("c", 0.5F, 0);
    const Network network = builder.import();
    ASSERT_EQ(network.operators.size(), 3U);
    EXPECT_EQ(network.operators[0].name, "conv");  // output name
    EXPECT_EQ(network.operators[1].name, "p");     // "CONV" would be the same in a configuration
    EXPECT_EQ(network.operators[2].name, "same");
}

}  // namespace
}  // namespace widthwise::test
