// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data/idx_bytes.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise::test {
namespace {

const std::string kSound = idx(0x08, {2, 1, 3}, {1, 2, 3, 4, 5, 255});

void expect_refused(const std::string& bytes, std::vector<std::string> parts) {
    const TemporaryFile file(bytes);
    parts.push_back(file.path());
    expect_input_error([&] { read_idx(file.path()); }, parts);
}

TEST(Idx, PlainAndCompressedAreTheSame) {
    for (const std::string& bytes : {kSound, gzipped(kSound)}) {
        const TemporaryFile file(bytes);
        const IdxTensor tensor = read_idx(file.path());
        EXPECT_FALSE(tensor.is_signed);
        EXPECT_EQ(tensor.dimensions, (std::vector<int>{2, 1, 3}));
        EXPECT_EQ(tensor.values, (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 255}));
        EXPECT_EQ(tensor.digest, md5_of_bytes(kSound.data(), kSound.size()));
        EXPECT_EQ(tensor.path, file.path());
    }
}

TEST(Idx, SignedBytesAndAllRanks) {
    EXPECT_TRUE(read_idx(TemporaryFile(idx(0x09, {1}, {-1})).path()).is_signed);
    EXPECT_EQ(read_idx(TemporaryFile(idx(0x09, {1, 1, 1, 2}, {-1, 5})).path()).dimensions.size(), 4U);
}

TEST(Idx, LargerThanOneChunk) {
    const std::vector<int> values(3000000, 7);
    const TemporaryFile file(gzipped(idx(0x08, {3, 1000, 1000}, values)));
    EXPECT_EQ(read_idx(file.path()).values, std::vector<std::uint8_t>(3000000, 7));
}

TEST(Idx, FilesThatCannotBeRead) {
    expect_input_error([] { read_idx("/no/such/images.gz"); }, {"/no/such/images.gz: no such file"});
    expect_input_error([] { read_idx(::testing::TempDir()); }, {"not a regular file"});
    expect_refused("", {"empty"});
    expect_refused(gzipped(""), {"empty"});
}

TEST(Idx, WrongHeaders) {
    expect_refused("abc", {"3 bytes", "at least 8"});
    expect_refused("not an idx file", {"starts with 6e 6f 74 20", "expected an IDX magic number"});
    expect_refused(idx(0x0a, {1}, {0, 0, 0, 0}), {"type 0x0a", "expected 0x08 (unsigned bytes), 0x09"});
    expect_refused(idx(0x0d, {1}, {0, 0, 0, 0}), {"holds float32 values, expected bytes"});
    expect_refused(idx(0x08, {}, {1}), {"rank 0", "expected 1..4"});
    expect_refused(idx(0x08, {1, 1, 1, 1, 1}, {1}), {"rank 5", "expected 1..4"});
    expect_refused(idx(0x08, {1, 2}, {}).substr(0, 10), {"ends within the header", "expected 2 dimensions"});
}

TEST(Idx, AbsurdDimensionsCostNoMemory) {
    expect_refused(idx(0x08, {5, 0}, {}), {"dimension 1 is 0"});
    expect_refused(idx(0x08, {0xffffffffU}, {1}), {"dimension 0 is 4294967295, expected 1..2147483647"});
    expect_refused(idx(0x08, {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff}, {1}),
                   {"announce more than 1099511627776"});
    expect_refused(idx(0x08, {0x40000000, 1025}, {1}), {"announce more than"});
    expect_refused(idx(0x08, {0x40000000}, {1, 2}), {"holds 2 values, expected 1073741824"});
    expect_refused(gzipped(idx(0x08, {0x40000000}, {1, 2})),
                   {"holds at most", "values, expected 1073741824 (1073741824)"});
}

TEST(Idx, TruncatedAndTrailing) {
    for (std::size_t size = 0; size < kSound.size(); ++size) expect_refused(kSound.substr(0, size), {});
    const std::string compressed = gzipped(kSound);
    for (std::size_t size = 0; size < compressed.size(); ++size) expect_refused(compressed.substr(0, size), {});
    expect_refused(compressed.substr(0, compressed.size() - 3), {"cut short"});
    expect_refused(kSound + "x", {"bytes follow the 6 values (2 x 1 x 3)"});
    expect_refused(gzipped(kSound + "x"), {"bytes follow"});
    expect_refused(idx(0x08, {2, 3}, {1, 2, 3}), {"holds 3 values, expected 6 (2 x 3)"});
}

TEST(Idx, EveryPlaceOfADamagedGzipFileIsNoticed) {
    // But for those that say nothing of the content: flags, time, system; and what a longer header would hold.
    const std::string sound = gzipped(kSound);
    for (std::size_t at = 10; at < sound.size(); ++at) {
        std::string damaged = sound;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
        expect_refused(damaged, {});
    }
}

TEST(Idx, DamagedGzip) {
    std::string checksum = gzipped(kSound);
    checksum[checksum.size() - 8] = static_cast<char>(checksum[checksum.size() - 8] ^ 1);
    expect_refused(checksum, {"reading failed"});
    std::string content = gzipped(kSound);
    content[10] = static_cast<char>(0xff);
    expect_refused(content, {"reading failed"});
}

}  // namespace
}  // namespace widthwise::test
