// SPDX-License-Identifier: Apache-2.0
#include "explore/width_costs.h"

#include "results/run_report.h"
#include "schedule/schedule_model.h"

namespace widthwise {
namespace {

/// Every product left out that zero gating can leave out.
EventCounts all_gated(EventCounts counts) {
    const std::uint64_t products = counts[Event::mac_multiply];
    counts[Event::mac_gated] = products;
    for (const Event event : {Event::mac_multiply, Event::mac_add, Event::accumulator_write}) counts[event] -= products;
    return counts;
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
    for (int bits = from; bits <= to; ++bits) {
        const HardwareParams narrowed = with_width(hardware, bits);
        const Schedule schedule = compile(network, narrowed, narrowed.batch);
        const ValuePath uniform = variants_.add(schedule);
        if (bits == from) {
            fixed_path_ = uniform;
            ValueOutcome nothing;
            nothing.images = static_cast<std::uint64_t>(images);
            nothing.layers.resize(schedule.layers.size());
            const int left = images % narrowed.batch;
            const RunRecord rest = left == 0 ? RunRecord{} : model_schedule(compile(network, narrowed, left));
            const RunRecord record = full_record(nothing, model_schedule(schedule), rest, narrowed.batch);
            RunSetup setup;
            setup.network = &network;
            setup.schedule = &schedule;
            setup.table = &table;
            for (const Phase& phase : RunReport(setup, {record, {}}).phases) {
                if (!phase.has_accumulators()) {
                    fixed_ += phase.total_energy();
                    continue;
                }
                layers_.push_back({phase.layer->name, static_cast<std::size_t>(phase.layer->index), {}});
                counts_.push_back(phase.record.events);
            }
            prices_.resize(layers_.size());
        }
        for (std::size_t l = 0; l < layers_.size(); ++l) {
            const LayerSchedule& layer = schedule.layers[layers_[l].index];
            const EventCosts prices = table.costs(layer.attributes);
            const Energy energy = sum(energy_by_component(counts_[l], prices));
            const Energy gated = gated_ ? sum(energy_by_component(all_gated(counts_[l]), prices)) : energy;
            layers_[l].options.push_back({bits, uniform[layers_[l].index], energy, gated});
            prices_[l].push_back(prices);
        }
    }
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
        EventCounts counts = counts_[l];
        const std::uint64_t gated = values[layers_[l].index].events[Event::mac_gated];
        counts[Event::mac_gated] += gated;
        for (const Event event : {Event::mac_multiply, Event::mac_add, Event::accumulator_write})
            counts[event] -= gated;
        total += sum(energy_by_component(counts, prices_[l][option]));
    }
    return total;
}

}  // namespace widthwise
