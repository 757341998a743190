// SPDX-License-Identifier: Apache-2.0
// When a waveform's file appears, stays partial or is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

#include "common/error.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "trace/vcd_reader.h"
#include "trace/vcd_writer.h"

namespace widthwise::test {
namespace {

using std::filesystem::exists;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::uint64_t kPeriod = 2000000;  // femtoseconds
const ClockEdges kEdges(500);

TEST(VcdWriterFile, NoFileWithoutBegin) {
    const TemporaryFolder folder;
    { const VcdWriter writer(folder.path("a.vcd")); }
    EXPECT_FALSE(exists(folder.path("a.vcd.partial")));
    const auto record_nothing = [&] {
        const bool flag = false;
        WaveList list;
        list.add("top", "flag", flag);
        WaveLimits limits;
        limits.scopes = {"none"};
        VcdWriter(folder.path("a.vcd"), limits).begin(list, kEdges);
    };
    EXPECT_THAT(record_nothing, ThrowsMessage<InputError>(HasSubstr("'none'")));
    EXPECT_FALSE(exists(folder.path("a.vcd")));
    EXPECT_FALSE(exists(folder.path("a.vcd.partial")));
}

TEST(VcdWriterFile, DestructorCloses) {
    const TemporaryFolder folder;
    const bool flag = false;
    WaveList list;
    list.add("top", "flag", flag);
    {
        VcdWriter writer(folder.path("a.vcd"));
        writer.begin(list, kEdges);
        writer.sample(0);
        EXPECT_FALSE(exists(folder.path("a.vcd")));
    }
    EXPECT_EQ(VcdFile(folder.path("a.vcd")).times().back(), kPeriod);
    VcdWriter twice(folder.path("a.vcd"));
    twice.begin(list, kEdges);
    twice.close();
    EXPECT_NO_THROW(twice.close());
    EXPECT_TRUE(twice.finished());
}

TEST(VcdWriterFile, StaysPartialWhenTheRunFails) {
    const TemporaryFolder folder;
    const bool flag = false;
    WaveList list;
    list.add("top", "flag", flag);
    try {
        VcdWriter writer(folder.path("a.vcd"));
        writer.begin(list, kEdges);
        writer.sample(0);
        throw std::runtime_error("the run failed");
    } catch (const std::runtime_error&) {
    }
    EXPECT_FALSE(exists(folder.path("a.vcd")));
    EXPECT_EQ(VcdFile(folder.path("a.vcd.partial")).times().back(), kPeriod / 2);
}

TEST(VcdWriterFile, RefusesAtOnce) {
    const TemporaryFolder folder;
    WaveLimits limits;
    limits.end_cycle = 0;
    EXPECT_THAT([&] { VcdWriter(folder.path("a.vcd"), limits); }, ThrowsMessage<InputError>(HasSubstr("cycle")));
    EXPECT_FALSE(exists(folder.path("a.vcd.partial")));
    EXPECT_THAT([&] { VcdWriter(folder.path("none/a.vcd")); }, ThrowsMessage<InputError>(HasSubstr("none/a.vcd")));
    std::ofstream(folder.path("b.vcd")) << "old";
    EXPECT_THAT([&] { VcdWriter(folder.path("b.vcd"), {}, false); }, ThrowsMessage<InputError>(HasSubstr("exists")));
    EXPECT_EQ(read_file(folder.path("b.vcd")), "old");
}

TEST(VcdWriterFile, FullDisk) {
    const TemporaryFolder folder;
    const std::string path = folder.path("a.vcd");
    std::filesystem::create_symlink("/dev/full", path + ".partial");
    const bool flag = false;
    WaveList list;
    list.add("top", "flag", flag);
    VcdWriter writer(path);
    EXPECT_THAT([&] { writer.begin(list, kEdges); },
                ThrowsMessage<SimulationError>(AllOf(HasSubstr(path), HasSubstr("No space left"))));
    EXPECT_TRUE(writer.finished());
    EXPECT_NO_THROW(writer.sample(0));
    EXPECT_NO_THROW(writer.close());
    EXPECT_FALSE(exists(path));
}

TEST(VcdWriterFile, OurOwnMistakes) {
    const TemporaryFolder folder;
    const std::int32_t value = 0;
    WaveList list, wide;
    list.add("top", "x", value, 32);
    wide.add("top", "x", value, 65);
    VcdWriter writer(folder.path("a.vcd"));
    EXPECT_THROW(writer.sample(0), SimulationError);
    EXPECT_THAT([&] { writer.begin(wide, kEdges); }, ThrowsMessage<SimulationError>(HasSubstr("top.x has 65 bits")));
    VcdWriter other(folder.path("b.vcd"));
    other.begin(list, kEdges);
    EXPECT_THROW(other.begin(list, kEdges), SimulationError);
    other.sample(3);
    EXPECT_THROW(other.sample(3), SimulationError);
}

}  // namespace
}  // namespace widthwise::test
