// SPDX-License-Identifier: Apache-2.0
// What `check` and the results of a run say of layers that do not fit the buffers.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/tool.h"
#include "results/result_files.h"

namespace widthwise {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

/// LeNet-5 on the default accelerator, with some of its keys changed.
std::vector<std::string> command(const std::string& name, const std::vector<std::string>& settings,
                                 const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {name, test::repository("configs/widthwise-8x8.yaml")};
    for (const std::string& setting : settings) all.insert(all.end(), {"--set", setting});
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

const std::vector<std::string> kSmall = {"activation_buffer.bytes=600", "line_buffer.bytes=100",
                                         "weight_buffer.bytes=1000"};

TEST(CutLayers, AreSaidByCheck) {
    const test::ToolResult result = test::run_tool(command("check", kSmall));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out,
                HasSubstr("cut               c1: 5 strips of 6 rows of its sums by 6 channels, one at a time; "
                          "lines in stripes of 16 columns; "));
    EXPECT_THAT(result.out, HasSubstr("c3: 5 strips of 2 rows of its sums by 16 channels, one at a time; lines of each "
                                      "tile anew, in 5 parts; weights of each tile in 3 parts; "));
    EXPECT_THAT(result.out,
                HasSubstr("f6: lines of each tile anew, in 15 parts; weights of each tile in 3 parts; 10,836 "
                          "bytes of DRAM traffic a batch\n"));
    const test::ToolResult whole = test::run_tool(command("check", {}));
    EXPECT_THAT(whole.out, Not(HasSubstr("cut ")));
}

/// Each tile is fetched anew, in one part: no part of the reduction is left to say.
TEST(CutLayers, OnePartIsSaidToo) {
    const test::ToolResult result =
        test::run_tool(command("check", {"line_buffer.bytes=400", "array.mapping=flat", "array.columns=4"}));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("lines of each tile anew, in "));
}

TEST(CutLayers, AreInTheResultsWithWhatWasMoved) {
    const test::TemporaryFolder folder;
    const test::ToolResult result = test::run_tool(
        command("run", kSmall, {"--engine", "both", "--images", "0:1", "--out", folder.path("out"), "--quiet"}));
    ASSERT_EQ(result.status, 0) << result.err;
    const Json summary = Json::parse(test::read_file(folder.path("out/summary.json")));
    const Json checked = Json::parse(test::run_tool(command("check", kSmall, {"--json"})).out);
    std::size_t cut = 0;
    for (const Json& layer : summary["layers"]) {
        if (!layer.contains("cut")) continue;
        ++cut;
        const auto moved =
            layer["events"]["dram.read"].get<std::int64_t>() + layer["events"]["dram.write"].get<std::int64_t>();
        EXPECT_EQ(layer["cut"]["dram_bytes"], moved) << layer["name"];
        for (const Json& said : checked["layers"]) {
            if (said["name"] != layer["name"]) continue;
            EXPECT_EQ(said["cut"], layer["cut"]);
        }
    }
    EXPECT_EQ(cut, 5U);
    EXPECT_EQ(summary["layers"][1]["cut"]["strips"],
              (Json{{"count", 5}, {"rows", 6}, {"channels", 6}, {"prefetched", false}}));
}

}  // namespace
}  // namespace widthwise
