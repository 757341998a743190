// SPDX-License-Identifier: Apache-2.0
#include "results/run_files.h"

#include "config/config_writer.h"
#include "config/memory_rows.h"
#include "results/csv.h"
#include "results/cut_layers.h"
#include "results/tables.h"
#include "schedule/utilisation.h"
#include "text/printable.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

Json cycles_json(const CycleCounts& cycles) {
    Json stalls;
    for (std::size_t i = 0; i < kStallCount; ++i) {
        stalls[std::string(stall_name(static_cast<Stall>(i)))] = cycles.stalls[i];
    }
    return {{"total", cycles.total}, {"compute", cycles.compute}, {"stalls", stalls}};
}

Json overflow_json(const OverflowCounts& overflow) {
    return {{"outputs", overflow.outputs},
            {"events", overflow.events},
            {"transient", overflow.transient},
            {"persistent", overflow.persistent}};
}

Json events_json(const EventCounts& events, const MemoryList& memories) {
    Json json;
    for (std::size_t i = 0; i < kEventCount; ++i) {
        const auto event = static_cast<Event>(i);
        json[event_name(event, memories)] = events[event];
    }
    return json;
}

/// Of shapes only the widths are known.
Json accumulator_json(const RunReport& report, const Phase& phase) {
    if (!phase.has_accumulators()) return nullptr;
    if (report.run.shapes_only) {
        return {{"bits", phase.layer->computation->accumulator.bits}, {"bits_data_type_bound", phase.bounds.data_type}};
    }
    const PsumStats& psums = phase.record.psums;
    Json sums = nullptr;
    if (psums.count > 0) {
        sums = {{"count", psums.count},
                {"min", psums.min},
                {"max", psums.max},
                {"mean", without_noise(psums.mean())},
                {"deviation", without_noise(psums.deviation())}};
    }
    return {{"bits", phase.layer->computation->accumulator.bits},
            {"bits_needed", psums.bits()},
            {"bits_l1_bound", phase.bounds.l1},
            {"bits_data_type_bound", phase.bounds.data_type},
            {"overflow", overflow_json(phase.record.overflow)},
            {"psums", sums}};
}

Json source_json(const SourceFile& file) {
    if (file.path.empty()) return nullptr;
    return {{"file", file.path}, {"md5", file.digest}};
}

Json accuracy_json(const std::optional<Accuracy>& accuracy) {
    if (!accuracy) return nullptr;
    return {{"labelled", accuracy->labelled},
            {"correct", accuracy->correct},
            {"percent", without_noise(accuracy->percent())}};
}

Json clocked_json(const RunReport& report) {
    const ClockedCycles& clocked = *report.outcome.clocked;
    return {{"layer", report.layer(static_cast<std::size_t>(clocked.layer)).name},
            {"strips", {{"first", clocked.first_strip}, {"end", clocked.end_strip}}},
            {"first_image", clocked.first_image},
            {"cycles", {{"first", clocked.begin}, {"end", clocked.end}}},
            {"share", without_noise(*report.clocked_share())}};
}

Json optional_json(const std::optional<double>& value) { return value ? Json(without_noise(*value)) : Json(nullptr); }

}  // namespace

std::string json_text(const Json& json) {
    return printable_json(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

Json energy_json(const ComponentEnergies& energy, double divisor) {
    const auto number = [divisor](const Energy& part) {
        return divisor == 1 ? part.value() : without_noise(part.value() / divisor);
    };
    Json json = {{"total", number(sum(energy))}};
    for (std::size_t c = 0; c < kComponentCount; ++c) {
        json[std::string(component_name(static_cast<Component>(c)))] = number(energy[c]);
    }
    return json;
}

Json provenance_json(const RunSetup& run) {
    Json json;
    json["tool"] = {{"name", "widthwise"}, {"version", run.version}};
    json["command"] = run.command;
    json["engine"] = run.engine;
    json["accelerator"] = run.config.hardware.name;
    json["network"] = {{"name", run.network->name}, {"file", run.network->path}, {"md5", run.network->digest}};
    json["data"] = {{"images", source_json(run.images)}, {"labels", source_json(run.labels)}};
    json["energy_table"] = {{"name", run.table->name()},
                            {"unit", run.table->unit()},
                            {"node", run.table->node()},
                            {"source", run.table->source()},
                            {"md5", run.energy_table.digest}};
    json["images"] = {{"first", run.first}, {"end", run.end}, {"count", run.end - run.first}};
    json["clock_mhz"] = run.config.hardware.clock_mhz;
    json["batch"] = run.config.hardware.batch;
    return json;
}

Json phase_json(const RunReport& report, const Phase& phase) {
    Json json;
    json["name"] = phase.name;
    json["kind"] = phase.kind;
    json["cycles"] = cycles_json(phase.record.cycles);
    json["utilisation"] = without_noise(report.utilisation(phase));
    json["macs"] = phase.macs();
    if (phase.layer != nullptr) json["accumulator"] = accumulator_json(report, phase);
    json["energy"] = energy_json(phase.energy);
    json["events"] = events_json(phase.record.events, memories_of(report.run.config.hardware));
    if (phase.layer != nullptr) {
        const Json cut = cut_json(*phase.layer, report.run.schedule->hardware);
        if (!cut.is_null()) json["cut"] = cut;
    }
    return json;
}

Json summary_json(const RunReport& report) {
    Json json = provenance_json(report.run);
    json["processing_elements"] = report.processing_elements();
    if (report.run.shapes_only) json["shapes_only"] = true;
    json["accuracy"] = accuracy_json(report.accuracy);
    if (report.quality) json["quality"] = quality_json(*report.quality);
    json["per_inference"] = {{"cycles", without_noise(report.cycles_per_inference())},
                             {"microseconds", without_noise(report.microseconds_per_inference())},
                             {"macs", without_noise(static_cast<double>(report.total.macs()) / report.images())},
                             {"energy", energy_json(report.total.energy, report.images())},
                             {"average_power_mw", optional_json(report.average_power_mw())}};
    json["total"] = phase_json(report, report.total);
    json["total"]["overflow"] = report.run.shapes_only ? Json(nullptr) : overflow_json(report.total.record.overflow);
    json["setup"] = phase_json(report, report.setup);
    json["layers"] = Json::array();
    for (const Phase& phase : report.phases) json["layers"].push_back(phase_json(report, phase));
    if (report.outcome.clocked) json["clocked"] = clocked_json(report);
    return json;
}

namespace {

void layers_csv_header(CsvWriter& csv) {
    csv.text("layer").text("kind").text("cycles").text("compute_cycles");
    for (std::size_t i = 0; i < kStallCount; ++i) {
        csv.text("stall_" + std::string(stall_name(static_cast<Stall>(i))));
    }
    for (const char* name : {"utilisation", "macs", "outputs", "overflow_events", "transient", "persistent", "psum_min",
                             "psum_max", "psum_mean", "psum_deviation", "psum_bits", "accumulator_bits",
                             "data_type_bound_bits", "l1_bound_bits", "energy_unit"}) {
        csv.text(name);
    }
    for (std::size_t c = 0; c < kComponentCount; ++c) {
        csv.text("energy_" + std::string(component_name(static_cast<Component>(c))));
    }
    csv.text("energy_total").end_row();
}

void accumulator_cells(CsvWriter& csv, const RunReport& report, const Phase& phase) {
    constexpr int kCells = 12;
    if (!phase.has_accumulators()) {
        for (int i = 0; i < kCells; ++i) csv.empty();
        return;
    }
    if (report.run.shapes_only) {
        constexpr int kOfValues = 9;
        for (int i = 0; i < kOfValues; ++i) csv.empty();
        csv.number(phase.layer->computation->accumulator.bits).number(phase.bounds.data_type).empty();
        return;
    }
    const OverflowCounts& overflow = phase.record.overflow;
    csv.number(overflow.outputs).number(overflow.events).number(overflow.transient).number(overflow.persistent);
    const PsumStats& psums = phase.record.psums;
    if (psums.count > 0) csv.number(psums.min).number(psums.max).number(psums.mean()).number(psums.deviation());
    else csv.empty().empty().empty().empty();
    csv.number(psums.bits()).number(phase.layer->computation->accumulator.bits);
    csv.number(phase.bounds.data_type).number(phase.bounds.l1);
}

}  // namespace

std::string layers_csv(const RunReport& report) {
    CsvWriter csv;
    layers_csv_header(csv);
    const auto add = [&](const Phase& phase) {
        const CycleCounts& cycles = phase.record.cycles;
        csv.text(phase.name).text(phase.kind).number(cycles.total).number(cycles.compute);
        for (const std::uint64_t stall : cycles.stalls) csv.number(stall);
        csv.number(report.utilisation(phase)).number(phase.macs());
        accumulator_cells(csv, report, phase);
        csv.text(report.run.table->unit());
        for (const Energy& energy : phase.energy) csv.number(energy);
        csv.number(phase.total_energy()).end_row();
    };
    add(report.setup);
    for (const Phase& phase : report.phases) add(phase);
    return csv.str();
}

std::string events_csv(const RunReport& report) {
    CsvWriter csv;
    const MemoryList memories = memories_of(report.run.config.hardware);
    csv.text("layer").text("event").text("unit").text("count").text("energy").text("energy_unit").end_row();
    const auto add = [&](const Phase& phase) {
        for (std::size_t i = 0; i < kEventCount; ++i) {
            const std::uint64_t count = phase.record.events[static_cast<Event>(i)];
            csv.text(phase.name)
                .text(event_name(static_cast<Event>(i), memories))
                .text(event_infos()[i].unit)
                .number(count);
            csv.number(Energy(count, phase.costs[i])).text(report.run.table->unit()).end_row();
        }
    };
    add(report.setup);
    for (const Phase& phase : report.phases) add(phase);
    return csv.str();
}

std::string predictions_csv(const RunReport& report) {
    CsvWriter csv;
    csv.text("image").text("label").text("predicted").end_row();
    for (const Prediction& prediction : report.outcome.predictions) {
        csv.number(prediction.image);
        if (prediction.label < 0) csv.empty();
        else csv.number(prediction.label);
        csv.number(prediction.predicted).end_row();
    }
    return csv.str();
}

std::string psums_csv(const RunReport& report) {
    CsvWriter csv;
    csv.text("layer").text("low").text("high").text("count").end_row();
    const std::vector<PsumHistogram>& histograms = report.outcome.record.histograms;
    for (std::size_t l = 0; l < histograms.size(); ++l) {
        for (const PsumHistogram::Bucket& bucket : histograms[l].buckets()) {
            csv.text(report.layer(l).name).number(bucket.low).number(bucket.high);
            csv.number(bucket.count).end_row();
        }
    }
    return csv.str();
}

std::string utilisation_csv(const RunReport& report) {
    const Schedule& schedule = *report.run.schedule;
    const auto busy = busy_cycles(schedule, report.outcome.record.images);
    const auto columns = static_cast<std::size_t>(schedule.hardware.array.columns);
    CsvWriter csv;
    csv.text("layer").text("cycles").text("row");
    for (std::size_t c = 0; c < columns; ++c) csv.text("column" + std::to_string(c));
    csv.end_row();
    for (std::size_t l = 0; l < busy.size(); ++l) {
        for (std::size_t i = 0; i < busy[l].size(); ++i) {
            if (i % columns == 0) {
                csv.text(report.layer(l).name).number(report.outcome.record.layers[l].cycles.total);
                csv.number(i / columns);
            }
            csv.number(busy[l][i]);
            if (i % columns + 1 == columns) csv.end_row();
        }
    }
    return csv.str();
}

void write_run(ResultFolder& folder, const RunReport& report) {
    folder.write("summary.json", json_text(summary_json(report)));
    folder.write("layers.csv", layers_csv(report));
    folder.write("events.csv", events_csv(report));
    if (!report.run.shapes_only) folder.write("predictions.csv", predictions_csv(report));
    folder.write("utilisation.csv", utilisation_csv(report));
    if (!report.outcome.record.histograms.empty()) folder.write("psums.csv", psums_csv(report));
    std::vector<UnusedKey> unused = report.run.unused_data_keys;
    unused.insert(unused.end(), report.run.schedule->unused_keys.begin(), report.run.schedule->unused_keys.end());
    folder.write("config.yaml", to_yaml(report.run.config, folder.path(), unused));
}

}  // namespace widthwise
