// SPDX-License-Identifier: Apache-2.0
// What `check` and the results of a run say of layers that do not fit the buffers.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

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

/// What each buffer would have to be so that nothing is cut, and what is moved now.
TEST(CutLayers, AreSaidBesideWhatTheNetworkNeeds) {
    const std::string out = test::run_tool(command("check", kSmall)).out;
    EXPECT_THAT(out, HasSubstr("weight buffer     992 of 1,000 bytes used; all weights stay from 63,594 on\n"));
    EXPECT_THAT(out, HasSubstr("activation buffer 584 of 600 bytes used; all maps fit from 2,200 on\n"));
    EXPECT_THAT(out, HasSubstr("line buffer       100 of 100 bytes used; whole rows pass from 420 on\n"));
    EXPECT_THAT(out, HasSubstr("DRAM traffic      116,116 bytes a batch, 112.30 times the 1,034 of buffers as large as "
                               "needed\n"));
    const std::string whole = test::run_tool(command("check", {})).out;
    EXPECT_THAT(whole, HasSubstr("DRAM traffic      63,594 bytes of weights before the first batch; 1,034 bytes a "
                                 "batch\n"));
}

/// Three buffers that cannot hold the least: one is named first, and what all need besides, so that one change does.
TEST(CutLayers, RefusedHardwareIsToldAllNeedsAtOnce) {
    const test::ToolResult refused = test::run_tool(
        command("check", {"activation_buffer.bytes=6", "line_buffer.bytes=1", "weight_buffer.bytes=10"}));
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("weight_buffer.bytes: 10 cannot hold"));
    EXPECT_THAT(refused.err,
                HasSubstr("rows are whole with weight_buffer.bytes 63,594 (has 10), activation_buffer.bytes "
                          "2,200 (has 6), line_buffer.bytes 420 (has 1), pooling.row_buffer_bytes 84"));
    // What is wrong is not a buffer: nothing is said of them.
    EXPECT_THAT(test::run_tool(command("check", {"accumulator.layers={nosuch: 9}"})).err,
                Not(HasSubstr("All at once")));
}

/// The keys bound what a strip has; a layer takes the smallest that it can have where that is more.
TEST(CutLayers, TakeTheExtentsThatTheKeysAllow) {
    std::vector<std::string> settings = kSmall;
    settings.insert(settings.end(), {"activation_buffer.strip_rows=3", "activation_buffer.strip_channels=8"});
    const std::string bounded = test::run_tool(command("check", settings)).out;
    EXPECT_THAT(bounded, HasSubstr("c1: 14 strips of 2 rows of its sums by 6 channels, the next prefetched; "));
    EXPECT_THAT(bounded, HasSubstr("c3: 10 strips of 2 rows of its sums by 8 channels, one at a time; "));
    settings.emplace_back("activation_buffer.prefetch_strips=false");
    EXPECT_THAT(test::run_tool(command("check", settings)).out,
                HasSubstr("c1: 14 strips of 2 rows of its sums by 6 channels, one at a time; "));
}

/// Each tile is fetched anew, in one part: no part of the reduction is left to say.
TEST(CutLayers, OnePartIsSaidToo) {
    const test::ToolResult result =
        test::run_tool(command("check", {"line_buffer.bytes=400", "array.mapping=flat", "array.columns=4"}));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("lines of each tile anew, in "));
}

/// Layers of a run's summary that are cut; what is said of each is what `check` says and what the run has moved.
std::vector<Json> cut_in_run(const std::vector<std::string>& settings) {
    const test::TemporaryFolder folder;
    const test::ToolResult result = test::run_tool(
        command("run", settings, {"--engine", "both", "--images", "0:1", "--out", folder.path("out"), "--quiet"}));
    EXPECT_EQ(result.status, 0) << result.err;
    const Json summary = Json::parse(test::read_file(folder.path("out/summary.json")));
    const Json checked = Json::parse(test::run_tool(command("check", settings, {"--json"})).out);
    std::vector<Json> cut;
    for (const Json& layer : summary["layers"]) {
        if (!layer.contains("cut")) continue;
        cut.push_back(layer["cut"]);
        const auto count = [&](const char* event) { return layer["events"][event].get<std::int64_t>(); };
        EXPECT_EQ(layer["cut"]["dram_bytes"], count("dram.read") + count("dram.write")) << layer["name"];
        for (const Json& said : checked["layers"]) {
            if (said["name"] != layer["name"]) continue;
            EXPECT_EQ(said["cut"], layer["cut"]);
        }
    }
    return cut;
}

TEST(CutLayers, AreInTheResultsWithWhatWasMoved) {
    const std::vector<Json> cut = cut_in_run(kSmall);
    ASSERT_EQ(cut.size(), 5U);
    EXPECT_EQ(cut[0]["strips"], (Json{{"count", 5}, {"rows", 6}, {"channels", 6}, {"prefetched", false}}));
}

/// Parts of c3's weights come again for every column tile.
TEST(CutLayers, WeightsAloneMayBe) {
    const std::vector<Json> cut = cut_in_run({"weight_buffer.bytes=1000"});
    ASSERT_EQ(cut.size(), 4U);
    EXPECT_FALSE(cut[0].contains("strips"));
    EXPECT_EQ(cut[0]["weight_parts"], 3);
}

}  // namespace
}  // namespace widthwise
