// SPDX-License-Identifier: Apache-2.0
// SQNR, largest error and mean squared error by hand.
#include "results/quality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace widthwise {
namespace {

Deviation deviation_of(const std::vector<std::pair<std::int64_t, std::int64_t>>& pairs) {
    Deviation found;
    for (const auto& [reference, value] : pairs) found.add(reference, value);
    return found;
}

TEST(Deviation, CountsSquaresOfReferenceAndDifference) {
    const Deviation found = deviation_of({{3, 3}, {-4, -2}, {0, -5}, {7, 7}});
    EXPECT_EQ(found.values, 4U);
    EXPECT_EQ(found.different, 2U);
    EXPECT_TRUE(found.signal == 9 + 16 + 0 + 49);
    EXPECT_TRUE(found.noise == 4 + 25);
    EXPECT_EQ(found.largest, 5U);
}

TEST(Deviation, AddsUpInAnyOrder) {
    const Deviation all = deviation_of({{3, 1}, {-4, -2}, {0, -5}, {7, 7}});
    Deviation a = deviation_of({{0, -5}, {7, 7}});
    a += deviation_of({{3, 1}, {-4, -2}});
    Deviation b = deviation_of({{3, 1}, {-4, -2}});
    b += deviation_of({{0, -5}, {7, 7}});
    EXPECT_EQ(a, all);
    EXPECT_EQ(b, all);
}

/// The largest sums of 48 bits: nothing is lost.
TEST(Deviation, HoldsTheSquaresOfWideSums) {
    const std::int64_t most = (std::int64_t{1} << 47) - 1;
    Deviation found;
    for (int i = 0; i < 100; ++i) found.add(-most - 1, most);
    const auto square = [](std::uint64_t x) { return static_cast<unsigned __int128>(x) * x; };
    EXPECT_TRUE(found.signal == 100 * square(std::uint64_t{1} << 47));
    EXPECT_TRUE(found.noise == 100 * square((std::uint64_t{1} << 48) - 1));
}

/// Scale 0.5: signal (1 + 4 + 4) / 4, noise 1 / 4 in one of three values.
TEST(MapQuality, IsInRealNumbers) {
    const Deviation found = deviation_of({{1, 1}, {2, 3}, {-2, -2}});
    const double scale = 0.5;
    const MapQuality quality = map_quality("m", {&found, 1}, {&scale, 1});
    EXPECT_EQ(quality.name, "m");
    EXPECT_EQ(quality.values, 3U);
    EXPECT_EQ(quality.different, 1U);
    ASSERT_TRUE(quality.sqnr_db);
    EXPECT_DOUBLE_EQ(*quality.sqnr_db, 10 * std::log10(9.0));
    EXPECT_EQ(quality.largest_error, 0.5);
    EXPECT_DOUBLE_EQ(quality.mean_squared_error, 0.25 / 3);
    EXPECT_EQ(sqnr_text(quality), "9.5");
}

/// Channels of different scales: 10 * 1 against 1 * 2 and an error of 3 * 1 against 1 * 2.
TEST(MapQuality, WeighsChannelsByTheirScales) {
    const std::vector<Deviation> found = {deviation_of({{10, 13}}), deviation_of({{1, 2}})};
    const std::vector<double> scales = {1, 2};
    const MapQuality quality = map_quality("m", found, scales);
    EXPECT_DOUBLE_EQ(*quality.sqnr_db, 10 * std::log10((100.0 + 4) / (9.0 + 4)));
    EXPECT_EQ(quality.largest_error, 3);
    EXPECT_EQ(quality.mean_squared_error, 6.5);
}

TEST(MapQuality, OfEqualValuesHasNoRatio) {
    const Deviation found = deviation_of({{1, 1}, {-9, -9}});
    const double scale = 0.1;
    const MapQuality quality = map_quality("m", {&found, 1}, {&scale, 1});
    EXPECT_FALSE(quality.sqnr_db);
    EXPECT_EQ(quality.mean_squared_error, 0);
    EXPECT_EQ(sqnr_text(quality), "exact");
}

/// No signal and some noise: a ratio of 0, which no decibels can say.
TEST(MapQuality, OfNothingButNoiseIsMinusInfinity) {
    const Deviation found = deviation_of({{0, 1}});
    const double scale = 1;
    EXPECT_EQ(map_quality("m", {&found, 1}, {&scale, 1}).sqnr_db, -std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace widthwise
