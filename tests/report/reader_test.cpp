// SPDX-License-Identifier: Apache-2.0
// Results folders as they should be, and everything that can be wrong with them.
#include <gmock/gmock.h>

#include "kit/refusal.h"
#include "kit/temporary_files.h"
#include "report/csv_reader.h"
#include "report/report_files.h"
#include "report/result_set.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(CsvTable, ReadsQuotedCells) {
    const test::TemporaryFolder folder;
    const CsvTable table = CsvTable::read(folder.write("a.csv", "name,n\n\"a,\"\"b\"\"\",3\n\"two\nlines\",-4\n"));
    ASSERT_EQ(table.rows(), 2U);
    EXPECT_EQ(table.text(0, 0), "a,\"b\"");
    EXPECT_EQ(table.text(1, table.column("name")), "two\nlines");
    EXPECT_EQ(table.integer(1, table.column("n")), -4);
}

TEST(CsvTable, TakesOffTheMarkOfTextsThatLookLikeFormulas) {
    const test::TemporaryFolder folder;
    const CsvTable table = CsvTable::read(folder.write("a.csv", "name,n\n'=1+1,-4\n''b,-0.5\n\"'-a,b\",1\n"));
    EXPECT_EQ(table.text(0, 0), "=1+1");
    EXPECT_EQ(table.text(1, 0), "'b");
    EXPECT_EQ(table.text(2, 0), "-a,b");
    EXPECT_EQ(table.integer(0, 1), -4);
    EXPECT_EQ(table.number(1, 1), -0.5);
}

TEST(CsvTable, NamesThePlaceOfWhatIsWrong) {
    const test::TemporaryFolder folder;
    const std::string path = folder.write("a.csv", "x,y\n1,2\n3,zwei\n");
    const CsvTable table = CsvTable::read(path);
    EXPECT_EQ(test::refusal([&] { static_cast<void>(table.integer(1, 1)); }), path + ":3: y: 'zwei' is no integer");
    EXPECT_EQ(test::refusal([&] { static_cast<void>(table.column("z")); }), path + ": has no column 'z'");
    folder.write("a.csv", "x,y\n1\n");
    EXPECT_EQ(test::refusal([&] { CsvTable::read(path); }), path + ":2: has 1 cells, the first row 2");
    folder.write("a.csv", "");
    EXPECT_EQ(test::refusal([&] { CsvTable::read(path); }), path + ": is empty");
}

TEST(CsvTable, ReadsUpToItsMostCells) {
    const test::TemporaryFolder folder;
    std::string text = std::string(999, ',') + "\n";
    const std::string row = text;
    for (int i = 0; i < 4000; ++i) text += row;
    EXPECT_EQ(CsvTable::read(folder.write("a.csv", text)).rows(), 4000U);
    const std::string path = folder.write("b.csv", text + row);
    EXPECT_EQ(test::refusal([&] { CsvTable::read(path); }),
              path + ":4002: has more than 4000000 cells up to here, the most that is read");
}

TEST(ReadResults, RefusesDeepAndEndlessFiles) {
    const test::TemporaryFolder folder;
    const std::string path = folder.path("summary.json");
    folder.write("summary.json", std::string(31, '[') + std::string(31, ']'));
    EXPECT_THAT(test::refusal([&] { read_results(folder.path()); }), HasSubstr("summary.json: is no object"));
    folder.write("summary.json", std::string(40, '[') + std::string(40, ']'));
    EXPECT_EQ(test::refusal([&] { read_results(folder.path()); }),
              path + ": is nested more than 32 deep, the most that is read");
    std::string many = "[0";
    for (int i = 0; i < 20000000; ++i) many += ",0";
    folder.write("summary.json", many + "]");
    many.clear();
    EXPECT_EQ(test::refusal([&] { read_results(folder.path()); }),
              path + ": holds more than 20000000 keys and values, the most that is read");
}

TEST(ReadResults, OfARun) {
    const test::TemporaryFolder folder;
    const std::string path = test::write_small_run(folder);
    folder.write("run/psums.csv", "layer,low,high,count\nc1,-8,-8,3\nc1,0,0,4\nother,1,1,1\n");
    folder.write("run/utilisation.csv", "layer,cycles,row,column0,column1\nc1,100,0,80,40\nc1,100,1,20,10\n");
    const ResultSet set = read_results(path);
    EXPECT_EQ(set.kind, "run");
    EXPECT_EQ(set.configuration, "name: small\n");
    ASSERT_EQ(set.points.size(), 1U);
    EXPECT_EQ(set.points[0].series, "n, small");
    EXPECT_EQ(set.points[0].bits, 8);
    EXPECT_EQ(set.points[0].overflowed, 20.0);
    const LayerFigures& layer = set.run->layers.at(0);
    EXPECT_EQ(layer.psums->first, -9);
    EXPECT_EQ(layer.histogram.size(), 2U);
    EXPECT_EQ(layer.columns, 2U);
    EXPECT_THAT(layer.busy, testing::ElementsAre(80U, 40U, 20U, 10U));
}

TEST(ReadResults, RefusesWhatIsNoResultsFolder) {
    const test::TemporaryFolder folder;
    EXPECT_THAT(test::refusal([&] { read_results(folder.path("none")); }), HasSubstr("there is no such folder"));
    EXPECT_THAT(test::refusal([&] { read_results(folder.write("file", "")); }), HasSubstr("is not a folder"));
    EXPECT_THAT(test::refusal([&] { read_results(folder.path()); }),
                AllOf(HasSubstr("is no results folder"), HasSubstr("summary.json (run)")));
    folder.write("journal", "");
    EXPECT_THAT(test::refusal([&] { read_results(folder.path()); }), HasSubstr("--resume"));
}

TEST(ReadResults, NamesTheFileAndPlaceOfWhatIsBroken) {
    const test::TemporaryFolder folder;
    const std::string path = folder.path("run");
    const auto refused = [&](const std::string& text) {
        folder.write("run/summary.json", text);
        return test::refusal([&] { read_results(path); });
    };
    EXPECT_THAT(refused("{\"tool\": "), AllOf(HasSubstr("summary.json: is no JSON"), HasSubstr("line 1")));
    EXPECT_THAT(refused("[]"), HasSubstr("summary.json: is no object"));
    EXPECT_THAT(refused("{}"), HasSubstr("summary.json: has no 'command'"));
    test::Json json = test::small_summary();
    json["layers"][0]["cycles"]["total"] = "many";
    EXPECT_THAT(refused(json.dump()), HasSubstr("summary.json: layers[0].cycles.total is no number"));
    json = test::small_summary();
    json["images"]["count"] = 0;
    EXPECT_THAT(refused(json.dump()), HasSubstr("images.count is not above 0"));
    test::write_small_run(folder);
    folder.write("run/psums.csv", "layer,low,high\n");
    EXPECT_THAT(test::refusal([&] { read_results(path); }), HasSubstr("psums.csv: has no column 'count'"));
}

}  // namespace
}  // namespace widthwise
