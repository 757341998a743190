// SPDX-License-Identifier: Apache-2.0
// Lists in one text, such as the accumulator widths "18,c3=16", and names in them that hold the signs they are made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace widthwise {

/// Without blanks (spaces and tabs) at both ends.
std::string_view trimmed(std::string_view text);

/// The parts between commas, trimmed. Commas within a double-quoted name are not counted; one that is not closed takes
/// the rest.
std::vector<std::string> list_parts(std::string_view text);

/// A part "NAME=VALUE", both trimmed.
struct NamedPart {
    std::string name;  ///< without its double quotes
    std::string value;
};

/// Whether the part has a name, which is to say a '=' behind or outside of quotes.
bool has_name(std::string_view part);
/// Takes apart what has_name(). Throws std::invalid_argument, saying what is wrong with the quotes.
NamedPart named_part(std::string_view part);

/// `name` as list_parts() and named_part() read it back: in double quotes, those within doubled, where it holds a comma
/// or '=', begins with a double quote, is empty, or has blanks at an end.
std::string list_name(std::string_view name);

/// "NAME=VALUE" as named_part() reads it back.
std::string named_part_text(std::string_view name, int value);

/// What list_name() made, or any other text as it is.
std::string from_list_name(std::string_view text);

}  // namespace widthwise
