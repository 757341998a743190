// SPDX-License-Identifier: Apache-2.0
// Temporary files for the tests of this folder.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/error.h"
#include "data/idx_bytes.h"

namespace widthwise::test {

/// A file that goes away with its owner.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& bytes) {
        static int count = 0;
        path_ = fmt::format("{}widthwise-data-{}-{}", ::testing::TempDir(), getpid(), count++);
        std::ofstream(path_, std::ios::binary) << bytes;
    }
    ~TemporaryFile() { std::filesystem::remove(path_); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// `action` must throw an InputError whose message contains every one of `parts`.
template <typename Action>
void expect_input_error(Action action, const std::vector<std::string>& parts) {
    try {
        static_cast<void>(action());
        FAIL() << "accepted what it should refuse";
    } catch (const InputError& error) {
        for (const std::string& part : parts) EXPECT_THAT(error.what(), ::testing::HasSubstr(part));
    }
}

}  // namespace widthwise::test
