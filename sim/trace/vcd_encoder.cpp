// SPDX-License-Identifier: Apache-2.0
#include "trace/vcd_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/error.h"

namespace widthwise {

namespace {

constexpr std::size_t kDigitsPerOctet = 8;

constexpr auto make_digit_table() {
    std::array<std::array<char, kDigitsPerOctet>, 256> table{};
    for (unsigned byte = 0; byte < 256; ++byte) {
        for (unsigned digit = 0; digit < kDigitsPerOctet; ++digit) {
            table[byte][digit] = (byte >> (kDigitsPerOctet - 1 - digit) & 1U) != 0 ? '1' : '0';
        }
    }
    return table;
}
constexpr auto kDigits = make_digit_table();

char* put_tail(char* out, const VcdTail& tail) {
    std::memcpy(out, tail.text.data(), tail.text.size());
    return out + tail.length;
}

/// Always writes Octets * 8 digits and lets the tail overwrite what is beyond the value: numbers of unpredictable
/// length would cost a mispredicted branch each.
template <int Octets>
char* put_digits(char* out, std::uint64_t value, const VcdTail& tail) {
    const int digits = 64 - std::countl_zero(value | 1U);
    value <<= 64 - digits;
    *out++ = 'b';
    for (int octet = 0; octet < Octets; ++octet) {
        std::memcpy(out + octet * 8, kDigits[value >> 56].data(), kDigitsPerOctet);
        value <<= 8;
    }
    return put_tail(out + digits, tail);
}

/// Octets = 0: one digit, in the short form without 'b' and blank.
template <typename T, int Octets>
class NumberGroup final : public VcdNetGroup {
public:
    void add(const WaveVariable& variable, const std::string& code) override {
        sources_.push_back(static_cast<const T*>(variable.value));
        shadow_.push_back(T{});
        const std::uint64_t mask = ~std::uint64_t{0} >> (64 - variable.bits);
        nets_.push_back({mask, VcdEncoder::tail(code, Octets > 0)});
        changed_.push_back(0);
    }

    char* encode(char* out, bool all) override {
        // Two loops and local pointers: which registers change is hard to predict, so the first one has no branch.
        const std::size_t count = sources_.size();
        const T* const* const sources = sources_.data();
        T* const shadow = shadow_.data();
        std::uint32_t* const changed = changed_.data();
        std::size_t changes = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const T value = *sources[i];
            changed[changes] = static_cast<std::uint32_t>(i);
            changes += static_cast<std::size_t>(static_cast<int>(all) | static_cast<int>(value != shadow[i]));
            shadow[i] = value;
        }
        const Net* const nets = nets_.data();
        for (std::size_t k = 0; k < changes; ++k) {
            const std::uint32_t i = changed[k];
            const std::uint64_t value = static_cast<std::uint64_t>(static_cast<std::int64_t>(shadow[i])) & nets[i].mask;
            if constexpr (Octets == 0) {
                out[0] = static_cast<char>('0' + value);
                out = put_tail(out + 1, nets[i].tail);
            } else {
                out = put_digits<Octets>(out, value, nets[i].tail);
            }
        }
        return out;
    }

    [[nodiscard]] std::size_t max_bytes() const override { return sources_.size() * kVcdNumberBytes; }

private:
    struct Net {
        std::uint64_t mask;
        VcdTail tail;
    };
    std::vector<const T*> sources_;
    std::vector<T> shadow_;  ///< the values last written
    std::vector<Net> nets_;
    std::vector<std::uint32_t> changed_;
};

class TextGroup final : public VcdNetGroup {
public:
    void add(const WaveVariable& variable, const std::string& code) override {
        Net net{static_cast<const std::uint8_t*>(variable.value), 0, {}};
        std::size_t longest = 0;
        for (std::size_t value = 0; value < net.lines.size(); ++value) {
            const std::string word =
                value < variable.words.size() ? legal_vcd_name(variable.words[value]) : fmt::format("?{}", value);
            net.lines[value] = fmt::format("s{} {}\n", word, code);
            longest = std::max(longest, net.lines[value].size());
        }
        max_bytes_ += longest;
        nets_.push_back(std::move(net));
    }

    char* encode(char* out, bool all) override {
        for (Net& net : nets_) {
            const std::uint8_t value = *net.source;
            if (value == net.shadow && !all) continue;
            net.shadow = value;
            const std::string& line = net.lines[value];
            out = std::copy(line.begin(), line.end(), out);
        }
        return out;
    }

    [[nodiscard]] std::size_t max_bytes() const override { return max_bytes_; }

private:
    struct Net {
        const std::uint8_t* source;
        std::uint8_t shadow;
        std::array<std::string, 256> lines;  ///< by value of the register
    };
    std::vector<Net> nets_;
    std::size_t max_bytes_ = 0;
};

/// 0 for one digit, else 1, 2, 4 or 8.
int octets(int bits) { return bits == 1 ? 0 : static_cast<int>(std::bit_ceil(static_cast<unsigned>(bits + 7) / 8)); }

template <typename T>
std::unique_ptr<VcdNetGroup> make_number_group(int octet_count) {
    switch (octet_count) {
        case 0: return std::make_unique<NumberGroup<T, 0>>();
        case 1: return std::make_unique<NumberGroup<T, 1>>();
        case 2: return std::make_unique<NumberGroup<T, 2>>();
        case 4: return std::make_unique<NumberGroup<T, 4>>();
        default: return std::make_unique<NumberGroup<T, 8>>();
    }
}

std::unique_ptr<VcdNetGroup> make_group(WaveStorage storage, int octet_count) {
    switch (storage) {
        case WaveStorage::text: return std::make_unique<TextGroup>();
        case WaveStorage::boolean:  // a byte that is 0 or 1
        case WaveStorage::uint8: return make_number_group<std::uint8_t>(octet_count);
        case WaveStorage::int16: return make_number_group<std::int16_t>(octet_count);
        case WaveStorage::int32: return make_number_group<std::int32_t>(octet_count);
        case WaveStorage::int64: break;
    }
    return make_number_group<std::int64_t>(octet_count);
}

}  // namespace

char* put_vcd_number(char* out, std::uint64_t value, const VcdTail& tail) { return put_digits<8>(out, value, tail); }

std::string legal_vcd_name(std::string_view name) {
    constexpr std::string_view kSpecial = ".#$[]";  // scopes, times, keywords, ranges
    std::string legal(name.empty() ? "_" : name);
    for (char& c : legal) {
        if (c <= ' ' || c > '~' || kSpecial.find(c) != std::string_view::npos) c = '_';
    }
    return legal;
}

std::string VcdEncoder::add(const WaveVariable& variable) {
    if (variable.value == nullptr || variable.bits < 1 || variable.bits > 64) {
        throw SimulationError(fmt::format("waveform: {}.{} has {} bits", variable.scope, variable.name, variable.bits));
    }
    std::string& code = codes_[{variable.value, variable.storage, variable.bits}];
    if (code.empty()) {
        code = new_code();
        group(variable.storage, variable.bits).add(variable, code);
    }
    return code;
}

std::string VcdEncoder::new_code() {
    // Letters and digits, a letter first: '#' and '$' have meanings of their own at a word's start, and readers that
    // are not exact take other signs for more than they are.
    constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    constexpr std::size_t kLetters = 52;
    std::size_t rest = next_code_++, length = 1;
    for (std::size_t codes = kLetters; rest >= codes; codes *= kCharacters.size(), ++length) rest -= codes;
    std::string code(1, kCharacters[rest % kLetters]);
    rest /= kLetters;
    for (; code.size() < length; rest /= kCharacters.size()) code += kCharacters[rest % kCharacters.size()];
    return code;
}

VcdTail VcdEncoder::tail(const std::string& code, bool after_digits) {
    const std::string text = (after_digits ? " " : "") + code + "\n";
    VcdTail tail;
    if (text.size() > tail.text.size()) throw SimulationError("waveform: more nets than identifier codes");
    std::memcpy(tail.text.data(), text.data(), text.size());
    tail.length = static_cast<std::uint8_t>(text.size());
    return tail;
}

std::size_t VcdEncoder::max_bytes() const {
    std::size_t bytes = 0;
    for (const auto& group : groups_) bytes += group->max_bytes();
    return bytes;
}

VcdNetGroup& VcdEncoder::group(WaveStorage storage, int bits) {
    const int octet_count = storage == WaveStorage::text ? 0 : octets(bits);
    VcdNetGroup*& group = group_of_[{storage, octet_count}];
    if (group == nullptr) {
        groups_.push_back(make_group(storage, octet_count));
        group = groups_.back().get();
    }
    return *group;
}

}  // namespace widthwise
