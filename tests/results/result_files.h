// SPDX-License-Identifier: Apache-2.0
// Temporary folders, files read back, and a made-up run, for tests of results.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/error.h"
#include "config/run_config.h"
#include "network/onnx_import.h"
#include "results/run_report.h"
#include "schedule/compile.h"

namespace widthwise::test {

/// A folder of the running test's own, removed when it ends.
class TemporaryFolder {
public:
    TemporaryFolder() {
        const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
        std::string name = std::string(info->test_suite_name()) + "." + info->name() + "." + std::to_string(getpid());
        std::replace(name.begin(), name.end(), '/', '_');  // of parameterised tests
        path_ = std::filesystem::temp_directory_path() / name;
        std::filesystem::create_directories(path_);
    }
    ~TemporaryFolder() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] std::string path(const std::string& name = "") const {
        return name.empty() ? path_.string() : (path_ / name).string();
    }
    std::string write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name, std::ios::binary) << text;
        return path(name);
    }
    /// What lies in it, sorted.
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename());
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    std::filesystem::path path_;
};

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

inline std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) result.push_back(line);
    return result;
}

template <typename Action>
std::string refusal(const Action& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
}

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
        RunSetup setup;
        setup.version = "1.2.3";
        setup.command = "widthwise run config.yaml --images 10:14";
        setup.engine = "systemc";
        setup.config = config;
        setup.network = &network;
        setup.schedule = &schedule;
        setup.table = &table;
        setup.images = {"images.gz", "11"};
        setup.labels = {"labels.gz", "22"};
        setup.energy_table = {"horowitz-45nm", "33"};
        setup.first = 10;
        setup.end = 14;
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
