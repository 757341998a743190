// SPDX-License-Identifier: Apache-2.0
#include "results/layer_dump.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

/// Two pooling operators: uint8 2x2x1, then int8 2x1x1.
Network two_operators(const std::string& first, const std::string& second) {
    Network network;
    network.tensors = {{"in", {2, 2, 2}, {}}, {"a", {2, 2, 1}, {}}, {"b", {2, 1, 1}, {true, 8, 3, 0.5F}}};
    network.operators.resize(2);
    network.operators[0].name = first;
    network.operators[0].output = 1;
    network.operators[1].name = second;
    network.operators[1].output = 2;
    return network;
}

void set_image(LayerDump& dump, int image) {
    for (int channel = 0; channel < 2; ++channel) {
        dump.set(1, image, channel, 0, -image - channel);
        for (int pixel = 0; pixel < 2; ++pixel) dump.set(0, image, channel, pixel, 10 * image + 2 * channel + pixel);
    }
}

TEST(LayerDump, WritesEveryOperatorImageByImage) {
    const test::TemporaryFolder folder;
    const Network network = two_operators("c1", "pool");
    {
        LayerDump dump(folder.path("dump"), false, network, 5, 8);
        set_image(dump, 5);
        set_image(dump, 6);  // both images of a batch are under way at once
        dump.finish_image(5);
        dump.finish_image(6);
        set_image(dump, 7);
        dump.finish_image(7);
        EXPECT_FALSE(std::filesystem::exists(folder.path("dump")));
        dump.commit();
    }
    EXPECT_EQ(folder.names(), std::vector<std::string>{"dump"});
    const std::string a = test::read_file(folder.path("dump/c1.npy"));
    const std::string expected_header = npy_header(NpyType::uint8, {3, 2, 2, 1});
    ASSERT_EQ(a.substr(0, expected_header.size()), expected_header);
    EXPECT_EQ(a.substr(expected_header.size()), "\x32\x33\x34\x35\x3c\x3d\x3e\x3f\x46\x47\x48\x49");
    EXPECT_EQ(test::read_file(folder.path("dump/pool.npy")),
              npy_header(NpyType::int8, {3, 2, 1, 1}) + "\xfb\xfa\xfa\xf9\xf9\xf8");
    const auto index = nlohmann::json::parse(test::read_file(folder.path("dump/layers.json")));
    EXPECT_EQ(index["first_image"], 5);
    EXPECT_EQ(index["operators"][1]["type"], "int8");
    EXPECT_EQ(index["operators"][1]["zero_point"], 3);
    EXPECT_EQ(index["operators"][1]["scale"], 0.5);
}

/// Whatever the accumulator's width; each channel's scale is the product of input's and weights'.
TEST(LayerDump, SumsThatLeaveAre64BitsWide) {
    const test::TemporaryFolder folder;
    Network network;
    network.tensors = {{"in", {2, 1, 1}, {false, 8, 7, 0.5F}}, {"out", {2, 1, 1}, {true, 8, 5, 3.0F}}};
    network.operators.resize(1);
    Operator& op = network.operators[0];
    op.name = "fc";
    op.kind = OperatorKind::fully_connected;
    op.output = 1;
    op.sums_leave = true;
    op.weights.scales = {0.25F, 2.0F};
    {
        LayerDump dump(folder.path("dump"), false, network, 0, 1);
        dump.set(0, 0, 0, 0, -2);
        dump.set(0, 0, 1, 0, std::int64_t{0x123456789AB});
        dump.finish_image(0);
        dump.commit();
    }
    EXPECT_EQ(test::read_file(folder.path("dump/fc.npy")), npy_header(NpyType::int64, {1, 2, 1, 1}) +
                                                               "\xfe\xff\xff\xff\xff\xff\xff\xff" +
                                                               std::string("\xab\x89\x67\x45\x23\x01\x00\x00", 8));
    const auto entry = nlohmann::json::parse(test::read_file(folder.path("dump/layers.json")))["operators"][0];
    EXPECT_EQ(entry["type"], "int64");
    EXPECT_EQ(entry["scale"], (std::vector<double>{0.125, 1.0}));
    EXPECT_EQ(entry["zero_point"], 0);
}

TEST(LayerDump, RefusesAnImageWithMissingValues) {
    const test::TemporaryFolder folder;
    const Network network = two_operators("c1", "pool");
    LayerDump dump(folder.path("dump"), false, network, 0, 1);
    dump.set(0, 0, 0, 0, 1);
    EXPECT_THROW(dump.finish_image(0), SimulationError);
}

TEST(LayerDump, NamesOfAnyLengthAreFilesThatDiffer) {
    const test::TemporaryFolder folder;
    const std::string middle(300, 'x');
    const Network network = two_operators("begin" + middle + "end", "begin" + middle + "x" + "end");
    LayerDump dump(folder.path("dump"), false, network, 0, 1);
    set_image(dump, 0);
    dump.finish_image(0);
    dump.commit();
    const auto index = nlohmann::json::parse(test::read_file(folder.path("dump/layers.json")))["operators"];
    EXPECT_EQ(index[0]["operator"], network.operators[0].name);
    EXPECT_NE(index[0]["file"], index[1]["file"]);
    for (const auto& entry : index) {
        EXPECT_TRUE(std::filesystem::exists(folder.path("dump/" + entry["file"].get<std::string>())));
    }
}

TEST(DumpNames, AreUniqueFileNames) {
    EXPECT_EQ(dump_names(two_operators("/conv1/Conv", "../../etc/passwd")),
              (std::vector<std::string>{"_conv1_Conv", "_.._.._etc_passwd"}));
    EXPECT_EQ(dump_names(two_operators("c1", "C1")), (std::vector<std::string>{"c1", "C1_2"}));
    EXPECT_EQ(dump_names(two_operators("a/b", "a b")), (std::vector<std::string>{"a_b", "a_b_2"}));
    EXPECT_EQ(dump_names(two_operators("", "-x")), (std::vector<std::string>{"_", "_-x"}));
}

}  // namespace
}  // namespace widthwise
