// SPDX-License-Identifier: Apache-2.0
// The timeline of a run: a trace that Perfetto accepts, and the same cycles as in layers.csv.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "report/csv_reader.h"

namespace widthwise {
namespace {

using Json = nlohmann::json;

struct Slice {
    std::string name;
    std::uint64_t start = 0, end = 0;
};

struct Timeline {
    /// Checks that every event has what the trace event format asks for.
    explicit Timeline(const Json& json) {
        std::map<int, std::string> titles;
        for (const Json& event : json["traceEvents"]) {
            const std::string kind = event.at("ph");
            EXPECT_EQ(event.at("pid"), 1);
            if (kind == "M") {
                if (event.at("name") == "thread_name") titles[event.at("tid")] = event.at("args").at("name");
            } else if (kind == "X") {
                const std::uint64_t start = event.at("ts");
                const std::uint64_t cycles = event.at("dur");
                EXPECT_GT(cycles, 0U);
                tracks[titles.at(event.at("tid"))].push_back({event.at("name"), start, start + cycles});
            } else {
                EXPECT_EQ(kind, "C");
                counters[event.at("name")].push_back(event.at("args").begin().value());
                event.at("ts").get<std::uint64_t>();
            }
        }
    }
    std::map<std::string, std::vector<Slice>> tracks;
    std::map<std::string, std::vector<double>> counters;
};

Timeline timeline_of(const test::TemporaryFolder& folder, const std::string& config, std::vector<std::string> more) {
    std::vector<std::string> line = {"run",    config, "--out", folder.path("out"), "--timeline", folder.path("t.json"),
                                     "--quiet"};
    line.insert(line.end(), more.begin(), more.end());
    const test::ToolResult result = test::run_tool(line);
    EXPECT_EQ(result.status, 0) << result.err;
    const Json json = Json::parse(test::read_file(folder.path("t.json")));
    EXPECT_EQ(json["otherData"]["time"], "1 us stands for 1 clock cycle");
    return Timeline(json);
}

class TimelineOf : public testing::TestWithParam<const char*> {};

TEST_P(TimelineOf, SlicesDoNotOverlapAndAddUpToTheLayersCycles) {
    const test::TemporaryFolder folder;
    const Timeline timeline = timeline_of(folder, GetParam(), {"--images", "0:2", "--accumulator", "14"});
    for (const auto& [title, slices] : timeline.tracks) {
        for (std::size_t i = 1; i < slices.size(); ++i) ASSERT_LE(slices[i - 1].end, slices[i].start) << title;
    }
    // What the array did within each layer's slices, by layer and name.
    std::map<std::string, std::map<std::string, std::uint64_t>> cycles;
    const std::vector<Slice>& array = timeline.tracks.at("PE array");
    for (const Slice& layer : timeline.tracks.at("layers")) {
        cycles[layer.name]["total"] += layer.end - layer.start;
        for (const Slice& slice : array) {
            const std::uint64_t start = std::max(slice.start, layer.start), end = std::min(slice.end, layer.end);
            if (start < end) cycles[layer.name][slice.name] += end - start;
        }
    }
    const CsvTable table = CsvTable::read(folder.path("out/layers.csv"));
    const auto cell = [&](std::size_t row, const std::string& column) {
        return static_cast<std::uint64_t>(table.integer(row, table.column(column)));
    };
    std::uint64_t overflow = 0;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const std::string name = table.text(row, table.column("layer"));
        if (name == "set-up" || name == "load" || name == "store") continue;
        overflow += cell(row, "overflow_events");
        EXPECT_EQ(cycles[name]["total"], cell(row, "cycles")) << name;
        EXPECT_EQ(cycles[name]["compute"], cell(row, "compute_cycles")) << name;
        for (const char* cause : {"skew", "drain", "dram", "weights", "port_conflict", "fill", "activations"}) {
            EXPECT_EQ(cycles[name][std::string("stall: ") + cause], cell(row, std::string("stall_") + cause))
                << name << ' ' << cause;
        }
    }
    EXPECT_GT(overflow, 0U);
    EXPECT_EQ(timeline.counters.at("overflow").back(), static_cast<double>(overflow));
    const std::vector<double>& used = timeline.counters.at("utilisation");
    EXPECT_LE(*std::max_element(used.begin(), used.end()), 100.0);
    EXPECT_GT(*std::max_element(used.begin(), used.end()), 10.0);
    // Each tile's slice times its utilisation is its multiplications.
    std::vector<double> tiles = used;
    std::erase(tiles, 0.0);  // after each layer
    ASSERT_EQ(tiles.size(), timeline.tracks.at("tiles").size());
    const auto summary = Json::parse(test::read_file(folder.path("out/summary.json")));
    double macs = 0;
    for (std::size_t i = 0; i < tiles.size(); ++i) {
        const Slice& tile = timeline.tracks.at("tiles")[i];
        macs +=
            tiles[i] / 100 * summary["processing_elements"].get<double>() * static_cast<double>(tile.end - tile.start);
    }
    EXPECT_NEAR(macs, summary["total"]["macs"].get<double>(), 1e-4 * macs);
}

INSTANTIATE_TEST_SUITE_P(Configs, TimelineOf,
                         testing::Values("configs/widthwise-8x8.yaml", "configs/systolic-8x8.yaml",
                                         "configs/edge-4x4-streamed.yaml"));

TEST(Timeline, KeepsToOneLayer) {
    const test::TemporaryFolder folder;
    const Timeline timeline =
        timeline_of(folder, "configs/widthwise-8x8.yaml", {"--images", "0:2", "--wave-layer", "c5"});
    ASSERT_EQ(timeline.tracks.at("layers").size(), 2U) << "once for each image";
    EXPECT_EQ(timeline.tracks.at("layers")[1].name, "c5");
    EXPECT_EQ(timeline.tracks.at("tiles").size(), 2 * 15U) << "120 channels, 8 at a time";
}

}  // namespace
}  // namespace widthwise
