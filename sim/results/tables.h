// SPDX-License-Identifier: Apache-2.0
// Aligned text tables for the screen, and the numbers in them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace widthwise {

inline constexpr std::size_t kScreenColumns = 100;

/// The first column is text, aligned left; the others are numbers, aligned right.
class TextTable {
public:
    /// A header may have two lines, parted by '\n'.
    explicit TextTable(const std::vector<std::string>& headers);

    /// One cell per column. Each is shown as a name is (text/printable.h): escaped, and of at most
    /// kLongestShownName characters.
    void add_row(const std::vector<std::string>& cells);
    /// A line between the rows before and after.
    void add_rule();

    /// Lines of at most `columns` characters, each ending in a newline. A table too wide comes as several, one below
    /// the other, that repeat the first column; texts in the first column that are too long lose their middle.
    [[nodiscard]] std::string text(std::size_t columns = kScreenColumns) const;

private:
    struct Header {
        std::string upper;
        std::string lower;
    };
    /// Where a block of columns stands: [first, end) beside the first column.
    struct Layout {
        std::size_t first = 1;
        std::size_t end = 1;
        std::size_t first_width = 0;
        std::size_t gap = 2;  ///< blanks between columns
    };
    [[nodiscard]] std::size_t width(std::size_t column) const;
    [[nodiscard]] std::string block(const Layout& layout) const;

    std::vector<Header> headers_;
    std::vector<std::vector<std::string>> rows_;  ///< an empty one is a rule
};

/// "1,234,567"
std::string grouped(std::int64_t value);
std::string grouped(std::uint64_t value);
/// "1,234.50"
std::string grouped(double value, int decimals);
/// At least `digits` significant digits, no decimals beyond them: 0.01234, 1.234, 12.34, 1,234, 123,456; 0 is "0".
std::string significant(double value, int digits = 4);
/// An average that mostly is whole: "1,234", otherwise with one decimal.
std::string average(double value);
/// The nearest number of 15 significant digits, all that survive in a double as they were written: 0.1 + 0.2 is 0.3.
double without_noise(double value);
/// 0.1234 as "12.34".
std::string percent(double ratio, int decimals = 2);

}  // namespace widthwise
