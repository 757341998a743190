// SPDX-License-Identifier: Apache-2.0
#include "energy/energy_table.h"

#include <fmt/format.h>
#include <muParser.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "common/error.h"
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

/// Bytes of the buffer that an event belongs to, if it belongs to one.
std::optional<std::int64_t> capacity_of(Event event, const EventAttributes& attributes) {
    switch (event) {
        case Event::line_buffer_read:
        case Event::line_buffer_write: return attributes.line_buffer_bytes;
        case Event::activation_buffer_read:
        case Event::activation_buffer_write: return attributes.activation_buffer_bytes;
        case Event::weight_buffer_read:
        case Event::weight_buffer_write: return attributes.weight_buffer_bytes;
        default: return std::nullopt;
    }
}

double evaluate(const std::string& formula, Event event, const EventAttributes& attributes,
                const std::vector<SramPoint>& points) {
    mu::Parser parser;
    // Constants rather than variables: a formula cannot assign to them.
    parser.DefineConst("activation_bits", attributes.activation_bits);
    parser.DefineConst("weight_bits", attributes.weight_bits);
    parser.DefineConst("accumulator_bits", attributes.accumulator_bits);
    parser.DefineConst("requant_bits", attributes.requant_bits);
    parser.DefineConst("multiplier_bits", attributes.multiplier_bits);
    parser.DefineConst("bytes", 1.0);
    const std::optional<std::int64_t> capacity = capacity_of(event, attributes);
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

Event event_of(const YamlEntry& entry) {
    std::vector<std::string> names;
    for (const Event event : all_events()) {
        const std::string_view name = event_infos()[static_cast<std::size_t>(event)].name;
        if (entry.name == name) return event;
        names.emplace_back(name);
    }
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
    table.positions_.fill(table.path_);
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
        const auto index = static_cast<std::size_t>(event_of(entry));
        table.formulas_[index] = entry.value.text();
        if (table.formulas_[index].size() > kLongestFormula) {
            entry.value.fail(fmt::format("the formula has {} characters (allowed: up to {})",
                                         table.formulas_[index].size(), kLongestFormula));
        }
        table.positions_[index] = entry.value.position();
    }
    EventAttributes typical;
    typical.line_buffer_bytes = typical.activation_buffer_bytes = typical.weight_buffer_bytes = 8192;
    static_cast<void>(table.costs(typical));  // refuses bad formulas now rather than after a simulation
    return table;
}

double EnergyTable::cost(Event event, const EventAttributes& attributes) const {
    const auto index = static_cast<std::size_t>(event);
    const auto refuse = [&](const std::string& problem) {
        throw InputError(fmt::format("{}: events.{}: formula '{}': {}", positions_[index], event_infos()[index].name,
                                     formulas_[index], problem));
    };
    double value = 0.0;
    try {
        value = evaluate(formulas_[index], event, attributes, sram_points_);
    } catch (const mu::ParserError& error) {
        refuse(explain(error));
    }
    if (!std::isfinite(value) || value < 0.0 || value > Energy::kMostCost) {
        refuse(fmt::format(
            "gives {} for activation_bits={}, weight_bits={}, accumulator_bits={}, requant_bits={}, "
            "multiplier_bits={}, capacity={} (allowed: 0 to 1e9)",
            value, attributes.activation_bits, attributes.weight_bits, attributes.accumulator_bits,
            attributes.requant_bits, attributes.multiplier_bits, capacity_of(event, attributes).value_or(0)));
    }
    return value;
}

EventCosts EnergyTable::costs(const EventAttributes& attributes) const {
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
