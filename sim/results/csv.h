// SPDX-License-Identifier: Apache-2.0
// Comma-separated values (RFC 4180, but lines end in '\n').
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace widthwise {

class CsvWriter {
public:
    CsvWriter& text(std::string_view value);
    CsvWriter& empty() { return text(""); }
    template <std::integral Int>
    CsvWriter& number(Int value) {
        return text(std::to_string(value));
    }
    CsvWriter& number(double value);  ///< the shortest text that reads back to the same double; empty unless finite
    void end_row();
    [[nodiscard]] const std::string& str() const { return out_; }

private:
    std::string out_;
    bool row_started_ = false;
};

}  // namespace widthwise
