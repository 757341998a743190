// SPDX-License-Identifier: Apache-2.0
// Reads what CsvWriter writes (RFC 4180), the mark before texts that look like formulas taken off.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace widthwise {

class CsvTable {
public:
    /// Reads a file whose first row names the columns. Throws InputError when it cannot be read or is too large, or a
    /// row has another number of cells than the first.
    static CsvTable read(const std::string& path);

    [[nodiscard]] std::size_t rows() const { return rows_.size(); }
    [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
    /// Position of a column. Throws InputError when there is none.
    [[nodiscard]] std::size_t column(const std::string& name) const;
    [[nodiscard]] const std::string& text(std::size_t row, std::size_t column) const { return rows_[row][column]; }
    /// Throws InputError with file, line and column for a cell that is no such number.
    [[nodiscard]] double number(std::size_t row, std::size_t column) const;
    [[nodiscard]] std::int64_t integer(std::size_t row, std::size_t column) const;

private:
    template <typename Number>
    [[nodiscard]] Number parse(std::size_t row, std::size_t column, const char* what) const;

    std::string path_;
    std::vector<std::string> header_;
    std::vector<std::vector<std::string>> rows_;
    std::vector<std::size_t> lines_;  ///< in the file, of each row
};

}  // namespace widthwise
