// SPDX-License-Identifier: Apache-2.0
// Values and defaults as accelerator files spell them.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "config/config_keys.h"

namespace widthwise {

/// 0 is spelled auto.
template <typename Number>
std::string automatic_text(Number number) {
    return number == 0 ? "auto" : fmt::format("{}", number);
}

/// "0.5", or "[0.485, 0.456, 0.406]".
inline std::string per_channel_text(const std::vector<double>& numbers) {
    return numbers.size() == 1 ? fmt::format("{}", numbers[0]) : fmt::format("[{}]", fmt::join(numbers, ", "));
}

/// "[row, column, channel]"
inline std::string order_text(const TapOrder& order, const Words<TapLoop, 3>& words) {
    return fmt::format("[{}, {}, {}]", spelling(words, order[0]), spelling(words, order[1]), spelling(words, order[2]));
}

}  // namespace widthwise
