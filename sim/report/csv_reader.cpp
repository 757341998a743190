// SPDX-License-Identifier: Apache-2.0
#include "report/csv_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/error.h"
#include "common/input_file.h"
#include "text/spreadsheet_text.h"

namespace widthwise {
namespace {

constexpr FileLimit kTableFile{"a results table", std::int64_t{128} << 20};
constexpr std::size_t kMaxCells = 4000000;  ///< each costs a text object, and a byte in the file

/// One row from `at` on; leaves `at` behind its end and counts the lines it takes.
std::vector<std::string> read_row(const std::string& text, std::size_t& at, std::size_t& lines) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (; at < text.size(); ++at) {
        const char letter = text[at];
        if (letter == '\n') ++lines;
        if (quoted) {
            if (letter != '"') {
                cells.back() += letter;
            } else if (at + 1 < text.size() && text[at + 1] == '"') {
                cells.back() += '"';
                ++at;
            } else {
                quoted = false;
            }
        } else if (letter == '"' && cells.back().empty()) {
            quoted = true;
        } else if (letter == ',') {
            cells.emplace_back();
        } else if (letter == '\n') {
            ++at;
            break;
        } else if (letter != '\r') {
            cells.back() += letter;
        }
    }
    for (std::string& cell : cells) cell = from_spreadsheet_text(cell);
    return cells;
}

}  // namespace

CsvTable CsvTable::read(const std::string& path) {
    const std::string text = read_input_file(path, kTableFile);
    if (text.empty()) throw InputError(fmt::format("{}: is empty", path));
    CsvTable table;
    table.path_ = path;
    std::size_t at = 0;
    std::size_t line = 1;
    table.header_ = read_row(text, at, line);
    while (at < text.size()) {
        const std::size_t start = line;
        std::vector<std::string> row = read_row(text, at, line);
        if (row.size() != table.header_.size()) {
            throw InputError(
                fmt::format("{}:{}: has {} cells, the first row {}", path, start, row.size(), table.header_.size()));
        }
        if (table.rows_.size() == kMaxCells / table.header_.size()) {
            throw InputError(
                fmt::format("{}:{}: has more than {} cells up to here, the most that is read", path, start, kMaxCells));
        }
        table.rows_.push_back(std::move(row));
        table.lines_.push_back(start);
    }
    return table;
}

std::size_t CsvTable::column(const std::string& name) const {
    const auto found = std::find(header_.begin(), header_.end(), name);
    if (found == header_.end()) throw InputError(fmt::format("{}: has no column '{}'", path_, name));
    return static_cast<std::size_t>(found - header_.begin());
}

template <typename Number>
Number CsvTable::parse(std::size_t row, std::size_t column, const char* what) const {
    const std::string& cell = rows_[row][column];
    Number value{};
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || end != cell.data() + cell.size()) {
        throw InputError(fmt::format("{}:{}: {}: '{}' is no {}", path_, lines_[row], header_[column], cell, what));
    }
    return value;
}

double CsvTable::number(std::size_t row, std::size_t column) const { return parse<double>(row, column, "number"); }

std::int64_t CsvTable::integer(std::size_t row, std::size_t column) const {
    return parse<std::int64_t>(row, column, "integer");
}

}  // namespace widthwise
