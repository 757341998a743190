// SPDX-License-Identifier: Apache-2.0
#include "data/labels.h"

#include <gtest/gtest.h>

#include "common/md5.h"
#include "data/idx_bytes.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise::test {
namespace {

using Values = std::vector<std::uint16_t>;

Labels read(const std::string& bytes, std::int64_t count) {
    return LabelFile(TemporaryFile(bytes).path(), count, "some.npy").read();
}

void expect_refused(const std::string& bytes, std::int64_t count, const std::vector<std::string>& parts) {
    const TemporaryFile file(bytes);
    std::vector<std::string> all = parts;
    all.push_back(file.path());
    expect_input_error([&] { return LabelFile(file.path(), count, "some.npy").read(); }, all);
}

TEST(Labels, EveryFormatAndType) {
    const Values expected = {0, 7, 65535};
    EXPECT_EQ(read(npy("<i8", "3,", bytes_of<std::int64_t>({0, 7, 65535})), 3).values, expected);
    EXPECT_EQ(read(npy("<u2", "3, 1", bytes_of<std::uint16_t>({0, 7, 65535})), 3).values, expected);
    EXPECT_EQ(read(gzipped(npy("<i4", "3,", bytes_of<std::int32_t>({0, 7, 65535}))), 3).values, expected);
    EXPECT_EQ(read(idx(0x0c, {3}, {0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0xff, 0xff}), 3).values, expected);
    EXPECT_EQ(read(idx(0x0b, {2}, {0, 9, 1, 0}), 2).values, (Values{9, 256}));
    EXPECT_EQ(read(idx(0x08, {2}, {3, 255}), 2).values, (Values{3, 255}));
    EXPECT_EQ(read(idx(0x09, {2}, {3, 127}), 2).values, (Values{3, 127}));
    EXPECT_EQ(read("0\n7\n65535\n", 3).values, expected);
    EXPECT_EQ(read(" 0 \r\n\t7\n65535", 3).values, expected);
    EXPECT_EQ(read(gzipped("0\n7\n65535\n"), 3).values, expected);
}

TEST(Labels, DigestIsOfTheUnpackedFile) {
    const std::string text = "5\n6\n";
    EXPECT_EQ(read(gzipped(text), 2).digest, md5_of_bytes(text.data(), text.size()));
    const std::string array = npy("|u1", "2,", "\5\6");
    EXPECT_EQ(read(gzipped(array), 2).digest, md5_of_bytes(array.data(), array.size()));
}

TEST(Labels, TextIsOneIntegerALine) {
    expect_refused("1\n\n2\n", 2, {"line 2: expected a label, an integer in 0..65535", "got an empty line"});
    expect_refused("# classes\n1\n", 1, {"line 1", "got '# classes'"});
    expect_refused("1\n2 # two\n", 2, {"line 2", "got '2 # two'"});
    expect_refused("1\n-1\n", 2, {"line 2", "'-1'"});
    expect_refused("65536\n", 1, {"line 1", "'65536'"});
    expect_refused("1.0\n", 1, {"line 1"});
    expect_refused("99999999999999999999\n", 1, {"line 1"});
    expect_refused(std::string(100, '0') + "\n", 1, {"line 1"});
    expect_refused(std::string(100000, 'x'), 1, {"line 1"});
    expect_refused("1\n2\n", 3, {"2 labels, expected 3, as many as there are images in some.npy"});
    expect_refused("1\n2\n3\n", 2, {"line 3: more labels than the 2 images in some.npy"});
    expect_refused("", 1, {"the file is empty, expected labels"});
}

TEST(Labels, ArraysOfOtherShapesTypesAndValues) {
    expect_refused(npy("|u1", "2, 2", "abcd"), 2, {"uint8 values of rank 2 (2 x 2), expected labels of rank 1"});
    expect_refused(npy("<f4", "1,", "abcd"), 1, {"float32 values of rank 1", "integers"});
    expect_refused(npy("|u1", "2,", "ab"), 3, {"2 labels, expected 3"});
    expect_refused(npy("<i8", "2,", bytes_of<std::int64_t>({1, -1})), 2,
                   {"image 1 has the label -1, expected 0..65535"});
    expect_refused(npy("<i4", "1,", bytes_of<std::int32_t>({65536})), 1, {"image 0 has the label 65536"});
    expect_refused(npy("<u8", "1,", bytes_of<std::uint64_t>({~std::uint64_t{0}})), 1, {"image 0 has the label"});
    expect_refused(npy("|u1", "2,", "a"), 2, {"the file is cut short"});
    expect_refused("1\n", kMaxLabels + 1, {"labels of 134217729 images are too many"});
}

}  // namespace
}  // namespace widthwise::test
