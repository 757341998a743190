// SPDX-License-Identifier: Apache-2.0
#include "energy/energy_table.h"

#include <fmt/format.h>
#include <muParser.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "common/error.h"
#include "config/config_keys.h"
#include "config/run_config.h"
#include "config/yaml_reader.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

enum class Unit : std::uint8_t { picojoule, relative };
constexpr Words<Unit, 2> kUnitWords{{{"pJ", Unit::picojoule}, {"relative", Unit::relative}}};
constexpr RealRange kSramCapacity{1.0, 1e12};
constexpr RealRange kSramEnergy{0.0, 1e9};
constexpr std::size_t kLongestFormula = 1000;  ///< it is evaluated for each layer of each point of a sweep
constexpr const char* kVariables =
    "activation_bits, weight_bits, accumulator_bits, requant_bits, multiplier_bits, bytes, and capacity for buffers";

constexpr std::array<Event, kEventCount> all_events() {
    std::array<Event, kEventCount> events{};
    for (std::size_t i = 0; i < kEventCount; ++i) events[i] = static_cast<Event>(i);
    return events;
}

/// muParser's callback behind sram(capacity); `user` is the table's vector of points.
double sram(void* user, double capacity) {
    const auto& points = *static_cast<const std::vector<SramPoint>*>(user);
    if (points.empty()) throw mu::ParserError("sram() needs the table's sram_read_64bit points");
    if (capacity <= points.front().first) return points.front().second;
    if (capacity >= points.back().first) return points.back().second;
    const auto above = std::find_if(points.begin(), points.end(),
                                    [capacity](const SramPoint& point) { return point.first >= capacity; });
    const auto below = above - 1;
    const double share = std::log2(capacity / below->first) / std::log2(above->first / below->first);
    return below->second + share * (above->second - below->second);
}

/// Bytes of the on-chip memory that an event belongs to, if it belongs to one.
std::optional<std::int64_t> capacity_of(Event event, const EventAttributes& attributes) {
    const std::optional<MemoryRole> role = memory_of(event);
    if (!role || *role == MemoryRole::dram) return std::nullopt;
    return attributes.memories[*role].bytes;
}

double evaluate(const std::string& formula, const EventAttributes& attributes, std::optional<std::int64_t> capacity,
                const std::vector<SramPoint>& points) {
    mu::Parser parser;
    // Constants rather than variables: a formula cannot assign to them.
    parser.DefineConst("activation_bits", attributes.activation_bits);
    parser.DefineConst("weight_bits", attributes.weight_bits);
    parser.DefineConst("accumulator_bits", attributes.accumulator_bits);
    parser.DefineConst("requant_bits", attributes.requant_bits);
    parser.DefineConst("multiplier_bits", attributes.multiplier_bits);
    parser.DefineConst("bytes", 1.0);
    if (capacity) parser.DefineConst("capacity", static_cast<double>(*capacity));
    // muParser's user data is not const; sram() only reads it. Not optimisable away, since it may throw.
    parser.DefineFunUserData("sram", sram, const_cast<std::vector<SramPoint>*>(&points), false);
    parser.SetExpr(formula);
    const double value = parser.Eval();
    if (parser.GetNumResults() != 1) throw mu::ParserError("holds several expressions (allowed: one)");
    return value;
}

std::string explain(const mu::ParserError& error) {
    if (error.GetCode() == mu::ecUNASSIGNABLE_TOKEN) {
        return fmt::format("unknown name '{}' (known: {})", error.GetToken(), kVariables);
    }
    return error.GetMsg();
}

std::string table_folder(const std::string& data_root) {
    return (std::filesystem::path(data_root) / "configs" / "energy").string();
}

std::string table_path(const std::string& name_or_path, const std::string& data_root) {
    if (is_yaml_path(name_or_path)) return name_or_path;
    const std::vector<std::string> names = shipped_energy_tables(data_root);
    if (std::find(names.begin(), names.end(), name_or_path) == names.end()) {
        throw InputError(fmt::format("energy table '{}' is unknown (shipped in {}: {}; or the path of a .yaml file){}",
                                     name_or_path, table_folder(data_root), fmt::join(names, ", "),
                                     suggestion(name_or_path, names)));
    }
    return (std::filesystem::path(table_folder(data_root)) / (name_or_path + ".yaml")).string();
}

std::string required_text(YamlMap& map, const std::string& key) {
    const std::optional<YamlValue> value = map.require(key);
    if (!value) return "";
    std::string text = value->text();
    if (text.empty()) value->fail("expects text, got an empty one");
    return text;
}

std::vector<SramPoint> read_sram_points(const YamlValue& list) {
    std::vector<SramPoint> points;
    for (const YamlValue& item : list.items()) {
        const std::vector<YamlValue> pair = item.items();
        if (pair.size() != 2) {
            item.fail(
                fmt::format("has {} entries (allowed: [capacity in bytes, energy per 64-bit access])", pair.size()));
        }
        points.emplace_back(pair[0].real(kSramCapacity), pair[1].real(kSramEnergy));
        if (points.size() > 1 && points[points.size() - 2].first >= points.back().first) {
            pair[0].fail(fmt::format("{} does not exceed the capacity before it (allowed: ascending capacities)",
                                     points.back().first));
        }
    }
    if (points.empty()) list.fail("the list is empty (allowed: one point or more)");
    return points;
}

/// Not one of the usual events: that of a memory with another name.
bool is_memory_of_its_own(const std::string& event) {
    return std::ranges::find(event_infos(), event, &EventInfo::name) == event_infos().end();
}

/// "glb.read": an event that a memory called "glb" has. Whether there is such a memory shows with the accelerator.
bool may_be_of_a_memory(const std::string& event) {
    const std::size_t dot = event.find('.');
    if (dot == std::string::npos) return false;
    const std::string access = event.substr(dot + 1);
    return (access == "read" || access == "write") && memory_name_problem(event.substr(0, dot)).empty();
}

void check_event(const YamlEntry& entry) {
    if (!is_memory_of_its_own(entry.name) || may_be_of_a_memory(entry.name)) return;
    std::vector<std::string> names;
    for (const EventInfo& event : event_infos()) names.emplace_back(event.name);
    entry.name_value.fail(fmt::format("unknown event '{}' (allowed: {}){}", entry.name, fmt::join(names, ", "),
                                      suggestion(entry.name, names)));
}

}  // namespace

std::vector<std::string> shipped_energy_tables(const std::string& data_root) {
    std::vector<std::string> names;
    std::error_code error;  // a missing folder ships no tables
    for (const auto& file : std::filesystem::directory_iterator(table_folder(data_root), error)) {
        if (file.path().extension() == ".yaml") names.push_back(file.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

EnergyTable EnergyTable::load(const std::string& name_or_path, const std::string& data_root) {
    EnergyTable table;
    table.path_ = table_path(name_or_path, data_root);
    YamlMap map(YamlValue::load(table.path_));
    table.name_ = required_text(map, "name");
    if (const auto unit = map.require("unit")) table.unit_ = spelling(kUnitWords, unit->word(kUnitWords));
    table.node_ = required_text(map, "node");
    table.source_ = required_text(map, "source");
    if (const auto notes = map.find("notes")) table.notes_ = notes->text();
    if (const auto points = map.find("sram_read_64bit")) table.sram_points_ = read_sram_points(*points);
    const auto events = map.require("events");
    map.finish();

    for (const YamlEntry& entry : events->entries()) {
        check_event(entry);
        Formula formula{entry.value.text(), entry.value.position()};
        if (formula.text.size() > kLongestFormula) {
            entry.value.fail(
                fmt::format("the formula has {} characters (allowed: up to {})", formula.text.size(), kLongestFormula));
        }
        table.formulas_.emplace(entry.name, std::move(formula));
    }
    table.free_.position = table.sram_access_.position = table.path_;
    table.try_formulas();
    return table;
}

/// Refuses bad formulas now rather than after a simulation.
void EnergyTable::try_formulas() const {
    constexpr std::int64_t kTypicalCapacity = 8192;
    EventAttributes typical;
    for (MemoryAttributes& memory : typical.memories) memory.bytes = kTypicalCapacity;
    for (const Event event : all_events()) static_cast<void>(cost(event, typical));
    for (const auto& [event, formula] : formulas_) {
        if (is_memory_of_its_own(event)) static_cast<void>(evaluated(event, formula, typical, kTypicalCapacity));
    }
}

const EnergyTable::Formula& EnergyTable::formula_of(Event event, const MemoryList& memories) const {
    for (const MemoryList& names : {memories, MemoryList{}}) {
        const auto listed = formulas_.find(event_name(event, names));
        if (listed != formulas_.end()) return listed->second;
    }
    const std::optional<MemoryRole> role = memory_of(event);
    const bool on_chip = role && *role != MemoryRole::dram;
    return on_chip && !sram_points_.empty() ? sram_access_ : free_;
}

void EnergyTable::check_memories(const MemoryList& memories) const {
    for (const auto& [event, formula] : formulas_) {
        const std::string memory = event.substr(0, event.find('.'));
        if (!is_memory_of_its_own(event) ||
            std::ranges::find(memories, memory, &MemoryAttributes::name) != memories.end())
            continue;
        std::vector<std::string> names;
        for (const MemoryAttributes& known : memories) names.push_back(known.name);
        throw InputError(fmt::format("{}: events.{}: the accelerator has no memory '{}' (it has: {}){}",
                                     formula.position, event, memory, fmt::join(names, ", "),
                                     suggestion(memory, names)));
    }
}

double EnergyTable::cost(Event event, const EventAttributes& attributes) const {
    return evaluated(event_name(event, attributes.memories), formula_of(event, attributes.memories), attributes,
                     capacity_of(event, attributes));
}

double EnergyTable::evaluated(const std::string& event, const Formula& formula, const EventAttributes& attributes,
                              std::optional<std::int64_t> capacity) const {
    const auto refuse = [&](const std::string& problem) {
        throw InputError(
            fmt::format("{}: events.{}: formula '{}': {}", formula.position, event, formula.text, problem));
    };
    double value = 0.0;
    try {
        value = evaluate(formula.text, attributes, capacity, sram_points_);
    } catch (const mu::ParserError& error) {
        refuse(explain(error));
    }
    if (!std::isfinite(value) || value < 0.0 || value > Energy::kMostCost) {
        refuse(
            fmt::format("gives {} for activation_bits={}, weight_bits={}, accumulator_bits={}, requant_bits={}, "
                        "multiplier_bits={}, capacity={} (allowed: 0 to 1e9)",
                        value, attributes.activation_bits, attributes.weight_bits, attributes.accumulator_bits,
                        attributes.requant_bits, attributes.multiplier_bits, capacity.value_or(0)));
    }
    return value;
}

EventCosts EnergyTable::costs(const EventAttributes& attributes) const {
    check_memories(attributes.memories);
    EventCosts costs{};
    for (const Event event : all_events()) costs[static_cast<std::size_t>(event)] = cost(event, attributes);
    return costs;
}

Energy sum(const ComponentEnergies& parts) {
    Energy total;
    for (const Energy& part : parts) total += part;
    return total;
}

ComponentEnergies energy_by_component(const EventCounts& counts, const EventCosts& costs) {
    ComponentEnergies energy{};
    for (const Event event : all_events()) {
        const auto index = static_cast<std::size_t>(event);
        energy[static_cast<std::size_t>(event_infos()[index].component)] += Energy(counts[event], costs[index]);
    }
    return energy;
}

}  // namespace widthwise
