// SPDX-License-Identifier: Apache-2.0
// Text in the cells of tables (CSV) that people open in spreadsheet programs.
#pragma once

#include <string>
#include <string_view>

namespace widthwise {

/// Text that no spreadsheet takes for a formula: behind an apostrophe when it begins with one of = + - @ (full-width
/// forms and leading blanks included), with a tab or a line's end, or with an apostrophe. Not for numbers.
std::string spreadsheet_text(std::string_view text);

/// The text that a cell stands for.
std::string from_spreadsheet_text(std::string_view cell);

}  // namespace widthwise
