// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "explore/search_proof.h"

namespace widthwise {
namespace {

double cost_of(const std::vector<std::vector<double>>& costs, const std::vector<int>& choice) {
    double cost = 0;
    for (std::size_t l = 0; l < costs.size(); ++l) cost += costs[l][static_cast<std::size_t>(choice[l])];
    return cost;
}

/// All combinations once, in ascending cost.
void expect_complete(const std::vector<std::vector<double>>& costs) {
    std::size_t all = 1;
    for (const auto& layer : costs) all *= layer.size();
    CheapestFirst combinations(costs);
    std::set<std::vector<int>> seen;
    double last = -1e300;
    while (!combinations.empty()) {
        const double announced = combinations.cost();
        const std::vector<int> choice = combinations.take();
        EXPECT_EQ(announced, cost_of(costs, choice));
        EXPECT_GE(announced, last - 1e-9);
        EXPECT_TRUE(seen.insert(choice).second) << "twice";
        last = announced;
    }
    EXPECT_EQ(seen.size(), all);
}

TEST(CheapestFirst, OneLayerOneOption) { expect_complete({{3}}); }
TEST(CheapestFirst, TiesEverywhere) { expect_complete({{1, 1, 1}, {2, 2}, {0, 0, 0, 0}}); }
TEST(CheapestFirst, CostsNeedNotRiseWithWidth) { expect_complete({{3, 1, 2}, {5}, {1, 9, 0.5}, {7, 6, 5, 4}}); }

TEST(CheapestFirst, RandomCosts) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        std::vector<std::vector<double>> costs(1 + random() % 5);
        for (auto& layer : costs) {
            layer.resize(1 + random() % 6);
            for (double& cost : layer) cost = static_cast<double>(random() % 20) / 3;
        }
        expect_complete(costs);
    }
}

}  // namespace
}  // namespace widthwise
