// SPDX-License-Identifier: Apache-2.0
// Files unpacked from any place, by several threads and processes.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <random>
#include <thread>

#include "data/gzip_decoder.h"
#include "data/idx_bytes.h"
#include "data/unpacked_file.h"
#include "kit/temporary_files.h"

namespace widthwise::test {
namespace {

/// Bytes that gzip makes smaller, but not much.
std::string text_of(std::size_t size) {
    std::mt19937 random(5);
    std::string text(size, '\0');
    for (char& letter : text) letter = static_cast<char>(random() % 61);
    return text;
}

std::string read_at(const UnpackedFile& file, std::size_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    bytes.resize(file.read(static_cast<std::int64_t>(offset), reinterpret_cast<std::uint8_t*>(bytes.data()), size));
    return bytes;
}

TEST(Gzip, ReadFromAnyPlaceInAnyOrder) {
    const std::string text =
        text_of(std::size_t{40} << 20);  // a dozen states of the decoder, more pieces than are held
    const TemporaryFile packed(gzipped(text, 1));
    const UnpackedFile file(packed.path());
    EXPECT_TRUE(file.is_packed());
    std::mt19937 random(9);
    for (int i = 0; i < 30; ++i) {
        const std::size_t offset = random() % text.size();
        const std::size_t size = random() % 2000000;
        ASSERT_EQ(read_at(file, offset, size), text.substr(offset, size)) << offset << ' ' << size;
    }
    EXPECT_EQ(read_at(file, text.size() - 2, 10), text.substr(text.size() - 2));
    EXPECT_EQ(read_at(file, text.size(), 10), "");
    EXPECT_EQ(read_at(file, text.size() + 100000000, 10), "");
    EXPECT_EQ(read_at(file, 0, 10), text.substr(0, 10));
}

TEST(Gzip, MembersBehindOneAnotherAndWhatFollowsThem) {
    const std::string first = text_of(5000000);
    const TemporaryFile packed(gzipped(first, 1) + gzipped("second") + gzipped("") + gzipped("third") + "garbage");
    const UnpackedFile file(packed.path());
    EXPECT_EQ(read_at(file, first.size() - 3, 100), first.substr(first.size() - 3) + "secondthird");
    EXPECT_EQ(read_at(file, 10, 10), first.substr(10, 10));
    EXPECT_EQ(read_at(file, first.size(), 3), "sec");
}

TEST(Gzip, TheDecoderGoesBackToItsStatesAndOnFromThem) {
    const std::string text = text_of(std::size_t{20} << 20);
    const TemporaryFile packed(gzipped(text, 1));
    const PlainFile plain(packed.path());
    GzipDecoder decoder(plain);
    std::string bytes(100, '\0');
    const auto at = [&](std::size_t offset) {
        EXPECT_TRUE(decoder.seek(static_cast<std::int64_t>(offset)));
        bytes.resize(100);
        bytes.resize(decoder.read(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()));
        return bytes == text.substr(offset, 100);
    };
    for (const std::size_t offset : {19000000U, 100U, 18999999U, 9000000U, 8999999U, 9000100U, 0U, 20971519U})
        EXPECT_TRUE(at(offset)) << offset;
    EXPECT_TRUE(decoder.seek(20971520));
    EXPECT_FALSE(decoder.seek(20971521));
}

TEST(Gzip, ThereIsABoundOnTheStatesThatAreKept) {
    const std::string text = text_of(std::size_t{8} << 20);
    const TemporaryFile packed(gzipped(text, 1));
    const PlainFile plain(packed.path());
    GzipDecoder decoder(plain, 5000);
    std::string bytes(text.size(), '\0');
    std::size_t most = 0;
    for (std::size_t at = 0; at < text.size(); at += 4096) {
        decoder.read(reinterpret_cast<std::uint8_t*>(bytes.data()) + at, 4096);
        most = std::max(most, decoder.kept_states());
    }
    EXPECT_EQ(bytes, text);
    EXPECT_EQ(most, 127U);
    EXPECT_GE(decoder.kept_states(), 64U);
    std::mt19937 random(3);
    int wrong = 0;
    for (int i = 0; i < 200; ++i) {
        const std::size_t offset = random() % (text.size() - 100);
        std::string found(100, '\0');
        const bool is_there = decoder.seek(static_cast<std::int64_t>(offset));
        decoder.read(reinterpret_cast<std::uint8_t*>(found.data()), found.size());
        if (!is_there || found != text.substr(offset, 100)) ++wrong;
    }
    EXPECT_EQ(wrong, 0);
}

TEST(Gzip, ThreadsReadTheSameFile) {
    const std::string text = text_of(std::size_t{6} << 20);
    const TemporaryFile packed(gzipped(text, 1));
    for (const std::string& path : {packed.path(), TemporaryFile(text).path()}) {
        const TemporaryFile plain(text);
        const UnpackedFile file(path == packed.path() ? path : plain.path());
        std::vector<int> wrong(4, 0);
        {
            std::vector<std::jthread> threads;
            for (std::size_t t = 0; t < wrong.size(); ++t) {
                threads.emplace_back([&, t] {
                    for (std::size_t at = t * 1000; at < text.size(); at += 100000) {
                        if (read_at(file, at, 5000) != text.substr(at, 5000)) ++wrong[t];
                    }
                });
            }
        }
        EXPECT_EQ(wrong, (std::vector<int>{0, 0, 0, 0}));
    }
}

TEST(Gzip, ForkedProcessesReadOnTheirOwn) {
    const std::string text = text_of(std::size_t{4} << 20);
    const TemporaryFile packed(gzipped(text, 1));
    const UnpackedFile file(packed.path());
    EXPECT_EQ(read_at(file, 0, 10), text.substr(0, 10));
    std::vector<pid_t> children;
    for (std::size_t child = 0; child < 3; ++child) {
        children.push_back(fork());
        if (children.back() != 0) continue;
        const std::size_t at = child * 1300000;
        _exit(read_at(file, at, 100000) == text.substr(at, 100000) ? 0 : 1);
    }
    EXPECT_EQ(read_at(file, 3000000, 1000), text.substr(3000000, 1000));
    for (const pid_t child : children) {
        int status = 1;
        waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
}

}  // namespace
}  // namespace widthwise::test
