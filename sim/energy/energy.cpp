// SPDX-License-Identifier: Apache-2.0
#include "energy/energy.h"

#include <fmt/format.h>

#include <charconv>

namespace widthwise {
namespace {

constexpr int kDecimals = 6;
constexpr std::int64_t kPerUnit = 1'000'000;

__int128 power_of_ten(int exponent) {
    __int128 power = 1;
    for (int i = 0; i < exponent; ++i) power *= 10;
    return power;
}

}  // namespace

Energy::Energy(std::uint64_t count, double cost) {
    // cost = digits * 10^(exponent - 14)
    const std::string scientific = fmt::format("{:.14e}", cost);
    const std::size_t e = scientific.find('e');
    const std::string digits = scientific.substr(0, 1) + scientific.substr(2, e - 2);
    const std::size_t sign = scientific[e + 1] == '+' ? 1 : 0;
    std::int64_t mantissa = 0;
    int exponent = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), mantissa);
    std::from_chars(scientific.data() + e + 1 + sign, scientific.data() + scientific.size(), exponent);
    const __int128 product = static_cast<__int128>(count) * mantissa;
    const int shift = exponent - 14 + kDecimals;
    constexpr int kMostDigits = 37;  // of a product
    if (shift >= 0) {
        millionths_ = product * power_of_ten(shift);
    } else if (-shift <= kMostDigits) {
        const __int128 divisor = power_of_ten(-shift);
        millionths_ = (product + divisor / 2) / divisor;
    }
}

std::string Energy::text() const {
    const auto units = static_cast<unsigned __int128>(millionths_ / kPerUnit);
    const auto rest = static_cast<std::int64_t>(millionths_ % kPerUnit);
    std::string decimals = fmt::format("{:06}", rest);
    decimals.resize(decimals.find_last_not_of('0') + 1);
    return fmt::format("{}{}{}", units, decimals.empty() ? "" : ".", decimals);
}

double Energy::saving(const Energy& reference, const Energy& now) {
    if (reference == Energy()) return 0;
    // The difference is exact, so that nothing is lost where little is saved.
    return static_cast<double>(reference.millionths_ - now.millionths_) / static_cast<double>(reference.millionths_);
}

double Energy::value() const {
    const std::string digits = text();
    double nearest = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), nearest);
    return nearest;
}

}  // namespace widthwise
