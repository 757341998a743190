// SPDX-License-Identifier: Apache-2.0
#include "results/run_report.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "config/memory_rows.h"
#include "text/letter_case.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

constexpr const char* kSetUp = "set-up";
constexpr const char* kLoad = "load";
constexpr const char* kStore = "store";
constexpr const char* kTotal = "total";

EventAttributes phase_attributes(const HardwareParams& hardware) {
    EventAttributes attributes;  // bytes are moved, nothing is computed: only the capacities matter
    attributes.memories = memories_of(hardware);
    return attributes;
}

void price(Phase& phase, const EnergyTable& table, const EventAttributes& attributes) {
    phase.costs = table.costs(attributes);
    phase.energy = energy_by_component(phase.record.events, phase.costs);
}

Phase transfer_phase(const std::string& name, const LayerRecord& record, const RunSetup& run) {
    Phase phase;
    phase.name = name;
    phase.kind = name;
    phase.record = record;
    price(phase, *run.table, phase_attributes(run.schedule->hardware));
    return phase;
}

std::string layer_kind(const LayerSchedule& layer, const Network& network) {
    const auto kind = [&](int op) { return kind_name(network.operators[static_cast<std::size_t>(op)].kind); };
    std::string text;
    const auto add = [&](const auto& part) {
        if (part) text += (text.empty() ? "" : " + ") + kind(part->operator_index);
    };
    add(layer.computation);
    if (!layer.computation) add(layer.requantization);
    add(layer.addition);
    add(layer.pooling);
    return text;
}

}  // namespace

std::string layer_label(const std::string& name, const std::vector<std::string>& layers) {
    constexpr std::array<std::string_view, 5> kOtherRows = {kSetUp, "setup", kLoad, kStore, kTotal};
    if (std::find(kOtherRows.begin(), kOtherRows.end(), lower_case(name)) == kOtherRows.end()) return name;
    std::string label = name;
    do label += " (layer)";
    while (std::find(layers.begin(), layers.end(), label) != layers.end());
    return label;
}

std::string kind_name(OperatorKind kind) {
    switch (kind) {
        case OperatorKind::convolution: return "convolution";
        case OperatorKind::fully_connected: return "fully connected";
        case OperatorKind::max_pool: return "max pool";
        case OperatorKind::average_pool: return "average pool";
        case OperatorKind::addition: return "addition";
        case OperatorKind::requantization: return "requantization";
    }
    return "";
}

std::uint64_t Phase::macs() const { return record.events[Event::mac_multiply] + record.events[Event::mac_gated]; }

RunReport::RunReport(RunSetup run_setup, RunOutcome run_outcome)
    : run(std::move(run_setup)), outcome(std::move(run_outcome)) {
    const RunRecord& record = outcome.record;
    setup = transfer_phase(kSetUp, record.setup, run);
    phases.push_back(transfer_phase(kLoad, record.load, run));
    std::vector<std::string> names;
    for (const LayerSchedule& layer : run.schedule->layers) names.push_back(layer.name);
    for (std::size_t i = 0; i < run.schedule->layers.size(); ++i) {
        const LayerSchedule& layer = run.schedule->layers[i];
        Phase phase;
        phase.name = layer_label(layer.name, names);
        phase.kind = layer_kind(layer, *run.network);
        phase.layer = &layer;
        phase.record = record.layers[i];
        price(phase, *run.table, layer.attributes);
        if (phase.has_accumulators()) {
            const Operator& op = run.network->operators[static_cast<std::size_t>(layer.computation->operator_index)];
            phase.bounds = worst_case_accumulator_bits(*run.network, op);
        }
        phases.push_back(std::move(phase));
    }
    phases.push_back(transfer_phase(kStore, record.store, run));
    total.name = kTotal;
    total.kind = kTotal;
    for (const Phase& phase : phases) {
        total.record += phase.record;
        for (std::size_t c = 0; c < kComponentCount; ++c) total.energy[c] += phase.energy[c];
    }
    Accuracy counted;
    for (const Prediction& prediction : outcome.predictions) {
        if (prediction.label < 0) continue;
        ++counted.labelled;
        if (prediction.label == prediction.predicted) ++counted.correct;
    }
    if (counted.labelled > 0) accuracy = counted;
}

std::optional<double> RunReport::clocked_share() const {
    if (!outcome.clocked) return std::nullopt;
    return static_cast<double>(outcome.clocked->end - outcome.clocked->begin) /
           static_cast<double>(total.record.cycles.total);
}

int RunReport::processing_elements() const {
    return run.schedule->hardware.array.rows * run.schedule->hardware.array.columns;
}

double RunReport::utilisation(const Phase& phase) const {
    const double slots = static_cast<double>(phase.record.cycles.total) * processing_elements();
    return slots == 0 ? 0 : static_cast<double>(phase.macs()) / slots;
}

double RunReport::cycles_per_inference() const { return static_cast<double>(total.record.cycles.total) / images(); }

double RunReport::microseconds_per_inference() const {
    return cycles_per_inference() / run.schedule->hardware.clock_mhz;
}

std::optional<double> RunReport::average_power_mw() const {
    if (run.table->unit() != "pJ") return std::nullopt;
    return energy_per_inference() / microseconds_per_inference() / 1000;  // pJ/us = uW
}

}  // namespace widthwise
