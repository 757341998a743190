// SPDX-License-Identifier: Apache-2.0
// Counts of a validation against fresh runs, and the bound against the binomial distribution that defines it.
#include "explore/validation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/error.h"
#include "explore/explore_case.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

/// The chance of `most` or fewer of `n` at `p` each.
double at_most(int most, int n, double p) {
    double sum = 0;
    for (int k = 0; k <= most; ++k) {
        sum += std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) + k * std::log(p) +
                        (n - k) * std::log1p(-p));
    }
    return sum;
}

TEST(ChangedBelow, IsWhereSoFewWouldBeSeenOnceInTwenty) {
    for (const int n : {1, 7, 50, 1000}) {
        for (int k = 0; k < n; k += 1 + n / 5) {
            const double bound = changed_below(static_cast<std::uint64_t>(k), static_cast<std::uint64_t>(n));
            EXPECT_NEAR(at_most(k, n, bound), 0.05, 1e-9) << k << " of " << n;
        }
    }
}

TEST(ChangedBelow, OfNoneIsNearlyThreeOverTheNumber) {
    EXPECT_NEAR(changed_below(0, 10000), 0.0002995, 1e-7);
    EXPECT_NEAR(changed_below(0, 10000), 1 - std::pow(0.05, 1e-4), 1e-12);
    EXPECT_EQ(changed_below(5, 5), 1);
}

TEST(Validation, CountsWhatFreshRunsGive) {
    int changed = 0, right = 0;
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        SCOPED_TRACE(seed);
        const test::ExploreCase explored(seed, 50);
        const Network& network = explored.random.network;
        std::vector<WidthSetting> candidates = {{"wide", test::with_width(explored.random.hardware, 24)},
                                                {"middle", test::with_width(explored.random.hardware, 14)},
                                                {"narrow", test::with_width(explored.random.hardware, 8)}};
        const auto source = [&](int i) { return explored.random.images[static_cast<std::size_t>(i)]; };
        const auto label = [](int image) { return image % 3 == 0 ? -1 : image % 4; };
        int reported = 0;
        std::vector<ValidatedPoint> points;
        try {
            points = validate(network, candidates, 7, 45, 2, source, label, [&](int count) { reported += count; });
        } catch (const InputError&) {
            continue;  // wider sums that leave need more room
        }
        EXPECT_EQ(reported, 3 * 38);
        ASSERT_EQ(points.size(), 3U);
        std::vector<int> reference;
        for (std::size_t c = 0; c < 3; ++c) {
            std::vector<int> classes;
            const Classifier classify(network);
            FastEngine engine(network, candidates[c].hardware, 1);
            engine.run(7, 45, source,
                       [&](int, std::span<const std::uint8_t> output) { classes.push_back(classify(output)); });
            if (c == 0) reference = classes;
            std::uint64_t correct = 0, different = 0;
            for (int i = 7; i < 45; ++i) {
                const auto at = static_cast<std::size_t>(i - 7);
                correct += label(i) == classes[at] ? 1U : 0U;
                different += classes[at] != reference[at] ? 1U : 0U;
            }
            EXPECT_EQ(points[c].name, candidates[c].name);
            EXPECT_EQ(points[c].images, 38U);
            EXPECT_EQ(points[c].labelled, 26U);
            EXPECT_EQ(points[c].correct, correct);
            EXPECT_EQ(points[c].changed, different);
            EXPECT_EQ(points[c].changed_below, changed_below(different, 38));
            changed += different > 0 ? 1 : 0;
            right += correct > 0 ? 1 : 0;
        }
    }
    EXPECT_GT(changed, 10);
    EXPECT_GT(right, 10);
}

}  // namespace
}  // namespace widthwise
