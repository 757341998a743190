// SPDX-License-Identifier: Apache-2.0
// The accumulator (partial sum, psum): two's complement, 2..48 bits, saturating or wrapping.
// This header is the only definition of what an addition does; both engines call it.
#pragma once

#include <cstdint>

namespace widthwise {

inline constexpr int kMinAccumulatorBits = 2;
inline constexpr int kMaxAccumulatorBits = 48;

enum class Overflow : std::uint8_t { saturate, wrap };

/// When the range is checked: after every addition (a register of `bits` bits, as in hardware), or only on the
/// finished sum (a wide register whose result is then brought into `bits` bits).
enum class OverflowCheck : std::uint8_t { per_add, per_output };

struct AccumulatorFormat {
    int bits = 32;
    Overflow overflow = Overflow::saturate;
    OverflowCheck check = OverflowCheck::per_add;

    [[nodiscard]] constexpr std::int64_t min() const { return -(std::int64_t{1} << (bits - 1)); }
    [[nodiscard]] constexpr std::int64_t max() const { return (std::int64_t{1} << (bits - 1)) - 1; }
    [[nodiscard]] constexpr bool fits(std::int64_t sum) const { return sum >= min() && sum <= max(); }
    friend constexpr bool operator==(const AccumulatorFormat&, const AccumulatorFormat&) = default;
};

/// `sum` as a two's complement register of `bits` bits would hold it.
template <typename Int>
constexpr Int wrap_to_bits(Int sum, int bits) {
    // Offsetting by half the range first keeps this to one mask and two adds, which every vector unit has
    // (a 64-bit arithmetic right shift is missing before AVX-512).
    const Int half = Int{1} << (bits - 1);
    const Int mask = (half << 1) - 1;
    return ((sum + half) & mask) - half;
}

/// `sum` limited to the format's range.
template <typename Int>
constexpr Int saturate_to_range(Int sum, Int low, Int high) {
    const Int at_least = sum < low ? low : sum;
    return at_least > high ? high : at_least;
}

constexpr std::int64_t bring_into_range(const AccumulatorFormat& format, std::int64_t sum) {
    return format.overflow == Overflow::saturate ? saturate_to_range(sum, format.min(), format.max())
                                                 : wrap_to_bits(sum, format.bits);
}

/// Fewest two's complement bits that hold every value in [low, high]; at least 1.
constexpr int bits_for_range(std::int64_t low, std::int64_t high) {
    int bits = 1;
    while (low < -(std::int64_t{1} << (bits - 1)) || high > (std::int64_t{1} << (bits - 1)) - 1) ++bits;
    return bits;
}

/// One accumulator register together with what a simulator must know beside it: the exact sum and the number of
/// additions whose result did not fit. The reference for every vectorised form.
class Accumulator {
public:
    constexpr explicit Accumulator(AccumulatorFormat format) : format_(format) {}

    /// Begins a sum at `initial` (a preloaded bias, or 0), which is itself brought into range.
    constexpr void start(std::int64_t initial) {
        exact_ = initial;
        events_ = 0;
        value_ = initial;
        if (format_.check == OverflowCheck::per_add) check_range();
    }

    constexpr void add(std::int64_t product) {
        exact_ += product;
        value_ += product;
        if (format_.check == OverflowCheck::per_add) check_range();
    }

    /// Ends the sum; the value is final after this.
    constexpr void finish() {
        if (format_.check == OverflowCheck::per_output) check_range();
    }

    [[nodiscard]] constexpr std::int64_t value() const { return value_; }
    [[nodiscard]] constexpr std::int64_t exact() const { return exact_; }
    [[nodiscard]] constexpr std::uint64_t overflow_events() const { return events_; }

private:
    constexpr void check_range() {
        if (format_.fits(value_)) return;
        ++events_;
        value_ = bring_into_range(format_, value_);
    }

    AccumulatorFormat format_;
    std::int64_t value_ = 0;
    std::int64_t exact_ = 0;
    std::uint64_t events_ = 0;
};

}  // namespace widthwise
