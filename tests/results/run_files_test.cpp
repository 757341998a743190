// SPDX-License-Identifier: Apache-2.0
#include "results/run_files.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "config/run_config.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "results/made_up_run.h"

namespace widthwise {
namespace {

using testing::ElementsAre;

std::size_t cells(const std::string& line) {
    return 1 + static_cast<std::size_t>(std::count(line.begin(), line.end(), ','));
}

TEST(SummaryJson, SaysWhatRanAndWhatCameOut) {
    const test::MadeUpRun run;
    const auto json = summary_json(run.report());
    EXPECT_EQ(json["tool"]["version"], "1.2.3");
    EXPECT_EQ(json["network"]["md5"], run.network.digest);
    EXPECT_EQ(json["data"]["images"]["md5"], "11");
    EXPECT_EQ(json["energy_table"]["node"], "45 nm");
    EXPECT_FALSE(json["energy_table"]["source"].get<std::string>().empty());
    EXPECT_EQ(json["images"]["count"], 4);
    EXPECT_EQ(json["accuracy"]["correct"], 2);
    EXPECT_EQ(json["per_inference"]["cycles"], 3852.0);
    EXPECT_EQ(json["layers"].size(), 7U);
    const auto& c1 = json["layers"][1];
    EXPECT_EQ(c1["name"], "c1");
    EXPECT_EQ(c1["cycles"]["stalls"]["drain"], 100);
    EXPECT_EQ(c1["accumulator"]["bits"], 18);
    EXPECT_EQ(c1["accumulator"]["overflow"]["persistent"], 3);
    EXPECT_EQ(c1["accumulator"]["psums"]["mean"], 2.0);
    EXPECT_EQ(c1["accumulator"]["bits_needed"], 5);
    EXPECT_EQ(c1["events"]["mac.multiply"], 32000);
    EXPECT_FALSE(json["layers"][0].contains("accumulator"));
    double energy = 0;
    for (const auto& layer : json["layers"]) energy += layer["energy"]["total"].get<double>();
    EXPECT_NEAR(energy, json["total"]["energy"]["total"].get<double>(), 1e-6);
}

TEST(SummaryJson, RelativeEnergyHasNullPower) {
    const test::MadeUpRun run(18, "course");
    EXPECT_TRUE(summary_json(run.report())["per_inference"]["average_power_mw"].is_null());
}

TEST(LayersCsv, OneRowPerPhaseWithEveryColumn) {
    const test::MadeUpRun run;
    const auto rows = test::lines(layers_csv(run.report()));
    ASSERT_EQ(rows.size(), 9U);
    for (const std::string& row : rows) EXPECT_EQ(cells(row), cells(rows[0])) << row;
    EXPECT_TRUE(rows[1].starts_with("set-up,set-up,1000,0,"));
    EXPECT_TRUE(rows[2].starts_with("load,load,400,0,"));
    EXPECT_TRUE(rows[3].starts_with("c1,convolution + max pool,1000,900,0,100,0,0,0,0,0,0.5,32000,100,7,2,3,-5,11,2,"));
}

TEST(EventsCsv, EveryEventOfEveryPhase) {
    const test::MadeUpRun run;
    const auto rows = test::lines(events_csv(run.report()));
    EXPECT_EQ(rows.size(), 1 + 8 * kEventCount);  // with the set-up
    EXPECT_EQ(rows[0], "layer,event,unit,count,energy,energy_unit");
    EXPECT_THAT(rows, testing::Contains("c1,mac.multiply,operations,32000,6400,pJ"));
}

TEST(PredictionsCsv, LeavesUnknownLabelsEmpty) {
    const test::MadeUpRun run;
    EXPECT_EQ(predictions_csv(run.report()), "image,label,predicted\n10,3,3\n11,4,9\n12,,1\n13,0,0\n");
}

TEST(WriteRun, WritesEveryFile) {
    const test::TemporaryFolder folder;
    const test::MadeUpRun run;
    ResultFolder result(folder.path("run"), false);
    write_run(result, run.report());
    result.commit();
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path("run"))) {
        names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    EXPECT_THAT(names, ElementsAre("config.yaml", "events.csv", "layers.csv", "predictions.csv", "summary.json",
                                   "utilisation.csv"));
    RunConfig read_back = load_run_config(folder.path("run/config.yaml"));
    read_back.path = run.config.path;
    EXPECT_EQ(read_back, run.config);
}

TEST(JsonText, HoldsNothingThatAScreenObeys) {
    const nlohmann::ordered_json json = {{"name",
                                          "\x1b[31m\x7f\xc2\x9b"
                                          "31m ünï"}};
    const std::string text = json_text(json);
    EXPECT_EQ(text, "{\n  \"name\": \"\\u001b[31m\\u007f\\u009b31m ünï\"\n}\n");
    EXPECT_EQ(nlohmann::ordered_json::parse(text), json);
}

TEST(JsonText, SurvivesNamesThatAreNotUtf8) {
    nlohmann::ordered_json json;
    json["name"] = "\xff\xfe";
    EXPECT_NO_THROW(static_cast<void>(json_text(json)));
}

}  // namespace
}  // namespace widthwise
