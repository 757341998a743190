// SPDX-License-Identifier: Apache-2.0
// Every field of a document against an independent value. A field without a value fails the test, as does a value
// without its field: whoever adds one, says what it must be.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "kit/file_text.h"

namespace widthwise::test {

using Json = nlohmann::ordered_json;
using Fields = std::map<std::string, Json>;

/// The leaves of a document by their paths: "layers[2].energy.total". Empty lists and objects are leaves.
inline void add_leaves(const Json& json, const std::string& path, Fields& fields) {
    if (json.is_structured() && !json.empty()) {
        std::size_t index = 0;
        for (const auto& [key, value] : json.items()) {
            add_leaves(value,
                       json.is_array() ? fmt::format("{}[{}]", path, index++)
                       : path.empty()  ? key
                                       : path + "." + key,
                       fields);
        }
    } else {
        fields[path] = json;
    }
}

inline Fields leaves(const Json& json) {
    Fields fields;
    add_leaves(json, "", fields);
    return fields;
}

/// The rows of a CSV file, with quotes undone.
inline std::vector<std::vector<std::string>> rows_of(const std::string& csv) {
    std::vector<std::vector<std::string>> rows;
    for (const std::string& line : lines(csv)) {
        std::vector<std::string> row(1);
        bool quoted = false;
        for (const char letter : line) {
            if (letter == '"') quoted = !quoted;
            else if (letter == ',' && !quoted) row.emplace_back();
            else row.back() += letter;
        }
        rows.push_back(row);
    }
    return rows;
}

/// The cells of a CSV file by row and column: "[2].cycles". Numbers are numbers, empty cells null.
inline Fields cells(const std::string& csv) {
    const auto rows = rows_of(csv);
    Fields fields;
    for (std::size_t row = 1; row < rows.size(); ++row) {
        EXPECT_EQ(rows[row].size(), rows[0].size());
        for (std::size_t column = 0; column < std::min(rows[0].size(), rows[row].size()); ++column) {
            Json& cell = fields[fmt::format("[{}].{}", row - 1, rows[0][column])];
            const Json number = Json::parse(rows[row][column], nullptr, false);
            if (number.is_number()) cell = number;
            else if (!rows[row][column].empty()) cell = rows[row][column];
        }
    }
    return fields;
}

/// Whole numbers and words exactly; others to 14 digits, since the expected value may be computed in another order.
inline bool agree(const Json& actual, const Json& expected) {
    if (!actual.is_number_float() && !expected.is_number_float()) return actual == expected;
    if (!actual.is_number() || !expected.is_number()) return false;
    const auto a = actual.get<double>(), e = expected.get<double>();
    return std::fabs(a - e) <= 1e-14 * std::fabs(e);
}

inline void expect_fields(const Fields& actual, const Fields& expected) {
    for (const auto& [path, value] : actual) {
        const auto found = expected.find(path);
        if (found == expected.end())
            ADD_FAILURE() << path << " is written, but no test says what it must be: " << value;
        else EXPECT_TRUE(agree(value, found->second)) << path << " is " << value << " instead of " << found->second;
    }
    for (const auto& [path, value] : expected) EXPECT_TRUE(actual.contains(path)) << path << " is not written";
}

inline void expect_json(const Json& actual, const Json& expected) { expect_fields(leaves(actual), leaves(expected)); }

/// A CSV file from the rows that it must have, each an object of its columns in their order.
inline void expect_csv(const std::string& csv, const std::vector<Json>& rows) {
    Fields expected;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        for (const auto& [column, value] : rows[row].items()) expected[fmt::format("[{}].{}", row, column)] = value;
    }
    expect_fields(cells(csv), expected);
    std::vector<std::string> header;
    for (const auto& [column, value] : rows.front().items()) header.push_back(column);
    EXPECT_EQ(rows_of(csv).front(), header);
}

// ------------------------------------------------------------------------------------------------------- on the screen

/// The rows of the table of the screen that follows the line that starts with `title`, as words: a name, then numbers
/// or "-". A table in several blocks, because it is too wide, is put together again.
inline std::vector<std::vector<std::string>> screen_rows(const std::string& text, const std::string& title) {
    enum class At { before, header, rows, after } at = At::before;
    std::vector<std::vector<std::string>> rows;
    std::size_t row = 0;
    bool first_block = true;
    for (const std::string& line : lines(text)) {
        if (at == At::before) {
            if (line.starts_with(title)) at = At::header;
        } else if (line.starts_with("---")) {
            at = At::rows;  // below the headers, or above the total
        } else if (line.empty()) {
            if (at == At::after) break;
            if (at != At::rows) continue;
            at = At::after;  // what follows is another block if it has a rule before its end
            row = 0;
            first_block = false;
        } else if (at == At::rows) {
            std::vector<std::string> words;
            std::istringstream stream(line);
            for (std::string word; stream >> word;) words.push_back(word);
            if (first_block) rows.push_back(words);
            else {
                rows.at(row).insert(rows.at(row).end(), words.begin() + 1, words.end());
                ++row;
            }
        }
    }
    return rows;
}

/// A number with thousands separators, as far as it is printed.
inline void expect_printed(const std::string& text, double expected, const std::string& what) {
    std::string digits = text;
    std::erase(digits, ',');
    char* end = nullptr;
    const double value = std::strtod(digits.c_str(), &end);
    ASSERT_EQ(*end, '\0') << what << ": " << text;
    const std::size_t point = std::min(digits.find('.'), digits.size());
    const auto decimals = static_cast<double>(digits.size() - std::min(point + 1, digits.size()));
    EXPECT_NEAR(value, expected, std::max(0.5001 * std::pow(10, -decimals), 0.00051 * std::fabs(expected))) << what;
    const bool whole = expected == std::floor(expected);
    EXPECT_TRUE(whole || decimals > 0 || std::fabs(expected) > 99) << what << ": " << text << " has lost its decimals";
}

inline void expect_row(const std::vector<std::string>& words, const std::string& name,
                       const std::vector<double>& expected) {
    ASSERT_EQ(words.size(), expected.size() + 1) << name;
    EXPECT_EQ(words[0], name);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        expect_printed(words[i + 1], expected[i], fmt::format("{}, number {}", name, i));
    }
}

/// The numbers of the line that starts so, in their order; words between them are free.
inline void expect_line(const std::string& text, const std::string& start, const std::vector<double>& expected) {
    for (const std::string& line : lines(text)) {
        if (!line.starts_with(start)) continue;
        std::vector<std::string> numbers;
        std::istringstream stream(line.substr(start.size()));
        for (std::string word; stream >> word;) {
            while (!word.empty() && std::string(",;)").find(word.back()) != std::string::npos) word.pop_back();
            if (word.starts_with('(')) word.erase(0, 1);
            if (!word.empty() && word.find_first_not_of("0123456789,.") == std::string::npos) numbers.push_back(word);
        }
        ASSERT_EQ(numbers.size(), expected.size()) << line;
        for (std::size_t i = 0; i < numbers.size(); ++i) expect_printed(numbers[i], expected[i], line);
        return;
    }
    ADD_FAILURE() << "no line starts with '" << start << "':\n" << text;
}

}  // namespace widthwise::test
