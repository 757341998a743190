// SPDX-License-Identifier: Apache-2.0
// Turns sampled registers into VCD value changes. This is where a simulation that records spends its extra time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "trace/wave.h"

namespace widthwise {

/// What follows a value's digits: a blank, the identifier code, a line feed. Always copied as eight bytes.
struct VcdTail {
    std::array<char, 8> text{};
    std::uint8_t length = 0;
};

/// Characters of buffer that one value may touch: 'b', 64 digits, the tail.
inline constexpr std::size_t kVcdNumberBytes = 1 + 64 + 8;

/// "b<digits> <code>\n" without leading zeros, which a reader puts back. A negative number's leading digit is 1, and
/// readers extend with 0, so it needs all digits of its width.
char* put_vcd_number(char* out, std::uint64_t value, const VcdTail& tail);

/// Nets of one storage type and a like number of digits: one loop without a branch per net.
class VcdNetGroup {
public:
    virtual ~VcdNetGroup() = default;
    virtual void add(const WaveVariable& variable, const std::string& code) = 0;
    /// Writes the nets that changed since the last call, or all.
    virtual char* encode(char* out, bool all) = 0;
    /// The most that encode() can touch.
    [[nodiscard]] virtual std::size_t max_bytes() const = 0;
};

/// All nets of a file.
class VcdEncoder {
public:
    /// Identifier code of the variable's net; two variables with the same value, storage and bits are one net. Throws
    /// SimulationError when the variable has no width a register can have.
    std::string add(const WaveVariable& variable);
    /// Code of a net that the caller writes itself.
    std::string new_code();
    [[nodiscard]] static VcdTail tail(const std::string& code, bool after_digits);

    char* encode(char* out, bool all) {
        for (const auto& group : groups_) out = group->encode(out, all);
        return out;
    }
    [[nodiscard]] std::size_t max_bytes() const;
    [[nodiscard]] std::size_t nets() const { return codes_.size(); }

private:
    VcdNetGroup& group(WaveStorage storage, int bits);

    using NetKey = std::tuple<const void*, WaveStorage, int>;
    std::map<NetKey, std::string> codes_;
    std::map<std::pair<WaveStorage, int>, VcdNetGroup*> group_of_;  ///< by storage and digit octets
    std::vector<std::unique_ptr<VcdNetGroup>> groups_;              ///< in the order of first use
    std::size_t next_code_ = 0;
};

/// A name that is one word to every VCD reader.
std::string legal_vcd_name(std::string_view name);

}  // namespace widthwise
