// SPDX-License-Identifier: Apache-2.0
#include "results/npy.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

TEST(NpyHeader, FollowsTheFormat) {
    for (const auto& shape : {std::vector<std::int64_t>{7}, {2, 3}, {100, 16, 10, 10}, {12345678, 1, 1, 1}}) {
        const std::string header = npy_header(NpyType::uint8, shape);
        EXPECT_EQ(header.size() % 64, 0U);
        EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
        const auto length = static_cast<unsigned char>(header[8]) + 256U * static_cast<unsigned char>(header[9]);
        EXPECT_EQ(header.size(), 10U + length);
        EXPECT_EQ(header.back(), '\n');
    }
    EXPECT_NE(npy_header(NpyType::int8, {2, 3}).find("{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }"),
              std::string::npos);
    EXPECT_NE(npy_header(NpyType::uint8, {7}).find("{'descr': '|u1', 'fortran_order': False, 'shape': (7,), }"),
              std::string::npos);
}

TEST(NpyFile, PiecesGoToTheirPlaceInAnyOrder) {
    const test::TemporaryFolder folder;
    const std::string path = folder.path("a.npy");
    {
        const NpyFile file(path, NpyType::int8, {2, 3});
        file.write(3, std::vector<std::uint8_t>{4, 5, 255});
        file.write(0, std::vector<std::uint8_t>{1, 2, 3});
    }
    EXPECT_EQ(test::read_file(path), npy_header(NpyType::int8, {2, 3}) + std::string("\x01\x02\x03\x04\x05\xff"));
}

TEST(NpyFile, WideElementsHaveOffsetsOfTheirOwnSize) {
    const test::TemporaryFolder folder;
    const std::string path = folder.path("a.npy");
    {
        const NpyFile file(path, NpyType::int64, {2});
        file.write(1, std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8});
    }
    const std::string header = npy_header(NpyType::int64, {2});
    EXPECT_NE(header.find("'descr': '<i8'"), std::string::npos);
    EXPECT_EQ(test::read_file(path), header + std::string(8, '\0') + "\x01\x02\x03\x04\x05\x06\x07\x08");
}

TEST(NpyFile, ProcessesShareIt) {
    const test::TemporaryFolder folder;
    const std::string path = folder.path("a.npy");
    const NpyFile file(path, NpyType::uint8, {2, 2});
    const pid_t child = fork();
    if (child == 0) {
        file.write(2, std::vector<std::uint8_t>{8, 9});
        _exit(0);
    }
    file.write(0, std::vector<std::uint8_t>{6, 7});
    waitpid(child, nullptr, 0);
    EXPECT_EQ(test::read_file(path).substr(npy_header(NpyType::uint8, {2, 2}).size()), "\x06\x07\x08\x09");
}

TEST(NpyFile, FailureNamesTheFile) {
    try {
        const NpyFile file("/nowhere/a.npy", NpyType::uint8, {1});
        FAIL();
    } catch (const SimulationError& error) {
        EXPECT_NE(std::string(error.what()).find("/nowhere/a.npy"), std::string::npos);
    }
}

}  // namespace
}  // namespace widthwise
