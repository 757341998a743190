// SPDX-License-Identifier: Apache-2.0
#include "energy/energy_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using test::refusal;
using test::TemporaryFolder;

const std::string kRoot = WIDTHWISE_SOURCE_DIR;
const std::string kHead = "name: mine\nunit: pJ\nnode: 28 nm\nsource: a chip\n";  // lines 1 to 4

double cost(const EnergyTable& table, Event event, const EventAttributes& attributes = {}) {
    return table.costs(attributes)[static_cast<std::size_t>(event)];
}

EnergyTable loaded(const TemporaryFolder& folder, const std::string& text) {
    return EnergyTable::load(folder.write("mine.yaml", text), kRoot);
}

/// The refusal of a table, without the file's name: "line:column: ...".
std::string problem(const std::string& text) {
    const TemporaryFolder folder;
    const std::string message = refusal([&] { static_cast<void>(loaded(folder, text)); });
    const std::string file = folder.path() + "/mine.yaml:";
    EXPECT_TRUE(message.starts_with(file)) << message;
    return message.substr(std::min(file.size(), message.size()));
}

std::string formula_problem(const std::string& event, const std::string& formula) {
    return problem(kHead + "events:\n  " + event + ": \"" + formula + "\"\n");
}

TEST(EnergyTable, ReadsATableOfOnesOwn) {
    const TemporaryFolder folder;
    const EnergyTable table = loaded(folder, kHead + "notes: few\nevents:\n  mac.add: 0.5 * accumulator_bits\n");
    EXPECT_EQ(table.name(), "mine");
    EXPECT_EQ(table.unit(), "pJ");
    EXPECT_EQ(table.node(), "28 nm");
    EXPECT_EQ(table.source(), "a chip");
    EXPECT_EQ(table.notes(), "few");
    EXPECT_EQ(table.path(), folder.path() + "/mine.yaml");
    EXPECT_EQ(table.formula(Event::mac_add), "0.5 * accumulator_bits");
    EventAttributes attributes;
    attributes.accumulator_bits = 18;
    EXPECT_EQ(cost(table, Event::mac_add, attributes), 9.0);
    EXPECT_EQ(table.formula(Event::mac_multiply), "0") << "events that are not listed are free";
    EXPECT_EQ(cost(table, Event::mac_multiply, attributes), 0.0);
}

TEST(EnergyTable, KnowsEveryVariable) {
    const TemporaryFolder folder;
    const EnergyTable table = loaded(folder, kHead + R"(events:
  mac.multiply: activation_bits + 10 * weight_bits + 100 * accumulator_bits
  requant.multiply: requant_bits + 100 * multiplier_bits
  dram.read: 7 * bytes
  line_buffer.read: capacity
  activation_buffer.write: capacity
  weight_buffer.read: capacity
)");
    EventAttributes attributes{3, 4, 5, 6, 7, {}};
    attributes.memories[MemoryRole::lines].bytes = 1000;
    attributes.memories[MemoryRole::activations].bytes = 2000;
    attributes.memories[MemoryRole::weights].bytes = 3000;
    EXPECT_EQ(cost(table, Event::mac_multiply, attributes), 543.0);
    EXPECT_EQ(cost(table, Event::requant_multiply, attributes), 706.0);
    EXPECT_EQ(cost(table, Event::dram_read, attributes), 7.0);
    EXPECT_EQ(cost(table, Event::line_buffer_read, attributes), 1000.0);
    EXPECT_EQ(cost(table, Event::activation_buffer_write, attributes), 2000.0);
    EXPECT_EQ(cost(table, Event::weight_buffer_read, attributes), 3000.0);
}

TEST(EnergyTable, InterpolatesSramInTheLogarithmOfTheCapacity) {
    const TemporaryFolder folder;
    const EnergyTable table = loaded(folder, kHead +
                                                 "sram_read_64bit: [[8192, 10], [32768, 20], [1048576, 100]]\n"
                                                 "events: {line_buffer.read: sram(capacity)}\n");
    const auto at = [&](std::int64_t capacity) {
        EventAttributes attributes;
        attributes.memories[MemoryRole::lines].bytes = capacity;
        return cost(table, Event::line_buffer_read, attributes);
    };
    EXPECT_EQ(at(8192), 10.0);
    EXPECT_EQ(at(32768), 20.0);
    EXPECT_EQ(at(1048576), 100.0);
    EXPECT_DOUBLE_EQ(at(16384), 15.0);
    EXPECT_DOUBLE_EQ(at(65536), 36.0);
    EXPECT_EQ(at(0), 10.0);
    EXPECT_EQ(at(1), 10.0);
    EXPECT_EQ(at(std::int64_t{1} << 30), 100.0);
}

TEST(EnergyTable, IsFreeWithoutAFile) {
    for (const double energy : EnergyTable().costs({})) EXPECT_EQ(energy, 0.0);
}

TEST(EnergyTable, RefusesUnknownTables) {
    EXPECT_EQ(shipped_energy_tables(kRoot),
              (std::vector<std::string>{"aladdin-40nm", "course", "horowitz-45nm", "jouppi-7nm"}));
    EXPECT_EQ(refusal([] { static_cast<void>(EnergyTable::load("horowitz-45", kRoot)); }),
              "energy table 'horowitz-45' is unknown (shipped in " + kRoot +
                  "/configs/energy: aladdin-40nm, course, horowitz-45nm, jouppi-7nm; or the path of a .yaml file), "
                  "did you mean 'horowitz-45nm'?");
    EXPECT_EQ(refusal([] { static_cast<void>(EnergyTable::load("no/such.yaml", kRoot)); }),
              "no/such.yaml: cannot be read (No such file or directory)");
}

TEST(EnergyTable, RefusesUnknownEvents) {
    const std::string message = problem(kHead + "events:\n  mac.multiply: 1\n  mac.ad: 2\n");
    EXPECT_TRUE(message.starts_with("7:3: events.mac.ad: unknown event 'mac.ad' (allowed: mac.multiply, ")) << message;
    EXPECT_TRUE(message.ends_with(", did you mean 'mac.add'?")) << message;
    EXPECT_EQ(problem(kHead + "events: {clock: 1, clock: 2}\n"), "5:20: events.clock: the key 'clock' is given twice");
}

TEST(EnergyTable, RefusesMissingAndWrongKeys) {
    EXPECT_EQ(problem("name: mine\nunit: pJ\nnode: 28 nm\nevents: {}\n"), "1:1: the required key 'source' is missing");
    EXPECT_EQ(problem(kHead), "1:1: the required key 'events' is missing");
    EXPECT_EQ(problem("name: mine\nunit: nJ\n"),
              "2:7: unit: 'nJ' is not one of the allowed words (allowed: pJ, relative), did you mean 'pJ'?");
    EXPECT_EQ(problem(kHead + "event: {}\n"),
              "5:1: event: unknown key 'event' (allowed: events, name, node, notes, source, sram_read_64bit, unit), "
              "did you mean 'events'?");
    EXPECT_EQ(problem("name: ''\n"), "1:7: name: expects text, got an empty one");
    EXPECT_EQ(problem(kHead + "events: [1]\n"), "5:9: events: expects a map of keys and values, got a list");
    EXPECT_EQ(problem(kHead + "events: {clock: [1]}\n"), "5:17: events.clock: expects text, got a list");
}

TEST(EnergyTable, RefusesBadSramPoints) {
    const auto points = [](const std::string& list) { return problem(kHead + "sram_read_64bit: " + list + "\n"); };
    EXPECT_EQ(points("[]"), "5:18: sram_read_64bit: the list is empty (allowed: one point or more)");
    EXPECT_EQ(points("[[8192]]"),
              "5:19: sram_read_64bit[0]: has 1 entries (allowed: [capacity in bytes, energy per 64-bit access])");
    EXPECT_EQ(points("[[8192, 10], [8192, 20]]"),
              "5:32: sram_read_64bit[1][0]: 8192 does not exceed the capacity before it "
              "(allowed: ascending capacities)");
    EXPECT_EQ(points("[[8192, -1]]"), "5:26: sram_read_64bit[0][1]: -1 is out of range (allowed: 0..1000000000)");
    EXPECT_EQ(points("[[0, 1]]"), "5:20: sram_read_64bit[0][0]: 0 is out of range (allowed: 1..1000000000000)");
}

TEST(EnergyTable, RefusesFormulasThatDoNotParse) {
    EXPECT_EQ(formula_problem("mac.add", "2 * bits"),
              "6:12: events.mac.add: formula '2 * bits': unknown name 'bits' (known: activation_bits, weight_bits, "
              "accumulator_bits, requant_bits, multiplier_bits, bytes, and capacity for buffers)");
    EXPECT_TRUE(formula_problem("dram.read", "capacity")
                    .starts_with("6:14: events.dram.read: formula 'capacity': unknown name 'capacity' "));
    for (const std::string bad : {"2 *", "(1", "1 +* 2", "", "min(", "1 2", "bytes = 4"}) {
        const std::string message = formula_problem("mac.add", bad);
        EXPECT_TRUE(message.starts_with("6:12: events.mac.add: formula '" + bad + "': ")) << message;
    }
    EXPECT_EQ(formula_problem("mac.add", "1, 2"),
              "6:12: events.mac.add: formula '1, 2': holds several expressions (allowed: one)");
    EXPECT_EQ(formula_problem("line_buffer.read", "sram(capacity)"),
              "6:21: events.line_buffer.read: formula 'sram(capacity)': "
              "sram() needs the table's sram_read_64bit points");
}

TEST(EnergyTable, RefusesFormulasLongerThanAThousandCharacters) {
    std::string formula = "1";
    while (formula.size() < 999) formula += "+1";
    EXPECT_EQ(formula.size(), 999U);
    const std::string parentheses = std::string(499, '(') + "1" + std::string(499, ')');
    for (const std::string& fine : {formula + " ", parentheses}) {
        const test::TemporaryFolder folder;
        const std::string path = folder.write("mine.yaml", kHead + "events: {mac.add: \"" + fine + "\"}\n");
        EXPECT_EQ(EnergyTable::load(path, kRoot).name(), "mine");
    }
    EXPECT_EQ(problem(kHead + "events:\n  mac.add: " + formula + "+1\n"),
              "6:12: events.mac.add: the formula has 1001 characters (allowed: up to 1000)");
}

TEST(EnergyTable, RefusesNegativeAndNonFiniteEnergies) {
    const std::string tail =
        " for activation_bits=8, weight_bits=8, accumulator_bits=32, requant_bits=32, "
        "multiplier_bits=16, capacity=0 (allowed: 0 to 1e9)";
    EXPECT_EQ(formula_problem("mac.add", "-1"), "6:12: events.mac.add: formula '-1': gives -1" + tail);
    EXPECT_EQ(formula_problem("mac.add", "1 / 0"), "6:12: events.mac.add: formula '1 / 0': gives inf" + tail);
    const std::string nan = formula_problem("mac.add", "sqrt(-1)");
    EXPECT_NE(nan.find("nan" + tail), std::string::npos) << nan;
}

TEST(EnergyTable, RefusesEnergiesThatTurnNegativeAtOtherWidths) {
    const TemporaryFolder folder;
    const EnergyTable table = loaded(folder, kHead + "events: {mac.add: accumulator_bits - 20}\n");
    EXPECT_EQ(cost(table, Event::mac_add), 12.0);
    EventAttributes narrow;
    narrow.accumulator_bits = 18;
    const std::string message = refusal([&] { static_cast<void>(table.costs(narrow)); });
    EXPECT_TRUE(message.starts_with(folder.path() +
                                    "/mine.yaml:5:19: events.mac.add: formula 'accumulator_bits - 20': gives -2 for "))
        << message;
}

/// Of a memory with a name of its own.
EventAttributes with_memory(MemoryRole role, const std::string& name, std::int64_t bytes) {
    EventAttributes attributes;
    attributes.memories[role] = {name, bytes};
    return attributes;
}

TEST(EnergyTable, PricesMemoriesByTheirNames) {
    const TemporaryFolder folder;
    const EnergyTable table =
        loaded(folder, kHead +
                           "sram_read_64bit: [[1024, 8], [4096, 24]]\nevents:\n  glb.read: 3\n  glb.write: capacity\n"
                           "  activation_buffer.read: 4\n  dram.read: 5\n");
    const EventAttributes glb = with_memory(MemoryRole::activations, "glb", 7);
    EXPECT_EQ(cost(table, Event::activation_buffer_read, glb), 3.0);
    EXPECT_EQ(cost(table, Event::activation_buffer_write, glb), 7.0);
    EXPECT_EQ(refusal([&] { static_cast<void>(table.costs({})); }),
              folder.path() +
                  "/mine.yaml:7:13: events.glb.read: the accelerator has no memory 'glb' (it has: line_buffer, "
                  "activation_buffer, weight_buffer, dram)");
}

TEST(EnergyTable, OfMemoriesThatItDoesNotListHasTheAccess) {
    const TemporaryFolder folder;
    const std::string events = "events:\n  activation_buffer.read: 4\n  dram.read: 5\n";
    const EnergyTable table = loaded(folder, kHead + "sram_read_64bit: [[1024, 8], [4096, 24]]\n" + events);
    const EventAttributes glb = with_memory(MemoryRole::activations, "glb", 2048);
    EXPECT_EQ(cost(table, Event::activation_buffer_read, glb), 4.0) << "as the usual name";
    EXPECT_EQ(cost(table, Event::activation_buffer_write, glb), 2.0) << "16 / 8";
    const EventAttributes usual = with_memory(MemoryRole::activations, "activation_buffer", 2048);
    EXPECT_EQ(cost(table, Event::activation_buffer_read, usual), 4.0);
    EXPECT_EQ(cost(table, Event::activation_buffer_write, usual), 2.0);
    EXPECT_EQ(cost(table, Event::dram_read, with_memory(MemoryRole::dram, "ddr", 0)), 5.0) << "as dram";
    EXPECT_EQ(cost(table, Event::dram_write, with_memory(MemoryRole::dram, "ddr", 0)), 0.0);
    const EnergyTable without_points = loaded(folder, kHead + events);
    EXPECT_EQ(cost(without_points, Event::activation_buffer_read, glb), 4.0);
    EXPECT_EQ(cost(without_points, Event::activation_buffer_write, glb), 0.0);
}

TEST(EnergyTable, RefusesEventsThatNoMemoryCanHave) {
    EXPECT_TRUE(problem(kHead + "events:\n  Glb.read: 3\n").starts_with("6:3: events.Glb.read: unknown event"));
    EXPECT_TRUE(problem(kHead + "events:\n  mac.read: 3\n").starts_with("6:3: events.mac.read: unknown event"));
    EXPECT_TRUE(problem(kHead + "events:\n  glb.reads: 3\n").starts_with("6:3: events.glb.reads: unknown event"));
    EXPECT_TRUE(problem(kHead + "events:\n  glb.read: 3 +\n").starts_with("6:13: events.glb.read: formula '3 +': "));
}

}  // namespace
}  // namespace widthwise
