// SPDX-License-Identifier: Apache-2.0
#include "trace/clock_edges.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "common/error.h"

namespace widthwise {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr double kSlowest = 0.001, kFastest = 1e6;

/// digits * 10^exponent
struct Decimal {
    std::uint64_t digits = 0;
    int exponent = 0;
};

/// The shortest that reads back to the same double: at most 17 digits.
Decimal shortest_decimal(double value) {
    std::array<char, 40> buffer{};
    const char* const end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    const std::size_t e = text.find('e');
    Decimal decimal;
    for (std::size_t i = 0; i < e; ++i) {
        if (text[i] == '.') continue;
        decimal.digits = decimal.digits * 10 + static_cast<std::uint64_t>(text[i] - '0');
        if (i > 0) --decimal.exponent;
    }
    decimal.exponent += std::atoi(text.data() + e + 1);  // the buffer is filled up with zeros
    return decimal;
}

}  // namespace

ClockEdges::ClockEdges(double mhz) : mhz_(mhz) {
    if (!(mhz >= kSlowest && mhz <= kFastest)) {
        throw InputError(
            fmt::format("waveform: a clock of {} MHz has no times (allowed: {}..{})", mhz, kSlowest, kFastest));
    }
    const Decimal frequency = shortest_decimal(mhz);
    Wide femtoseconds = 1;  // of 10^exponent MHz: 10^9 / 10^exponent
    for (int i = frequency.exponent; i < 9; ++i) femtoseconds *= 10;
    divisor_ = frequency.digits;
    whole_ = static_cast<std::uint64_t>(femtoseconds / divisor_);
    rest_ = static_cast<std::uint64_t>(femtoseconds % divisor_);
}

std::uint64_t ClockEdges::rise(std::uint64_t n) const {
    Wide time = Wide{n} * whole_;
    if (rest_ != 0) time += (Wide{n} * rest_ + divisor_ / 2) / divisor_;
    if (time > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) {
        throw InputError(
            fmt::format("waveform: cycle {} at {} MHz comes after the last time that a waveform can hold, 2^63 - 1 "
                        "femtoseconds; record earlier cycles (--wave-cycles)",
                        n, mhz_));
    }
    return static_cast<std::uint64_t>(time);
}

double ClockEdges::period_fs() const {
    return static_cast<double>(whole_) + static_cast<double>(rest_) / static_cast<double>(divisor_);
}

}  // namespace widthwise
