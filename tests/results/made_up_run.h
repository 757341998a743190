// SPDX-License-Identifier: Apache-2.0
// A made-up run, for tests of results.
#pragma once

#include <cstdint>
#include <string>

#include "config/run_config.h"
#include "network/onnx_import.h"
#include "results/made_up_setup.h"
#include "results/run_report.h"
#include "schedule/compile.h"

namespace widthwise::test {

/// LeNet-5 on the default array with counts that are made up but easy to check: four images, one label missing.
struct MadeUpRun {
    explicit MadeUpRun(int bits = 18, const std::string& table_name = "horowitz-45nm") {
        const std::string root = WIDTHWISE_SOURCE_DIR;
        config = load_run_config(root + "/configs/widthwise-8x8.yaml");
        apply_accumulator_option(config.hardware.accumulator, std::to_string(bits));
        network = import_onnx(config.network);
        schedule = compile(network, config.hardware, config.hardware.batch);
        table = EnergyTable::load(table_name, root);
    }
    [[nodiscard]] RunReport report() const {
        RunSetup setup = made_up_setup(config, network, schedule, table);
        setup.command = "widthwise run config.yaml --images 10:14";
        setup.engine = "systemc";
        setup.energy_table = {"horowitz-45nm", "33"};
        return {setup, outcome()};
    }
    [[nodiscard]] RunOutcome outcome() const {
        RunOutcome outcome;
        RunRecord& record = outcome.record;
        record.images = 4;
        record.setup.cycles.total = 1000;
        record.setup.events[Event::dram_read] = 64000;
        record.load.cycles.total = 400;
        record.load.cycles[Stall::dram] = 400;
        record.load.events[Event::dram_read] = 4096;
        record.layers.resize(schedule.layers.size());
        for (std::size_t i = 0; i < record.layers.size(); ++i) {
            LayerRecord& layer = record.layers[i];
            layer.cycles.total = 1000 * (i + 1);
            layer.cycles.compute = 900 * (i + 1);
            layer.cycles[Stall::drain] = 100 * (i + 1);
            layer.events[Event::mac_multiply] = 32000 * (i + 1);
            layer.events[Event::mac_add] = 32000 * (i + 1);
            layer.overflow = {100, 7, 2, 3};
            for (const std::int64_t psum : {-5, 0, 11}) layer.psums.add(psum);
        }
        record.store.cycles.total = 8;
        record.store.cycles[Stall::dram] = 8;
        outcome.predictions = {{10, 3, 3}, {11, 4, 9}, {12, -1, 1}, {13, 0, 0}};
        return outcome;
    }

    RunConfig config;
    Network network;
    Schedule schedule;
    EnergyTable table;
};

}  // namespace widthwise::test
