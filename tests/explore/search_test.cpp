// SPDX-License-Identifier: Apache-2.0
// The search against all combinations, each run freshly.
#include "explore/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "common/error.h"
#include "explore/explore_case.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

struct Searched {
    Searched(std::uint64_t seed, int from, int to, int images, const std::string& table_name = "horowitz-45nm")
        : explored(seed, images), table(EnergyTable::load(table_name, WIDTHWISE_SOURCE_DIR)) {
        request.from = from;
        request.to = to;
        request.threads = 2;
        explored.label_like(test::with_width(explored.random.hardware, to), seed);
    }
    [[nodiscard]] WidthCosts costs() const {
        return {explored.random.network, explored.random.hardware, table, request.from, request.to, explored.size()};
    }
    [[nodiscard]] SearchResult search() const {
        const WidthCosts made = costs();
        return WidthSearch(made, explored.blocks(), request).run();
    }
    /// Energy of one inference and correct images of a fresh run.
    [[nodiscard]] std::pair<double, std::uint64_t> fresh(const SearchResult& result,
                                                         const std::vector<int>& bits) const {
        HardwareParams hardware = explored.random.hardware;
        hardware.accumulator.layer_bits.clear();
        for (std::size_t l = 0; l < bits.size(); ++l) hardware.accumulator.layer_bits[result.layers[l]] = bits[l];
        const test::FreshRun run = explored.fresh(hardware);
        const Schedule schedule = compile(explored.random.network, hardware, hardware.batch);
        RunSetup setup;
        setup.network = &explored.random.network;
        setup.schedule = &schedule;
        setup.table = &table;
        return {RunReport(setup, {run.record, {}}).energy_per_inference(), run.correct(explored.labels)};
    }

    test::ExploreCase explored;
    EnergyTable table;
    SearchRequest request;
};

void next_combination(std::vector<int>& bits, int from, int to) {
    for (int& width : bits) {
        if (++width <= to) return;
        width = from;
    }
}

void compare_with_brute_force(Searched& searched) {
    const SearchResult result = searched.search();
    const SearchRequest& request = searched.request;
    ASSERT_TRUE(result.exact);
    const bool by_bits = request.minimise == Minimise::bits;
    const SearchPoint& best = result.points[result.best];
    const double best_cost = by_bits ? best.total_bits() : best.energy;
    const SearchPoint& widest = result.points[result.widest];
    const double needed =
        static_cast<double>(widest.correct) - request.max_loss * static_cast<double>(result.labelled) / 100.0 - 1e-9;
    EXPECT_GE(static_cast<double>(best.correct), needed);
    EXPECT_EQ(widest.bits, std::vector<int>(result.layers.size(), request.to));

    std::vector<int> bits(result.layers.size(), request.from);
    const auto all = static_cast<std::size_t>(std::pow(request.to - request.from + 1, result.layers.size()));
    double cheapest = 1e300;
    for (std::size_t i = 0; i < all; ++i, next_combination(bits, request.from, request.to)) {
        const auto [energy, correct] = searched.fresh(result, bits);
        if (static_cast<double>(correct) < needed) continue;
        double cost = energy;
        if (by_bits) cost = std::accumulate(bits.begin(), bits.end(), 0.0);
        cheapest = std::min(cheapest, cost);
    }
    EXPECT_NEAR(best_cost, cheapest, 1e-9 * cheapest) << searched.explored.random.describe();
    for (const SearchPoint& point : result.points) {  // what it says of others is true as well
        const auto [energy, correct] = searched.fresh(result, point.bits);
        EXPECT_EQ(point.correct, correct);
        EXPECT_NEAR(point.energy, energy, 1e-9 * energy);
    }
}

TEST(Search, FindsWhatBruteForceFinds) {
    int searched_networks = 0;
    for (std::uint64_t seed = 0; searched_networks < 20; ++seed) {
        const test::RandomCase random = test::make_random_case(seed);
        const auto layers = std::count_if(random.network.operators.begin(), random.network.operators.end(),
                                          [](const Operator& op) { return op.has_weights(); });
        const auto classes = random.network.tensors[static_cast<std::size_t>(random.network.output)].shape.elements();
        if (layers < 2 || classes < 2) continue;
        ++searched_networks;
        SCOPED_TRACE(seed);
        Searched searched(seed, layers == 2 ? 7 : 8, layers == 2 ? 17 : 12, 50);
        searched.request.max_loss = static_cast<double>(seed % 4) * 5;
        if (seed % 3 == 0) searched.request.minimise = Minimise::bits;
        compare_with_brute_force(searched);
        if (HasFailure()) return;
    }
}

/// The first case of several layers in which many narrow widths do harm.
Searched example() {
    for (std::uint64_t seed = 0;; ++seed) {
        Searched searched(seed, 4, 22, 200);
        const WidthCosts costs = searched.costs();
        if (costs.layers().size() < 2 || costs.layers().front().options.front().energy == Energy()) continue;
        if (searched.search().rejected > 20) return searched;
    }
}

TEST(Search, KeepsTheBound) {
    for (const double loss : {0.0, 0.5, 3.0, 20.0, 100.0}) {
        Searched searched = example();
        searched.request.max_loss = loss;
        const SearchResult result = searched.search();
        EXPECT_LE(result.loss(result.points[result.best]), loss + 1e-9);
        if (loss == 100.0) {
            EXPECT_EQ(result.points[result.best].energy, result.points[result.pareto().front()].energy);
        }
    }
}

TEST(Search, DoesNotDependOnThreads) {
    Searched searched = example();
    const SearchResult two = searched.search();
    searched.request.threads = 1;
    const SearchResult one = searched.search();
    ASSERT_EQ(one.points.size(), two.points.size());
    for (std::size_t p = 0; p < one.points.size(); ++p) {
        EXPECT_EQ(one.points[p].bits, two.points[p].bits);
        EXPECT_EQ(one.points[p].energy, two.points[p].energy);
        EXPECT_EQ(one.points[p].origin, two.points[p].origin);
    }
    EXPECT_EQ(one.best, two.best);
    EXPECT_EQ(one.rejected, two.rejected);
    EXPECT_EQ(one.rejected_blocks, two.rejected_blocks);
}

TEST(Search, SaysWhenItIsNotExactAndBelowWhatThereIsNothing) {
    int inexact = 0;
    for (std::uint64_t seed = 0; seed < 60 && inexact < 3; ++seed) {
        Searched searched(seed, 4, 22, 200);
        if (searched.costs().layers().size() < 2) continue;
        const SearchResult exact = searched.search();
        ASSERT_TRUE(exact.exact);
        EXPECT_EQ(exact.lower_bound, exact.points[exact.best].energy);
        searched.request.limit = 3;
        const SearchResult limited = searched.search();
        EXPECT_LE(limited.lower_bound, exact.points[exact.best].energy);
        EXPECT_GE(limited.points[limited.best].energy, exact.points[exact.best].energy);
        EXPECT_TRUE(limited.good_enough(limited.points[limited.best]));
        if (!limited.exact) ++inexact;
    }
    EXPECT_GE(inexact, 3) << "proofs that try more than the limit allows";
}

TEST(Search, TheFrontIsNotDominated) {
    const SearchResult result = example().search();
    const std::vector<std::size_t> front = result.pareto();
    const std::set<std::size_t> members(front.begin(), front.end());
    for (std::size_t p = 0; p < result.points.size(); ++p) {
        const auto dominates = [&](std::size_t other) {
            const SearchPoint& a = result.points[other];
            const SearchPoint& b = result.points[p];
            return a.energy <= b.energy && a.correct >= b.correct && (a.energy < b.energy || a.correct > b.correct);
        };
        EXPECT_EQ(
            std::any_of(front.begin(), front.end(), dominates), !members.contains(p) && [&] {
                return std::none_of(front.begin(), front.end(), [&](std::size_t f) {
                    return result.points[f].energy == result.points[p].energy &&
                           result.points[f].correct == result.points[p].correct;
                });
            }());
    }
}

TEST(Search, NeedsLabels) {
    Searched searched = example();
    searched.explored.labels.assign(searched.explored.labels.size(), -1);
    EXPECT_THROW(static_cast<void>(searched.search()), InputError);
}

TEST(Search, EndsWhenItsReportThrows) {
    Searched searched = example();
    searched.request.report = [](const std::string& stage) {
        if (stage == "proof") throw std::runtime_error("enough");
    };
    EXPECT_THROW(static_cast<void>(searched.search()), std::runtime_error);
}

}  // namespace
}  // namespace widthwise
