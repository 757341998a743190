// SPDX-License-Identifier: Apache-2.0
#include "trace/partial_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/error.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"

namespace widthwise::test {
namespace {

using std::filesystem::exists;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

auto opening(const std::string& path, bool overwrite = true) {
    return [=] { PartialFile(path, overwrite).discard(); };
}

TEST(PartialFile, HasItsNameOnlyWhenCommitted) {
    const TemporaryFolder folder;
    const std::string path = folder.path("a.vcd");
    PartialFile file(path, false);
    file.write("one ", 4);
    file.write("two", 3);
    EXPECT_FALSE(exists(path));
    EXPECT_TRUE(exists(path + ".partial"));
    file.commit();
    file.commit();
    EXPECT_EQ(read_file(path), "one two");
    EXPECT_FALSE(exists(path + ".partial"));
}

TEST(PartialFile, StaysPartialWithoutCommit) {
    const TemporaryFolder folder;
    const std::string path = folder.path("a.vcd");
    { PartialFile(path, false).write("half", 4); }
    EXPECT_FALSE(exists(path));
    EXPECT_EQ(read_file(path + ".partial"), "half");
    PartialFile(path, false).discard();
    EXPECT_FALSE(exists(path + ".partial"));
}

TEST(PartialFile, OverwritesOnlyWhenAllowed) {
    const TemporaryFolder folder;
    const std::string path = folder.path("a.vcd");
    std::ofstream(path) << "old";
    EXPECT_THAT(opening(path, false), ThrowsMessage<InputError>(AllOf(HasSubstr(path), HasSubstr("exists"))));
    EXPECT_FALSE(exists(path + ".partial"));
    PartialFile file(path, true);
    EXPECT_EQ(read_file(path), "old");
    file.write("new", 3);
    file.commit();
    EXPECT_EQ(read_file(path), "new");
}

TEST(PartialFile, SaysWhyItCannotBeCreated) {
    const TemporaryFolder folder;
    const std::string directory = folder.path("directory");
    std::filesystem::create_directory(directory);
    EXPECT_THAT(opening(directory), ThrowsMessage<InputError>(AllOf(HasSubstr(directory), HasSubstr("directory"))));
    EXPECT_THAT(opening(folder.path("none/a.vcd")),
                ThrowsMessage<InputError>(AllOf(HasSubstr("none/a.vcd"), HasSubstr("No such file or directory"))));
    std::ofstream(folder.path("plain")) << "x";
    EXPECT_THAT(opening(folder.path("plain/a.vcd")), ThrowsMessage<InputError>(HasSubstr("Not a directory")));
    EXPECT_THAT(opening("/dev/null"), ThrowsMessage<InputError>(HasSubstr("not a regular file")));
    EXPECT_THAT(opening(""), ThrowsMessage<InputError>(HasSubstr("file name")));
    if (::geteuid() != 0) {  // nothing is forbidden to root
        ::chmod(directory.c_str(), 0555);
        EXPECT_THAT(opening(directory + "/a.vcd"), ThrowsMessage<InputError>(HasSubstr("Permission denied")));
    }
}

TEST(PartialFile, ReportsAFullDisk) {
    const TemporaryFolder folder;
    const std::string path = folder.path("a.vcd");
    std::filesystem::create_symlink("/dev/full", path + ".partial");
    PartialFile file(path, false);
    EXPECT_THAT([&] { file.write("x", 1); },
                ThrowsMessage<SimulationError>(AllOf(HasSubstr(path), HasSubstr("No space left on device"))));
    EXPECT_FALSE(exists(path));
}

TEST(PartialFile, ReportsWhenItCannotBeRenamed) {
    const TemporaryFolder folder;
    const std::string path = folder.path("a.vcd");
    PartialFile file(path, false);
    std::filesystem::create_directory(path);
    EXPECT_THAT([&] { file.commit(); }, ThrowsMessage<SimulationError>(HasSubstr("cannot rename")));
    EXPECT_TRUE(exists(path + ".partial"));
}

}  // namespace
}  // namespace widthwise::test
