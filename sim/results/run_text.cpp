// SPDX-License-Identifier: Apache-2.0
#include "results/run_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "results/tables.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// "1 event", "2 events".
std::string counted(std::uint64_t count, const std::string& what) {
    return fmt::format("{} {}{}", grouped(count), what, count == 1 ? "" : "s");
}

std::string stall_header(Stall stall) {
    switch (stall) {
        case Stall::skew: return "stall\nskew";
        case Stall::drain: return "stall\ndrain";
        case Stall::dram: return "stall\nDRAM";
        case Stall::weights: return "stall\nweights";
        case Stall::port_conflict: return "stall\nport";
        case Stall::fill: return "stall\nfill";
        case Stall::activations: return "stall\nactivations";
    }
    return "";
}

std::string cycles_table(const RunReport& report) {
    std::vector<Stall> causes;  // those that occurred
    for (std::size_t i = 0; i < kStallCount; ++i) {
        const auto stall = static_cast<Stall>(i);
        if (report.total.record.cycles[stall] > 0) causes.push_back(stall);
    }
    std::vector<std::string> headers = {"layer", "cycles", "utilisation\n%", "compute"};
    for (const Stall stall : causes) headers.push_back(stall_header(stall));
    headers.emplace_back("MACs");
    TextTable table(headers);
    const auto add = [&](const Phase& phase) {
        const CycleCounts& cycles = phase.record.cycles;
        const auto mean = [&](std::uint64_t count) { return average(static_cast<double>(count) / report.images()); };
        std::vector<std::string> row = {phase.name, mean(cycles.total), percent(report.utilisation(phase), 1),
                                        mean(cycles.compute)};
        for (const Stall stall : causes) row.push_back(mean(cycles[stall]));
        row.push_back(mean(phase.macs()));
        table.add_row(row);
    };
    for (const Phase& phase : report.phases) add(phase);
    table.add_rule();
    add(report.total);
    return table.text();
}

std::string accumulator_table(const RunReport& report) {
    TextTable table({"layer", "\nbits", "\noutputs", "overflow\nevents", "transient\noutputs", "persistent\noutputs",
                     "psum\nmin", "psum\nmax", "bits\nneeded", "l1\nbound", "type\nbound"});
    for (const Phase& phase : report.phases) {
        if (!phase.has_accumulators()) continue;
        const OverflowCounts& overflow = phase.record.overflow;
        const PsumStats& psums = phase.record.psums;
        const bool any = psums.count > 0;
        table.add_row({phase.name, fmt::format("{}", phase.layer->computation->accumulator.bits),
                       grouped(overflow.outputs), grouped(overflow.events), grouped(overflow.transient),
                       grouped(overflow.persistent), any ? grouped(psums.min) : "-", any ? grouped(psums.max) : "-",
                       fmt::format("{}", psums.bits()), fmt::format("{}", phase.bounds.l1),
                       fmt::format("{}", phase.bounds.data_type)});
    }
    return table.text();
}

std::string energy_table(const RunReport& report, const EnergyScale& scale) {
    std::vector<std::size_t> components;
    std::vector<std::string> headers = {"layer"};
    for (std::size_t c = 0; c < kComponentCount; ++c) {
        if (report.total.energy[c] == Energy()) continue;
        components.push_back(c);
        headers.emplace_back(component_name(static_cast<Component>(c)));
    }
    headers.emplace_back("total");
    headers.emplace_back("%");
    TextTable table(headers);
    const double total = report.total.total_energy().value();
    const auto add = [&](const Phase& phase) {
        const double divisor = scale.divisor * report.images();
        std::vector<std::string> row = {phase.name};
        for (const std::size_t c : components) row.push_back(significant(phase.energy[c].value() / divisor));
        const double energy = phase.total_energy().value();
        row.push_back(significant(energy / divisor));
        row.push_back(percent(total == 0 ? 0 : energy / total, 1));
        table.add_row(row);
    };
    for (const Phase& phase : report.phases) add(phase);
    table.add_rule();
    add(report.total);
    return table.text();
}

std::string totals_text(const RunReport& report, const EnergyScale& scale) {
    std::string text;
    const auto line = [&](const std::string& name, const std::string& value) {
        text += fmt::format("{:<16}{}\n", name, value);
    };
    if (report.run.shapes_only) {
        line("accuracy", "not known: shapes only");
    } else if (report.accuracy) {
        line("accuracy", fmt::format("{} % ({} of {} images)", grouped(report.accuracy->percent(), 2),
                                     grouped(report.accuracy->correct), grouped(report.accuracy->labelled)));
    } else {
        line("accuracy", "not known: no labels");
    }
    line("per inference",
         fmt::format("{} cycles, {} us at {} MHz", average(report.cycles_per_inference()),
                     significant(report.microseconds_per_inference()), report.run.config.hardware.clock_mhz));
    const auto power = report.average_power_mw();
    line("", fmt::format("{} {}{}", significant(report.energy_per_inference() / scale.divisor), scale.unit,
                         power ? fmt::format(", {} mW on average", significant(*power)) : ""));
    const LayerRecord& total = report.total.record;
    if (!report.run.shapes_only) {
        line("overflow", fmt::format("{}; {} of {} outputs overflowed", counted(total.overflow.events, "event"),
                                     grouped(total.overflow.transient + total.overflow.persistent),
                                     grouped(total.overflow.outputs)));
    }
    if (report.setup.record.cycles.total > 0) {
        line("set-up, once",
             fmt::format("{} cycles, {} {} to load the weights", grouped(report.setup.record.cycles.total),
                         significant(report.setup.total_energy().value() / scale.divisor), scale.unit));
    }
    return text;
}

/// As far as they are not all of them, strips too.
std::string clocked_text(const RunReport& report) {
    const ClockedCycles& clocked = *report.outcome.clocked;
    const Phase& phase = report.layer(static_cast<std::size_t>(clocked.layer));
    return fmt::format(
        "{}{} of the batch of image {}: cycles {}:{} of the run, {} % of all, as the schedule model has them",
        printable(phase.name),
        clocked.whole ? "" : fmt::format(", strips {}:{}", clocked.first_strip, clocked.end_strip), clocked.first_image,
        clocked.begin, clocked.end, significant(100 * *report.clocked_share(), 3));
}

}  // namespace

EnergyScale energy_scale(const std::string& table_unit, double largest) {
    if (table_unit != "pJ") return {table_unit == "relative" ? "relative units" : table_unit, 1};
    if (largest >= 1e10) return {"uJ", 1e6};
    if (largest >= 1e4) return {"nJ", 1e3};
    return {"pJ", 1};
}

std::string accelerator_text(const HardwareParams& hardware) {
    const ArrayParams& array = hardware.array;
    return fmt::format("{}x{} PEs, {}, {} mapping, {} MHz, batch {}", array.rows, array.columns,
                       array.interconnect == Interconnect::broadcast ? "broadcast" : "systolic",
                       array.mapping == Mapping::row ? "row" : "flat", hardware.clock_mhz, hardware.batch);
}

std::string range_text(int first, int end) {
    return fmt::format("{}:{} ({} image{})", first, end, grouped(std::int64_t{end} - first),
                       end - first == 1 ? "" : "s");
}

namespace {

std::string quality_text(const Quality& quality) {
    TextTable table({"map", "SQNR\ndB", "largest\nerror", "mean squared\nerror", "different\nvalues %"});
    const auto add_row = [&table](const MapQuality& map) {
        const double different =
            static_cast<double>(map.different) / static_cast<double>(std::max<std::uint64_t>(1, map.values));
        table.add_row({printable(map.name), sqnr_text(map), significant(map.largest_error),
                       significant(map.mean_squared_error), percent(different)});
    };
    for (const MapQuality& map : quality.layers) add_row(map);
    add_row(quality.output);
    return fmt::format(
        "\nValues against those of exact sums ({} bits hold all), as real numbers; {} of {} images have the same "
        "class\n\n{}",
        quality.reference_bits, grouped(quality.agreeing), grouped(quality.images), table.text());
}

}  // namespace

std::string run_text(const RunReport& report) {
    const RunSetup& run = report.run;
    const EnergyScale scale = energy_scale(run.table->unit(), report.energy_per_inference());
    std::string text = fmt::format("{:<16}{}: {}\n", "accelerator", printable(run.config.hardware.name),
                                   accelerator_text(run.config.hardware));
    text += fmt::format("{:<16}{}\n", "network", printable(run.network->path));
    if (run.shapes_only) {
        text += fmt::format("{:<16}none: a batch of {} by its shapes{}\n", "images", run.end,
                            run.config.hardware.array.zero_gating ? ", nothing gated" : "");
    } else {
        text += fmt::format("{:<16}{} of {}\n", "images", range_text(run.first, run.end), printable(run.images.path));
    }
    text += fmt::format("{:<16}{} ({}; {})\n", "energy table", printable(run.table->name()), run.table->unit(),
                        printable(run.table->node()));
    if (report.outcome.clocked) text += fmt::format("{:<16}{}\n", "clocked", clocked_text(report));
    text += fmt::format("\nCycles of one inference (average)\n\n{}", cycles_table(report));
    if (!run.shapes_only) {
        text += fmt::format("\nAccumulators, over {}\n\n{}", counted(report.outcome.record.images, "image"),
                            accumulator_table(report));
    }
    text += fmt::format("\nEnergy of one inference in {} (average)\n\n{}", scale.unit, energy_table(report, scale));
    text += fmt::format("\n{}", totals_text(report, scale));
    return report.quality ? text + quality_text(*report.quality) : text;
}

}  // namespace widthwise
