// SPDX-License-Identifier: Apache-2.0
#include "text/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace widthwise {
namespace {

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; }

struct Character {
    std::uint32_t code = 0;
    std::size_t bytes = 0;  ///< 0: the text does not begin with a character
};

/// The first character by RFC 3629: neither overlong forms nor surrogates.
Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(0) < 0x80) return {byte(0), 1};
    const std::size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
    if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return {};
    std::uint32_t code = byte(0) & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if (!continues_character(text[i])) return {};
        code = code << 6U | (byte(i) & 0x3fU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
    return {code, length};
}

/// Characters that a screen obeys instead of showing them.
bool is_control(std::uint32_t code) {
    const auto within = [code](std::uint32_t low, std::uint32_t high) { return code >= low && code <= high; };
    return code < 0x20 || within(0x7f, 0x9f) || code == 0x061c || code == 0x200e || code == 0x200f ||
           within(0x2028, 0x202e) || within(0x2066, 0x2069) || code == 0xfeff || within(0xe0000, 0xe007f);
}

std::string escape(std::uint32_t code) {
    switch (code) {
        case '\n': return "\\n";
        case '\r': return "\\r";
        case '\t': return "\\t";
        default: break;
    }
    if (code < 0x100) return fmt::format("\\x{:02x}", code);
    return code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
}

/// As UTF-16 code units.
std::string json_escape(std::uint32_t code) {
    if (code < 0x10000) return fmt::format("\\u{:04x}", code);
    code -= 0x10000;
    return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (code >> 10U), 0xdc00 + (code & 0x3ffU));
}

/// `text` with `form`'s escapes for what is no UTF-8 and for the characters that `unwanted` names.
template <typename Unwanted>
std::string escaped(std::string_view text, const Unwanted& unwanted, std::string (*form)(std::uint32_t) = escape) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const Character first = first_character(text);
        const std::size_t bytes = std::max<std::size_t>(first.bytes, 1);
        if (first.bytes == 0) result += form(static_cast<unsigned char>(text.front()));
        else if (unwanted(first.code)) result += form(first.code);
        else result += text.substr(0, bytes);
        text.remove_prefix(bytes);
    }
    return result;
}

/// The first `count` characters, or the last ones.
std::string head(const std::string& text, std::size_t count) {
    std::size_t end = 0;
    while (end < text.size() && (count > 0 || continues_character(text[end]))) {
        if (!continues_character(text[end])) --count;
        ++end;
    }
    return text.substr(0, end);
}

std::string tail(const std::string& text, std::size_t count) {
    std::size_t start = text.size();
    while (start > 0 && count > 0) {
        --start;
        if (!continues_character(text[start])) --count;
    }
    return text.substr(start);
}

}  // namespace

std::string printable(std::string_view text, LineFeeds line_feeds) {
    const bool keep = line_feeds == LineFeeds::kept;
    return escaped(text, [keep](std::uint32_t code) { return is_control(code) && !(keep && code == '\n'); });
}

std::string printable_json(std::string_view json) {
    return escaped(
        json, [](std::uint32_t code) { return is_control(code) && code != '\n'; }, json_escape);
}

std::string valid_utf8(std::string_view text) {
    return escaped(text, [](std::uint32_t /*code*/) { return false; });
}

std::size_t screen_width(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return !continues_character(byte); }));
}

std::string shortened(const std::string& text, std::size_t width) {
    if (screen_width(text) <= width) return text;
    const std::size_t kept = width - 2;
    return head(text, kept - kept / 2) + ".." + tail(text, kept / 2);
}

std::string shown_name(std::string_view name) { return shortened(printable(name), kLongestShownName); }

std::string message_text(std::string_view message) { return shortened(printable(message), kLongestMessage); }

}  // namespace widthwise
