// SPDX-License-Identifier: Apache-2.0
#include "results/staged_output.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "common/output_file.h"
#include "kit/file_text.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

TEST(ResultFolder, AppearsWhole) {
    const test::TemporaryFolder folder;
    ResultFolder result(folder.path("run"), false);
    result.write("summary.json", "{}\n");
    EXPECT_FALSE(fs::exists(folder.path("run")));
    result.commit();
    EXPECT_THAT(folder.names(), ElementsAre("run"));
    EXPECT_EQ(test::read_file(folder.path("run/summary.json")), "{}\n");
}

TEST(ResultFolder, WithoutCommitNothingStays) {
    const test::TemporaryFolder folder;
    {
        ResultFolder result(folder.path("run"), false);
        result.write("summary.json", "{}\n");
    }
    EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(ResultFolder, RefusesWhatExistsAndSaysHowToGoOn) {
    const test::TemporaryFolder folder;
    folder.write("run/summary.json", "old");
    const std::string message = test::refusal([&] { ResultFolder(folder.path("run"), false); });
    EXPECT_THAT(message, HasSubstr(folder.path("run")));
    EXPECT_THAT(message, HasSubstr("--force"));
    EXPECT_EQ(test::read_file(folder.path("run/summary.json")), "old");
    EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("run/"), false); }), HasSubstr("exists"));
    fs::create_symlink("nowhere", folder.path("link"));
    EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("link"), false); }), HasSubstr("exists"));
}

TEST(ResultFolder, ForceKeepsTheOldOneUntilTheNewOneIsWhole) {
    const test::TemporaryFolder folder;
    folder.write("run/summary.json", "old");
    folder.write("run/extra", "old");
    { ResultFolder abandoned(folder.path("run"), true); }
    EXPECT_EQ(test::read_file(folder.path("run/summary.json")), "old");
    ResultFolder result(folder.path("run"), true);
    result.write("summary.json", "new");
    EXPECT_EQ(test::read_file(folder.path("run/summary.json")), "old");
    result.commit();
    EXPECT_THAT(folder.names(), ElementsAre("run"));
    EXPECT_EQ(test::read_file(folder.path("run/summary.json")), "new");
    EXPECT_FALSE(fs::exists(folder.path("run/extra")));
}

TEST(ResultFolder, ForceReplacesNothingButResults) {
    const test::TemporaryFolder folder;
    folder.write("thesis/chapter1.tex", "years of work");
    EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("thesis"), true); }), HasSubstr("summary.json"));
    folder.write("file", "text");
    EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("file"), true); }), HasSubstr("not a folder"));
    fs::create_directory(folder.path("empty"));
    ResultFolder(folder.path("empty"), true).commit();
    EXPECT_THAT(folder.names(), ElementsAre("empty", "file", "thesis"));
    EXPECT_EQ(test::read_file(folder.path("thesis/chapter1.tex")), "years of work");
}

TEST(ResultFolder, RefusesAParentThatIsMissingOrNoFolder) {
    const test::TemporaryFolder folder;
    folder.write("file", "text");
    EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("a/b"), false); }), HasSubstr("mkdir -p"));
    EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("file/b"), false); }), HasSubstr("not a folder"));
    EXPECT_THAT(test::refusal([&] { ResultFolder("/proc/run", false); }), HasSubstr("cannot write"));
    EXPECT_THAT(folder.names(), ElementsAre("file"));
}

TEST(ResultFolder, RefusesNamesThatCannotBeNew) {
    for (const char* name : {"", ".", "..", "/", "a/.."}) {
        EXPECT_THROW(ResultFolder(name, true), InputError) << name;
    }
}

TEST(ResultFolder, TwoOutputsOfOneNameCollide) {
    const test::TemporaryFolder folder;
    const ResultFolder first(folder.path("run"), false);
    EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("run"), false); }),
                HasSubstr("is another output of this command as well"));
}

/// What a process leaves that is killed, whatever its number was.
void leave_partial(const test::TemporaryFolder& folder, const std::string& name, const std::string& text) {
    folder.write(name + ".partial/" + name + ".lock", "");
    folder.write(name + ".partial/" + name + "/summary.json", text);
}

TEST(ResultFolder, LeftoversOfADeadProcessAreCleared) {
    const test::TemporaryFolder folder;
    leave_partial(folder, "run", "half");
    ResultFolder result(folder.path("run"), false);
    EXPECT_TRUE(fs::is_empty(folder.path("run.partial/run")));
    result.write("summary.json", "new");
    result.commit();
    EXPECT_THAT(folder.names(), ElementsAre("run"));
    EXPECT_EQ(test::read_file(folder.path("run/summary.json")), "new");
}

TEST(ResultFolder, AFolderThatHoldsNoLockIsNotOurs) {
    const test::TemporaryFolder folder;
    folder.write("run.partial/thesis.tex", "years of work");
    EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("run"), true); }), HasSubstr("is in the way"));
    EXPECT_EQ(test::read_file(folder.path("run.partial/thesis.tex")), "years of work");
    folder.write("file.partial", "text");
    EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("file"), true); }), HasSubstr("is in the way"));
    fs::create_directory(folder.path("empty.partial"));  // a process died before it had the lock
    ResultFolder(folder.path("empty"), false).commit();
    EXPECT_THAT(folder.names(), ElementsAre("empty", "file.partial", "run.partial"));
}

TEST(ResultFolder, TheRenamesOfAFileSystemThatCannotExchangeAreFinished) {
    // The old folder had given way, and the new one had not got its name.
    const test::TemporaryFolder folder;
    for (const bool new_is_there : {true, false}) {
        fs::remove_all(folder.path("run"));
        leave_partial(folder, "run", "new");
        folder.write("run.partial/run.old/summary.json", "old");
        if (!new_is_there) fs::remove_all(folder.path("run.partial/run"));
        EXPECT_THAT(test::refusal([&] { ResultFolder(folder.path("run"), false); }), HasSubstr("exists"));
        EXPECT_THAT(folder.names(), ElementsAre("run"));
        EXPECT_EQ(test::read_file(folder.path("run/summary.json")), new_is_there ? "new" : "old");
    }
}

TEST(StagedFile, StandardOutputIsNoFile) {
    EXPECT_THAT(test::refusal([] { StagedOutput("-", StagedOutput::Kind::file, false, "waveform"); }),
                HasSubstr("waveform '-': outputs go to files"));
}

TEST(ResultFolder, ANameTakenMeanwhileCostsNoResults) {
    const test::TemporaryFolder folder;
    ResultFolder result(folder.path("run"), false);
    result.write("summary.json", "new");
    fs::create_directory(folder.path("run"));
    try {
        result.commit();
        FAIL();
    } catch (const SimulationError& error) {
        EXPECT_THAT(error.what(), HasSubstr("the complete results are in '" + folder.path("run.2") + "'"));
    }
    EXPECT_EQ(test::read_file(folder.path("run.2/summary.json")), "new");
}

TEST(StagedFile, AppearsWhole) {
    const test::TemporaryFolder folder;
    {
        const StagedOutput abandoned(folder.path("w.vcd"), StagedOutput::Kind::file, false, "waveform");
        write_file(abandoned.partial(), "half");
        write_file(abandoned.partial() + ".tmp", "what its writer leaves beside it");
    }
    EXPECT_THAT(folder.names(), IsEmpty());
    StagedOutput output(folder.path("w.vcd"), StagedOutput::Kind::file, false, "waveform");
    write_file(output.partial(), "whole");
    output.commit();
    EXPECT_THAT(folder.names(), ElementsAre("w.vcd"));
    EXPECT_EQ(test::read_file(folder.path("w.vcd")), "whole");
    EXPECT_THROW(StagedOutput(folder.path("w.vcd"), StagedOutput::Kind::file, false, "waveform"), InputError);
    StagedOutput again(folder.path("w.vcd"), StagedOutput::Kind::file, true, "waveform");
    write_file(again.partial(), "newer");
    again.commit();
    EXPECT_THAT(folder.names(), ElementsAre("w.vcd"));
    EXPECT_EQ(test::read_file(folder.path("w.vcd")), "newer");
}

TEST(StagedFile, ForceDoesNotReplaceAFolder) {
    const test::TemporaryFolder folder;
    fs::create_directory(folder.path("w.vcd"));
    EXPECT_THAT(test::refusal([&] { StagedOutput(folder.path("w.vcd"), StagedOutput::Kind::file, true, "waveform"); }),
                HasSubstr("not a plain file"));
}

}  // namespace
}  // namespace widthwise
