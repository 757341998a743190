// SPDX-License-Identifier: Apache-2.0
// widthwise migrate, and results of an accelerator whose memories have names of their own.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

using testing::HasSubstr;

const std::string kOld = "network: n.onnx\nimages: i\nline_buffer: {rows: 2}  # two\n";
const std::string kNew =
    "network: n.onnx\nimages: i\nmemories:\n  - {name: dram, keeps: [weights, inputs, outputs]}\n"
    "  - {name: weight_buffer, keeps: [weights]}\n  - {name: activation_buffer, keeps: [inputs, outputs]}\n"
    "  - {name: line_buffer, keeps: [inputs], rows: 2}  # two\n";

TEST(MigrateCommand, RewritesFilesInPlace) {
    const test::TemporaryFolder folder;
    const std::string old_file = folder.write("old.yaml", kOld);
    const std::string new_file = folder.write("new.yaml", kNew);
    const test::ToolResult result = test::run_tool({"migrate", old_file, new_file});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, old_file + ": rewritten\n" + new_file + ": nothing to rewrite\n");
    EXPECT_EQ(test::read_file(old_file), kNew);
    EXPECT_EQ(test::read_file(new_file), kNew);
    EXPECT_FALSE(std::filesystem::exists(old_file + ".partial"));
}

TEST(MigrateCommand, PrintsOnRequest) {
    const test::TemporaryFolder folder;
    const std::string file = folder.write("old.yaml", kOld);
    EXPECT_EQ(test::run_tool({"migrate", file, "--print"}).out, kNew);
    const auto json = nlohmann::json::parse(test::run_tool({"migrate", file, "--print", "--json"}).out);
    EXPECT_EQ(json, nlohmann::json::parse(R"([{"file": ")" + file + R"(", "changed": true, "written": false}])"));
    EXPECT_EQ(test::read_file(file), kOld);
    EXPECT_EQ(test::run_tool({"migrate", file, "--quiet"}).out, "");
    EXPECT_EQ(test::read_file(file), kNew);
}

TEST(MigrateCommand, ChangesNothingWhereOneFileIsRefused) {
    const test::TemporaryFolder folder;
    const std::string file = folder.write("old.yaml", kOld);
    const std::string bad = folder.write("bad.yaml", "network: n\nimages: i\ndram: {latency: 0}\n");
    const test::ToolResult result = test::run_tool({"migrate", file, bad});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr(bad + ":3:17: dram.latency: 0 is out of range (allowed: 1..100000)"));
    EXPECT_EQ(test::read_file(file), kOld);
    EXPECT_EQ(test::run_tool({"migrate"}).status, 2);
    EXPECT_EQ(test::run_tool({"migrate", folder.path("none.yaml")}).status, 2);
}

TEST(MigrateCommand, TakesAFileThatIsNamedTwiceOnce) {
    const test::TemporaryFolder folder;
    const std::string file = folder.write("old.yaml", kOld);
    const test::ToolResult result = test::run_tool({"migrate", file, file});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(test::read_file(file), kNew);
}

TEST(MigrateCommand, FollowsLinksAndKeepsPermissions) {
    namespace fs = std::filesystem;
    const test::TemporaryFolder folder;
    const std::string file = folder.write("old.yaml", kOld);
    const std::string link = folder.path("link.yaml");
    fs::create_symlink("old.yaml", link);
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(test::run_tool({"migrate", link}).status, 0);
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_EQ(test::read_file(file), kNew);
    EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(MemoriesOfOnesOwn, CarryTheirNamesInResultsAndPrices) {
    const test::TemporaryFolder folder;
    const std::string table = folder.write(
        "table.yaml",
        "name: mine\nunit: pJ\nnode: none\nsource: made up\nsram_read_64bit: [[1024, 8]]\nevents:\n  glb.read: 3\n");
    const std::string config =
        folder.write("own.yaml", "network: " + test::repository("models/lenet5.onnx") +
                                     "\nimages: " + test::repository("traces/mnist/t10k-images-idx3-ubyte.gz") +
                                     "\nmemories:\n  - {name: ddr, keeps: [weights, inputs, outputs]}\n"
                                     "  - {name: wb, keeps: [weights]}\n  - {name: glb, keeps: [inputs, outputs]}\n"
                                     "  - {name: lb, keeps: [inputs]}\nenergy: {table: table.yaml}\n");
    const test::ToolResult result = test::run_tool({"run", config, "--images", "0:1", "--out", folder.path("out")});
    ASSERT_EQ(result.status, 0) << result.err;
    const auto events = test::lines(test::read_file(folder.path("out/events.csv")));
    EXPECT_THAT(events, testing::Contains("c1,lb.read,bytes,19600,19600,pJ"));
    EXPECT_THAT(events, testing::Contains("c1,glb.read,bytes,1024,3072,pJ"));
    EXPECT_THAT(events, testing::Contains("load,ddr.read,bytes,1024,0,pJ"));
    const auto summary = nlohmann::json::parse(test::read_file(folder.path("out/summary.json")));
    EXPECT_EQ(summary["layers"][1]["events"]["wb.read"], 16854);
    EXPECT_FALSE(summary["layers"][1]["events"].contains("weight_buffer.read"));

    const test::ToolResult refused = test::run_tool({"check", config, "--set", "activation_buffer.name=gldb"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err,
                HasSubstr(table + ":7:13: events.glb.read: the accelerator has no memory 'glb' (it has: lb, gldb, "
                                  "wb, ddr)"));
}

}  // namespace
}  // namespace widthwise
