// SPDX-License-Identifier: Apache-2.0
// What shell_word() makes, read by the shell.
#include "text/shell_word.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "text/printable.h"

namespace widthwise {
namespace {

std::string through_bash(const std::string& word) {
    const std::string script = fmt::format("printf %s {}", word);
    // The script itself in single quotes for the shell of popen().
    std::string quoted = "'";
    for (const char letter : script) quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    std::FILE* pipe = popen(fmt::format("bash -c {}'", quoted).c_str(), "r");
    std::string text;
    std::array<char, 256> bytes{};
    while (const std::size_t count = std::fread(bytes.data(), 1, bytes.size(), pipe)) text.append(bytes.data(), count);
    pclose(pipe);
    return text;
}

TEST(ShellWord, IsOneWordThatReadsBack) {
    for (const std::string text :
         {"c1=18,c3=16", "", "a b", "don't", "$HOME `id` \\ \"", "\x1b[31m", "a\nb", "\xff\xfe", "'\x1b'\\", "ünï",
          "\xe2\x80\xae"
          "abc",
          "*?[x]", "-x", "~",
          "\x01"
          "af"}) {
        const std::string word = shell_word(text);
        EXPECT_EQ(printable(word), word);
        EXPECT_EQ(through_bash(word), text) << word;
    }
    EXPECT_EQ(shell_word("c1=18,c3=16"), "c1=18,c3=16");
    EXPECT_EQ(shell_word("a b"), "'a b'");
}

}  // namespace
}  // namespace widthwise
