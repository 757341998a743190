// SPDX-License-Identifier: Apache-2.0
#include "text/shell_word.h"

#include <fmt/format.h>

#include <string_view>

#include "text/printable.h"

namespace widthwise {
namespace {

/// Every byte that is no ASCII in hexadecimal: it may be a part of what a screen obeys.
std::string with_escapes(const std::string& text) {
    std::string quoted = "$'";
    for (const char letter : text) {
        const auto code = static_cast<unsigned char>(letter);
        if (code < 0x20 || code > 0x7e) quoted += fmt::format("\\x{:02x}", code);
        else if (letter == '\'' || letter == '\\') quoted += std::string("\\") + letter;
        else quoted += letter;
    }
    return quoted + "'";
}

}  // namespace

std::string shell_word(const std::string& text) {
    constexpr std::string_view kHarmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (!text.empty() && text.find_first_not_of(kHarmless) == std::string::npos) return text;
    if (printable(text) != text) return with_escapes(text);
    std::string quoted = "'";
    for (const char letter : text) {
        if (letter == '\'') quoted += "'\\''";
        else quoted += letter;
    }
    return quoted + "'";
}

}  // namespace widthwise
