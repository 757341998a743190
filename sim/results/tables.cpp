// SPDX-License-Identifier: Apache-2.0
#include "results/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/printable.h"

namespace widthwise {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kSmallGap = 1;
constexpr std::size_t kShortestName = 12;

std::string aligned(const std::string& text, std::size_t width, bool right) {
    const std::string blanks(width - std::min(width, screen_width(text)), ' ');
    return right ? blanks + text : text + blanks;
}

void end_line(std::string& out) {
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += '\n';
}

std::string with_separators(const std::string& digits) {
    std::string result;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) result += ',';
        result += digits[i];
    }
    return result;
}

}  // namespace

TextTable::TextTable(const std::vector<std::string>& headers) {
    for (const std::string& header : headers) {
        const std::size_t split = header.find('\n');
        if (split == std::string::npos) headers_.push_back({"", printable(header)});
        else headers_.push_back({printable(header.substr(0, split)), printable(header.substr(split + 1))});
    }
}

void TextTable::add_row(const std::vector<std::string>& cells) {
    std::vector<std::string> row;
    row.reserve(cells.size());
    for (const std::string& cell : cells) row.push_back(shown_name(cell));
    row.resize(headers_.size());
    rows_.push_back(std::move(row));
}

void TextTable::add_rule() { rows_.emplace_back(); }

std::size_t TextTable::width(std::size_t column) const {
    std::size_t widest = std::max(screen_width(headers_[column].upper), screen_width(headers_[column].lower));
    for (const auto& row : rows_) {
        if (!row.empty()) widest = std::max(widest, screen_width(row[column]));
    }
    return widest;
}

std::string TextTable::text(std::size_t columns) const {
    std::size_t others = 0;
    for (std::size_t c = 1; c < headers_.size(); ++c) others += width(c);
    const std::size_t gaps = headers_.size() - 1;
    Layout layout;
    layout.first_width = width(0);
    const auto fits = [&](std::size_t gap) { return layout.first_width + others + gaps * gap <= columns; };
    if (!fits(kGap) && fits(kSmallGap)) layout.gap = kSmallGap;
    if (!fits(layout.gap) && layout.first_width > kShortestName) {
        const std::size_t taken = others + gaps * layout.gap;
        const std::size_t room = columns > taken ? columns - taken : 0;
        layout.first_width = std::max(room, std::min(layout.first_width, 2 * kShortestName));
    }
    std::string result;
    do {
        std::size_t used = layout.first_width;
        layout.end = layout.first;
        while (layout.end < headers_.size() &&
               (layout.end == layout.first || used + layout.gap + width(layout.end) <= columns)) {
            used += layout.gap + width(layout.end);
            ++layout.end;
        }
        if (!result.empty()) result += '\n';
        result += block(layout);
        layout.first = layout.end;
    } while (layout.first < headers_.size());
    return result;
}

std::string TextTable::block(const Layout& layout) const {
    std::string result;
    std::size_t total = layout.first_width;
    for (std::size_t c = layout.first; c < layout.end; ++c) total += layout.gap + width(c);
    const auto line = [&](const auto& cell) {
        result += aligned(shortened(cell(0), layout.first_width), layout.first_width, false);
        for (std::size_t c = layout.first; c < layout.end; ++c) {
            result += std::string(layout.gap, ' ');
            result += aligned(cell(c), width(c), true);
        }
        end_line(result);
    };
    bool two_lines = !headers_[0].upper.empty();
    for (std::size_t c = layout.first; c < layout.end; ++c) two_lines = two_lines || !headers_[c].upper.empty();
    if (two_lines) line([this](std::size_t c) { return headers_[c].upper; });
    line([this](std::size_t c) { return headers_[c].lower; });
    result += std::string(total, '-') + '\n';
    for (const auto& row : rows_) {
        if (row.empty()) result += std::string(total, '-') + '\n';
        else line([&row](std::size_t c) { return row[c]; });
    }
    return result;
}

std::string grouped(std::uint64_t value) { return with_separators(fmt::format("{}", value)); }

std::string grouped(std::int64_t value) {
    const auto magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    return fmt::format("{}{}", value < 0 ? "-" : "", grouped(magnitude));
}

std::string grouped(double value, int decimals) {
    if (!std::isfinite(value)) return fmt::format("{}", value);
    const std::string plain = fmt::format("{:.{}f}", std::fabs(value), decimals);
    const std::size_t point = std::min(plain.find('.'), plain.size());
    const bool zero = plain.find_first_not_of("0.") == std::string::npos;
    return fmt::format("{}{}{}", value < 0 && !zero ? "-" : "", with_separators(plain.substr(0, point)),
                       plain.substr(point));
}

std::string significant(double value, int digits) {
    if (value == 0 || !std::isfinite(value)) return fmt::format("{}", value);
    const int magnitude = static_cast<int>(std::floor(std::log10(std::fabs(value))));
    return grouped(value, std::clamp(digits - 1 - magnitude, 0, 12));
}

std::string average(double value) { return grouped(value, value == std::floor(value) ? 0 : 1); }

double without_noise(double value) {
    if (!std::isfinite(value)) return value;
    const std::string digits = fmt::format("{:.14e}", value);
    double rounded = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), rounded);
    return rounded;
}

std::string percent(double ratio, int decimals) { return grouped(100 * ratio, decimals); }

}  // namespace widthwise
