// SPDX-License-Identifier: Apache-2.0
// Every column and field of a run's and a comparison's results, against values worked out from the definitions.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "results/comparison.h"
#include "results/made_up_fields.h"
#include "results/run_files.h"
#include "results/run_text.h"

namespace widthwise {
namespace {

using test::FieldRun;
using test::Json;
using test::kListedComponents;
using test::kListedEvents;
using test::kListedStallCount;
using test::kListedStalls;
using test::kPhases;
using testing::HasSubstr;

Json energy(const std::function<double(const std::string&)>& of) {
    Json json = {{"total", of("total")}};
    for (const char* component : kListedComponents) json[component] = of(component);
    return json;
}

Json overflow_json(const OverflowCounts& o) {
    return {{"outputs", o.outputs}, {"events", o.events}, {"transient", o.transient}, {"persistent", o.persistent}};
}

Json cycles_and_events(const std::vector<int>& phases, const FieldRun& run) {
    std::uint64_t total = 0, compute = 0, macs = 0;
    std::vector<std::uint64_t> stalls(kListedStallCount, 0), events(std::size(kListedEvents), 0);
    for (const int phase : phases) {
        total += FieldRun::cycles(phase);
        compute += FieldRun::compute(phase);
        macs += run.macs(phase);
        for (int s = 0; s < kListedStallCount; ++s) stalls[static_cast<std::size_t>(s)] += FieldRun::stall(phase, s);
        for (std::size_t e = 0; e < events.size(); ++e) events[e] += run.events(phase, static_cast<int>(e));
    }
    Json json = {{"cycles", {{"total", total}, {"compute", compute}}}};
    for (std::size_t s = 0; s < stalls.size(); ++s) json["cycles"]["stalls"][kListedStalls[s]] = stalls[s];
    json["macs"] = macs;
    json["utilisation"] = static_cast<double>(macs) / (6.0 * static_cast<double>(total));
    for (std::size_t e = 0; e < events.size(); ++e) json["events"][kListedEvents[e].name] = events[e];
    return json;
}

Json phase_json_of(int phase, const FieldRun& run) {
    Json json = cycles_and_events({phase}, run);
    json["name"] = test::kPhaseNames[static_cast<std::size_t>(phase)];
    json["kind"] = test::kPhaseKinds[static_cast<std::size_t>(phase)];
    json["energy"] = energy([&](const std::string& part) { return static_cast<double>(run.tenths(phase, part)) / 10; });
    if (phase == 3) json["accumulator"] = nullptr;
    if (phase != 2 && phase != 4) return json;
    const std::vector<std::int64_t> psums = FieldRun::psums(phase);
    json["accumulator"] = {{"bits", run.accumulator_bits(phase)},
                           {"bits_needed", FieldRun::bits_needed(phase)},
                           {"bits_l1_bound", run.l1_bits(phase)},
                           {"bits_data_type_bound", FieldRun::data_type_bits(phase)},
                           {"overflow", overflow_json(FieldRun::overflow(phase))},
                           {"psums",
                            {{"count", psums.size()},
                             {"min", psums.front()},
                             {"max", psums.back()},
                             {"mean", FieldRun::mean(psums)},
                             {"deviation", FieldRun::deviation(psums)}}}};
    return json;
}

Json provenance() {
    return {
        {"tool", {{"name", "widthwise"}, {"version", "1.2.3"}}},
        {"command", "widthwise run tiny.yaml --images 10:14"},
        {"engine", "fast"},
        {"accelerator", "tiny"},
        {"network", {{"name", "built"}, {"file", "made/up.onnx"}, {"md5", "00aa"}}},
        {"data",
         {{"images", {{"file", "images.gz"}, {"md5", "11"}}}, {"labels", {{"file", "labels.gz"}, {"md5", "22"}}}}},
        {"energy_table", {{"name", "tenths"}, {"unit", "pJ"}, {"node", "28 nm"}, {"source", "made up"}, {"md5", "33"}}},
        {"images", {{"first", 10}, {"end", 14}, {"count", 4}}},
        {"clock_mhz", 250.0},
        {"batch", 1}};
}

/// Cycles of 1..5: load to store.
constexpr double kCycles = 5 * 100000 + 1111 * (1 + 2 + 3 + 4 + 5);

Json summary_parts(const FieldRun& run) {
    Json json;
    json["accuracy"] = {{"labelled", 3}, {"correct", 2}, {"percent", 200.0 / 3}};
    json["total"] = cycles_and_events({1, 2, 3, 4, 5}, run);
    json["total"]["name"] = "total";
    json["total"]["kind"] = "total";
    json["total"]["energy"] =
        energy([&](const std::string& part) { return static_cast<double>(run.total_tenths(part)) / 10; });
    // Both layers: 1002 and 1004 outputs and so on.
    json["total"]["overflow"] = {{"outputs", 2006}, {"events", 112}, {"transient", 58}, {"persistent", 52}};
    double macs = 0;
    for (int phase = 1; phase < kPhases; ++phase) macs += static_cast<double>(run.macs(phase));
    const double microseconds = kCycles / 4 / 250;
    const double picojoules = static_cast<double>(run.total_tenths("total")) / 10 / 4;
    json["per_inference"] = {{"cycles", kCycles / 4},
                             {"microseconds", microseconds},
                             {"macs", macs / 4},
                             {"energy", energy([&](const std::string& part) {
                                  return static_cast<double>(run.total_tenths(part)) / 10 / 4;
                              })},
                             {"average_power_mw", picojoules * 1e-12 / (microseconds * 1e-6) * 1e3}};
    json["layers"] = Json::array();
    for (int phase = 1; phase < kPhases; ++phase) json["layers"].push_back(phase_json_of(phase, run));
    return json;
}

TEST(RunFields, OfTheSummary) {
    const FieldRun run;
    Json expected = provenance();
    expected["processing_elements"] = 6;
    expected["setup"] = phase_json_of(0, run);
    expected.update(summary_parts(run));
    test::expect_json(summary_json(run.report()), expected);
}

/// Of a part that was clocked alone: a quarter of the run's cycles.
TEST(RunFields, OfAClockedPart) {
    const FieldRun run;
    RunReport report = run.report();
    report.total.record.cycles.total = 8000;
    ClockedCycles& clocked = report.outcome.clocked.emplace();
    clocked = {1, 2, 5, 12, false, 1000, 3000};
    test::expect_json(summary_json(report)["clocked"], {{"layer", "a1"},
                                                        {"strips", {{"first", 2}, {"end", 5}}},
                                                        {"first_image", 12},
                                                        {"cycles", {{"first", 1000}, {"end", 3000}}},
                                                        {"share", 0.25}});
    EXPECT_THAT(run_text(report),
                HasSubstr("clocked         a1, strips 2:5 of the batch of image 12: cycles 1000:3000 of "
                          "the run, 25.0 % of all, as the schedule model has them\n"));
    clocked.whole = true;
    EXPECT_THAT(run_text(report), HasSubstr("clocked         a1 of the batch of image 12: "));
}

TEST(RunFields, OfTheLayers) {
    const FieldRun run;
    std::vector<Json> rows;
    for (int phase = 0; phase < kPhases; ++phase) {
        const bool sums = phase == 2 || phase == 4;
        const OverflowCounts o = FieldRun::overflow(phase);
        const std::vector<std::int64_t> psums = FieldRun::psums(phase);
        const auto if_sums = [&](const Json& value) { return sums ? value : Json(nullptr); };
        Json row = {{"layer", test::kPhaseNames[static_cast<std::size_t>(phase)]},
                    {"kind", test::kPhaseKinds[static_cast<std::size_t>(phase)]},
                    {"cycles", FieldRun::cycles(phase)},
                    {"compute_cycles", FieldRun::compute(phase)}};
        for (int s = 0; s < kListedStallCount; ++s)
            row[std::string("stall_") + kListedStalls[s]] = FieldRun::stall(phase, s);
        row["utilisation"] =
            static_cast<double>(run.macs(phase)) / (6.0 * static_cast<double>(FieldRun::cycles(phase)));
        row["macs"] = run.macs(phase);
        row["outputs"] = if_sums(o.outputs);
        row["overflow_events"] = if_sums(o.events);
        row["transient"] = if_sums(o.transient);
        row["persistent"] = if_sums(o.persistent);
        row["psum_min"] = if_sums(psums.front());
        row["psum_max"] = if_sums(psums.back());
        row["psum_mean"] = if_sums(FieldRun::mean(psums));
        row["psum_deviation"] = if_sums(FieldRun::deviation(psums));
        row["psum_bits"] = if_sums(FieldRun::bits_needed(phase));
        row["accumulator_bits"] = if_sums(run.accumulator_bits(phase));
        row["data_type_bound_bits"] = if_sums(FieldRun::data_type_bits(phase));
        row["l1_bound_bits"] = if_sums(run.l1_bits(phase));
        row["energy_unit"] = "pJ";
        for (const char* component : kListedComponents) {
            row[std::string("energy_") + component] = static_cast<double>(run.tenths(phase, component)) / 10;
        }
        row["energy_total"] = static_cast<double>(run.tenths(phase, "total")) / 10;
        rows.push_back(row);
    }
    test::expect_csv(layers_csv(run.report()), rows);
}

TEST(RunFields, OfTheEvents) {
    const FieldRun run;
    std::vector<Json> rows;
    for (int phase = 0; phase < kPhases; ++phase) {
        int event = 0;
        for (const auto& listed : kListedEvents) {
            const std::uint64_t count = run.events(phase, event++);
            rows.push_back({{"layer", test::kPhaseNames[static_cast<std::size_t>(phase)]},
                            {"event", listed.name},
                            {"unit", listed.unit},
                            {"count", count},
                            {"energy", static_cast<double>(count * static_cast<std::uint64_t>(event)) / 10},
                            {"energy_unit", "pJ"}});
        }
    }
    test::expect_csv(events_csv(run.report()), rows);
}

TEST(RunFields, OfPredictionsAndPsums) {
    const FieldRun run;
    const RunReport report = run.report();
    EXPECT_EQ(predictions_csv(report), "image,label,predicted\n10,3,3\n11,2,1\n12,,1\n13,0,0\n");
    // Around a million, a bucket of the octave from 2^19 is 2^16 wide.
    EXPECT_EQ(psums_csv(report),
              "layer,low,high,count\nc1,-7,-7,1\nc1,1,1,1\nc1,4,4,1\nc1,10,10,1\nf1,983040,1048575,3\n");
}

TEST(RunFields, OfTheUtilisation) {
    // c1: channels in tiles of 2 and 1, rows of 4 pixels in tiles of 3 and 1, 4 rows, 18 taps, 4 images.
    // f1: 4 outputs in two tiles of 2; one image of the batch at a time, 3 taps, 4 images.
    const auto cells = [](const char* layer, int phase, int row, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
        return Json{{"layer", layer}, {"cycles", FieldRun::cycles(phase)}, {"row", row}, {"column0", a}, {"column1", b},
                    {"column2", c}};
    };
    test::expect_csv(
        utilisation_csv(FieldRun().report()),
        {cells("c1", 2, 0, 2 * 2 * 4 * 18 * 4, 2 * 4 * 18 * 4, 2 * 4 * 18 * 4),
         cells("c1", 2, 1, 2 * 4 * 18 * 4, 4 * 18 * 4, 4 * 18 * 4), cells("a1", 3, 0, 0, 0, 0),
         cells("a1", 3, 1, 0, 0, 0), cells("f1", 4, 0, 2 * 3 * 4, 0, 0), cells("f1", 4, 1, 2 * 3 * 4, 0, 0)});
}

/// Sums in whole millionths, as a user with decimal arithmetic would add.
std::int64_t millionths(const std::string& text) {
    const std::size_t point = std::min(text.find('.'), text.size());
    std::string decimals = point < text.size() ? text.substr(point + 1) : "";
    EXPECT_LE(decimals.size(), 6U) << text << " has noise";
    decimals.resize(6, '0');
    return std::stoll(text.substr(0, point) + decimals);
}

TEST(RunFields, AddUpExactlyAcrossTheFiles) {
    const FieldRun run(123457);
    const RunReport report = run.report();
    const auto layers = test::rows_of(layers_csv(report));
    const auto events = test::rows_of(events_csv(report));
    const Json summary = summary_json(report);
    std::map<std::string, std::int64_t> by_layer;
    for (std::size_t row = 1; row < events.size(); ++row) by_layer[events[row][0]] += millionths(events[row][4]);
    std::int64_t all = 0;
    for (std::size_t row = 1; row < layers.size(); ++row) {
        std::int64_t parts = 0;
        for (std::size_t c = layers[0].size() - 9; c + 1 < layers[0].size(); ++c) parts += millionths(layers[row][c]);
        EXPECT_EQ(parts, millionths(layers[row].back())) << layers[row][0];
        EXPECT_EQ(parts, by_layer[layers[row][0]]) << layers[row][0];
        all += parts;
    }
    const double total = summary["total"]["energy"]["total"].get<double>();
    const double setup = summary["setup"]["energy"]["total"].get<double>();
    EXPECT_EQ(static_cast<std::int64_t>(std::llround((total + setup) * 10)), all / 100000);
    EXPECT_EQ(all % 100000, 0);
}

/// `divisor`: picojoules of the unit on the screen.
void expect_screen(const FieldRun& run, const std::string& unit, double divisor) {
    const std::string text = run_text(run.report());
    const auto cycles = test::screen_rows(text, "Cycles of one inference (average)");
    const auto sums = test::screen_rows(text, "Accumulators, over 4 images");
    const auto energies = test::screen_rows(text, "Energy of one inference in " + unit + " (average)");
    ASSERT_EQ(cycles.size(), 6U);
    ASSERT_EQ(sums.size(), 2U);
    ASSERT_EQ(energies.size(), 6U);
    const auto picojoules = [&](std::uint64_t tenths) { return static_cast<double>(tenths) / 10 / 4; };
    const double total = picojoules(run.total_tenths("total"));
    for (int phase = 1; phase < kPhases; ++phase) {
        const std::string& name = test::kPhaseNames[static_cast<std::size_t>(phase)];
        const auto each = [](std::uint64_t count) { return static_cast<double>(count) / 4; };
        const double busy = static_cast<double>(run.macs(phase)) / (6.0 * static_cast<double>(FieldRun::cycles(phase)));
        std::vector<double> row = {each(FieldRun::cycles(phase)), 100 * busy, each(FieldRun::compute(phase))};
        for (int s = 0; s < kListedStallCount; ++s) row.push_back(each(FieldRun::stall(phase, s)));
        row.push_back(each(run.macs(phase)));
        test::expect_row(cycles[static_cast<std::size_t>(phase - 1)], name, row);
        row.clear();
        for (const char* part : kListedComponents) row.push_back(picojoules(run.tenths(phase, part)) / divisor);
        const double all = picojoules(run.tenths(phase, "total"));
        row.insert(row.end(), {all / divisor, 100 * all / total});
        test::expect_row(energies[static_cast<std::size_t>(phase - 1)], name, row);
    }
    std::vector<double> row;
    for (const char* part : kListedComponents) row.push_back(picojoules(run.total_tenths(part)) / divisor);
    row.insert(row.end(), {total / divisor, 100});
    test::expect_row(energies.back(), "total", row);
    EXPECT_EQ(cycles.back()[0], "total");
    test::expect_printed(cycles.back()[1], kCycles / 4, "cycles in all");
    for (const int phase : {2, 4}) {
        const OverflowCounts o = FieldRun::overflow(phase);
        const auto psums = FieldRun::psums(phase);
        const auto number = [](auto value) { return static_cast<double>(value); };
        test::expect_row(
            sums[phase == 2 ? 0 : 1], test::kPhaseNames[static_cast<std::size_t>(phase)],
            {number(run.accumulator_bits(phase)), number(o.outputs), number(o.events), number(o.transient),
             number(o.persistent), number(psums.front()), number(psums.back()), number(FieldRun::bits_needed(phase)),
             number(run.l1_bits(phase)), number(FieldRun::data_type_bits(phase))});
    }
    const double microseconds = kCycles / 4 / 250;
    const std::string totals = text.substr(text.find("\naccuracy"));
    test::expect_line(totals, "accuracy", {200.0 / 3, 2, 3});
    test::expect_line(totals, "per inference", {kCycles / 4, microseconds, 250});
    test::expect_line(totals, "                ", {total / divisor, total / microseconds / 1000});  // pJ / us = uW
    test::expect_line(totals, "overflow    ", {112, 58 + 52, 2006});
    test::expect_line(
        totals, "set-up, once",
        {static_cast<double>(FieldRun::cycles(0)), static_cast<double>(run.tenths(0, "total")) / 10 / divisor});
    EXPECT_THAT(text, HasSubstr(' ' + unit + " to load the weights\n"));
    EXPECT_THAT(text, HasSubstr("accelerator     tiny: 2x3 PEs, broadcast, row mapping, 250 MHz, batch 1\n"
                                "network         made/up.onnx\nimages          10:14 (4 images) of images.gz\n"
                                "energy table    tenths (pJ; 28 nm)\n"));
}

TEST(RunFields, OfTheScreen) { expect_screen(FieldRun(), "nJ", 1e3); }
TEST(RunFields, OfTheScreenInMicrojoules) { expect_screen(FieldRun(200000), "uJ", 1e6); }

TEST(EnergyUnits, FollowThePrefixes) {
    // The unit, and how many picojoules it has.
    const auto unit = [](double picojoules) {
        const EnergyScale scale = energy_scale("pJ", picojoules);
        return fmt::format("{} {}", scale.unit, scale.divisor);
    };
    EXPECT_EQ(unit(9999), "pJ 1");
    EXPECT_EQ(unit(1e4), "nJ 1000");
    EXPECT_EQ(unit(9.9e9), "nJ 1000");
    EXPECT_EQ(unit(1e10), "uJ 1000000");
    EXPECT_EQ(energy_scale("relative", 1e10).divisor, 1);
    EXPECT_EQ(energy_scale("relative", 1e10).unit, "relative units");
}

class ComparisonFields : public testing::Test {
protected:
    ComparisonFields() {
        comparison_.command = "widthwise compare tiny.yaml";
        comparison_.runs.emplace_back(8, narrow_.report());
        comparison_.runs.emplace_back(12, wide_.report());
        comparison_.runs[0].report.outcome.predictions[2].predicted = 2;  // the widest says 1
    }
    static Quality quality(std::uint64_t agreeing) {
        Quality made;
        made.reference_bits = 12;
        made.images = 4;
        made.agreeing = agreeing;
        made.output.name = "output";
        made.output.values = 40;
        MapQuality& layer = made.layers.emplace_back();
        layer.name = "c1";
        layer.values = 90;
        return made;
    }
    void measure() {
        Quality narrow = quality(3);
        narrow.output.different = 5;
        narrow.output.sqnr_db = 12.25;
        narrow.output.largest_error = 1.5;
        narrow.output.mean_squared_error = 0.125;
        comparison_.runs[0].quality = narrow;
        comparison_.runs[1].quality = quality(4);
    }
    static Json map(const char* name, int values, int different, const Json& sqnr, double largest, double squared) {
        return {{"name", name},    {"values", values},         {"different_values", different},
                {"sqnr_db", sqnr}, {"largest_error", largest}, {"mean_squared_error", squared}};
    }
    FieldRun narrow_{1, "pJ", 4};
    FieldRun wide_{2, "pJ"};
    Comparison comparison_;
    static constexpr double kOverflowed = 100.0 * (58 + 52) / 2006;
};

TEST_F(ComparisonFields, OfTheJson) {
    Json expected = provenance();
    expected["command"] = "widthwise compare tiny.yaml";
    expected["widest_bits"] = 12;
    for (const FieldRun* run : {&narrow_, &wide_}) {
        Json width = {{"bits", run == &wide_ ? 12 : 8},
                      {"saving_percent", run == &wide_ ? 0.0 : 50.0},  // half of all counts
                      {"overflowed_outputs_percent", kOverflowed},
                      {"agreement_percent", run == &wide_ ? 100.0 : 75.0}};
        width.update(summary_parts(*run));
        expected["widths"].push_back(width);
    }
    test::expect_json(comparison_json(comparison_), expected);
    measure();
    const Json exact = map("c1", 90, 0, nullptr, 0, 0);
    expected["widths"][0]["quality"] = {{"reference_bits", 12},
                                        {"images", 4},
                                        {"agreeing", 3},
                                        {"output", map("output", 40, 5, 12.25, 1.5, 0.125)},
                                        {"layers", {exact}}};
    expected["widths"][1]["quality"] = {{"reference_bits", 12},
                                        {"images", 4},
                                        {"agreeing", 4},
                                        {"output", map("output", 40, 0, nullptr, 0, 0)},
                                        {"layers", {exact}}};
    test::expect_json(comparison_json(comparison_), expected);
}

TEST_F(ComparisonFields, OfTheCsv) {
    std::vector<Json> rows;
    for (const FieldRun* run : {&narrow_, &wide_}) {
        const auto each = [run](const char* part) { return static_cast<double>(run->total_tenths(part)) / 10 / 4; };
        Json row = {{"bits", run == &wide_ ? 12 : 8},
                    {"images", 4},
                    {"accuracy_percent", 200.0 / 3},
                    {"cycles_per_inference", kCycles / 4},
                    {"overflow_events", 112},
                    {"overflowed_outputs_percent", kOverflowed},
                    {"energy_unit", "pJ"}};
        for (const char* component : kListedComponents) {
            row[std::string("energy_") + component + "_per_inference"] = each(component);
        }
        row["energy_total_per_inference"] = each("total");
        row["saving_percent"] = run == &wide_ ? 0.0 : 50.0;
        row["agreement_percent"] = run == &wide_ ? 100.0 : 75.0;
        row["output_sqnr_db"] = run == &wide_ ? Json() : Json(12.25);
        row["output_largest_error"] = run == &wide_ ? 0 : 1.5;
        row["output_mean_squared_error"] = run == &wide_ ? 0 : 0.125;
        rows.push_back(row);
    }
    measure();
    test::expect_csv(comparison_csv(comparison_), rows);
}

TEST_F(ComparisonFields, OfTheScreen) {
    const std::string text = comparison_text(comparison_);
    const auto rows = test::screen_rows(text, "Accumulator widths; energy of one inference in nJ");
    ASSERT_EQ(rows.size(), 2U);
    for (const FieldRun* run : {&narrow_, &wide_}) {
        const auto each = [run](const char* part) {
            return static_cast<double>(run->total_tenths(part)) / 10 / 4 / 1e3;
        };
        std::vector<double> row = {200.0 / 3,     run == &wide_ ? 100.0 : 75.0, 112, kOverflowed,
                                   each("total"), run == &wide_ ? 0.0 : 50.0};
        for (const char* component : kListedComponents) row.push_back(each(component));
        test::expect_row(rows[run == &wide_ ? 1 : 0], run == &wide_ ? "12" : "8", row);
    }
    EXPECT_THAT(text, HasSubstr("saving against 12 bits"));
}

}  // namespace
}  // namespace widthwise
