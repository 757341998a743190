// SPDX-License-Identifier: Apache-2.0
// The energy figures of the course exercise, from the events that the modules counted and the course's table.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "energy/energy_table.h"
#include "schedule/compile.h"
#include "schedule/schedule.h"
#include "system/simulation.h"

namespace widthwise::test {
namespace {

double energy_of(const LayerRecord& record, const EventCosts& costs) {
    return sum(energy_by_component(record.events, costs)).value();
}

/// C1, C3, C5, F6, OUT of LeNet-5 on 4 images, and their sum.
void expect_energies(const std::string& accumulators, const std::vector<double>& expected, double expected_total) {
    Workload workload("course.yaml");
    apply_accumulator_option(workload.hardware().accumulator, accumulators);
    const EnergyTable table = EnergyTable::load(workload.config.energy_table, WIDTHWISE_SOURCE_DIR);
    ASSERT_EQ(table.name(), "course");
    const Schedule schedule = compile(workload.network, workload.hardware(), 1);
    ASSERT_EQ(schedule.layers.size(), expected.size());
    SystemcEngine engine(workload.network, workload.hardware());
    const Results results = run(engine, 0, 4, workload.source());
    double total = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const LayerSchedule& layer = schedule.layers[i];
        const double energy = energy_of(results.record.layers[i], table.costs(layer.attributes));
        EXPECT_EQ(energy, expected[i]) << layer.name << " with " << layer.attributes.accumulator_bits << " bits";
        total += energy;
    }
    // The course's model knows no energy outside the layers.
    for (const LayerRecord& phase : {results.record.setup, results.record.load, results.record.store}) {
        EXPECT_GT(phase.cycles.total, 0U);
        total += energy_of(phase, table.costs(EventAttributes{}));
    }
    EXPECT_EQ(total, expected_total);
    // Moving or idling costs nothing here, so say what was counted: one multiply and one add per MAC, three in all with
    // the loop's for a convolution, and a bias in the last layer only.
    const std::vector<std::uint64_t> macs = {117600, 240000, 48000, 10080, 840};
    for (std::size_t i = 0; i < macs.size(); ++i) {
        const EventCounts& events = results.record.layers[i].events;
        const std::uint64_t all = 4 * macs[i];
        const bool convolution = i < 3;
        EXPECT_EQ(events[Event::mac_multiply], all);
        EXPECT_EQ(events[Event::mac_add], all);
        EXPECT_EQ(events[Event::mac_gated], 0U);
        EXPECT_EQ(events[Event::address_multiply], convolution ? 2 * all : 0U);
        EXPECT_EQ(events[Event::address_add], convolution ? 2 * all : 0U);
        EXPECT_EQ(events[Event::bias_add], i == 4 ? 40U : 0U);
    }
}

TEST(CourseEnergy, EighteenBitsEverywhere) {
    expect_energies("18", {115'718'400, 236'160'000, 47'232'000, 3'306'240, 276'240}, 402'692'880);
}

TEST(CourseEnergy, WidthsPerLayer) {
    expect_energies("c1=18,c3=16,c5=16,f6=18,out=16", {115'718'400, 230'400'000, 46'080'000, 3'306'240, 269'440},
                    395'774'080);
}

}  // namespace
}  // namespace widthwise::test
