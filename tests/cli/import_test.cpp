// SPDX-License-Identifier: Apache-2.0
// What the commands say of networks that the import changed, cut, or refused.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "network/onnx_builder.h"

namespace widthwise {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Import : public testing::Test {
protected:
    std::string config_of(const std::string& bytes, const std::string& more = "") {
        folder_.write("m.onnx", bytes);
        folder_.write("i.idx", std::string("\0\0\x08\x03\0\0\0\1\0\0\0\4\0\0\0\4", 16) + std::string(16, '\7'));
        return folder_.write("c.yaml", "network: m.onnx\nimages: i.idx\n" + more);
    }
    static test::ChainBuilder two_outputs() {
        test::ChainBuilder builder = test::quantized_input();
        builder.conv({1, 1, 1, 1}, {2});
        builder.qdq<std::uint8_t>("y", 0.25F, 0);
        test::set(builder.step("MaxPool", "pool"), "kernel_shape", test::Extents{2, 2});
        builder.graph().add_output()->set_name("y_dq");
        builder.graph().add_output()->set_name("pool");
        return builder;
    }

    test::TemporaryFolder folder_;
};

TEST_F(Import, ListsEveryObstacleOnALineOfItsOwn) {
    test::ChainBuilder builder = test::quantized_input();
    builder.step("HardSwish", "one\nline");
    builder.qdq<std::uint8_t>("y", 0.25F, 0);
    builder.step("Resize", "resized");
    folder_.write("m.onnx", builder.bytes());
    const test::ToolResult result = test::run_tool({"inspect", folder_.path("m.onnx")});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err,
                HasSubstr("m.onnx: cannot run as it is:\n  - node 'one\\nline_node' (HardSwish): operator "
                          "HardSwish is not supported: only Relu and Clip are modelled as activations\n  - node "
                          "'resized_node' (Resize): operator Resize is not supported"));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 3);
}

TEST_F(Import, OneOfSeveralOutputsIsChosen) {
    const std::string refused = config_of(two_outputs().bytes());
    EXPECT_THAT(test::run_tool({"check", refused}).err, HasSubstr("2 graph outputs (y_dq, pool), expected one"));
    const std::string config = config_of(two_outputs().bytes(), "network_output: pool\n");
    const test::ToolResult text = test::run_tool({"check", config});
    EXPECT_EQ(text.status, 0) << text.err;
    EXPECT_THAT(text.out, HasSubstr("note              The output 'y_dq' of the file is not computed.\n"));
    const auto check = nlohmann::json::parse(test::run_tool({"check", config, "--json"}).out);
    EXPECT_THAT(check["notes"], ElementsAre("The output 'y_dq' of the file is not computed."));
    const test::ToolResult inspected = test::run_tool({"inspect", folder_.path("m.onnx"), "--output", "y_dq"});
    EXPECT_EQ(inspected.status, 0) << inspected.err;
    EXPECT_THAT(inspected.out, HasSubstr("note      The output 'pool' of the file is not computed.\n"));
    EXPECT_THAT(inspected.out, Not(HasSubstr("pool_node")));
    const auto json = nlohmann::json::parse(test::run_tool({"inspect", config, "--json"}).out);
    EXPECT_THAT(json["notes"], ElementsAre("The output 'y_dq' of the file is not computed."));
    const test::ToolResult run = test::run_tool({"run", config, "--out", folder_.path("out")});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(test::read_file(folder_.path("out/config.yaml")), HasSubstr("network_output: \"pool\"\n"));
}

TEST_F(Import, OutputsAreAnAxisOfSweeps) {
    const std::string config = config_of(two_outputs().bytes());
    const std::string sweep =
        folder_.write("s.yaml", fmt::format("config: {}\naxes:\n  network_output: [y_dq, pool]\n", config));
    const test::ToolResult result = test::run_tool({"sweep", sweep, "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("2 points come down to 2 evaluations"));
    const auto points = nlohmann::json::parse(result.out)["points"];
    for (const std::size_t point : {0U, 1U}) {
        const std::string output = point == 0 ? "y_dq" : "pool";
        EXPECT_EQ(points[point]["settings"]["network_output"], output);
        const auto run = nlohmann::json::parse(
            test::run_tool({"run", config_of(two_outputs().bytes(), "network_output: " + output + "\n"), "--json"})
                .out);
        EXPECT_EQ(points[point]["per_inference"]["cycles"], run["per_inference"]["cycles"]) << output;
    }
    EXPECT_NE(points[0]["energy_per_inference"], points[1]["energy_per_inference"]);
}

TEST_F(Import, OutputsOfOneFileShareNoValues) {
    // Two layers with the same arithmetic, one for each output: what the layers compute does not tell the networks
    // apart.
    test::ChainBuilder builder = test::quantized_input();
    builder.conv({1, 1, 1, 1}, {2});
    builder.qdq<std::uint8_t>("y", 0.25F, 0);
    builder.node("Conv", {"x_dq", "w"}, "again");
    builder.node("QuantizeLinear", {"again", "y_scale", "y_zero"}, "z_q");
    builder.node("DequantizeLinear", {"z_q", "y_scale", "y_zero"}, "z_dq");
    for (const char* name : {"y_dq", "z_dq"}) builder.graph().add_output()->set_name(name);
    const std::string sweep = folder_.write(
        "s.yaml", fmt::format("config: {}\naxes:\n  network_output: [y_dq, z_dq]\n", config_of(builder.bytes())));
    const test::ToolResult result = test::run_tool({"sweep", sweep});
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.err, HasSubstr("2 points come down to 2 evaluations"));
}

}  // namespace
}  // namespace widthwise
