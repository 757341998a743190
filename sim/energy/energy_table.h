// SPDX-License-Identifier: Apache-2.0
// Energy per event, from a YAML table of formulas (muParser syntax).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "energy/energy.h"
#include "record/events.h"

namespace widthwise {

/// Energy of one count of each event, in the table's unit.
using EventCosts = std::array<double, kEventCount>;

/// Capacity in bytes, energy of one 64-bit access.
using SramPoint = std::pair<double, double>;

/// A table file: name, unit ("pJ" or "relative"), process node, source, notes, one formula per event.
/// Formula variables, all of them numbers:
///   activation_bits   operand width of the multiplier on the activation side, 2..8
///   weight_bits       operand width on the weight side, 2..8
///   accumulator_bits  width of the layer's accumulator, 2..48
///   requant_bits      operand width of the requantization multiplier on the side of the sum
///   multiplier_bits   and on the side of the rescale factor, 2..32
///   bytes             1: what one count of a byte-counted event moves
///   capacity          bytes of the on-chip memory that the event belongs to
/// The events of memories carry their names; a table prices them under this name or the usual one. Where it has neither
/// for an on-chip memory, and has points for sram(), they cost sram(capacity) / 8 a byte. All else that a table does not
/// list costs nothing.
/// Function sram(capacity) interpolates the table's `sram_read_64bit` points (energy per 64-bit access) linearly in
/// log2(capacity), clamped at both ends. muParser's operators and functions (min, max, log2, ?:, ...) are there too.
class EnergyTable {
public:
    /// A table without a name in which everything is free.
    EnergyTable() = default;

    /// `name_or_path`: a shipped table ("course") looked up as configs/energy/NAME.yaml below `data_root`, or a path to
    /// a YAML file (anything that ends in .yaml or .yml). Every formula is tried once, with default attributes and
    /// 8 KiB buffers. Throws InputError with file, line, column, key, value.
    static EnergyTable load(const std::string& name_or_path, const std::string& data_root);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& unit() const { return unit_; }
    [[nodiscard]] const std::string& node() const { return node_; }
    [[nodiscard]] const std::string& source() const { return source_; }
    [[nodiscard]] const std::string& notes() const { return notes_; }  ///< may be empty
    [[nodiscard]] const std::string& path() const { return path_; }    ///< the file it came from
    /// What an event of memories with their usual names costs.
    [[nodiscard]] const std::string& formula(Event event) const { return formula_of(event, {}).text; }

    /// Throws InputError naming file, event and formula when one gives no energy of 0..Energy::kMostCost, or when the
    /// table prices a memory that `attributes` do not have. Parses the formulas anew, about a millisecond: call it per
    /// layer, not per image. Safe to call from several threads.
    [[nodiscard]] EventCosts costs(const EventAttributes& attributes) const;

private:
    struct Formula {
        std::string text;
        std::string position;  ///< "file:line:column", for messages
    };
    /// A memory that the table does not list by its name costs what it says of the usual name. What it does not list at
    /// all costs 0, but on-chip memories an SRAM's access.
    [[nodiscard]] const Formula& formula_of(Event event, const MemoryList& memories) const;
    void try_formulas() const;
    void check_memories(const MemoryList& memories) const;
    [[nodiscard]] double cost(Event event, const EventAttributes& attributes) const;
    [[nodiscard]] double evaluated(const std::string& event, const Formula& formula, const EventAttributes& attributes,
                                   std::optional<std::int64_t> capacity) const;

    std::string name_, unit_, node_, source_, notes_, path_;
    std::map<std::string, Formula> formulas_;  ///< by the event's name, or that of an event of a memory named otherwise
    Formula free_{"0", ""};
    Formula sram_access_{"sram(capacity) / 8", ""};
    std::vector<SramPoint> sram_points_;
};

/// Names of the tables in configs/energy below `data_root`, sorted.
std::vector<std::string> shipped_energy_tables(const std::string& data_root);

/// Energy by component.
using ComponentEnergies = std::array<Energy, kComponentCount>;
Energy sum(const ComponentEnergies& parts);

/// Energy of `counts`: the sum of that of each event.
ComponentEnergies energy_by_component(const EventCounts& counts, const EventCosts& costs);

}  // namespace widthwise
