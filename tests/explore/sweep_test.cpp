// SPDX-License-Identifier: Apache-2.0
// Every point of a sweep is what a run of its own would find, although most values were computed for another point.
#include "explore/sweep.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <functional>
#include <set>

#include "engine/fast/fast_engine.h"
#include "explore/sweep_files.h"
#include "kit/file_text.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"
#include "results/classifier.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

using testing::HasSubstr;

RunReport fresh_run(const Sweep& sweep, const Sweep::Point& point, const Schedule& schedule) {
    const Network& network = sweep.networks()[point.network];
    FastEngine engine(network, point.config.hardware, 1);
    RunOutcome outcome;
    const auto source = [&](int image) {
        return sweep.dataset().quantized(image, point.config.preprocessing,
                                         network.tensors[static_cast<std::size_t>(network.input)]);
    };
    const Classifier classify(network);
    outcome.record = engine.run(
        sweep.first_image(), sweep.end_image(), source, [&](int image, std::span<const std::uint8_t> values) {
            outcome.predictions.push_back({image, sweep.dataset().label(image), classify(values)});
        });
    RunSetup setup;
    setup.config = point.config;
    setup.network = &network;
    setup.schedule = &schedule;
    setup.table = &sweep.tables()[point.table].table;
    return {setup, std::move(outcome)};
}

void expect_layer(const LayerResult& layer, const Phase& phase, const RunReport& report) {
    EXPECT_EQ(layer.name, phase.name);
    EXPECT_EQ(layer.bits, phase.has_accumulators() ? phase.layer->computation->accumulator.bits : 0);
    EXPECT_EQ(layer.overflow, phase.record.overflow);
    EXPECT_EQ(layer.psums, phase.record.psums);
    EXPECT_EQ(layer.cycles, static_cast<double>(phase.record.cycles.total) / report.images());
    EXPECT_EQ(layer.energy, phase.total_energy().value() / report.images());
}

void expect_fresh_runs(const std::string& path, std::size_t evaluations) {
    const Sweep sweep(path, WIDTHWISE_SOURCE_DIR, "1.2.3");
    EXPECT_EQ(sweep.digests().size(), evaluations);
    Journal journal;
    sweep.compute(journal, 2, [](std::size_t) {});
    const std::vector<PointResult> results = sweep.results(journal, 2);
    ASSERT_EQ(results.size(), sweep.points().size());
    for (const PointResult& result : results) {
        SCOPED_TRACE(sweep.file().describe(result.point));
        const Sweep::Point& point = sweep.points()[result.point];
        const HardwareParams& hardware = point.config.hardware;
        const Schedule schedule = compile(sweep.networks()[point.network], hardware, hardware.batch);
        const RunReport report = fresh_run(sweep, point, schedule);
        EXPECT_EQ(result.accuracy->correct, report.accuracy->correct);
        EXPECT_EQ(result.accuracy->labelled, report.accuracy->labelled);
        EXPECT_EQ(result.overflow, report.total.record.overflow);
        EXPECT_EQ(result.cycles, report.cycles_per_inference());
        EXPECT_EQ(result.microseconds, report.microseconds_per_inference());
        EXPECT_EQ(result.utilisation, report.utilisation(report.total));
        EXPECT_EQ(result.total_energy, report.energy_per_inference());
        for (std::size_t c = 0; c < kComponentCount; ++c) {
            EXPECT_EQ(result.energy[c], report.total.energy[c].value() / report.images());
        }
        ASSERT_EQ(result.layers.size() + 2, report.phases.size()) << "beside load and store";
        for (std::size_t l = 0; l < result.layers.size(); ++l) {
            expect_layer(result.layers[l], report.phases[l + 1], report);
        }
    }
}

TEST(Sweep, EqualsFreshRuns) {
    const test::TemporaryFolder folder;
    expect_fresh_runs(test::write_sweep(folder, test::kMixedAxes, 100, 141), 8);
}

TEST(Sweep, EqualsFreshRunsOfOtherHardware) {
    const test::TemporaryFolder folder;
    expect_fresh_runs(
        test::write_sweep(folder,
                          "  batch: [1, 8]\n  mapping: [row, flat]\n  interconnect: [broadcast, systolic]\n"
                          "  lanes: [1, 4]\n  layer_accumulators: [{}, {c1: 15, F6: 13}]\n",
                          0, 37, test::repository("configs/widthwise-16x16.yaml")),
        2);
}

TEST(Sweep, EqualsFreshRunsOfOtherArithmetic) {
    const test::TemporaryFolder folder;
    expect_fresh_runs(
        test::write_sweep(
            folder,
            "  requantization: [{mode: float32, rounding: half_even}, {mode: fixed_point, rounding: floor, "
            "multiplier_bits: 8}, {mode: shift}]\n"
            "  check: [per_add, per_output]\n  bias: [preload, requant]\n  accumulator_bits: [14, 16]\n",
            0, 33),
        24);
}

TEST(Sweep, EqualsFreshRunsWithZeroGating) {
    const test::TemporaryFolder folder;
    expect_fresh_runs(test::write_sweep(folder, "  accumulator_bits: [12, 16, 20, 30]\n", 0, 40,
                                        test::repository("configs/edge-4x4-streamed.yaml")),
                      4);
}

TEST(Sweep, EqualsFreshRunsOfAnyKey) {
    const test::TemporaryFolder folder;
    // Each changes cycles or energy, and no value.
    expect_fresh_runs(test::write_sweep(folder,
                                        "  dram: [{latency: 5, bytes_per_cycle: 1}, {latency: 80}]\n"
                                        "  memories:\n"
                                        "    - {line_buffer.bytes: 9999, line_buffer.rows: 9}\n"
                                        "    - {weight_buffer.storage: streamed, line_buffer.fill_bytes_per_cycle: 2}\n"
                                        "  activation_buffer.ports: [1, 2]\n"
                                        "  array.shadow_accumulators: [false, true]\n"
                                        "  clock_mhz: [100, 250.5]\n"
                                        "  energy.loop_accounting: [true]\n"),
                      1);
    // These do change values.
    expect_fresh_runs(test::write_sweep(folder,
                                        "  accumulator.bits: [13]\n"
                                        "  accumulator.order: [[row, column, channel], [channel, row, column]]\n"
                                        "  accumulator.statistics: [outputs, every_add]\n"
                                        "  dram.latency: {from: 10, to: 30, step: 10}\n"),
                      4);
}

TEST(Sweep, EqualsFreshRunsOfOtherPreprocessing) {
    const test::TemporaryFolder folder;
    expect_fresh_runs(test::write_sweep(folder,
                                        "  preprocessing.fit: [pad, resize]\n"
                                        "  preprocessing.scale: [auto, 1/128]\n"
                                        "  preprocessing.mean: [0, 0.1]\n  dram.latency: [5, 6]\n"),
                      8);
}

TEST(Sweep, SettingsOfAnOptionAreThoseOfTheFile) {
    const test::TemporaryFolder folder;
    const std::string path = test::write_sweep(folder, "  lanes: [1, 2]\n");
    const std::string network = std::filesystem::relative(test::repository("models/lenet5-qat.onnx")).string();
    const Sweep sweep(path, WIDTHWISE_SOURCE_DIR, "1",
                      {.settings = parse_key_settings("--set", {"array.rows=5", "network=" + network})});
    EXPECT_EQ(sweep.base().hardware.array.rows, 5);
    EXPECT_EQ(sweep.points()[1].config.hardware.array.rows, 5);
    EXPECT_EQ(sweep.networks().front().path, network) << "counts from the working directory";
}

/// With few rows of the array and 459 bytes of maps a pool of LeNet-5 becomes a layer of its own: other layers, equal
/// values.
TEST(Sweep, PointsWhosePoolsAreLayersOfTheirOwnHaveTheSameAccuracy) {
    for (const char* sizes : {"[65536, 459]", "[459, 65536]"}) {
        const test::TemporaryFolder folder;
        const std::string path = test::write_sweep(folder, std::string("  activation_buffer.bytes: ") + sizes +
                                                               "\n  accumulator_bits: [14, 18]\n  array: [[1, 8]]\n");
        const Sweep sweep(path, WIDTHWISE_SOURCE_DIR, "1");
        Journal journal;
        sweep.compute(journal, 1, [](std::size_t) {});
        const std::vector<PointResult> results = sweep.results(journal, 1);
        ASSERT_EQ(results.size(), 4U);
        EXPECT_EQ(sweep.digests().size(), 4U) << "not the case: the layers are the same";
        for (const std::size_t point : {0U, 1U}) {
            EXPECT_EQ(results[point].accuracy->correct, results[point + 2].accuracy->correct) << sizes;
            EXPECT_EQ(results[point].overflow.events, results[point + 2].overflow.events);
        }
        EXPECT_NE(results[0].accuracy->correct, results[1].accuracy->correct) << "14 bits are too few";
    }
}

TEST(Sweep, PointsThatTheHardwareCannotRunHaveAReasonAndNoValues) {
    const test::TemporaryFolder folder;
    const std::string path =
        test::write_sweep(folder, "  line_buffer.bytes: [8192, 4]\n  accumulator_bits: [18, 20]\n");
    const Sweep sweep(path, WIDTHWISE_SOURCE_DIR, "1");
    EXPECT_EQ(sweep.refused(), 2U);
    EXPECT_EQ(sweep.digests().size(), 2U);
    Journal journal;
    sweep.compute(journal, 1, [](std::size_t) {});
    EXPECT_EQ(journal.size(), 2U);
    sweep.check(journal);
    const std::vector<PointResult> results = sweep.results(journal, 2);
    ASSERT_EQ(results.size(), 4U);
    for (const std::size_t point : {0U, 1U}) {
        EXPECT_EQ(results[point].refusal, "");
        EXPECT_GT(results[point].cycles, 0);
    }
    for (const std::size_t point : {2U, 3U}) {
        EXPECT_EQ(results[point].point, point);
        EXPECT_THAT(results[point].refusal, HasSubstr("line_buffer.bytes: 4 cannot hold"));
        EXPECT_TRUE(results[point].layers.empty());
    }
    // A part of a sweep may have such points only, and the others have what it lacks.
    const Sweep part(path, WIDTHWISE_SOURCE_DIR, "1", {.shard = {3, 4}});
    EXPECT_EQ(part.refused(), 1U);
    EXPECT_EQ(part.digests().size(), 0U);
}

TEST(Sweep, GivesThePublishedEnergiesOfTheCourse) {
    const test::TemporaryFolder folder;
    const Sweep sweep(test::write_sweep(folder,
                                        "  accumulator_bits: [18]\n"
                                        "  layer_accumulators: [{}, {c1: 18, c3: 16, c5: 16, f6: 18, out: 16}]\n",
                                        0, 4, test::repository("configs/course.yaml")),
                      WIDTHWISE_SOURCE_DIR, "1");
    Journal journal;
    sweep.compute(journal, 1, [](std::size_t) {});
    const std::vector<PointResult> results = sweep.results(journal, 1);
    EXPECT_EQ(4 * results[0].total_energy, 402692880);
    EXPECT_EQ(4 * results[1].total_energy, 395774080);
    EXPECT_EQ(4 * results[1].layers[1].energy, 230400000);
}

TEST(Sweep, WidthsThatCannotOverflowAreOneEvaluation) {
    const test::TemporaryFolder folder;
    const Sweep sweep(test::write_sweep(folder, "  accumulator_bits: {from: 22, to: 48}\n"), WIDTHWISE_SOURCE_DIR, "1");
    EXPECT_EQ(sweep.points().size(), 27U);
    EXPECT_EQ(sweep.digests().size(), 1U);
}

TEST(Sweep, KeysWithoutEffectAreOneEvaluation) {
    const test::TemporaryFolder folder;
    const Sweep sweep(test::write_sweep(folder,
                                        "  requantization: [{mode: float32}, {mode: float32, rounding: floor}, "
                                        "{mode: float32, multiplier_bits: 8}, {mode: shift, multiplier_bits: 7}, "
                                        "{mode: shift, multiplier_bits: 8}]\n"),
                      WIDTHWISE_SOURCE_DIR, "1");
    EXPECT_EQ(sweep.points().size(), 5U);
    EXPECT_EQ(sweep.digests().size(), 2U);
    Journal journal;
    sweep.compute(journal, 1, [](std::size_t) {});
    const std::vector<PointResult> results = sweep.results(journal, 1);
    EXPECT_EQ(results[0].energy, results[1].energy);
    EXPECT_EQ(results[0].energy, results[2].energy);
    EXPECT_EQ(results[3].energy, results[4].energy);
}

TEST(Sweep, DigestsTellEverythingApartThatDecidesValues) {
    const test::TemporaryFolder folder;
    std::set<std::string> digests;
    const auto add = [&](const std::string& version, int first, int end, const std::string& config) {
        const Sweep sweep(test::write_sweep(folder, "  accumulator_bits: [16]\n", first, end, test::repository(config)),
                          WIDTHWISE_SOURCE_DIR, version);
        digests.insert(sweep.points().front().digest);
        return digests.size();
    };
    EXPECT_EQ(add("1", 0, 10, "configs/widthwise-8x8.yaml"), 1U);
    EXPECT_EQ(add("1", 0, 10, "configs/widthwise-16x16.yaml"), 1U) << "the same values";
    EXPECT_EQ(add("2", 0, 10, "configs/widthwise-8x8.yaml"), 2U);
    EXPECT_EQ(add("1", 1, 10, "configs/widthwise-8x8.yaml"), 3U);
    EXPECT_EQ(add("1", 0, 11, "configs/widthwise-8x8.yaml"), 4U);
    EXPECT_EQ(add("1", 0, 10, "configs/course.yaml"), 5U);
}

TEST(Sweep, APartPlansItsOwnPointsOnly) {
    const test::TemporaryFolder folder;
    const std::string path = test::write_sweep(folder, test::kMixedAxes);
    const Sweep whole(path, WIDTHWISE_SOURCE_DIR, "1");
    std::size_t points = 0;
    for (int i = 1; i <= 5; ++i) {
        const Sweep part(path, WIDTHWISE_SOURCE_DIR, "1", {.shard = {i, 5}});
        for (const Sweep::Point& point : part.points()) {
            EXPECT_EQ(point.digest, whole.point(point.number).digest);
            EXPECT_EQ(&part.point(point.number), &point);
            EXPECT_EQ(point.number % 5, static_cast<std::size_t>(i - 1));
        }
        points += part.points().size();
    }
    EXPECT_EQ(points, whole.points().size());
    EXPECT_EQ(Sweep(path, WIDTHWISE_SOURCE_DIR, "1", {.shard = {40, 40}}).points().size(), 0U);
}

TEST(Sweep, ChecksWhatAJournalSaysOfItsPoints) {
    const test::TemporaryFolder folder;
    const Sweep sweep(test::write_sweep(folder, "  accumulator_bits: [16]\n"), WIDTHWISE_SOURCE_DIR, "1");
    Journal journal;
    sweep.compute(journal, 1, [](std::size_t) {});
    sweep.check(journal);
    const std::string& digest = sweep.points()[0].digest;
    const ValueOutcome right = *journal.find(digest);
    const auto refusal = [&](const std::function<void(ValueOutcome&)>& change) {
        ValueOutcome wrong = right;
        change(wrong);
        Journal other;
        other.add(digest, wrong);
        return test::refusal([&] { sweep.check(other); });
    };
    EXPECT_THAT(refusal([](ValueOutcome& o) { o.layers.pop_back(); }),
                HasSubstr("has 4 layers, where point 0 (accumulator_bits 16) has 5"));
    EXPECT_THAT(refusal([](ValueOutcome& o) { o.images = 41; }), HasSubstr("has 41 images"));
    EXPECT_THAT(refusal([](ValueOutcome& o) { o.labelled = 39; }), HasSubstr("has 39 labelled images"));
    EXPECT_THAT(refusal([](ValueOutcome& o) { ++o.layers[1].overflow.outputs; }),
                HasSubstr("has 64001 outputs of layer c3"));
}

TEST(Sweep, ResultsNeedTheirValues) {
    const test::TemporaryFolder folder;
    const Sweep sweep(test::write_sweep(folder, "  accumulator_bits: [16, 18]\n"), WIDTHWISE_SOURCE_DIR, "1");
    Journal journal;
    journal.add(sweep.points()[0].digest, {40, 40, 40, {}, std::vector<LayerRecord>(5)});
    EXPECT_THAT(test::refusal([&] { static_cast<void>(sweep.results(journal, 1)); }),
                HasSubstr("1 of 2 points were not computed; the first is point 1 (accumulator_bits 18)"));
}

}  // namespace
}  // namespace widthwise
