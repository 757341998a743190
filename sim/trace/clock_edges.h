// SPDX-License-Identifier: Apache-2.0
// When the clock's edges come: the times of waveforms.
#pragma once

#include <cstdint>

namespace widthwise {

/// Edge n comes at n / f seconds, rounded to the nearest femtosecond (halves up) from the exact quotient, so that no
/// clock drifts. The frequency is taken as its shortest decimal, which is what the configuration says.
class ClockEdges {
public:
    /// Throws InputError outside of 0.001 to 1,000,000 MHz, between which a period has halves and 64 bits hold it.
    explicit ClockEdges(double mhz);

    /// Femtoseconds from the first edge, n = 0. Throws InputError beyond 2^63 - 1, the last time that viewers read.
    [[nodiscard]] std::uint64_t rise(std::uint64_t n) const;
    /// The falling edge after it, halfway to the next one.
    [[nodiscard]] std::uint64_t fall(std::uint64_t n) const { return rise(n) + (rise(n + 1) - rise(n)) / 2; }

    [[nodiscard]] double period_fs() const;

private:
    double mhz_;
    // A period is whole_ + rest_ / divisor_ femtoseconds.
    std::uint64_t whole_ = 0;
    std::uint64_t rest_ = 0;
    std::uint64_t divisor_ = 1;
};

}  // namespace widthwise
