// SPDX-License-Identifier: Apache-2.0
// Every column and field of a sweep's and a search's tables, against made-up results of which each number differs.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "data/dataset.h"
#include "explore/search_tables.h"
#include "explore/sweep_files.h"
#include "explore/sweep_tables.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "results/made_up_fields.h"
#include "results/run_files.h"

namespace widthwise {
namespace {

using test::Json;
using test::kListedComponents;

/// Two points that differ in every setting but the network; cycles, energies and so on are of one inference.
class SweepFields : public testing::Test {
protected:
    SweepFields()
        : sweep_(test::write_sweep(folder_,
                                   "  layer_accumulators: [{c1: 15, F6: 13}]\n"
                                   "  check: [per_output]\n  bias: [requant]\n  array: [[4, 16]]\n"
                                   "  interconnect: [systolic]\n  mapping: [flat]\n  lanes: [3]\n"
                                   "  requantization: [{mode: shift, rounding: floor, multiplier_bits: 9}]\n"
                                   "  energy_table: [course, horowitz-45nm]\n  overflow: [wrap]\n  batch: [2]\n",
                                   3, 7),
                 WIDTHWISE_SOURCE_DIR, "1.2.3") {
        for (std::size_t point = 0; point < 2; ++point) {
            PointResult result;
            result.point = point;
            if (point == 0) result.accuracy = Accuracy{3, 2};
            const auto p = static_cast<std::uint64_t>(point);
            result.overflow = {1000 + p, 50 + p, 20 + p, 5 + p};
            if (point == 0) result.output = OutputQuality{3, {"output", 40, 7, 12.5, 0.75, 0.1 + 0.2}};
            result.cycles = 2822.25 + static_cast<double>(point);
            result.microseconds = 5.6445;
            result.utilisation = 0.1 + 0.2;
            result.total_energy = 28.5;
            for (std::size_t c = 0; c < kComponentCount; ++c) result.energy[c] = 0.1 * static_cast<double>(c + 1) * 3;
            LayerResult layer;
            layer.name = "c1";
            layer.kind = "convolution";
            layer.bits = 15;
            layer.bounds = {21, 20};
            layer.overflow = {11, 12, 13, 14};
            for (const std::int64_t psum : {-7, 1, 4, 10}) layer.psums.add(psum);
            layer.cycles = 17.5;
            layer.energy = 0.1 + 0.2;
            LayerResult pool;
            pool.name = "p1";
            pool.kind = "max pool";
            pool.cycles = 8;
            pool.energy = 3;
            result.layers = {layer, pool};
            results_.push_back(result);
        }
    }

    [[nodiscard]] static Json settings(const char* table) {
        return {{"accumulator_bits", "18"},
                {"layer_accumulators", "c1=15,f6=13"},
                {"overflow", "wrap"},
                {"check", "per_output"},
                {"bias", "requant"},
                {"array_rows", "4"},
                {"array_columns", "16"},
                {"interconnect", "systolic"},
                {"mapping", "flat"},
                {"lanes", "3"},
                {"requantization_mode", "shift"},
                {"rounding", "floor"},
                {"multiplier_bits", "9"},
                {"energy_table", table},
                {"network", test::repository("models/lenet5.onnx")},
                {"batch", "2"}};
    }
    /// As a reader of JSON or CSV takes it.
    static Json read(const Json& text) {
        const Json number = Json::parse(text.get<std::string>(), nullptr, false);
        return number.is_number() ? number : text;
    }
    static const char* unit(std::size_t point) { return point == 0 ? "relative" : "pJ"; }
    static const char* table(std::size_t point) { return point == 0 ? "course" : "horowitz-45nm"; }

    test::TemporaryFolder folder_;
    Sweep sweep_;
    std::vector<PointResult> results_;
};

TEST_F(SweepFields, OfThePoints) {
    std::vector<Json> rows;
    for (std::size_t point = 0; point < 2; ++point) {
        Json row = {{"point", point}};
        const Json given = settings(table(point));
        for (const auto& [name, value] : given.items()) row[name] = read(value);
        row["images"] = 4;
        row["labelled"] = point == 0 ? 3 : 0;
        row["correct"] = point == 0 ? Json(2) : Json(nullptr);
        row["accuracy_percent"] = point == 0 ? Json(200.0 / 3) : Json(nullptr);
        const auto if_compared = [&](double value) { return point == 0 ? Json(value) : Json(nullptr); };
        row["agreeing"] = point == 0 ? Json(3) : Json(nullptr);
        row["agreement_percent"] = if_compared(75);
        row["output_sqnr_db"] = if_compared(12.5);
        row["output_largest_error"] = if_compared(0.75);
        row["output_mean_squared_error"] = if_compared(0.3);
        row["outputs"] = 1000 + point;
        row["overflow_events"] = 50 + point;
        row["transient"] = 20 + point;
        row["persistent"] = 5 + point;
        row["cycles_per_inference"] = point == 0 ? 2822.25 : 2823.25;
        row["microseconds_per_inference"] = 5.6445;
        row["utilisation"] = 0.3;
        row["energy_unit"] = unit(point);
        row["energy_per_inference"] = 28.5;
        int tenths = 0;
        for (const char* component : kListedComponents) {
            tenths += 3;
            row[fmt::format("energy_{}_per_inference", component)] = tenths / 10.0;
        }
        rows.push_back(row);
    }
    test::expect_csv(points_csv(sweep_, results_), rows);
    EXPECT_THAT(points_csv(sweep_, results_),
                testing::HasSubstr(",0.3,relative,28.5,0.3,0.6,0.9,1.2,1.5,1.8,2.1,2.4\n"))
        << "noise";
}

TEST_F(SweepFields, OfTheLayers) {
    std::vector<Json> rows;
    for (std::size_t point = 0; point < 2; ++point) {
        rows.push_back({{"point", point},
                        {"layer", "c1"},
                        {"kind", "convolution"},
                        {"accumulator_bits", 15},
                        {"outputs", 11},
                        {"overflow_events", 12},
                        {"transient", 13},
                        {"persistent", 14},
                        {"psum_min", -7},
                        {"psum_max", 10},
                        {"psum_mean", 2},
                        {"psum_deviation", std::sqrt((81 + 1 + 4 + 64) / 4.0)},
                        {"psum_bits", 5},
                        {"l1_bound_bits", 20},
                        {"data_type_bound_bits", 21},
                        {"cycles_per_inference", 17.5},
                        {"energy_unit", unit(point)},
                        {"energy_per_inference", 0.3}});
        Json pool = rows.back();
        for (auto& [name, value] : pool.items()) value = nullptr;
        pool["point"] = point;
        pool["layer"] = "p1";
        pool["kind"] = "max pool";
        pool["cycles_per_inference"] = 8;
        pool["energy_unit"] = unit(point);
        pool["energy_per_inference"] = 3;
        rows.push_back(pool);
    }
    test::expect_csv(sweep_layers_csv(sweep_, results_), rows);
}

TEST_F(SweepFields, OfTheJson) {
    const auto md5 = [](const std::string& file) { return md5_of_file(test::repository(file)); };
    const std::string images = test::repository("traces/mnist/t10k-images-idx3-ubyte.gz");
    const std::string labels = test::repository("traces/mnist/t10k-labels-idx1-ubyte.gz");
    Json expected = {{"tool", {{"name", "widthwise"}, {"version", "1.2.3"}}},
                     {"command", "widthwise sweep s.yaml"},
                     {"engine", "fast"},
                     {"sweep", folder_.path("sweep.yaml")},
                     {"config", test::repository("configs/widthwise-8x8.yaml")},
                     {"accelerator", "widthwise-8x8"},
                     {"images", {{"first", 3}, {"end", 7}, {"count", 4}}},
                     {"clock_mhz", 500.0},
                     {"shard", nullptr}};
    expected["networks"].push_back({{"name", sweep_.networks()[0].name},
                                    {"file", test::repository("models/lenet5.onnx")},
                                    {"md5", md5("models/lenet5.onnx")}});
    expected["data"] = {{"images", {{"file", images}, {"md5", sweep_.dataset().images().digest}}},
                        {"labels", {{"file", labels}, {"md5", sweep_.dataset().labels().digest}}}};
    for (const char* name : {"course", "horowitz-45nm"}) {
        const EnergyTable loaded = EnergyTable::load(name, WIDTHWISE_SOURCE_DIR);
        expected["energy_tables"].push_back({{"name", name},
                                             {"unit", loaded.unit()},
                                             {"node", name == std::string("course") ? "none" : "45 nm"},
                                             {"source", loaded.source()},
                                             {"md5", md5(fmt::format("configs/energy/{}.yaml", name))}});
    }
    expected["axes"] = Json::array();
    const std::vector<std::pair<const char*, std::vector<const char*>>> axes = {
        {"layer_accumulators", {"c1=15,f6=13"}},
        {"check", {"per_output"}},
        {"bias", {"requant"}},
        {"array", {"4x16"}},
        {"interconnect", {"systolic"}},
        {"mapping", {"flat"}},
        {"lanes", {"3"}},
        {"requantization", {"mode=shift,rounding=floor,multiplier_bits=9"}},
        {"energy_table", {"course", "horowitz-45nm"}},
        {"overflow", {"wrap"}},
        {"batch", {"2"}}};
    for (const auto& [name, values] : axes) expected["axes"].push_back({{"name", name}, {"values", values}});
    for (std::size_t point = 0; point < 2; ++point) {
        Json json = {
            {"point", point},
            {"settings", settings(table(point))},
            {"accuracy", nullptr},
            {"agreement", nullptr},
            {"overflow",
             {{"outputs", 1000 + point}, {"events", 50 + point}, {"transient", 20 + point}, {"persistent", 5 + point}}},
            {"per_inference", {{"cycles", point == 0 ? 2822.25 : 2823.25}, {"microseconds", 5.6445}}},
            {"utilisation", 0.3},
            {"energy_unit", unit(point)},
            {"energy_per_inference", {{"total", 28.5}}}};
        if (point == 0) json["accuracy"] = {{"labelled", 3}, {"correct", 2}, {"percent", 200.0 / 3}};
        if (point == 0) {
            json["agreement"] = {{"images", 4},
                                 {"agreeing", 3},
                                 {"percent", 75},
                                 {"output_sqnr_db", 12.5},
                                 {"output_largest_error", 0.75},
                                 {"output_mean_squared_error", 0.3}};
        }
        int tenths = 0;
        for (const char* component : kListedComponents) {
            tenths += 3;
            json["energy_per_inference"][component] = tenths / 10.0;
        }
        expected["points"].push_back(json);
    }
    test::expect_json(sweep_json(sweep_, results_, "widthwise sweep s.yaml"), expected);
    const Sweep part(folder_.path("sweep.yaml"), WIDTHWISE_SOURCE_DIR, "1.2.3", {.shard = {2, 2}});
    EXPECT_EQ(sweep_json(part, {results_[1]}, "")["shard"], "2/2");
}

class SearchFields : public testing::Test {
protected:
    SearchFields() {
        result_.layers = {"c1", "F6"};
        result_.images = 200;
        result_.labelled = 150;
        result_.points = {
            {{32, 32}, "widest", 140, 40.0}, {{16, 16}, "uniform", 138, 30.0}, {{12, 17}, "proof", 139, 20.4}};
        result_.widest = 0;
        result_.uniform = 1;
        result_.best = 2;
        result_.alone = {11, 15};
        result_.needed_correct = 139;
        result_.exact = true;
        result_.lower_bound = 20.4;
        result_.evaluations = 9;
        result_.rejected = 70;
        result_.rejected_blocks = 80;
        result_.combinations = 625;
        request_.from = 9;
        request_.to = 32;
        request_.max_loss = 1.5;
        request_.limit = 777;
    }

    /// Accuracy and loss in percent of 150, saving against 40.
    static Json point(std::vector<int> bits, const char* option, int correct, double energy, double saving) {
        return {{"bits", {{"c1", bits[0]}, {"F6", bits[1]}}},
                {"accumulator", option},
                {"total_bits", bits[0] + bits[1]},
                {"correct", correct},
                {"accuracy_percent", correct / 1.5},
                {"loss_points", (140 - correct) / 1.5},
                {"energy_per_inference", energy},
                {"saving_percent", saving}};
    }
    static Json widest() { return point({32, 32}, "c1=32,f6=32", 140, 40, 0); }
    static Json uniform() { return point({16, 16}, "c1=16,f6=16", 138, 30, 25); }
    static Json best() { return point({12, 17}, "c1=12,f6=17", 139, 20.4, 49); }

    SearchResult result_;
    SearchRequest request_;
    test::FieldRun run_;
};

TEST_F(SearchFields, OfTheJson) {
    const RunReport report = run_.report();
    Json expected = provenance_json(report.run);  // itself checked with the run's summary
    expected["request"] = {{"minimise", "energy"}, {"max_loss_points", 1.5}, {"from", 9}, {"to", 32}, {"limit", 777}};
    expected["judged_by"] = "labels";
    expected["labelled"] = 150;
    expected["energy_unit"] = "pJ";
    expected["widest"] = widest();
    expected["uniform"] = uniform();
    expected["alone"] = {{"c1", 11}, {"F6", 15}};
    expected["best"] = best();
    expected["exact"] = true;
    expected["lower_bound"] = 20.4;
    expected["evaluations"] = 9;
    expected["rejected"] = {{"combinations", 70}, {"blocks", 80}};
    expected["combinations"] = 625.0;
    expected["pareto"] = {best(), widest()};  // the uniform one costs more than the best and is right less often
    test::expect_json(search_json(result_, request_, report.run), expected);
    request_.agreement = true;
    expected["judged_by"] = "agreement";
    result_.validated_first = 200;
    result_.validated_end = 300;
    result_.validation = {{"widest", 100, 0, 0, 0, 0.03}, {"chosen", 100, 80, 60, 2, 0.0625}};
    const auto validated = [](const char* name, int labelled, int correct, const Json& accuracy, int changed,
                              const Json& below) {
        return Json{{"name", name},       {"labelled", labelled},
                    {"correct", correct}, {"accuracy_percent", accuracy},
                    {"changed", changed}, {"changed_below_percent", below}};
    };
    expected["validation"] = {
        {"images", {{"first", 200}, {"end", 300}}},
        {"points", {validated("widest", 0, 0, nullptr, 0, nullptr), validated("chosen", 80, 60, 75.0, 2, 6.25)}}};
    test::expect_json(search_json(result_, request_, report.run), expected);
}

TEST_F(SearchFields, OfTheCsv) {
    const RunReport report = run_.report();
    const auto row = [](int number, const char* step, const Json& point, bool good, bool pareto) {
        return Json{{"evaluation", number},
                    {"step", step},
                    {"bits_c1", point["bits"]["c1"]},
                    {"bits_F6", point["bits"]["F6"]},
                    {"total_bits", point["total_bits"]},
                    {"labelled", 150},
                    {"correct", point["correct"]},
                    {"accuracy_percent", point["accuracy_percent"]},
                    {"loss_points", point["loss_points"]},
                    {"energy_unit", "pJ"},
                    {"energy_per_inference", point["energy_per_inference"]},
                    {"saving_percent", point["saving_percent"]},
                    {"good_enough", good ? "true" : "false"},
                    {"pareto", pareto ? "true" : "false"}};
    };
    const Json first = row(0, "widest", widest(), true, true);
    const Json last = row(2, "proof", best(), true, true);
    test::expect_csv(evaluations_csv(result_, report.run), {first, row(1, "uniform", uniform(), false, false), last});
    test::expect_csv(pareto_csv(result_, report.run), {last, first});
}

TEST_F(SearchFields, OfTheScreen) {
    const RunReport report = run_.report();
    const std::string text = search_text(result_, request_, report.run);
    // Widths of both layers, accuracy, loss, total bits, energy in pJ, saving.
    const std::vector<double> widest = {32, 32, 140 / 1.5, 0, 64, 40, 0};
    const std::vector<double> uniform = {16, 16, 138 / 1.5, 2 / 1.5, 32, 30, 25};
    const std::vector<double> best = {12, 17, 139 / 1.5, 1 / 1.5, 29, 20.4, 49};
    const auto chosen = test::screen_rows(text, "Chosen widths");
    ASSERT_EQ(chosen.size(), 3U);
    test::expect_row(chosen[0], "widest", widest);
    test::expect_row(chosen[1], "uniform", uniform);
    test::expect_row(chosen[2], "chosen", best);
    const auto front = test::screen_rows(text, "Pareto front");
    ASSERT_EQ(front.size(), 2U);
    test::expect_row(front[0], "2", best);
    test::expect_row(front[1], "0", widest);
    EXPECT_EQ(text.find("did not choose"), std::string::npos);
    // 80 blocks of 16 images for 70 combinations.
    test::expect_line(text, "9 evaluations", {});
    test::expect_line(text, "70 combinations, of", {625, std::round(80.0 * fast::kMostImages / 70)});
    EXPECT_THAT(text, testing::HasSubstr("least energy, widths 9 to 32, at most 1.5 points lost against 32 bits\n"));
    EXPECT_THAT(text, testing::HasSubstr("Each layer alone, the others at 32 bits, bears: c1 11, F6 15\n"));
    EXPECT_THAT(text, testing::HasSubstr("exact: "));
    EXPECT_THAT(text, testing::HasSubstr("\nTo run it: --accumulator c1=12,f6=17\n"));
}

TEST_F(SweepFields, OfTheScreen) {
    const std::string text = sweep_text(sweep_, results_);
    const auto rows = test::screen_rows(text, "Each point");
    ASSERT_EQ(rows.size(), 2U);
    // Point, the axis that varies, accuracy, agreement, overflow, overflowed outputs, cycles, utilisation, energy.
    EXPECT_EQ(rows[0][1], "course");
    EXPECT_EQ(rows[1][1], "horowitz-45nm");
    EXPECT_EQ(rows[1][2], "-");
    EXPECT_EQ(rows[1].back(), "pJ");
    test::expect_row({rows[0].begin() + 1, rows[0].end()}, "course", {200.0 / 3, 75, 50, 2.5, 2822.25, 30, 28.5});
    EXPECT_EQ(rows[1][3], "-");
    test::expect_row({rows[1].begin() + 3, rows[1].end() - 1}, "-", {51, 100.0 * 27 / 1001, 2823.25, 30, 28.5});
}

}  // namespace
}  // namespace widthwise
