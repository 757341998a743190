// SPDX-License-Identifier: Apache-2.0
// widthwise sweep from outside, in a folder of the test's own.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "explore/sweep_files.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"

namespace widthwise::test {

class SweepCommand : public testing::Test {
protected:
    SweepCommand() : path_(write_sweep(folder_, kMixedAxes)) {}

    ToolResult run(std::vector<std::string> options) const {
        options.insert(options.begin(), {"sweep", path_});
        return run_tool(options);
    }
    void sweep_into(const std::string& name, std::vector<std::string> more = {}) const {
        more.insert(more.end(), {"--out", folder_.path(name), "--quiet"});
        const ToolResult result = run(more);
        EXPECT_EQ(result.status, 0) << result.err;
        EXPECT_EQ(result.err, "");
        EXPECT_EQ(result.out, "");
    }
    [[nodiscard]] std::map<std::string, std::string> files(const std::string& name) const {
        return files_of(folder_.path(name));
    }

    TemporaryFolder folder_;
    std::string path_;
};

}  // namespace widthwise::test
