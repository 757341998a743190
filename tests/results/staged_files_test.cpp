// SPDX-License-Identifier: Apache-2.0
#include "results/staged_files.h"

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
namespace fs = std::filesystem;

class StagedFilesTest : public testing::Test {
protected:
    StagedFilesTest() {
        for (const char* name : {"a", "b", "done", "mine"}) folder_.write(name, "old");
    }
    [[nodiscard]] std::string file(const std::string& name) const { return test::read_file(folder_.path(name)); }
    static void write(const StagedFiles& files) {
        for (const char* name : {"a", "b", "done"}) write_file(files.partial(name), "new");
    }
    /// What a process leaves that dies once the set is complete and `moved` of its files are in their places.
    void die_while_moving(const std::vector<std::string>& moved) const {
        folder_.write("results.partial/results.lock", "");
        for (const char* name : {"a", "b", "done"})
            folder_.write(std::string("results.partial/results.ready/") + name, "new");
        fs::remove(folder_.path("done"));
        for (const std::string& name : moved) {
            fs::rename(folder_.path("results.partial/results.ready/" + name), folder_.path(name));
        }
    }
    void expect_new() const {
        EXPECT_THAT(folder_.names(), ElementsAre("a", "b", "done", "mine"));
        EXPECT_EQ(file("a") + file("b") + file("done") + file("mine"), "newnewnewold");
    }
    test::TemporaryFolder folder_;
};

TEST_F(StagedFilesTest, AreReplacedTogetherAndOthersStay) {
    StagedFiles files(folder_.path(), "done", "folder");
    write(files);
    EXPECT_EQ(file("a") + file("b") + file("done"), "oldoldold");
    files.commit();
    EXPECT_EQ(file("a") + file("b") + file("done") + file("mine"), "newnewnewold");
}

TEST_F(StagedFilesTest, WithoutCommitTheOldOnesStay) {
    { write(StagedFiles(folder_.path(), "done", "folder")); }
    EXPECT_THAT(folder_.names(), ElementsAre("a", "b", "done", "mine"));
    EXPECT_EQ(file("a") + file("b") + file("done"), "oldoldold");
}

TEST_F(StagedFilesTest, TheNextOneFinishesWhatADeadProcessBegan) {
    die_while_moving({"a"});
    { const StagedFiles next(folder_.path(), "done", "folder"); }
    expect_new();
}

TEST_F(StagedFilesTest, AReaderFinishesWhatADeadProcessBegan) {
    for (const std::vector<std::string>& moved : {std::vector<std::string>{}, {"a", "b"}, {"a", "b", "done"}}) {
        die_while_moving(moved);
        StagedFiles::finish(folder_.path(), "done", "folder");
        expect_new();
    }
    StagedFiles::finish(folder_.path(), "done", "folder");
    expect_new();
}

TEST_F(StagedFilesTest, BelongToOneOwner) {
    const StagedFiles files(folder_.path(), "done", "folder");
    EXPECT_THAT(test::refusal([&] { StagedFiles second(folder_.path(), "done", "folder"); }),
                HasSubstr("is another output of this command as well"));
}

}  // namespace
}  // namespace widthwise
