// SPDX-License-Identifier: Apache-2.0
// A part of the page as data: charts and the table behind them. page.js draws it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/result_set.h"

namespace widthwise {

using ReportJson = nlohmann::ordered_json;

/// {id, title, note, charts: [...], table: {headers, rows}}. `charts` holds objects that name their kind (charts.js).
struct Section {
    std::string id;  ///< a word, unique in the page
    std::string title;
    std::string note;  ///< what is shown, with units
    std::vector<ReportJson> charts;
    std::vector<std::string> headers;
    std::vector<std::vector<ReportJson>> rows;  ///< texts and numbers
    [[nodiscard]] ReportJson json() const;
};

/// The shortest text of a value to `digits` significant digits.
std::string short_number(double value, int digits = 5);

/// The names that occur in any of some lists of named values, in the order of their first occurrence.
void collect_names(const Named<double>& values, std::vector<std::string>& names);

/// The value of that name, or 0.
double value_of(const Named<double>& values, const std::string& name);

/// Names whose value is not 0 in one of the lists at least.
template <typename Items, typename Of>
std::vector<std::string> names_used(const Items& items, const Of& of) {
    std::vector<std::string> names, used;
    for (const auto& item : items) collect_names(of(item), names);
    for (const std::string& name : names) {
        for (const auto& item : items) {
            if (value_of(of(item), name) == 0) continue;
            used.push_back(name);
            break;
        }
    }
    return used;
}

}  // namespace widthwise
