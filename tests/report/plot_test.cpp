// SPDX-License-Identifier: Apache-2.0
// scripts/plot: figures of each command's results, and refusals.
#include <gmock/gmock.h>

#include <cstdlib>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "report/report_files.h"

namespace widthwise {
namespace {

using testing::IsSupersetOf;

int plot(const test::TemporaryFolder& folder, const std::string& results, const std::string& out) {
    const std::string command = fmt::format("'{}' '{}' --out '{}' > '{}' 2>&1", test::repository("scripts/plot"),
                                            results, out, folder.path("said"));
    return WEXITSTATUS(std::system(command.c_str()));
}

std::vector<std::string> names(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
    return names;
}

TEST(Plot, DrawsARunAndAComparison) {
    const test::TemporaryFolder folder;
    const std::string config = "configs/widthwise-8x8.yaml";
    const std::string run = folder.path("run"), compared = folder.path("compared");
    ASSERT_EQ(test::run_tool({"run", config, "--images", "0:2", "--quiet", "--out", run}).status, 0);
    ASSERT_EQ(test::run_tool({"compare", config, "--engine", "fast", "--images", "0:32", "--widths", "18,14", "--quiet",
                              "--out", compared})
                  .status,
              0);
    ASSERT_EQ(plot(folder, run, folder.path("a")), 0) << test::read_file(folder.path("said"));
    EXPECT_THAT(names(folder.path("a")),
                IsSupersetOf({"cycles.svg", "cycles.pdf", "layer-energy.svg", "psums.svg", "utilisation.pdf"}));
    ASSERT_EQ(plot(folder, compared, folder.path("b")), 0) << test::read_file(folder.path("said"));
    EXPECT_THAT(names(folder.path("b")), IsSupersetOf({"accuracy.svg", "overflow.svg", "energy.svg", "energy.pdf"}));
    const std::string svg = test::read_file(folder.path("b/energy.svg"));
    EXPECT_THAT(svg, testing::AllOf(testing::HasSubstr("<svg"), testing::Not(testing::HasSubstr("dc:date"))));
}

TEST(Plot, RefusesFoldersThatAreMissingOrBroken) {
    const test::TemporaryFolder folder;
    EXPECT_EQ(plot(folder, folder.path("none"), folder.path("a")), 2);
    EXPECT_THAT(test::read_file(folder.path("said")), testing::HasSubstr("is no folder"));
    folder.write("broken/points.csv", "accumulator_bits,energy_unit,energy_per_inference\nten,pJ,1\n");
    EXPECT_EQ(plot(folder, folder.path("broken"), folder.path("a")), 2);
    EXPECT_THAT(test::read_file(folder.path("said")), testing::HasSubstr("'ten' is no number"));
}

}  // namespace
}  // namespace widthwise
