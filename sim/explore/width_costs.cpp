// SPDX-License-Identifier: Apache-2.0
#include "explore/width_costs.h"

#include "schedule/compile.h"
#include "schedule/schedule_model.h"
#include "text/letter_case.h"

namespace widthwise {
namespace {

/// Every product left out that zero gating can leave out.
EventCounts all_gated(EventCounts counts) {
    const std::uint64_t products = counts[Event::mac_multiply];
    counts[Event::mac_gated] = products;
    for (const Event event : {Event::mac_multiply, Event::mac_add, Event::accumulator_write}) counts[event] -= products;
    return counts;
}

/// Load, layers and store over all images, nothing gated. Of the phases' layers only while `schedule` lives.
std::vector<Phase> phases_of(const Network& network, const Schedule& schedule, const EnergyTable& table, int images) {
    ValueOutcome nothing;
    nothing.images = static_cast<std::uint64_t>(images);
    nothing.layers.resize(schedule.layers.size());
    const int batch = schedule.images;
    const int left = images % batch;
    const RunRecord rest = left == 0 ? RunRecord{} : model_schedule(compile(network, schedule.hardware, left));
    const RunRecord record = full_record(nothing, model_schedule(schedule), rest, batch);
    RunSetup setup;
    setup.network = &network;
    setup.schedule = &schedule;
    setup.table = &table;
    return RunReport(setup, {record, {}}).phases;
}

/// Of all phases but a layer and the store.
Energy energy_around(const std::vector<Phase>& phases, std::size_t layer) {
    Energy energy;
    for (std::size_t p = 0; p + 1 < phases.size(); ++p) {
        if (p != layer + 1) energy += phases[p].total_energy();
    }
    return energy;
}

HardwareParams with_width(HardwareParams hardware, int bits) {
    hardware.accumulator.format.bits = bits;
    hardware.accumulator.layer_bits.clear();
    return hardware;
}

}  // namespace

WidthCosts::WidthCosts(const Network& network, const HardwareParams& hardware, const EnergyTable& table, int from,
                       int to, int images)
    : gated_(hardware.array.zero_gating) {
    // Counts are the same for all widths, but for those of sums that leave: the width decides how many bytes they take.
    const bool sums_leave = network.operators.back().sums_leave;
    std::vector<Phase> phases;
    for (int bits = from; bits <= to; ++bits) {
        const HardwareParams narrowed = with_width(hardware, bits);
        const Schedule schedule = compile(network, narrowed, narrowed.batch);
        const ValuePath uniform = variants_.add(schedule);
        if (bits == from) {
            phases = phases_of(network, schedule, table, images);
            fixed_path_ = uniform;
            begin_layers(phases, sums_leave);
        }
        for (std::size_t l = 0; l < layers_.size(); ++l) {
            const std::size_t index = layers_[l].index;
            const EventCosts prices = table.costs(schedule.layers[index].attributes);
            EventCounts counts = phases[index + 1].record.events;  // behind the load
            Energy store;
            if (schedule.layers[index].sums_leave()) {
                // The others stay as wide as they were in `phases`.
                HardwareParams last = with_width(hardware, from);
                last.accumulator.layer_bits[lower_case(layers_[l].name)] = bits;
                const Schedule with_last = compile(network, last, last.batch);
                const std::vector<Phase> of_last = phases_of(network, with_last, table, images);
                counts = of_last[index + 1].record.events;
                // Their strips may be others, for the room that is left.
                store = of_last.back().total_energy() + (energy_around(of_last, index) - energy_around(phases, index));
            }
            const Energy energy = sum(energy_by_component(counts, prices)) + store;
            const Energy gated = gated_ ? sum(energy_by_component(all_gated(counts), prices)) + store : energy;
            layers_[l].options.push_back({bits, uniform[index], energy, gated});
            costs_[l].push_back({prices, counts, store});
        }
    }
}

void WidthCosts::begin_layers(const std::vector<Phase>& phases, bool sums_leave) {
    for (const Phase& phase : phases) {
        if (phase.has_accumulators()) {
            layers_.push_back({phase.layer->name, static_cast<std::size_t>(phase.layer->index), {}});
        } else if (!sums_leave || &phase != &phases.back()) {
            fixed_ += phase.total_energy();
        }
    }
    costs_.resize(layers_.size());
}

ValuePath WidthCosts::path(const std::vector<int>& choice) const {
    ValuePath path = fixed_path_;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        path[layers_[l].index] = layers_[l].options[static_cast<std::size_t>(choice[l])].variant;
    }
    return path;
}

Energy WidthCosts::energy(const std::vector<int>& choice, const std::vector<LayerRecord>& values) const {
    Energy total = fixed_;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        const auto option = static_cast<std::size_t>(choice[l]);
        if (!gated_) {
            total += layers_[l].options[option].energy;
            continue;
        }
        const OptionCosts& costs = costs_[l][option];
        EventCounts counts = costs.counts;
        const std::uint64_t gated = values[layers_[l].index].events[Event::mac_gated];
        counts[Event::mac_gated] += gated;
        for (const Event event : {Event::mac_multiply, Event::mac_add, Event::accumulator_write})
            counts[event] -= gated;
        total += sum(energy_by_component(counts, costs.prices));
        total += costs.store;
    }
    return total;
}

}  // namespace widthwise
