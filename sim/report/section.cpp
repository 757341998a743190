// SPDX-License-Identifier: Apache-2.0
#include "report/section.h"

#include <fmt/format.h>

#include <algorithm>

namespace widthwise {

ReportJson Section::json() const {
    ReportJson json = {{"id", id}, {"title", title}, {"note", note}, {"charts", charts}, {"table", nullptr}};
    if (!rows.empty()) json["table"] = {{"headers", headers}, {"rows", rows}};
    return json;
}

std::string short_number(double value, int digits) { return fmt::format("{:.{}g}", value, digits); }

void collect_names(const Named<double>& values, std::vector<std::string>& names) {
    for (const auto& [name, value] : values) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
}

double value_of(const Named<double>& values, const std::string& name) {
    for (const auto& [key, value] : values) {
        if (key == name) return value;
    }
    return 0;
}

}  // namespace widthwise
