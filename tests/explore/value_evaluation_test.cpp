// SPDX-License-Identifier: Apache-2.0
// Shared prefixes, stand-ins for wider accumulators and schedules put together from parts give what a fresh engine
// gives.
#include "explore/value_evaluation.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/error.h"
#include "engine/fast/fast_engine.h"
#include "explore/explore_case.h"
#include "explore/measure_quality.h"
#include "schedule/compile.h"
#include "schedule/schedule_model.h"

namespace widthwise {
namespace {

/// Widths, overflow modes and checks of one network; and hardware that changes no value.
std::vector<HardwareParams> variants_of(const HardwareParams& base, std::mt19937_64& generate) {
    std::vector<HardwareParams> all;
    for (int bits = 5; bits <= 26; bits += 3) {
        HardwareParams hardware = test::with_width(base, bits);
        if (generate() % 4 == 0) hardware.accumulator.format.overflow = Overflow::wrap;
        if (generate() % 4 == 0) hardware.accumulator.format.check = OverflowCheck::per_output;
        all.push_back(hardware);
        hardware.array.rows = 1 + static_cast<int>(generate() % 9);
        hardware.array.mapping = generate() % 2 == 0 ? Mapping::row : Mapping::flat;
        hardware.batch = 1 + static_cast<int>(generate() % 5);
        all.push_back(hardware);
    }
    std::shuffle(all.begin(), all.end(), generate);
    return all;
}

RunRecord assembled(const Network& network, const HardwareParams& hardware, const ValueOutcome& values) {
    const int left = static_cast<int>(values.images) % hardware.batch;
    const RunRecord rest = left == 0 ? RunRecord{} : model_schedule(compile(network, hardware, left));
    return full_record(values, model_schedule(compile(network, hardware, hardware.batch)), rest, hardware.batch);
}

void compare(std::uint64_t seed) {
    test::ExploreCase explored(seed, 70);  // two full blocks and a short one
    const Network& network = explored.random.network;
    explored.label_like(explored.random.hardware, seed);
    std::mt19937_64 generate(seed);
    LayerVariants variants;
    std::vector<HardwareParams> accepted;
    std::vector<ValuePath> paths;
    for (const HardwareParams& hardware : variants_of(explored.random.hardware, generate)) {
        try {
            paths.push_back(variants.add(compile(network, hardware, hardware.batch)));
            accepted.push_back(hardware);
        } catch (const InputError&) {
            continue;  // an array that does not go with the line buffer
        }
    }
    const std::vector<ValueOutcome> outcomes = evaluate(variants, explored.blocks(), paths, 2, {});
    // With memory for nothing, every path is computed afresh.
    EXPECT_EQ(evaluate(variants, explored.blocks(), paths, 2, {}, {}, 1), outcomes);
    for (std::size_t i = 0; i < accepted.size(); ++i) {
        const test::FreshRun fresh = explored.fresh(accepted[i]);
        EXPECT_EQ(assembled(network, accepted[i], outcomes[i]), fresh.record) << explored.random.describe();
        EXPECT_EQ(outcomes[i].correct, fresh.correct(explored.labels)) << explored.random.describe();
        const auto labelled =
            std::count_if(explored.labels.begin(), explored.labels.end(), [](int l) { return l >= 0; });
        EXPECT_EQ(outcomes[i].labelled, static_cast<std::uint64_t>(labelled));
    }
}

/// Outputs against those of exact sums, as another program of ours measures them image by image.
void compare_with_exact(std::uint64_t seed) {
    const test::ExploreCase explored(seed, 70);
    const Network& network = explored.random.network;
    LayerVariants variants;
    std::vector<HardwareParams> hardware;
    std::vector<ValuePath> paths, references;
    for (int bits = 6; bits <= 20; bits += 7) {
        const Schedule schedule = compile(network, test::with_width(explored.random.hardware, bits), 1);
        hardware.push_back(test::with_width(explored.random.hardware, bits));
        hardware.back().batch = 1;
        paths.push_back(variants.add(schedule));
        references.push_back(variants.add(with_exact_sums(schedule)));
    }
    const auto outcomes = evaluate(variants, explored.blocks(), paths, 2, {}, {}, kMaxFastEngineBytes, references);
    EXPECT_EQ(evaluate(variants, explored.blocks(), paths, 1, {}, {}, 1, references), outcomes);
    HardwareParams exact = test::with_width(explored.random.hardware, kMaxAccumulatorBits);
    exact.batch = 1;
    const std::vector<Quality> expected =
        measure_quality(network, exact, hardware, 0, explored.size(), 1, explored.source(), [](int) {});
    const OutputValues output(network);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        ASSERT_TRUE(outcomes[i].output) << explored.random.describe();
        EXPECT_EQ(outcomes[i].output->agreeing, expected[i].agreeing) << explored.random.describe();
        const MapQuality found = map_quality("output", outcomes[i].output->deviations, output.scales());
        EXPECT_EQ(found.values, expected[i].output.values);
        EXPECT_EQ(found.different, expected[i].output.different) << explored.random.describe();
        EXPECT_EQ(found.sqnr_db, expected[i].output.sqnr_db);
        EXPECT_EQ(found.largest_error, expected[i].output.largest_error);
        EXPECT_EQ(found.mean_squared_error, expected[i].output.mean_squared_error);
    }
}

TEST(Evaluate, ComparesOutputsWithThoseOfExactSums) {
    for (std::uint64_t seed = 0; seed < 40 && !HasFailure(); ++seed) compare_with_exact(seed);
}

TEST(Evaluate, EqualsFreshEnginesOnRandomNetworks) {
    for (std::uint64_t seed = 0; seed < 60 && !HasFailure(); ++seed) compare(seed);
}

TEST(Evaluate, DoesNotDependOnThreadsOrOrder) {
    test::ExploreCase explored(3, 300);
    explored.label_like(explored.random.hardware, 3);
    LayerVariants variants;
    std::vector<ValuePath> paths;
    for (int bits = 4; bits <= 20; ++bits) {
        paths.push_back(
            variants.add(compile(explored.random.network, test::with_width(explored.random.hardware, bits), 1)));
    }
    const std::vector<ImageBlock> blocks = explored.blocks();
    const std::vector<ValueOutcome> expected = evaluate(variants, blocks, paths, 1, {});
    EXPECT_EQ(evaluate(variants, blocks, paths, 5, {}), expected);
    std::vector<int> backwards;
    for (int i = explored.size(); i-- > 0;) backwards.push_back(i);
    std::reverse(paths.begin(), paths.end());
    std::vector<ValueOutcome> reversed = evaluate(variants, reordered(blocks, backwards), paths, 2, {});
    std::reverse(reversed.begin(), reversed.end());
    EXPECT_EQ(reversed, expected);
}

TEST(Evaluate, NamesTheImagesThatAreWrong) {
    test::ExploreCase explored(5, 100);
    explored.label_like(explored.random.hardware, 5);
    LayerVariants variants;
    const std::vector<ValuePath> paths = {variants.add(compile(explored.random.network, explored.random.hardware, 1))};
    std::vector<int> wrong(100, 0);
    std::size_t steps = 0;
    const auto outcome = evaluate(
        variants, explored.blocks(), paths, 2, [&](std::size_t count) { steps += count; },
        [&](int image, std::size_t) { ++wrong[static_cast<std::size_t>(image)]; });
    const test::FreshRun fresh = explored.fresh(explored.random.hardware);
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        EXPECT_EQ(wrong[i], explored.labels[i] >= 0 && explored.labels[i] != fresh.classes[i] ? 1 : 0) << i;
    }
    EXPECT_EQ(steps, 4U) << "blocks";
}

}  // namespace
}  // namespace widthwise
