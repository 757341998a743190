// SPDX-License-Identifier: Apache-2.0
#include "trace/vcd_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>

#include "common/error.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "trace/made_up_activity.h"
#include "trace/vcd_reader.h"

namespace widthwise::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::uint64_t kPeriod = 2000000;  // femtoseconds
const ClockEdges kEdges(500);

enum class State : std::uint8_t { idle, setup, load, fill, compute, drain, store };
constexpr std::array<std::string_view, 7> kStates = {"IDLE", "SETUP", "LOAD", "FILL", "COMPUTE", "DRAIN", "STORE"};

struct Registers {
    bool flag = false;
    std::uint8_t byte = 0;
    std::int16_t half = 0;
    std::int32_t word = 0;
    std::int64_t wide = 0;
    State state = State::idle;
    std::int32_t layer = 0;

    /// Every storage in widths that are cut off, exact and beyond the storage's own.
    void list(WaveList& list, const std::string& scope) const {
        list.add(scope, "flag", flag);
        for (const int bits : {1, 3, 8, 12}) list.add(scope, "byte" + std::to_string(bits), byte, bits);
        for (const int bits : {1, 8, 9, 16, 17}) list.add(scope, "half" + std::to_string(bits), half, bits);
        for (const int bits : {1, 17, 24, 32, 33}) list.add(scope, "word" + std::to_string(bits), word, bits);
        for (const int bits : {1, 8, 16, 48, 49, 63, 64}) list.add(scope, "wide" + std::to_string(bits), wide, bits);
        list.add_words(scope + ".sequencer", "state", state, kStates);
        list.add(scope + ".sequencer", "layer", layer, 16);
    }

    /// Some registers hold, the others take values of all magnitudes and both signs.
    void change(std::mt19937_64& random) {
        const auto value = [&] { return static_cast<std::int64_t>(random()) >> random() % 64; };
        if (random() % 2 != 0) flag = !flag;
        if (random() % 3 != 0) byte = static_cast<std::uint8_t>(value());
        if (random() % 3 != 0) half = static_cast<std::int16_t>(value());
        if (random() % 3 != 0) word = static_cast<std::int32_t>(value());
        if (random() % 3 != 0) wide = value();
        if (random() % 4 == 0) state = static_cast<State>(random() % 7);
        if (random() % 8 == 0) layer = static_cast<std::int32_t>(random() % 3);
    }
};

void write_file(const std::string& path, const WaveList& list, const WaveLimits& limits, std::uint64_t cycles,
                const std::function<void(std::uint64_t)>& at_cycle) {
    VcdWriter writer(path, limits);
    writer.begin(list, kEdges);
    for (std::uint64_t cycle = 0; cycle < cycles && !writer.finished(); ++cycle) {
        at_cycle(cycle);
        writer.sample(cycle);
    }
    writer.close();
}

/// The register as the waveform must show it.
void expect_shown(const VcdFile& vcd, const std::string& name, std::uint64_t time, std::int64_t value) {
    const int unused = 64 - vcd.variable(name).bits;
    const std::uint64_t shown = static_cast<std::uint64_t>(value) << unused >> unused;
    ASSERT_EQ(vcd.unsigned_at(name, time), shown) << name << ' ' << time;
}

void expect_shown(const VcdFile& vcd, const std::string& scope, std::uint64_t time, const Registers& r) {
    expect_shown(vcd, scope + ".flag", time, r.flag);
    for (const int bits : {1, 3, 8, 12}) expect_shown(vcd, scope + ".byte" + std::to_string(bits), time, r.byte);
    for (const int bits : {1, 8, 9, 16, 17}) expect_shown(vcd, scope + ".half" + std::to_string(bits), time, r.half);
    for (const int bits : {1, 17, 24, 32, 33}) expect_shown(vcd, scope + ".word" + std::to_string(bits), time, r.word);
    for (const int bits : {1, 8, 16, 48, 49, 63, 64}) {
        expect_shown(vcd, scope + ".wide" + std::to_string(bits), time, r.wide);
    }
    ASSERT_EQ(vcd.signed_at(scope + ".wide64", time), r.wide);
    ASSERT_EQ(vcd.signed_at(scope + ".half17", time), r.half);
    expect_shown(vcd, scope + ".sequencer.state", time, static_cast<std::int64_t>(r.state));
    expect_shown(vcd, scope + ".sequencer.layer", time, r.layer);
}

TEST(VcdWriter, EverySampledValueReadsBack) {
    const TemporaryFolder folder;
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        std::mt19937_64 random(seed);
        Registers registers;
        WaveList list;
        registers.list(list, "accelerator.unit");
        std::vector<Registers> sampled;
        constexpr std::uint64_t kCycles = 700;
        write_file(folder.path("a.vcd"), list, {}, kCycles, [&](std::uint64_t) {
            registers.change(random);
            sampled.push_back(registers);
        });
        const VcdFile vcd(folder.path("a.vcd"));
        EXPECT_EQ(vcd.dumped(), list.variables().size() + 2);
        for (std::uint64_t cycle = 0; cycle < kCycles; ++cycle) {
            for (const std::uint64_t time : {cycle * kPeriod, (cycle + 1) * kPeriod - 1}) {
                ASSERT_NO_FATAL_FAILURE(expect_shown(vcd, "accelerator.unit", time, sampled[cycle]));
                ASSERT_EQ(vcd.unsigned_at("accelerator.cycle", time), cycle);
            }
            ASSERT_EQ(vcd.text_at("accelerator.clk", cycle * kPeriod), "1");
            ASSERT_EQ(vcd.text_at("accelerator.clk", cycle * kPeriod + kPeriod / 2 - 1), "1");
            ASSERT_EQ(vcd.text_at("accelerator.clk", cycle * kPeriod + kPeriod / 2), "0");
        }
        EXPECT_EQ(vcd.times().back(), kCycles * kPeriod);
        EXPECT_EQ(vcd.changes("accelerator.clk"), 2 * kCycles);
    }
}

TEST(VcdWriter, ExtremeValues) {
    const TemporaryFolder folder;
    constexpr std::array kValues = {std::int64_t{0}, INT64_MIN,        std::int64_t{-1},      INT64_MAX,
                                    std::int64_t{1}, std::int64_t{-2}, std::int64_t{1} << 47, -(std::int64_t{1} << 47)};
    std::int64_t value = 0;
    WaveList list;
    list.add("top", "all", value, 64);
    list.add("top", "low", value, 48);
    write_file(folder.path("a.vcd"), list, {}, kValues.size(), [&](std::uint64_t cycle) { value = kValues[cycle]; });
    const VcdFile vcd(folder.path("a.vcd"));
    for (std::size_t i = 0; i < kValues.size(); ++i) {
        EXPECT_EQ(vcd.signed_at("top.all", i * kPeriod), kValues[i]);
        const auto low = static_cast<std::int64_t>(static_cast<std::uint64_t>(kValues[i]) << 16) >> 16;
        EXPECT_EQ(vcd.signed_at("top.low", i * kPeriod), low);
    }
}

TEST(VcdWriter, TheFileItself) {
    const TemporaryFolder folder;
    bool valid = false;
    std::int32_t sum = 0;
    State state = State::idle;
    WaveList list;
    list.add("accelerator.pe array", "sum", sum, 17);
    list.add("accelerator.dma", "valid", valid);
    list.add("accelerator.pe array.row0", "same sum", sum, 17);
    list.add_words("accelerator.dma", "state", state, kStates);
    write_file(folder.path("a.vcd"), list, {}, 3, [&](std::uint64_t cycle) {
        valid = cycle == 1;
        sum = cycle == 2 ? -1 : 5;
        if (cycle == 1) state = State::fill;
        if (cycle == 2) state = static_cast<State>(200);
    });
    EXPECT_EQ(read_file(folder.path("a.vcd")), R"($date
    not recorded
$end
$version
    Widthwise )" WIDTHWISE_VERSION R"(
$end
$timescale 1 fs $end
$scope module accelerator $end
$var wire 1 a clk $end
$var integer 64 b cycle $end
$scope module pe_array $end
$var wire 17 c sum [16:0] $end
$scope module row0 $end
$var wire 17 c same_sum [16:0] $end
$upscope $end
$upscope $end
$scope module dma $end
$var wire 1 d valid $end
$var wire 8 e state [7:0] $end
$upscope $end
$upscope $end
$enddefinitions $end
#0
$dumpvars
1a
b0 b
b101 c
0d
b0 e
$end
#1000000
0a
#2000000
1a
b1 b
1d
b11 e
#3000000
0a
#4000000
1a
b10 b
b11111111111111111 c
0d
b11001000 e
#5000000
0a
#6000000
)");
}

TEST(VcdWriter, WordsAreStringsForThoseWhoAskForThem) {
    const TemporaryFolder folder;
    State state = State::idle;
    WaveList list;
    list.add_words("top", "state", state, kStates);
    VcdWriter writer(folder.path("a.vcd"), {}, true, VcdWords::strings);
    writer.begin(list, kEdges);
    for (std::uint64_t cycle = 0; cycle < 3; ++cycle) {
        state = cycle == 1 ? State::fill : static_cast<State>(100 * cycle);
        writer.sample(cycle);
    }
    writer.close();
    EXPECT_THAT(read_file(folder.path("a.vcd")), HasSubstr("$var string 1 c state $end\n"));
    const VcdFile vcd(folder.path("a.vcd"), VcdDialect::gtkwave);
    EXPECT_EQ(vcd.text_at("top.state", 0), "IDLE");
    EXPECT_EQ(vcd.text_at("top.state", kPeriod), "FILL");
    EXPECT_EQ(vcd.text_at("top.state", 2 * kPeriod), "?200");
}

/// 7 GHz: no whole number of femtoseconds.
TEST(VcdWriter, TimesDoNotDrift) {
    const TemporaryFolder folder;
    const bool flag = false;
    WaveList list;
    list.add("top", "flag", flag);
    WaveLimits limits;
    limits.first_cycle = 1000000;
    VcdWriter writer(folder.path("a.vcd"), limits);
    writer.begin(list, ClockEdges(7000));
    for (std::uint64_t cycle = 1000000; cycle < 1000003; ++cycle) writer.sample(cycle);
    writer.close();
    const VcdFile vcd(folder.path("a.vcd"));
    const std::vector<std::uint64_t> rises = {vcd.times()[0], vcd.times()[2], vcd.times()[4], vcd.times()[6]};
    EXPECT_THAT(rises, testing::ElementsAre(142857142857U, 142857285714U, 142857428571U, 142857571429U));
}

TEST(VcdWriter, NamesAreWordsThatNoReaderTakesForSomethingElse) {
    EXPECT_EQ(legal_vcd_name("pe array"), "pe_array");
    EXPECT_EQ(legal_vcd_name("$end $var"), "_end__var");
    EXPECT_EQ(legal_vcd_name("#1.x[3]"), "_1_x_3_");
    EXPECT_EQ(legal_vcd_name(""), "_");
}

TEST(VcdWriter, SameValueWithAnotherWidthIsAnotherNet) {
    const TemporaryFolder folder;
    std::int16_t value = -3;
    WaveList list;
    list.add("top.a", "x", value, 9);
    list.add("top.b", "x", value, 9);
    list.add("top.b", "y", value, 8);
    write_file(folder.path("a.vcd"), list, {}, 1, [](std::uint64_t) {});
    const VcdFile vcd(folder.path("a.vcd"));
    EXPECT_EQ(vcd.variable("top.a.x").code, vcd.variable("top.b.x").code);
    EXPECT_NE(vcd.variable("top.a.x").code, vcd.variable("top.b.y").code);
    EXPECT_EQ(vcd.text_at("top.b.y", 0), "11111101");
}

TEST(VcdWriter, ManyNets) {
    const TemporaryFolder folder;
    std::vector<std::int32_t> values(20000);
    WaveList list;
    for (std::size_t i = 0; i < values.size(); ++i) list.add("top", "x" + std::to_string(i), values[i], 20);
    write_file(folder.path("a.vcd"), list, {}, 3, [&](std::uint64_t cycle) {
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i * (cycle + 1));
    });
    const VcdFile vcd(folder.path("a.vcd"));
    EXPECT_EQ(vcd.variables().size(), values.size() + 2);
    for (std::size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(vcd.unsigned_at("top.x" + std::to_string(i), 2 * kPeriod), i * 3);
    }
}

TEST(VcdWriter, EqualRunsGiveEqualFiles) {
    const TemporaryFolder folder;
    std::array<std::string, 2> texts;
    for (std::string& text : texts) {
        std::mt19937_64 random(5);
        const auto registers = std::make_unique<Registers>();
        WaveList list;
        registers->list(list, "top");
        write_file(folder.path("a.vcd"), list, {}, 50, [&](std::uint64_t) { registers->change(random); });
        text = read_file(folder.path("a.vcd"));
    }
    EXPECT_EQ(texts[0], texts[1]);
}

TEST(VcdWriter, Window) {
    const TemporaryFolder folder;
    std::mt19937_64 random(9);
    Registers registers;
    WaveList list;
    registers.list(list, "top");
    WaveLimits limits;
    limits.first_cycle = 10;
    limits.end_cycle = 14;
    std::vector<Registers> sampled;
    write_file(folder.path("a.vcd"), list, limits, 100, [&](std::uint64_t) {
        registers.change(random);
        sampled.push_back(registers);
    });
    EXPECT_EQ(sampled.size(), 14U);  // then finished() ended the loop
    const VcdFile vcd(folder.path("a.vcd"));
    EXPECT_EQ(vcd.times().front(), 10 * kPeriod);
    EXPECT_EQ(vcd.times().back(), 14 * kPeriod);
    EXPECT_EQ(vcd.dumped(), list.variables().size() + 2);
    for (std::uint64_t cycle = 10; cycle < 14; ++cycle) {
        ASSERT_NO_FATAL_FAILURE(expect_shown(vcd, "top", cycle * kPeriod, sampled[cycle]));
    }
}

TEST(VcdWriter, WindowThatSamplesJumpOver) {
    const TemporaryFolder folder;
    const bool flag = false;
    WaveList list;
    list.add("top", "flag", flag);
    WaveLimits limits;
    limits.first_cycle = 10;
    limits.end_cycle = 14;
    VcdWriter writer(folder.path("a.vcd"), limits);
    writer.begin(list, kEdges);
    writer.sample(9);
    EXPECT_FALSE(writer.finished());
    writer.sample(20);
    EXPECT_TRUE(writer.finished());
    EXPECT_EQ(writer.recorded_cycles(), 0U);
    writer.close();
    EXPECT_TRUE(VcdFile(folder.path("a.vcd")).times().empty());
}

TEST(VcdWriter, DepthAndScopes) {
    const TemporaryFolder folder;
    const Registers registers;
    WaveList list;
    registers.list(list, "top.a");
    registers.list(list, "top.b");
    WaveLimits limits;
    limits.scopes = {"top.b"};
    limits.depth = 2;
    write_file(folder.path("a.vcd"), list, limits, 1, [](std::uint64_t) {});
    const VcdFile vcd(folder.path("a.vcd"));
    EXPECT_TRUE(vcd.has("top.clk"));
    EXPECT_TRUE(vcd.has("top.cycle"));
    EXPECT_TRUE(vcd.has("top.b.flag"));
    EXPECT_FALSE(vcd.has("top.a.flag"));
    EXPECT_FALSE(vcd.has("top.b.sequencer.state"));
}

TEST(VcdWriter, OneLayer) {
    const TemporaryFolder folder;
    std::mt19937_64 random(11);
    Registers registers;
    WaveList list;
    registers.list(list, "top");
    MadeUpActivity activity;
    list.follow(activity);
    WaveLimits limits;
    limits.layer = 1;
    limits.first_cycle = 20;
    limits.depth = 1;
    std::map<std::uint64_t, Registers> recorded;
    write_file(folder.path("a.vcd"), list, limits, 400, [&](std::uint64_t cycle) {
        registers.change(random);
        const bool working = registers.state >= State::fill && registers.state <= State::drain;
        activity.now_layer = working ? std::optional(registers.layer) : std::nullopt;
        if (cycle >= 20 && registers.layer == 1 && working) recorded[cycle] = registers;
    });
    const VcdFile vcd(folder.path("a.vcd"));
    std::vector<std::uint64_t> times;
    for (const auto& [cycle, values] : recorded) {
        times.push_back(cycle * kPeriod);
        times.push_back(cycle * kPeriod + kPeriod / 2);
        ASSERT_EQ(vcd.signed_at("top.wide64", cycle * kPeriod), values.wide);
        ASSERT_EQ(vcd.signed_at("top.half9", cycle * kPeriod), static_cast<std::int16_t>(values.half * 128) / 128);
        ASSERT_EQ(vcd.unsigned_at("top.flag", cycle * kPeriod), values.flag ? 1U : 0U);
        ASSERT_EQ(vcd.unsigned_at("top.cycle", cycle * kPeriod), cycle);
    }
    times.push_back((recorded.rbegin()->first + 1) * kPeriod);
    EXPECT_EQ(vcd.times(), times);
    EXPECT_GT(recorded.size(), 20U);
}

TEST(VcdWriter, LayerNeedsAModelThatTellsOfItsWork) {
    const TemporaryFolder folder;
    const bool flag = false;
    WaveList list;
    list.add("top", "flag", flag);
    WaveLimits limits;
    limits.layer = 0;
    VcdWriter writer(folder.path("a.vcd"), limits);
    EXPECT_THAT([&] { writer.begin(list, kEdges); }, ThrowsMessage<InputError>(HasSubstr("cannot record one layer")));
}

}  // namespace
}  // namespace widthwise::test
