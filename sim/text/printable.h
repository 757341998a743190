// SPDX-License-Identifier: Apache-2.0
// Text from files and command lines as a screen may show it: whatever it holds, it changes no colour, moves no cursor
// and adds no lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace widthwise {

/// What becomes of line feeds.
enum class LineFeeds { escaped, kept };

/// Valid UTF-8 in which control characters, characters that change the direction of writing, and bytes that are no
/// UTF-8 are written as in C: "\n", "\x1b", "\u202e". A second call changes nothing.
std::string printable(std::string_view text, LineFeeds line_feeds = LineFeeds::escaped);

/// The same of a JSON text, which stays one: escapes are JSON's own, and line feeds, which only stand between values,
/// stay.
std::string printable_json(std::string_view json);

/// Bytes that are no UTF-8 as "\xff"; everything else stays, control characters too.
std::string valid_utf8(std::string_view text);

/// Characters on the screen of UTF-8 text.
std::size_t screen_width(std::string_view text);

/// UTF-8 text of at most `width` characters (at least 3): what is longer loses its middle, "abc..xyz".
std::string shortened(const std::string& text, std::size_t width);

/// A name in running text: printable, and shortened to kLongestShownName characters.
inline constexpr std::size_t kLongestShownName = 80;
std::string shown_name(std::string_view name);

/// A message in one line: printable, and shortened to kLongestMessage characters.
inline constexpr std::size_t kLongestMessage = 4000;
std::string message_text(std::string_view message);

}  // namespace widthwise
