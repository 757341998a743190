// SPDX-License-Identifier: Apache-2.0
// The countable events of the datapath. Modules count them as integers; an EnergyTable turns counts into energy.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace widthwise {

enum class Event : std::uint8_t {
    mac_multiply,
    mac_gated,
    mac_add,
    accumulator_write,
    bias_add,
    address_multiply,
    address_add,
    line_buffer_read,
    line_buffer_write,
    activation_buffer_read,
    activation_buffer_write,
    weight_buffer_read,
    weight_buffer_write,
    weight_subtract,
    requant_multiply,
    requant_shift,
    requant_plain_shift,
    requant_divide,
    requant_float_multiply,
    requant_add,
    pool_compare,
    pool_add,
    pool_float_multiply,
    pool_float_add,
    pool_float_divide,
    residual_multiply,
    residual_shift,
    residual_add,
    residual_float_multiply,
    residual_float_add,
    dram_read,
    dram_write,
    pe_idle,
    clock,
};
inline constexpr std::size_t kEventCount = static_cast<std::size_t>(Event::clock) + 1;

/// What a memory of the accelerator is there for.
enum class MemoryRole : std::uint8_t { lines, activations, weights, dram };
inline constexpr std::size_t kMemoryCount = static_cast<std::size_t>(MemoryRole::dram) + 1;

/// What a memory counts: bytes that leave it, bytes that come in.
struct MemoryEvents {
    Event read;
    Event write;
    friend bool operator==(const MemoryEvents&, const MemoryEvents&) = default;
};
constexpr MemoryEvents memory_events(MemoryRole role) {
    switch (role) {
        case MemoryRole::lines: return {Event::line_buffer_read, Event::line_buffer_write};
        case MemoryRole::activations: return {Event::activation_buffer_read, Event::activation_buffer_write};
        case MemoryRole::weights: return {Event::weight_buffer_read, Event::weight_buffer_write};
        case MemoryRole::dram: break;
    }
    return {Event::dram_read, Event::dram_write};
}

/// Where an event's energy is shown in tables.
enum class Component : std::uint8_t { multiply, add, registers, buffers, requant, pool, dram, control };
inline constexpr std::size_t kComponentCount = static_cast<std::size_t>(Component::control) + 1;

struct EventInfo {
    std::string_view name;  ///< as energy tables and results spell it, where memories have their usual names
    std::string_view unit;  ///< what one count is
    Component component;
    std::string_view description;
};

/// Name, unit, component and description of each event, in the order of Event.
const std::array<EventInfo, kEventCount>& event_infos();
std::string_view component_name(Component component);

/// One counter per event.
class EventCounts {
public:
    std::uint64_t& operator[](Event event) { return counts_[static_cast<std::size_t>(event)]; }
    std::uint64_t operator[](Event event) const { return counts_[static_cast<std::size_t>(event)]; }
    EventCounts& operator+=(const EventCounts& other) {
        for (std::size_t i = 0; i < kEventCount; ++i) counts_[i] += other.counts_[i];
        return *this;
    }
    friend bool operator==(const EventCounts&, const EventCounts&) = default;

private:
    std::array<std::uint64_t, kEventCount> counts_{};
};

/// A memory's name, from which the names of its events follow, and its capacity.
struct MemoryAttributes {
    std::string name;
    std::int64_t bytes = 0;
    friend bool operator==(const MemoryAttributes&, const MemoryAttributes&) = default;
};
/// By role; unless said otherwise with their usual names.
class MemoryList {
public:
    MemoryAttributes& operator[](MemoryRole role) { return memories_[static_cast<std::size_t>(role)]; }
    const MemoryAttributes& operator[](MemoryRole role) const { return memories_[static_cast<std::size_t>(role)]; }
    [[nodiscard]] auto begin() { return memories_.begin(); }
    [[nodiscard]] auto end() { return memories_.end(); }
    [[nodiscard]] auto begin() const { return memories_.begin(); }
    [[nodiscard]] auto end() const { return memories_.end(); }
    friend bool operator==(const MemoryList&, const MemoryList&) = default;

private:
    std::array<MemoryAttributes, kMemoryCount> memories_{
        {{"line_buffer"}, {"activation_buffer"}, {"weight_buffer"}, {"dram"}}};
};

/// The memory that counts the event, if one does.
std::optional<MemoryRole> memory_of(Event event);

/// What results call the event: a memory's carry its name, "glb.read".
std::string event_name(Event event, const MemoryList& memories);

/// What a formula may refer to: the widths and capacities in force where the events happened.
struct EventAttributes {
    int activation_bits = 8;
    int weight_bits = 8;
    int accumulator_bits = 32;
    int requant_bits = 32;  ///< operand width of the requantization multiplier (its sum input)
    int multiplier_bits = 16;
    MemoryList memories;
};

}  // namespace widthwise
