// SPDX-License-Identifier: Apache-2.0
// Ranges and word lists of configuration values, with the messages that refuse what lies outside.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace widthwise {

/// Both ends are allowed.
struct IntRange {
    std::int64_t low;
    std::int64_t high;
    [[nodiscard]] constexpr bool contains(std::int64_t value) const { return value >= low && value <= high; }
    [[nodiscard]] std::string text() const;  ///< "1..256"
    friend bool operator==(const IntRange&, const IntRange&) = default;
};

/// `high` is allowed, `low` only without `above_low`. NaN is in no range.
struct RealRange {
    double low;
    double high;
    bool above_low = false;
    [[nodiscard]] constexpr bool contains(double value) const {
        return (above_low ? value > low : value >= low) && value <= high;
    }
    [[nodiscard]] std::string text() const;  ///< "-1..1" or "above 0, up to 10000"
    friend bool operator==(const RealRange&, const RealRange&) = default;
};

/// How a YAML file spells one value of an enumeration.
template <typename Enum>
struct Word {
    std::string_view text;
    Enum value;
};

template <typename Enum, std::size_t N>
using Words = std::array<Word<Enum>, N>;

template <typename Enum, std::size_t N>
std::vector<std::string> spellings(const Words<Enum, N>& words) {
    std::vector<std::string> texts;
    for (const Word<Enum>& word : words) texts.emplace_back(word.text);
    return texts;
}

/// The spelling of `value`; "" when it is none of the words (a bad cast).
template <typename Enum, std::size_t N>
std::string_view spelling(const Words<Enum, N>& words, Enum value) {
    for (const Word<Enum>& word : words) {
        if (word.value == value) return word.text;
    }
    return "";
}

/// "300 is out of range (allowed: 1..256)".
std::string out_of_range(std::string_view value, std::string_view allowed);

/// "'satrate' is not one of the allowed words (allowed: saturate, wrap), did you mean 'saturate'?".
std::string not_a_word(std::string_view value, const std::vector<std::string>& allowed);

}  // namespace widthwise
