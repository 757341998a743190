// SPDX-License-Identifier: Apache-2.0
// A run in which every count differs from every other, and what its results must say, worked out from the definitions.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "kit/network_builder.h"
#include "kit/temporary_files.h"
#include "results/fields.h"
#include "results/made_up_setup.h"
#include "results/run_report.h"
#include "schedule/compile.h"

namespace widthwise::test {

/// Every event with its unit and component, in the order of the files. In the table of the made-up run, event number i
/// costs (i + 1) / 10, so that sums in floating point would show noise.
struct ListedEvent {
    const char* name;
    const char* unit;
    const char* component;
};
inline constexpr ListedEvent kListedEvents[] = {
    {"mac.multiply", "operations", "multiply"},
    {"mac.gated", "operations", "multiply"},
    {"mac.add", "operations", "add"},
    {"accumulator.write", "operations", "registers"},
    {"bias.add", "operations", "add"},
    {"address.multiply", "operations", "control"},
    {"address.add", "operations", "control"},
    {"line_buffer.read", "bytes", "buffers"},
    {"line_buffer.write", "bytes", "buffers"},
    {"activation_buffer.read", "bytes", "buffers"},
    {"activation_buffer.write", "bytes", "buffers"},
    {"weight_buffer.read", "bytes", "buffers"},
    {"weight_buffer.write", "bytes", "buffers"},
    {"weight.subtract", "operations", "add"},
    {"requant.multiply", "operations", "requant"},
    {"requant.shift", "operations", "requant"},
    {"requant.plain_shift", "operations", "requant"},
    {"requant.divide", "operations", "requant"},
    {"requant.float_multiply", "operations", "requant"},
    {"requant.add", "operations", "requant"},
    {"pool.compare", "operations", "pool"},
    {"pool.add", "operations", "pool"},
    {"pool.float_multiply", "operations", "pool"},
    {"pool.float_add", "operations", "pool"},
    {"pool.float_divide", "operations", "pool"},
    {"residual.multiply", "operations", "requant"},
    {"residual.shift", "operations", "requant"},
    {"residual.add", "operations", "requant"},
    {"residual.float_multiply", "operations", "requant"},
    {"residual.float_add", "operations", "requant"},
    {"dram.read", "bytes", "dram"},
    {"dram.write", "bytes", "dram"},
    {"pe.idle", "cycles", "control"},
    {"clock", "cycles", "control"},
};
inline constexpr const char* kListedComponents[] = {"multiply", "add",  "registers", "buffers",
                                                    "requant",  "pool", "dram",      "control"};
inline constexpr const char* kListedStalls[] = {"skew",          "drain", "dram",       "weights",
                                                "port_conflict", "fill",  "activations"};
inline constexpr int kListedStallCount = static_cast<int>(std::size(kListedStalls));

/// Phases in the order of layers.csv: set-up, load, c1 with its pool, a1, f1, store.
inline constexpr int kPhases = 6;
inline const std::vector<std::string> kPhaseNames = {"set-up", "load", "c1", "a1", "f1", "store"};
inline const std::vector<std::string> kPhaseKinds = {
    "set-up", "load", "convolution + max pool", "average pool", "fully connected", "store"};

/// c1 on 18 taps and f1 on 3, each with the psums that were seen. a1 has no accumulators.
struct FieldRun {
    /// Costs and counts are multiplied by these.
    explicit FieldRun(std::uint64_t count_factor = 1, const std::string& unit = "pJ", int narrow = 0)
        : factor(count_factor), table_unit(unit), bits{12 - narrow, 20 - narrow} {
        std::string text = "name: tenths\nunit: " + unit + "\nnode: 28 nm\nsource: made up\nevents:\n";
        int tenths = 0;
        for (const ListedEvent& event : kListedEvents) {
            text += fmt::format("  {}: {} / 10\n", event.name, ++tenths);
        }
        table = EnergyTable::load(folder.write("tenths.yaml", text), "");
        NetworkBuilder builder({2, 6, 6}, {false, 8, 0, 0.01F});
        builder.convolution("c1", 3, square_window(3)).pool("p1", OperatorKind::max_pool, square_window(2, 2));
        builder.pool("a1", OperatorKind::average_pool, square_window(2)).fully_connected("f1", 4);
        network = builder.network();
        network.path = "made/up.onnx";
        network.digest = "00aa";
        config.hardware.name = "tiny";
        config.hardware.clock_mhz = 250;
        config.hardware.array.rows = 2;
        config.hardware.array.columns = 3;
        config.hardware.accumulator.format.bits = bits[0];
        config.hardware.accumulator.layer_bits = {{"f1", bits[1]}};
        schedule = compile(network, config.hardware, 1);
    }
    FieldRun(const FieldRun&) = delete;
    FieldRun& operator=(const FieldRun&) = delete;

    // What was counted.
    [[nodiscard]] std::uint64_t events(int phase, int event) const {
        return factor * static_cast<std::uint64_t>(1000 * (phase + 1) + 10 * event + 7);
    }
    [[nodiscard]] static std::uint64_t cycles(int phase) { return 100000ULL + 1111ULL * phase; }
    [[nodiscard]] static std::uint64_t compute(int phase) { return 50000ULL + 777ULL * phase; }
    [[nodiscard]] static std::uint64_t stall(int phase, int cause) { return 100ULL * (phase + 1) + 11ULL * cause + 3; }
    [[nodiscard]] static std::vector<std::int64_t> psums(int phase) {
        return phase == 2 ? std::vector<std::int64_t>{-7, 1, 4, 10}
                          : std::vector<std::int64_t>{1000001, 1000002, 1000004};
    }
    [[nodiscard]] static OverflowCounts overflow(int phase) {
        const auto p = static_cast<std::uint64_t>(phase);
        return {1000 + p, 50 + 2 * p, 20 + 3 * p, 5 + 7 * p};
    }
    static constexpr double kImages = 4;

    [[nodiscard]] LayerRecord record(int phase) const {
        LayerRecord record;
        record.cycles.total = cycles(phase);
        record.cycles.compute = compute(phase);
        for (int s = 0; s < kListedStallCount; ++s) record.cycles[static_cast<Stall>(s)] = stall(phase, s);
        for (std::size_t e = 0; e < kEventCount; ++e) {
            record.events[static_cast<Event>(e)] = events(phase, static_cast<int>(e));
        }
        if (phase == 2 || phase == 4) {
            record.overflow = overflow(phase);
            for (const std::int64_t psum : psums(phase)) record.psums.add(psum);
        }
        return record;
    }

    [[nodiscard]] RunReport report() const {
        RunSetup setup = made_up_setup(config, network, schedule, table);
        setup.command = "widthwise run tiny.yaml --images 10:14";
        setup.engine = "fast";
        setup.energy_table = {"tenths", "33"};
        RunOutcome outcome;
        outcome.record.images = 4;
        outcome.record.setup = record(0);
        outcome.record.load = record(1);
        for (int layer = 0; layer < 3; ++layer) outcome.record.layers.push_back(record(2 + layer));
        outcome.record.store = record(5);
        outcome.record.histograms.resize(3);
        for (const int phase : {2, 4}) {
            for (const std::int64_t psum : psums(phase)) {
                outcome.record.histograms[static_cast<std::size_t>(phase - 2)].add(psum);
            }
        }
        outcome.predictions = {{10, 3, 3}, {11, 2, 1}, {12, -1, 1}, {13, 0, 0}};
        return {std::move(setup), std::move(outcome)};
    }

    // What follows. Energies in whole tenths of the table's unit.
    [[nodiscard]] std::uint64_t tenths(int phase, const std::string& component) const {
        std::uint64_t sum = 0;
        int event = 0;
        for (const ListedEvent& listed : kListedEvents) {
            const bool counts = component == "total" || component == listed.component;
            if (counts) sum += events(phase, event) * static_cast<std::uint64_t>(event + 1);
            ++event;
        }
        return sum;
    }
    /// Of load, layers and store.
    [[nodiscard]] std::uint64_t total_tenths(const std::string& component) const {
        std::uint64_t sum = 0;
        for (int phase = 1; phase < kPhases; ++phase) sum += tenths(phase, component);
        return sum;
    }
    /// Products, gated ones among them.
    [[nodiscard]] std::uint64_t macs(int phase) const { return events(phase, 0) + events(phase, 1); }
    static double mean(const std::vector<std::int64_t>& values) {
        double sum = 0;
        for (const std::int64_t value : values) sum += static_cast<double>(value);
        return sum / static_cast<double>(values.size());
    }
    static double deviation(const std::vector<std::int64_t>& values) {
        double squares = 0;
        for (const std::int64_t value : values) squares += std::pow(static_cast<double>(value) - mean(values), 2);
        return std::sqrt(squares / static_cast<double>(values.size()));
    }
    [[nodiscard]] int accumulator_bits(int phase) const { return phase == 2 ? bits[0] : bits[1]; }
    /// -7..10 and up to 1,000,004.
    static int bits_needed(int phase) { return phase == 2 ? 5 : 21; }
    /// Sums of 18 and of 3 products of 0..255 and -128..127: the least, 18 * 255 * -128 = -587520 and -97920.
    static int data_type_bits(int phase) { return phase == 2 ? 21 : 18; }
    /// The greatest magnitude of a sum of one channel's weights of one sign, times 255.
    [[nodiscard]] int l1_bits(int phase) const {
        const Weights& weights = network.operators[phase == 2 ? 0 : 3].weights;
        const int taps = phase == 2 ? 18 : 3;
        std::int64_t low = 0, high = 0;
        for (std::size_t first = 0; first < weights.values.size(); first += static_cast<std::size_t>(taps)) {
            std::int64_t negative = 0, positive = 0;
            for (int tap = 0; tap < taps; ++tap) {
                const int weight = weights.values[first + static_cast<std::size_t>(tap)];
                (weight < 0 ? negative : positive) += 255 * weight;
            }
            low = std::min(low, negative);
            high = std::max(high, positive);
        }
        int width = 1;
        while (low < -(std::int64_t{1} << (width - 1)) || high >= (std::int64_t{1} << (width - 1))) ++width;
        return width;
    }

    TemporaryFolder folder;
    std::uint64_t factor;
    std::string table_unit;
    int bits[2];
    RunConfig config;
    Network network;
    Schedule schedule;
    EnergyTable table;
};

}  // namespace widthwise::test
