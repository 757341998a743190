// SPDX-License-Identifier: Apache-2.0
// Commands as the words of a program: each is the fields that its visit_wires() lists, name, value and bits, one behind
// the other. The same list is what waveforms show of a command.
//
//   template <typename Self, typename Visitor>
//   static void visit_wires(Self& self, Visitor&& visit) { visit("layer", self.layer, 16); ... }
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "common/error.h"
#include "trace/wave.h"

namespace widthwise {

inline constexpr int kCommandWordBits = 32;

/// Of the command's wires together.
template <typename Command>
int command_bits() {
    int bits = 0;
    const Command command;
    Command::visit_wires(command, [&bits](const char*, const auto&, int field_bits) { bits += field_bits; });
    return bits;
}

/// A value that its wires cannot carry is a SimulationError.
template <typename Command>
void check_wires(const Command& command) {
    Command::visit_wires(command, [](const char* name, const auto& field, int bits) {
        using Field = std::remove_cvref_t<decltype(field)>;
        const auto value = static_cast<std::int64_t>(field);
        const int magnitude = std::is_same_v<Field, bool> || std::is_enum_v<Field> ? bits : bits - 1;
        const std::int64_t limit = std::int64_t{1} << magnitude;
        if (value < limit && value >= -limit) return;
        throw SimulationError(fmt::format("a command's {} is {}; its {} wires cannot carry that", name, value, bits));
    });
}

/// Words of 32 bits, the first field in the lowest bits of the first word; signed fields in two's complement.
template <typename Command>
std::vector<std::uint32_t> encode(const Command& command) {
    std::vector<std::uint32_t> words((command_bits<Command>() + kCommandWordBits - 1) / kCommandWordBits);
    int at = 0;
    check_wires(command);
    Command::visit_wires(command, [&](const char*, const auto& field, int bits) {
        const auto value = static_cast<std::int64_t>(field);
        for (int bit = 0; bit < bits; ++bit, ++at) {
            const auto one = static_cast<std::uint32_t>(value >> bit & 1);
            words[static_cast<std::size_t>(at / kCommandWordBits)] |= one << (at % kCommandWordBits);
        }
    });
    return words;
}

/// The inverse; `words` as encode() makes them.
template <typename Command>
Command decode(std::span<const std::uint32_t> words) {
    Command command;
    int at = 0;
    Command::visit_wires(command, [&](const char*, auto& field, int bits) {
        using Field = std::remove_cvref_t<decltype(field)>;
        std::uint64_t value = 0;
        for (int bit = 0; bit < bits; ++bit, ++at) {
            const std::uint32_t word = words[static_cast<std::size_t>(at / kCommandWordBits)];
            value |= std::uint64_t{word >> (at % kCommandWordBits) & 1} << bit;
        }
        const bool negative = !std::is_same_v<Field, bool> && !std::is_enum_v<Field> && (value >> (bits - 1) & 1) != 0;
        if (negative) value |= ~std::uint64_t{0} << bits;
        field = static_cast<Field>(value);
    });
    return command;
}

/// A signal for each field.
template <typename Command>
void add_wires(WaveList& wave, const std::string& scope, const Command& command) {
    Command::visit_wires(command, [&]<typename Field>(const char* name, const Field& field, int bits) {
        if constexpr (std::is_same_v<Field, bool>) wave.add(scope, name, field);
        else if constexpr (std::is_enum_v<Field>)
            wave.add(scope, name, reinterpret_cast<const std::uint8_t&>(field), bits);
        else wave.add(scope, name, field, bits);
    });
}

}  // namespace widthwise
