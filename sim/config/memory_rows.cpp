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
};

/// From DRAM to the array. A memory is filled from the one before it that keeps the same.
constexpr std::array<KeptBy, kMemoryCount> kKeptBy{{
    {MemoryRole::dram, {true, true, true}},
    {MemoryRole::weights, {true, false, false}},
    {MemoryRole::activations, {false, true, true}},
    {MemoryRole::lines, {false, true, false}},
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
    std::vector<std::string> allowed;
    allowed.reserve(kKeptBy.size());
    for (const KeptBy& memory : kKeptBy) allowed.push_back(keeps_text(memory.role));
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

std::string keeps_text(MemoryRole role) {
    std::vector<std::string_view> words;
    for (const Kept kept : kept_by(role)) words.push_back(spelling(kKeptWords, kept));
    return fmt::format("[{}]", fmt::join(words, ", "));
}

MemoryRows::MemoryRows(const YamlValue& list) {
    std::vector<MemoryRole> order;
    for (const YamlValue& row : list.items()) {
        YamlMap map(row);  // refuses what is no map
        const std::optional<YamlValue> keeps = map.find(std::string(kKeepsKey));
        if (!keeps) row.fail("the row does not say what it keeps (keeps: [weights, inputs, outputs] or some of these)");
        const MemoryRole role = role_of(*keeps);
        if (rows_[static_cast<std::size_t>(role)]) {
            keeps->fail(fmt::format("a row before keeps {} already", keeps_text(role)));
        }
        rows_[static_cast<std::size_t>(role)] = row;
        order.push_back(role);
    }
    for (const KeptBy& memory : kKeptBy) {
        if (!row(memory.role)) list.fail(fmt::format("the list lacks a row that keeps {}", keeps_text(memory.role)));
    }
    check_order(order);
}

/// A memory stands behind the one that it is filled from. All are there.
void MemoryRows::check_order(const std::vector<MemoryRole>& order) const {
    const auto before = [&](MemoryRole a, MemoryRole b) {
        return std::ranges::find(order, a) < std::ranges::find(order, b);
    };
    for (const MemoryRole role : order) {
        const bool behind_dram = role == MemoryRole::dram || before(MemoryRole::dram, role);
        const bool behind_maps = role != MemoryRole::lines || before(MemoryRole::activations, role);
        if (behind_dram && behind_maps) continue;
        row(role)->fail(fmt::format(
            "stands before the memory that it is filled from (allowed: first the one that keeps {}, and {} "
            "before {})",
            keeps_text(MemoryRole::dram), keeps_text(MemoryRole::activations), keeps_text(MemoryRole::lines)));
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
