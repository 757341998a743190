// SPDX-License-Identifier: Apache-2.0
#include "common/input_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/error.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using test::refusal;

constexpr FileLimit kSmall{"a note", 10};
constexpr FileLimit kPiped{"a note", 10, true};

TEST(InputFile, IsReadWholeUpToItsLimit) {
    const test::TemporaryFolder folder;
    for (const std::string text : {"", "a", "0123456789"}) {
        EXPECT_EQ(read_input_file(folder.write("note", text), kSmall), text);
    }
    const std::string large = folder.write("large", "0123456789a");
    const std::string message = large + ": 11 bytes are too many for a note (allowed: up to 10)";
    EXPECT_EQ(refusal([&] { read_input_file(large, kSmall); }), message);
    EXPECT_EQ(refusal([&] { check_input_file(large, kSmall); }), message);
}

TEST(InputFile, IsARegularFile) {
    const test::TemporaryFolder folder;
    EXPECT_EQ(refusal([&] { read_input_file(folder.path(), kPiped); }),
              folder.path() + ": cannot be read (it is a folder, not a regular file)");
    EXPECT_EQ(refusal([] { read_input_file("/dev/zero", kPiped); }),
              "/dev/zero: cannot be read (it is a device, not a regular file)");
    EXPECT_EQ(refusal([] { read_input_file("no/such", kPiped); }),
              "no/such: cannot be read (No such file or directory)");
    // Files of the kernel hold more than their size says.
    EXPECT_GT(read_input_file("/proc/self/status", {"a note", 100000}).size(), 100U);
    EXPECT_EQ(refusal([] { read_input_file("/proc/self/status", kSmall); }),
              "/proc/self/status: holds more bytes than a note may have (allowed: up to 10)");
}

TEST(InputFile, APipeIsReadWhereAllowed) {
    const test::TemporaryFolder folder;
    const std::string pipe = folder.path() + "/pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_EQ(refusal([&] { read_input_file(pipe, kSmall); }),
              pipe + ": cannot be read (it is a pipe, not a regular file)");
    for (const std::string text : {"0123456789", "0123456789a"}) {
        if (fork() == 0) {
            std::ofstream(pipe) << text;
            _exit(0);
        }
        if (text.size() <= 10) EXPECT_EQ(read_input_file(pipe, kPiped), text);
        else EXPECT_TRUE(refusal([&] { read_input_file(pipe, kPiped); }).ends_with("(allowed: up to 10)"));
    }
}

}  // namespace
}  // namespace widthwise
