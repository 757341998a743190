// SPDX-License-Identifier: Apache-2.0
// Comma-separated values (RFC 4180, but lines end in '\n').
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "energy/energy.h"
#include "text/spreadsheet_text.h"

namespace widthwise {

class CsvWriter {
public:
    /// Names, words, headers: no spreadsheet takes them for formulas (text/spreadsheet_text.h).
    CsvWriter& text(std::string_view value) { return cell(spreadsheet_text(value)); }
    CsvWriter& empty() { return cell(""); }
    template <std::integral Int>
    CsvWriter& number(Int value) {
        return cell(std::to_string(value));
    }
    CsvWriter& number(double value);  ///< 15 significant digits at most, so without noise; empty unless finite
    CsvWriter& number(const Energy& value) { return cell(value.text()); }  ///< exactly
    void end_row();
    [[nodiscard]] const std::string& str() const { return out_; }

private:
    CsvWriter& cell(std::string_view value);

    std::string out_;
    bool row_started_ = false;
};

}  // namespace widthwise
