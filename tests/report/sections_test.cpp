// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "kit/temporary_files.h"
#include "report/report_files.h"
#include "report/run_sections.h"
#include "report/section.h"
#include "report/width_sections.h"

namespace widthwise {
namespace {

using testing::ElementsAre;

Point point_at(int bits, double accuracy, double energy, const std::string& series = "net, array",
               const std::string& table = "t") {
    Point point;
    point.series = series;
    point.bits = bits;
    point.widths = std::to_string(bits);
    point.accuracy = accuracy;
    point.energy = energy;
    point.components = {{"multiply", energy - bits}, {"add", bits}, {"pool", 0}};
    point.unit = "pJ";
    point.energy_table = table;
    return point;
}

const Section* find(const std::vector<Section>& sections, const std::string& id) {
    for (const Section& section : sections) {
        if (section.id == id) return &section;
    }
    return nullptr;
}

TEST(WidthSections, PointsOfSeveralFoldersMakeOneCurveInOrderOfWidth) {
    const std::vector<ResultSet> sets = {{"a", "run", {}, {point_at(18, 99, 40)}, {}, {}, ""},
                                         {"b", "run", {}, {point_at(16, 93, 30)}, {}, {}, ""}};
    const std::vector<Section> sections = width_sections(sets);
    const Section* accuracy = find(sections, "accuracy");
    ASSERT_NE(accuracy, nullptr);
    EXPECT_EQ(accuracy->charts[0]["series"].size(), 1U);
    EXPECT_EQ(accuracy->charts[0]["series"][0]["points"], ReportJson::parse("[[16, 93.0], [18, 99.0]]"));
    const ReportJson& energy = find(sections, "energy")->charts.at(0);
    EXPECT_EQ(energy["labels"], ReportJson::parse(R"(["16", "18"])"));
    ASSERT_EQ(energy["series"].size(), 2U) << "a component that costs nothing is left out";
    EXPECT_EQ(energy["series"][1]["values"], ReportJson::parse("[16.0, 18.0]"));
}

TEST(WidthSections, OneWidthIsNoCurve) {
    EXPECT_TRUE(width_sections({{"a", "run", {}, {point_at(18, 99, 40)}, {}, {}, ""}}).empty());
}

TEST(WidthSections, TheSameAccuraciesAreDrawnOnceForTwoEnergyTables) {
    std::vector<Point> points;
    for (const char* table : {"t", "u"}) {
        points.push_back(point_at(16, 93, 30, "net, array", table));
        points.push_back(point_at(18, 99, 40, "net, array", table));
    }
    const std::vector<Section> sections = width_sections({{"a", "sweep", {}, points, {}, {}, ""}});
    const ReportJson& series = find(sections, "accuracy")->charts[0]["series"];
    ASSERT_EQ(series.size(), 1U);
    EXPECT_EQ(series[0]["name"], "net, array (and 1 alike)");
    EXPECT_EQ(find(sections, "energy")->charts.size(), 2U);
}

TEST(WidthSections, TheFrontLeavesOutWhatIsBeatenInBoth) {
    const std::vector<Point> points = {point_at(10, 50, 20), point_at(12, 40, 30), point_at(14, 90, 35),
                                       point_at(16, 90, 50)};
    const std::vector<Section> sections = width_sections({{"a", "sweep", {}, points, {}, {}, ""}});
    const ReportJson& chart = find(sections, "trade-off")->charts.at(0);
    EXPECT_EQ(chart["points"].size(), 4U);
    ASSERT_EQ(chart["front"].size(), 2U);
    EXPECT_EQ(chart["front"][1][0], 35.0);
}

TEST(RunSections, TheTableOfHistogramsCountsWhatDoesNotFit) {
    const test::TemporaryFolder folder;
    const std::string path = test::write_small_run(folder);
    folder.write("run/psums.csv", "layer,low,high,count\nc1,-9,-9,1\nc1,-8,-8,3\nc1,7,7,4\nc1,8,8,2\n");
    const std::vector<Section> sections = run_sections(read_results(path), "r");
    const Section* histograms = find(sections, "r-histograms");
    ASSERT_NE(histograms, nullptr);
    // -9 and 8 need 5 bits, the others 4.
    EXPECT_THAT(
        histograms->rows,
        ElementsAre(std::vector<ReportJson>{"c1", 2, 10, 10, 100.0}, std::vector<ReportJson>{"c1", 3, 10, 10, 100.0},
                    std::vector<ReportJson>{"c1", 4, 3, 10, 30.0}, std::vector<ReportJson>{"c1", 5, 0, 10, 0.0}));
}

TEST(RunSections, CyclesAreOfOneInferenceAndOnlyCausesThatOccurAreShown) {
    const test::TemporaryFolder folder;
    const std::vector<Section> sections = run_sections(read_results(test::write_small_run(folder)), "r");
    const Section* cycles = find(sections, "r-cycles");
    ASSERT_NE(cycles, nullptr);
    const ReportJson& series = cycles->charts[0]["series"];
    ASSERT_EQ(series.size(), 2U);
    EXPECT_EQ(series[0]["values"][0], 40.0);
    EXPECT_EQ(series[1]["name"], "stall: drain");
    EXPECT_EQ(series[1]["values"][0], 10.0);
    EXPECT_EQ(find(sections, "r-utilisation"), nullptr) << "there is no utilisation.csv";
}

}  // namespace
}  // namespace widthwise
