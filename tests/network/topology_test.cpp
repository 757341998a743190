// SPDX-License-Identifier: Apache-2.0
#include "network/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "kit/file_text.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise::test {
namespace {

Network read(const std::string& text) {
    const TemporaryFile file(text);
    return read_topology(file.path());
}

std::string refusal_of(const std::string& text) {
    return refusal([&] { read(text); });
}

const Shape& input_of(const Network& network, int index) {
    return network.tensors[static_cast<std::size_t>(network.operators.at(index).input)].shape;
}
const Shape& output_of(const Network& network, int index) {
    return network.tensors[static_cast<std::size_t>(network.operators.at(index).output)].shape;
}

constexpr const char* kConvolutions =
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n";

TEST(Topology, ReadsConvolutionsOfScaleSim) {
    const Network network =
        read(std::string(kConvolutions) + "Conv1, 224, 230, 7, 5, 3, 64, 2,\r\n\nFC, 1, 1, 1, 1, 512, 10, 1,\n");
    EXPECT_FALSE(network.has_values);
    EXPECT_TRUE(network.layers_apart);
    ASSERT_EQ(network.operators.size(), 2U);
    EXPECT_EQ(network.operators[0].name, "Conv1");
    EXPECT_EQ(input_of(network, 0), (Shape{3, 224, 230}));
    // ceil((224 - 7) / 2) + 1 and ceil((230 - 5) / 2) + 1
    EXPECT_EQ(output_of(network, 0), (Shape{64, 110, 114}));
    EXPECT_EQ(network.operators[0].window.pad_bottom, 1);
    EXPECT_EQ(network.operators[0].window.pad_right, 1);
    EXPECT_EQ(network.operators[0].window.pad_top, 0);
    EXPECT_EQ(multiply_accumulates(network, network.operators[0]), 64LL * 110 * 114 * 3 * 7 * 5);
    EXPECT_EQ(output_of(network, 1), (Shape{10, 1, 1}));
    EXPECT_EQ(worst_case_accumulator_bits(network, network.operators[1]).data_type, 25);
    EXPECT_EQ(worst_case_accumulator_bits(network, network.operators[1]).l1, 0);
}

TEST(Topology, ReadsMatrixProducts) {
    const Network network = read("Layer, M, N, K,\nq, 197, 768, 64,\n");
    EXPECT_EQ(input_of(network, 0), (Shape{64, 1, 197}));
    EXPECT_EQ(output_of(network, 0), (Shape{768, 1, 197}));
    EXPECT_EQ(multiply_accumulates(network, network.operators[0]), 197LL * 768 * 64);
    const Network folded = read("\xEF\xBB\xBFLayer name, M, N, K,\na, 512, 768, 64,\nb, 100, 1, 1,\nc, 7, 1, 1,\n");
    EXPECT_EQ(input_of(folded, 0), (Shape{64, 8, 64})) << "in rows that a strip can hold some of";
    EXPECT_EQ(input_of(folded, 1), (Shape{1, 2, 50}));
    EXPECT_EQ(input_of(folded, 2), (Shape{1, 1, 7}));
}

TEST(Topology, ReadsPlainLayersInAnyOrderOfColumns) {
    const Network network = read(
        "filters,name,height,width,channels,groups,kernel_height,kernel_width,padding,stride,dilation\n"
        "32,dw,20,21,32,32,3,3,1,2,1\n32,dilated,20,21,32,4,3,1,2,1,2\n");
    EXPECT_EQ(output_of(network, 0), (Shape{32, 10, 11}));
    EXPECT_EQ(network.operators[0].groups, 32);
    EXPECT_EQ(network.operators[0].weights.input_channels, 1);
    EXPECT_EQ(output_of(network, 1), (Shape{32, 20, 25}));
    EXPECT_EQ(network.operators[1].weights.input_channels, 8);
    const Network shortest = read("name,channels,height,width,filters\nonly,16,8,8,4\n");
    EXPECT_EQ(multiply_accumulates(shortest, shortest.operators[0]), 4LL * 8 * 8 * 16);
}

TEST(Topology, NamesAreMadeUnique) {
    const Network network =
        read("Layer, M, N, K,\na, 1, 1, 1,\nA, 1, 1, 1,\n\"a,b\", 1, 1, 1,\na, 1, 1, 1,\na_4, 1, 1, 1,\na, 1, 1, 1,\n");
    EXPECT_EQ(network.operators[1].name, "A_2");
    EXPECT_EQ(network.operators[2].name, "a,b");
    EXPECT_EQ(network.operators[3].name, "a_3");
    EXPECT_EQ(network.operators[4].name, "a_4");
    EXPECT_EQ(network.operators[5].name, "a_5");
}

TEST(Topology, RefusesWithFileLineAndRange) {
    using ::testing::HasSubstr;
    EXPECT_THAT(refusal_of(""), HasSubstr("has no layer"));
    EXPECT_THAT(refusal_of("Layer, M, N, K,\n"), HasSubstr("has no layer"));
    EXPECT_THAT(refusal_of("a, b\n"),
                HasSubstr(":1: the columns 'a, b' are those of no list of layers (allowed: SCALE-Sim's "
                          "convolutions (Layer name,"));
    EXPECT_THAT(refusal_of("Layer, M, N, K, K,\n"), HasSubstr("no list of layers"));
    EXPECT_THAT(refusal_of("Layer, M, N, K, Sparsity,\n"), HasSubstr("no list of layers"));
    EXPECT_THAT(refusal_of("Layer, M, N, K,\n\nx, 1, 2,\n"),
                HasSubstr(":3: has 3 cells, but the first row names 4 columns"));
    for (const char* bad : {"0", "-1", "1.5", "65536", "99999999999999999999", "", "x"}) {
        EXPECT_THAT(
            refusal_of(std::string("Layer, M, N, K,\nx, 1, ") + bad + ", 4,\n"),
            HasSubstr(std::string(":2: N of layer 'x' is '") + bad + "' (allowed: an integer from 1 to 65535)"));
    }
    EXPECT_THAT(refusal_of(std::string(kConvolutions) + "c, 4, 9, 5, 1, 1, 1, 1,\n"),
                HasSubstr(":2: the filter of layer 'c' is larger than its map (5 > 4)"));
    EXPECT_THAT(refusal_of("name,channels,height,width,filters,kernel_height,dilation\nc,1,4,4,1,3,2\n"),
                HasSubstr(":2: the kernel of layer 'c' is larger than its padded map"));
    EXPECT_THAT(refusal_of("name,channels,height,width,filters,groups\nc,6,4,4,4,3\n"),
                HasSubstr(":2: groups of layer 'c' is 3 (allowed: a divisor of its 6 channels and 4 filters)"));
    EXPECT_THAT(refusal_of("Layer, M, N, K,\nx, 60000, 60000, 4,\n"),
                HasSubstr(":2: the output of layer 'x' has 3600000000 values (allowed: up to 16777216)"));
    EXPECT_THAT(refusal_of(std::string(kConvolutions) + "c, 9, 9, 9, 9, 65535, 1, 1,\n"),
                HasSubstr(":2: layer 'c' adds 5308335 products to a sum (allowed: up to 1048576)"));
    EXPECT_THAT(refusal_of(std::string(1 << 20, ',')),
                HasSubstr(":1: has 1048576 characters (allowed: up to 10000 in a row)"));
    std::string many = "Layer, M, N, K,\n";
    for (int i = 0; i <= 4096; ++i) many += "x, 1, 1, 1,\n";
    EXPECT_THAT(refusal_of(many), HasSubstr(":4098: is one layer too many (allowed: up to 4096)"));
}

TEST(Topology, IsKnownByItsPath) {
    EXPECT_TRUE(is_topology_path("a.csv"));
    EXPECT_TRUE(is_topology_path("A.CSV"));
    EXPECT_FALSE(is_topology_path("csv.onnx"));
}

TEST(Topology, IsNoNetworkWithValues) {
    EXPECT_THAT(refusal([] { import_network("missing.onnx"); }), ::testing::HasSubstr("missing.onnx"));
    const std::string shipped = repository("models/alexnet.csv");
    EXPECT_EQ(import_network(shipped).operators.size(), 8U);
    EXPECT_THAT(refusal([&] { import_network(shipped, "out"); }), ::testing::HasSubstr("has no output 'out'"));
}

}  // namespace
}  // namespace widthwise::test
