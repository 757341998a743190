// SPDX-License-Identifier: Apache-2.0
// What GTKWave's own fst2vcd makes of an FST is what VcdWriter writes.
#include "trace/fst_writer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <random>

#include "common/error.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "trace/vcd_reader.h"
#include "trace/vcd_writer.h"
#include "trace/wave_fan.h"

namespace widthwise::test {
namespace {

enum class State : std::uint8_t { idle, fill, compute };
constexpr std::array<std::string_view, 3> kStates = {"IDLE", "FILL", "COMPUTE"};
const ClockEdges kEdges(7);  // MHz: a period of 142857142.857 fs

struct Registers {
    bool flag = false;
    std::uint8_t byte = 0;
    std::int16_t half = 0;
    std::int32_t word = 0;
    std::int64_t wide = 0;
    State state = State::idle;

    void list(WaveList& list) const {
        list.add("top.a", "flag", flag);
        list.add("top.a", "byte", byte, 8);
        list.add("top.a.inner", "half", half, 9);
        list.add("top.b", "word", word, 17);
        list.add("top.a", "wide", wide, 48);  // back in a scope that was left
        list.add("top.b", "full", wide, 64);
        list.add("top.b", "alias", word, 17);
        list.add_words("top.sequencer", "state", state, kStates);
    }
    void change(std::mt19937_64& random) {
        if (random() % 2 != 0) flag = !flag;
        if (random() % 3 == 0) byte = static_cast<std::uint8_t>(random());
        if (random() % 3 == 0) half = static_cast<std::int16_t>(random());
        if (random() % 3 == 0) word = static_cast<std::int32_t>(random());
        if (random() % 3 == 0) wide = static_cast<std::int64_t>(random());
        if (random() % 4 == 0) state = static_cast<State>(random() % 3);
    }
};

/// Both files of the same samples, the FST as GTKWave's program turns it into a VCD.
std::pair<std::string, std::string> both(const TemporaryFolder& folder, const WaveLimits& limits) {
    Registers registers;
    WaveList list;
    registers.list(list);
    VcdWriter vcd(folder.path("a.vcd"), limits);
    FstWriter fst(folder.path("a.fst"), limits);
    WaveFan fan({&vcd, &fst});
    fan.begin(list, kEdges);
    std::mt19937_64 random(7);
    for (std::uint64_t cycle = 0; cycle < 500 && !fan.finished(); ++cycle) {
        registers.change(random);
        fan.sample(cycle);
    }
    EXPECT_EQ(vcd.recorded_cycles(), fst.recorded_cycles());
    vcd.close();
    fst.close();
    const std::string command = fmt::format("fst2vcd -f '{}' -o '{}'", folder.path("a.fst"), folder.path("b.vcd"));
    EXPECT_EQ(std::system(command.c_str()), 0);
    return {folder.path("a.vcd"), folder.path("b.vcd")};
}

void expect_equal(const VcdFile& expected, const VcdFile& actual) {
    ASSERT_EQ(expected.variables().size(), actual.variables().size());
    ASSERT_EQ(expected.times(), actual.times());
    for (const auto& [name, variable] : expected.variables()) {
        ASSERT_TRUE(actual.has(name)) << name;
        EXPECT_EQ(actual.variable(name).type, variable.type) << name;
        for (const std::uint64_t time : expected.times()) {
            ASSERT_EQ(actual.text_at(name, time), expected.text_at(name, time)) << name << " at " << time;
        }
    }
}

TEST(FstWriter, ShowsWhatTheVcdShows) {
    const TemporaryFolder folder;
    const auto [vcd, fst] = both(folder, {});
    expect_equal(VcdFile(vcd), VcdFile(fst, VcdDialect::gtkwave));
}

TEST(FstWriter, KeepsToTheLimits) {
    const TemporaryFolder folder;
    WaveLimits limits;
    limits.first_cycle = 100;
    limits.end_cycle = 130;
    limits.scopes = {"top.b"};
    const auto [vcd, fst] = both(folder, limits);
    const VcdFile file(fst, VcdDialect::gtkwave);
    EXPECT_EQ(file.times().front(), 14285714286U);
    EXPECT_FALSE(file.has("top.a.flag"));
    expect_equal(VcdFile(vcd), file);
}

TEST(FstWriter, EqualRunsGiveEqualFiles) {
    const TemporaryFolder one, two;
    both(one, {});
    both(two, {});
    EXPECT_EQ(read_file(one.path("a.fst")), read_file(two.path("a.fst")));
}

TEST(FstWriter, ThePlaceMustBeWritable) {
    FstWriter writer("/nowhere/a.fst");
    Registers registers;
    WaveList list;
    registers.list(list);
    EXPECT_THROW(writer.begin(list, kEdges), SimulationError);
}

}  // namespace
}  // namespace widthwise::test
