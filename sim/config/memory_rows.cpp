// SPDX-License-Identifier: Apache-2.0
#include "config/memory_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "config/limits.h"

namespace widthwise {
namespace {

struct KeptBy {
    MemoryRole role;
    std::array<bool, 3> kept;  ///< by Kept
    std::string_view text;
};

/// From DRAM to the array. A memory is filled from the one before it that keeps the same.
constexpr std::array<KeptBy, kMemoryCount> kKeptBy{{
    {MemoryRole::dram, {true, true, true}, "[weights, inputs, outputs]"},
    {MemoryRole::weights, {true, false, false}, "[weights]"},
    {MemoryRole::activations, {false, true, true}, "[inputs, outputs]"},
    {MemoryRole::lines, {false, true, false}, "[inputs]"},
}};

MemoryRole role_of(const YamlValue& keeps) {
    std::array<bool, 3> kept{};
    for (const YamlValue& item : keeps.items()) {
        bool& is_kept = kept[static_cast<std::size_t>(item.word(kKeptWords))];
        if (is_kept) item.fail("is listed twice");
        is_kept = true;
    }
    const auto same = std::ranges::find(kKeptBy, kept, &KeptBy::kept);
    if (same != kKeptBy.end()) return same->role;
    std::vector<std::string_view> allowed;
    allowed.reserve(kKeptBy.size());
    for (const KeptBy& memory : kKeptBy) allowed.push_back(memory.text);
    keeps.fail(fmt::format("no memory of the datapath keeps just these (allowed: {})", fmt::join(allowed, "; ")));
}

}  // namespace

std::optional<MemoryRole> memory_called(std::string_view usual_name) {
    static const MemoryList kUsual;
    const auto same = std::ranges::find(kFromDram, usual_name, [](MemoryRole role) { return kUsual[role].name; });
    return same == kFromDram.end() ? std::nullopt : std::optional(*same);
}

std::vector<Kept> kept_by(MemoryRole role) {
    std::vector<Kept> kept;
    const KeptBy& memory = *std::ranges::find(kKeptBy, role, &KeptBy::role);
    for (const Word<Kept>& word : kKeptWords) {
        if (memory.kept[static_cast<std::size_t>(word.value)]) kept.push_back(word.value);
    }
    return kept;
}

std::string_view keeps_text(MemoryRole role) { return std::ranges::find(kKeptBy, role, &KeptBy::role)->text; }

MemoryRows::MemoryRows(const YamlValue& list) {
    for (const YamlValue& row : list.items()) {
        YamlMap map(row);  // refuses what is no map
        const std::optional<YamlValue> keeps = map.find(std::string(kKeepsKey));
        if (!keeps) row.fail("the row does not say what it keeps (keeps: [weights, inputs, outputs] or some of these)");
        const MemoryRole role = role_of(*keeps);
        if (rows_[static_cast<std::size_t>(role)]) {
            keeps->fail(fmt::format("a row before keeps {} already", keeps_text(role)));
        }
        const bool above = role == MemoryRole::dram || rows_[static_cast<std::size_t>(MemoryRole::dram)];
        const bool filled = role != MemoryRole::lines || rows_[static_cast<std::size_t>(MemoryRole::activations)];
        if (!above || !filled) {
            row.fail(
                fmt::format("stands before the memory that it is filled from (allowed: first the one that keeps "
                            "{}, and [inputs, outputs] before [inputs])",
                            keeps_text(MemoryRole::dram)));
        }
        rows_[static_cast<std::size_t>(role)] = row;
    }
    for (const KeptBy& memory : kKeptBy) {
        if (!row(memory.role)) list.fail(fmt::format("the list lacks a row that keeps {}", memory.text));
    }
}

MemoryList memories_of(const HardwareParams& hardware) {
    MemoryList memories;
    memories[MemoryRole::lines] = {hardware.line_buffer.name, hardware.line_buffer.bytes};
    memories[MemoryRole::activations] = {hardware.activation_buffer.name, hardware.activation_buffer.bytes};
    memories[MemoryRole::weights] = {hardware.weight_buffer.name, hardware.weight_buffer.bytes};
    memories[MemoryRole::dram] = {hardware.dram.name, 0};
    return memories;
}

}  // namespace widthwise
