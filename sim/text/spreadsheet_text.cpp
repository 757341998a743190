// SPDX-License-Identifier: Apache-2.0
#include "text/spreadsheet_text.h"

#include <algorithm>
#include <array>

namespace widthwise {
namespace {

constexpr char kMark = '\'';

/// The last four are the full-width forms.
constexpr std::array<std::string_view, 8> kFormulaStarts = {
    "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};

bool needs_mark(std::string_view text) {
    if (text.empty()) return false;
    if (text.front() == kMark || text.front() == '\t' || text.front() == '\r' || text.front() == '\n') return true;
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    return std::any_of(kFormulaStarts.begin(), kFormulaStarts.end(),
                       [&](std::string_view start) { return text.starts_with(start); });
}

}  // namespace

std::string spreadsheet_text(std::string_view text) {
    std::string result(needs_mark(text) ? 1 : 0, kMark);
    return result += text;
}

std::string from_spreadsheet_text(std::string_view cell) {
    return std::string(cell.substr(cell.starts_with(kMark) ? 1 : 0));
}

}  // namespace widthwise
