// SPDX-License-Identifier: Apache-2.0
#include "results/run_report.h"

#include <gtest/gtest.h>

#include "kit/file_text.h"
#include "results/made_up_run.h"
#include "results/run_text.h"
#include "results/tables.h"
#include "text/printable.h"

namespace widthwise {
namespace {

TEST(RunReport, PhasesAreLoadLayersStore) {
    const test::MadeUpRun run;
    const RunReport report = run.report();
    ASSERT_EQ(report.phases.size(), 7U);
    EXPECT_EQ(report.phases[0].name, "load");
    EXPECT_EQ(report.phases[1].name, "c1");
    EXPECT_EQ(report.phases[1].kind, "convolution + max pool");
    EXPECT_EQ(report.phases[4].kind, "fully connected");
    EXPECT_EQ(report.phases[6].name, "store");
    EXPECT_EQ(report.phases[1].bounds.l1, 19);
}

TEST(LayerLabel, TellsLayersFromRowsThatAreNone) {
    const std::vector<std::string> layers = {"Load", "store", "set-up", "c1", "load (layer)", "total"};
    EXPECT_EQ(layer_label("c1", layers), "c1");
    EXPECT_EQ(layer_label("Load", layers), "Load (layer)");
    EXPECT_EQ(layer_label("store", layers), "store (layer)");
    EXPECT_EQ(layer_label("load", {"load", "load (layer)"}), "load (layer) (layer)");
    for (const char* name : {"set-up", "setup", "total"})
        EXPECT_EQ(layer_label(name, layers), name + std::string(" (layer)"));
}

TEST(RunReport, DerivesRatiosFromCounts) {
    const test::MadeUpRun run;
    const RunReport report = run.report();
    EXPECT_EQ(report.total.record.cycles.total, 15408U);
    EXPECT_DOUBLE_EQ(report.cycles_per_inference(), 3852);
    EXPECT_DOUBLE_EQ(report.microseconds_per_inference(), 7.704);  // at 500 MHz
    EXPECT_DOUBLE_EQ(report.utilisation(report.phases[1]), 0.5);   // 32000 MACs in 1000 cycles of 64 PEs
    EXPECT_DOUBLE_EQ(report.utilisation(report.phases[0]), 0.0);
    ASSERT_TRUE(report.accuracy);
    EXPECT_EQ(report.accuracy->labelled, 3U);
    EXPECT_EQ(report.accuracy->correct, 2U);
}

TEST(RunReport, EnergyIsCountsTimesCosts) {
    const test::MadeUpRun run;
    const RunReport report = run.report();
    const double macs = 32000 * (1 + 2 + 3 + 4 + 5);
    EXPECT_NEAR(report.total.energy[static_cast<std::size_t>(Component::multiply)].value(), macs * 0.2, 1e-6);
    const double dram = 4096 * run.table.costs({})[static_cast<std::size_t>(Event::dram_read)];
    EXPECT_NEAR(report.total.energy[static_cast<std::size_t>(Component::dram)].value(), dram, 1e-6);
    ASSERT_TRUE(report.average_power_mw());
    EXPECT_NEAR(*report.average_power_mw(), report.energy_per_inference() / 7.704 / 1000, 1e-12);
}

TEST(RunReport, RelativeUnitsHaveNoPower) {
    const test::MadeUpRun run(18, "course");
    EXPECT_FALSE(run.report().average_power_mw());
}

TEST(RunReport, WithoutLabelsNoAccuracy) {
    const test::MadeUpRun run;
    RunOutcome outcome = run.outcome();
    for (Prediction& prediction : outcome.predictions) prediction.label = -1;
    const RunReport report(run.report().run, outcome);
    EXPECT_FALSE(report.accuracy);
    EXPECT_NE(run_text(report).find("no labels"), std::string::npos);
}

TEST(RunText, FitsTheScreenAndSaysWhatRan) {
    for (const char* table : {"horowitz-45nm", "course", "aladdin-40nm"}) {
        const test::MadeUpRun run(18, table);
        const std::string text = run_text(run.report());
        // Paths may be longer; tables may not.
        for (const std::string& line : test::lines(text)) {
            if (line.starts_with("network") || line.starts_with("images")) continue;
            EXPECT_LE(screen_width(line), kScreenColumns) << line;
        }
        EXPECT_NE(text.find("10:14 (4 images)"), std::string::npos);
        EXPECT_NE(text.find(table), std::string::npos);
        EXPECT_NE(text.find("66.67 % (2 of 3 images)"), std::string::npos);
        EXPECT_EQ(text.find("skew"), std::string::npos) << "causes that never occurred take no column";
    }
}

TEST(EnergyScale, KeepsNumbersShort) {
    EXPECT_EQ(energy_scale("pJ", 9999).unit, "pJ");
    EXPECT_EQ(energy_scale("pJ", 1e6).unit, "nJ");
    EXPECT_EQ(energy_scale("pJ", 1e11).unit, "uJ");
    EXPECT_EQ(energy_scale("relative", 1e11).divisor, 1);
}

}  // namespace
}  // namespace widthwise
