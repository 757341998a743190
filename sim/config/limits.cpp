// SPDX-License-Identifier: Apache-2.0
#include "config/limits.h"

#include <fmt/format.h>

#include "text/suggestion.h"

namespace widthwise {

std::string IntRange::text() const { return fmt::format("{}..{}", low, high); }

std::string RealRange::text() const {
    return above_low ? fmt::format("above {}, up to {}", low, high) : fmt::format("{}..{}", low, high);
}

std::string out_of_range(std::string_view value, std::string_view allowed) {
    return fmt::format("{} is out of range (allowed: {})", value, allowed);
}

std::string not_a_word(std::string_view value, const std::vector<std::string>& allowed) {
    return fmt::format("'{}' is not one of the allowed words (allowed: {}){}", value, fmt::join(allowed, ", "),
                       suggestion(value, allowed));
}

}  // namespace widthwise
