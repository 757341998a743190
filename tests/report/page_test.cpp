// SPDX-License-Identifier: Apache-2.0
#include "report/page.h"

#include <gmock/gmock.h>

#include "kit/temporary_files.h"
#include "report/report_files.h"

namespace widthwise {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ReportPage, TextsCannotBecomeMarkup) {
    const test::TemporaryFolder folder;
    test::Json json = test::small_summary();
    const std::string evil = "</script><script>alert(1)</script><!--";
    json["command"] = evil;
    json["layers"][0]["name"] = evil;
    folder.write("run/summary.json", json.dump());
    folder.write("run/config.yaml", evil);
    const std::string page = report_page(report_json({read_results(folder.path("run"))}, "1.2.3"));
    EXPECT_THAT(page, Not(HasSubstr("alert(1)<")));
    EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
    EXPECT_THAT(page, HasSubstr("\\u003c/script>\\u003cscript>alert(1)"));
}

TEST(ReportPage, HoldsEverythingItNeeds) {
    const test::TemporaryFolder folder;
    const std::string page = report_page(report_json({read_results(test::write_small_run(folder))}, "1.2.3"));
    EXPECT_THAT(page, HasSubstr("Chart.js v3"));
    EXPECT_THAT(page, HasSubstr("default-src 'none'"));
    for (const char* outside : {"src=\"", "href=\"", "@import", "url(", "{{style", "{{data", "{{script", "{{chart"}) {
        EXPECT_THAT(page, Not(HasSubstr(outside)));
    }
}

TEST(ReportPage, SurvivesNamesThatAreNotUtf8) {
    const test::TemporaryFolder folder;
    const std::string path = test::write_small_run(folder);
    folder.write("run/config.yaml", "name: \xff\xfe\n");
    EXPECT_NO_THROW(report_page(report_json({read_results(path)}, "1.2.3")));
}

TEST(ReportPage, IsTheSameForTheSameResults) {
    const test::TemporaryFolder folder;
    const std::string path = test::write_small_run(folder);
    const auto page = [&] { return report_page(report_json({read_results(path)}, "1.2.3")); };
    EXPECT_EQ(page(), page());
}

}  // namespace
}  // namespace widthwise
