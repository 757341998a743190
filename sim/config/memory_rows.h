// SPDX-License-Identifier: Apache-2.0
// The list `memories` of an accelerator file: a row for each memory, from DRAM to the array.
//
//   memories:
//     - {name: dram, keeps: [weights, inputs, outputs], latency: 50}
//     - {name: weight_buffer, keeps: [weights], bytes: 131072}
//     - {name: activation_buffer, keeps: [inputs, outputs], bytes: 65536}
//     - {name: line_buffer, keeps: [inputs], bytes: 8192}
//
// What a row keeps says which memory of the datapath it is; its name is up to the user, and so are those of its events.
// A file without the list has a section for each memory that differs from its default: a short form.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config_keys.h"
#include "config/yaml_reader.h"

namespace widthwise {

/// What passes a memory.
enum class Kept : std::uint8_t { weights, inputs, outputs };
inline constexpr Words<Kept, 3> kKeptWords{
    {{"weights", Kept::weights}, {"inputs", Kept::inputs}, {"outputs", Kept::outputs}}};

/// The key of the list, and that of a row that says what it keeps.
inline constexpr std::string_view kMemoriesKey = "memories";
inline constexpr std::string_view kKeepsKey = "keeps";

/// A memory is filled from the one before it that keeps the same.
inline constexpr std::array kFromDram{MemoryRole::dram, MemoryRole::weights, MemoryRole::activations,
                                      MemoryRole::lines};

/// The memory that is called so unless a file says otherwise; as its section is.
std::optional<MemoryRole> memory_called(std::string_view usual_name);

/// In the order of kKeptWords.
std::vector<Kept> kept_by(MemoryRole role);
/// What the memory keeps, as a file spells it: "[inputs, outputs]".
std::string keeps_text(MemoryRole role);

class MemoryRows {
public:
    MemoryRows() = default;
    /// Throws InputError at the row that keeps what no memory of the datapath keeps, or what another one keeps; whose
    /// memory is filled from one below it; or at the list that lacks a memory.
    explicit MemoryRows(const YamlValue& list);
    /// None if there is no list.
    [[nodiscard]] const std::optional<YamlValue>& row(MemoryRole role) const {
        return rows_[static_cast<std::size_t>(role)];
    }

private:
    void check_order(const std::vector<MemoryRole>& order) const;

    std::array<std::optional<YamlValue>, kMemoryCount> rows_;
};

/// Names and capacities. DRAM's capacity is not priced, and 0 here.
MemoryList memories_of(const HardwareParams& hardware);

}  // namespace widthwise
