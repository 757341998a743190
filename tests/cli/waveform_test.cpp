// SPDX-License-Identifier: Apache-2.0
// What waveforms of whole runs say: both formats the same, and the layer's psums out of the traced operands.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "report/csv_reader.h"
#include "trace/vcd_reader.h"

namespace widthwise {
namespace {

constexpr std::uint64_t kPeriod = 2000000;  // 500 MHz, in femtoseconds

void run(std::vector<std::string> line) {
    line.emplace_back("--quiet");
    const test::ToolResult result = test::run_tool(line);
    ASSERT_EQ(result.status, 0) << result.err;
}

/// One layer's cells of a results table, by column.
std::map<std::string, std::string> row_of(const std::string& path, const std::string& layer, std::size_t nth = 0) {
    const CsvTable table = CsvTable::read(path);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        if (table.text(row, table.column("layer")) != layer || nth-- > 0) continue;
        std::map<std::string, std::string> cells;
        for (std::size_t c = 0; c < table.header().size(); ++c) cells[table.header()[c]] = table.text(row, c);
        return cells;
    }
    return {};
}

TEST(Waveform, FstHoldsWhatTheVcdHolds) {
    const test::TemporaryFolder folder;
    run({"run", "configs/systolic-8x8.yaml", "--images", "0:1", "--vcd", folder.path("w.vcd"), "--fst",
         folder.path("w.fst"), "--wave-cycles", "8000:8400"});
    const std::string command = fmt::format("fst2vcd -f '{}' -o '{}'", folder.path("w.fst"), folder.path("again.vcd"));
    ASSERT_EQ(std::system(command.c_str()), 0);
    const test::VcdFile vcd(folder.path("w.vcd")), fst(folder.path("again.vcd"), test::VcdDialect::gtkwave);
    ASSERT_EQ(vcd.times(), fst.times());
    EXPECT_EQ(vcd.times().size(), 2 * 400U + 1);
    ASSERT_EQ(vcd.variables().size(), fst.variables().size());
    for (const auto& [name, variable] : vcd.variables()) {
        for (std::size_t t = 0; t < vcd.times().size(); t += 37) {
            ASSERT_EQ(fst.text_at(name, vcd.times()[t]), vcd.text_at(name, vcd.times()[t])) << name;
        }
    }
    EXPECT_LT(std::filesystem::file_size(folder.path("w.fst")), std::filesystem::file_size(folder.path("w.vcd")) / 5);
}

TEST(Waveform, ViewersFindTheirFilesBesideIt) {
    const test::TemporaryFolder folder;
    run({"run", "configs/widthwise-8x8.yaml", "--images", "0:1", "--fst", folder.path("w.fst"), "--wave-cycles",
         "0:9"});
    EXPECT_THAT(folder.names(),
                testing::ElementsAre("w.fst", "w.fst.gtkw", "w.fst.layers", "w.fst.sucl", "w.fst.words"));
    const std::string view = test::read_file(folder.path("w.fst.gtkw"));
    EXPECT_THAT(view, testing::HasSubstr(fmt::format("[dumpfile] \"{}\"", folder.path("w.fst"))));
    EXPECT_THAT(view, testing::HasSubstr(fmt::format("^1 {}", folder.path("w.fst.words/sequencer_state.txt"))));
    EXPECT_THAT(view, testing::HasSubstr(fmt::format("^2 {}", folder.path("w.fst.layers"))));
    EXPECT_THAT(test::read_file(folder.path("w.fst.words/sequencer_state.txt")),
                testing::HasSubstr("\n0 IDLE\n1 SETUP\n"));
    EXPECT_THAT(test::read_file(folder.path("w.fst.layers")), testing::HasSubstr("\n0 c1\n1 c3\n"));
}

/// A PE's running sum of one tile, as an adder of so many bits forms it, and the exact one.
struct Sum {
    std::int64_t exact = 0;
    std::int64_t held = 0;
    void add(std::int64_t product, int bits) {
        const std::int64_t most = (std::int64_t{1} << (bits - 1)) - 1;
        exact += product;
        held = std::clamp(held + product, -most - 1, most);
    }
};

/// f6: 120 inputs, 84 outputs, no bias; 12 bits are too few for it, so that saturation shows.
TEST(Waveform, OperandsGiveTheLayersPsumsAndTheRegistersContents) {
    constexpr int kTaps = 120, kOutputs = 84, kRows = 8, kBits = 12;
    constexpr std::uint64_t kPipeline = 2;  // edges from the operand registers to the accumulator
    const test::TemporaryFolder folder;
    run({"run", "configs/widthwise-8x8.yaml", "--images", "3:4", "--accumulator", "18,f6=12", "--out",
         folder.path("out"), "--vcd", folder.path("w.vcd"), "--wave-layer", "f6", "--wave-cycles", "0:100000"});
    const test::VcdFile vcd(folder.path("w.vcd"));
    const std::string array = "accelerator.pe_array";
    std::int64_t least = std::numeric_limits<std::int64_t>::max(), greatest = -least, total = 0;
    int taps = 0, outputs = 0, saturated = 0;
    std::array<Sum, kRows> sums;
    std::array<std::uint64_t, kRows> busy{};
    for (const std::uint64_t time : vcd.times()) {
        if (time % kPeriod != 0 || vcd.text_at(array + ".issued", time) != "1") continue;
        // At the edge of the last tap the array already takes in the next tile's size.
        const auto rows = static_cast<std::size_t>(vcd.unsigned_at(array + ".rows_working", time - kPeriod));
        for (std::size_t r = 0; r < rows; ++r) {
            const std::string pe = fmt::format("{}.row{}.pe0", array, r);
            sums[r].add(vcd.signed_at(pe + ".activation", time) * vcd.signed_at(pe + ".weight", time), kBits);
            ++busy[r];
        }
        if (++taps < kTaps) continue;
        for (std::size_t r = 0; r < rows; ++r) {
            const std::string accumulator = fmt::format("{}.row{}.pe0.accumulator", array, r);
            EXPECT_EQ(vcd.signed_at(accumulator, time + kPipeline * kPeriod), sums[r].held) << outputs;
            least = std::min(least, sums[r].exact);
            greatest = std::max(greatest, sums[r].exact);
            total += sums[r].exact;
            saturated += sums[r].held != sums[r].exact ? 1 : 0;
            ++outputs;
        }
        sums.fill({});
        taps = 0;
    }
    EXPECT_EQ(outputs, kOutputs);
    EXPECT_GT(saturated, 0);
    auto layer = row_of(folder.path("out/layers.csv"), "f6");
    EXPECT_EQ(layer["psum_min"], std::to_string(least));
    EXPECT_EQ(layer["psum_max"], std::to_string(greatest));
    EXPECT_NEAR(std::stod(layer["psum_mean"]), static_cast<double>(total) / kOutputs, 1e-6);
    for (std::size_t r = 0; r < kRows; ++r) {
        EXPECT_EQ(row_of(folder.path("out/utilisation.csv"), "f6", r)["column0"], std::to_string(busy[r])) << r;
    }
}

/// GTKWave's programs read the VCD, and what they make of it has the same changes at the same times.
TEST(Waveform, AnotherProgramReadsEveryChangeOfTheVcd) {
    const test::TemporaryFolder folder;
    run({"run", "configs/systolic-8x8.yaml", "--images", "0:1", "--vcd", folder.path("w.vcd"), "--wave-cycles",
         "12000:12200"});
    const std::string command = fmt::format("vcd2fst '{0}' '{1}' > '{2}' && fst2vcd -f '{1}' -o '{2}'",
                                            folder.path("w.vcd"), folder.path("b.fst"), folder.path("again.vcd"));
    ASSERT_EQ(std::system(command.c_str()), 0);
    const test::VcdFile vcd(folder.path("w.vcd")), again(folder.path("again.vcd"), test::VcdDialect::gtkwave);
    ASSERT_EQ(vcd.times(), again.times());
    ASSERT_EQ(vcd.variables().size(), again.variables().size());
    std::size_t changes = 0;
    for (const auto& [name, variable] : vcd.variables()) {
        EXPECT_EQ(vcd.history(name), again.history(name)) << name;
        changes += vcd.history(name).size();
    }
    EXPECT_GT(changes, 10000U);
}

/// Rows of stride 2: those that the tiles need and the one that comes in are counted alike.
TEST(Waveform, LineBufferShowsRowsOfTheFeatureMap) {
    const test::TemporaryFolder folder;
    run({"run", "configs/fashion-resnet.yaml", "--images", "0:1", "--vcd", folder.path("w.vcd"), "--wave-layer",
         "block2.shortcut.conv", "--wave-scope", "*.line_buffer", "--wave-cycles", "0:1000000"});
    const test::VcdFile vcd(folder.path("w.vcd"));
    const std::string unit = "accelerator.line_buffer";
    const auto at = [&](const char* name, std::uint64_t time) { return vcd.unsigned_at(unit + name, time); };
    std::set<std::uint64_t> filled, first;
    for (const std::uint64_t time : vcd.times()) {
        // Until the layer's first tile begins, the window is that of the layer before.
        if (first.empty() && (at(".window.first_row", time) != 0 || at(".row_filling", time) != 0)) continue;
        filled.insert(at(".row_filling", time));
        first.insert(at(".window.first_row", time));
        EXPECT_EQ(at(".window.end_row", time), std::min<std::uint64_t>(at(".window.first_row", time) + 3, 13))
            << "tiles of two output rows";
    }
    EXPECT_THAT(filled, testing::ElementsAre(0, 2, 4, 6, 8, 10, 12));
    EXPECT_EQ(first, filled);
}

/// 7 GHz: a period of 142857.142857... femtoseconds. Both formats, and the timeline, which counts cycles.
TEST(Waveform, TimesOfAnyClock) {
    const test::TemporaryFolder folder;
    const std::string config = test::write_config(folder, "clock_mhz: 7000\n");
    run({"run", config, "--images", "0:1", "--vcd", folder.path("w.vcd"), "--fst", folder.path("w.fst"), "--timeline",
         folder.path("t.json"), "--wave-cycles", "19990:20000", "--wave-depth", "2"});
    const std::string command = fmt::format("fst2vcd -f '{}' -o '{}'", folder.path("w.fst"), folder.path("again.vcd"));
    ASSERT_EQ(std::system(command.c_str()), 0);
    const test::VcdFile vcd(folder.path("w.vcd")), fst(folder.path("again.vcd"), test::VcdDialect::gtkwave);
    EXPECT_EQ(vcd.times(), fst.times());
    ASSERT_EQ(vcd.times().size(), 21U);
    for (std::uint64_t n = 0; n <= 10; ++n) {
        const double exact = static_cast<double>(19990 + n) * 1e9 / 7000;
        EXPECT_EQ(vcd.times()[2 * n], static_cast<std::uint64_t>(std::llround(exact)));
    }
    const auto timeline = nlohmann::json::parse(test::read_file(folder.path("t.json")));
    EXPECT_DOUBLE_EQ(timeline["otherData"]["clock_period_ps"].get<double>(), 1e6 / 7000);
}

TEST(Waveform, OfOneImage) {
    const test::TemporaryFolder folder;
    run({"run", "configs/widthwise-8x8.yaml", "--images", "4:7", "--vcd", folder.path("w.vcd"), "--wave-image", "5",
         "--wave-depth", "2", "--out", folder.path("out")});
    const test::VcdFile vcd(folder.path("w.vcd"));
    std::uint64_t cycles = 0;
    for (const std::uint64_t time : vcd.times()) {
        if (time % kPeriod != 0 || time == vcd.times().back()) continue;
        EXPECT_EQ(vcd.signed_at("accelerator.sequencer.image", time), 5);
        ++cycles;
    }
    const auto summary = nlohmann::json::parse(test::read_file(folder.path("out/summary.json")));
    EXPECT_EQ(static_cast<double>(cycles), summary["per_inference"]["cycles"].get<double>());
}

}  // namespace
}  // namespace widthwise
