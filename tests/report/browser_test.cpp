// SPDX-License-Identifier: Apache-2.0
// The page in a browser without a screen: every chart has colours, no script error, nothing asked of the network.
#include <gmock/gmock.h>

#include <cstdlib>
#include <regex>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

/// What the page became after its scripts ran.
std::string document_after_scripts(const test::TemporaryFolder& folder, const std::string& page) {
    const std::string dom = folder.path("dom.html"), log = folder.path("log");
    const std::string command = fmt::format(
        "timeout 60 '{}' --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync --user-data-dir='{}' "
        "--enable-logging=stderr --window-size=1200,900 --virtual-time-budget=3000 --dump-dom 'file://{}' > '{}' 2> "
        "'{}'",
        CHROMIUM, folder.path("profile"), page, dom, log);
    EXPECT_EQ(std::system(command.c_str()), 0) << test::read_file(log);
    EXPECT_THAT(test::read_file(log), testing::Not(testing::HasSubstr("CONSOLE"))) << "the page's console has messages";
    return test::read_file(dom);
}

/// Coloured pixels of each canvas, by its identifier.
std::map<std::string, int> drawn(const std::string& dom) {
    std::map<std::string, int> drawn;
    const std::regex canvas("<canvas[^>]*>"), id(" id=\"([^\"]*)\""), pixels(" data-drawn=\"([0-9]+)\"");
    for (std::sregex_iterator it(dom.begin(), dom.end(), canvas), end; it != end; ++it) {
        const std::string tag = it->str();
        std::smatch name, count;
        const bool found = std::regex_search(tag, name, id) && std::regex_search(tag, count, pixels);
        drawn[found ? name[1].str() : tag] = found ? std::stoi(count[1]) : 0;
    }
    return drawn;
}

TEST(ReportInABrowser, DrawsEveryChartWithoutErrorOrNetwork) {
    const test::TemporaryFolder folder;
    const std::string config = test::write_config(folder, "name: a</script><b>\n");
    const std::vector<std::vector<std::string>> lines = {
        {"run", config, "--engine", "fast", "--images", "0:64", "--accumulator", "16", "--histogram", "--out",
         folder.path("r")},
        {"compare", config, "--engine", "fast", "--images", "0:64", "--widths", "18,16,14", "--out", folder.path("c")},
        {"search", config, "--images", "0:64", "--from", "14", "--to", "18", "--out", folder.path("s")},
        {"report", folder.path("r"), folder.path("c"), folder.path("s"), "--out", folder.path("page.html")}};
    for (std::vector<std::string> line : lines) {
        line.emplace_back("--quiet");
        const test::ToolResult result = test::run_tool(line);
        ASSERT_EQ(result.status, 0) << result.err;
    }
    const std::string dom = document_after_scripts(folder, folder.path("page.html"));
    EXPECT_THAT(dom, testing::HasSubstr(" data-problems=\"0\"")) << "the page noticed an error of its own";
    const std::map<std::string, int> charts = drawn(dom);
    EXPECT_GE(charts.size(), 4U + 3U + 5U + 6U + 2U);
    for (const auto& [name, pixels] : charts) EXPECT_GT(pixels, 40) << name << " is blank";
    EXPECT_THAT(dom, testing::HasSubstr("a&lt;/script&gt;&lt;b&gt;")) << "the accelerator's name, as text";
}

}  // namespace
}  // namespace widthwise
