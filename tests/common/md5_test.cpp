// SPDX-License-Identifier: Apache-2.0
#include "common/md5.h"

#include <gtest/gtest.h>

#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise::test {
namespace {

std::string md5(const std::string& text) { return md5_of_bytes(text.data(), text.size()); }

TEST(Md5, SuiteOfRfc1321) {
    EXPECT_EQ(md5(""), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(md5("a"), "0cc175b9c0f1b6a831c399e269772661");
    EXPECT_EQ(md5("abc"), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(md5("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    EXPECT_EQ(md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
              "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(Md5, PiecesGiveTheSameAsTheWhole) {
    const std::string text(200000, 'x');
    Md5 pieces;
    for (std::size_t start = 0; start < text.size(); start += 777) {
        pieces.update(text.data() + start, std::min<std::size_t>(777, text.size() - start));
    }
    EXPECT_EQ(pieces.finish(), md5(text));
    EXPECT_EQ(md5_of_file(TemporaryFile(text).path()), md5(text));
}

TEST(Md5, FilesThatCannotBeRead) {
    expect_input_error([] { md5_of_file("/no/such/file"); }, {"/no/such/file", "no such file"});
    expect_input_error([] { md5_of_file(::testing::TempDir()); }, {"not a regular file"});
}

}  // namespace
}  // namespace widthwise::test
