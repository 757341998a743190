// SPDX-License-Identifier: Apache-2.0
#include "results/csv.h"

#include <fmt/format.h>

#include <cmath>

#include "results/tables.h"

namespace widthwise {

CsvWriter& CsvWriter::cell(std::string_view value) {
    if (row_started_) out_ += ',';
    row_started_ = true;
    if (value.find_first_of(",;\"\t\r\n") == std::string_view::npos) {
        out_ += value;
        return *this;
    }
    out_ += '"';
    for (const char letter : value) {
        if (letter == '"') out_ += '"';
        out_ += letter;
    }
    out_ += '"';
    return *this;
}

CsvWriter& CsvWriter::number(double value) {
    return std::isfinite(value) ? cell(fmt::format("{}", without_noise(value))) : empty();
}

void CsvWriter::end_row() {
    out_ += '\n';
    row_started_ = false;
}

}  // namespace widthwise
