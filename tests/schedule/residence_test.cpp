// SPDX-License-Identifier: Apache-2.0
#include "schedule/residence.h"

#include <gtest/gtest.h>

#include "config/hardware.h"

namespace widthwise {
namespace {

TEST(Places, AreTakenInTurn) {
    const Places places{3, 100};
    EXPECT_EQ(places.address(0), 0);
    EXPECT_EQ(places.address(2), 200);
    EXPECT_EQ(places.address(3), 0);
    EXPECT_TRUE(places.has_place(2, 0));
    EXPECT_FALSE(places.has_place(3, 0));
    EXPECT_TRUE(places.has_place(3, 1));
}

TEST(Places, OfWeights) {
    WeightBufferParams params;
    params.bytes = 1001;
    params.storage = WeightStorage::resident;
    EXPECT_EQ(weight_places(params).count, 1);
    EXPECT_EQ(weight_places(params).bytes, 1001);
    params.storage = WeightStorage::streamed;
    EXPECT_EQ(weight_places(params).count, 2);
    EXPECT_EQ(weight_places(params).bytes, 500);
}

TEST(ResidenceTimes, AreFilledWhenThePlaceWasGivenUp) {
    ResidenceTimes times(2, 0, 10);
    EXPECT_EQ(times.place_free(0), 10);
    EXPECT_EQ(times.place_free(1), 10);
    EXPECT_EQ(times.place_free(2), std::nullopt);
    times.give_up(1, 25);
    times.give_up(3, 40);  // two at once
    EXPECT_EQ(times.place_free(1), 10);
    EXPECT_EQ(times.place_free(2), 25);
    EXPECT_EQ(times.place_free(3), 40);
    EXPECT_EQ(times.place_free(4), 40);
    EXPECT_EQ(times.place_free(5), std::nullopt);
    EXPECT_EQ(times.given_up(0), 25);
    EXPECT_EQ(times.given_up(2), 40);
    EXPECT_EQ(times.given_up(3), std::nullopt);
    EXPECT_EQ(times.first_held(), 3);
    EXPECT_EQ(times.edges(), (std::vector<Edge>{25, 40}));
}

/// Of a stream whose first pieces are never filled.
TEST(ResidenceTimes, MayBeginBehindTheFirst) {
    ResidenceTimes times(2, 4, 7);
    EXPECT_EQ(times.place_free(5), 7);
    EXPECT_EQ(times.place_free(6), std::nullopt);
    times.give_up(4, 9);  // nothing new
    EXPECT_EQ(times.place_free(6), std::nullopt);
    times.give_up(5, 11);
    EXPECT_EQ(times.place_free(6), 11);
}

}  // namespace
}  // namespace widthwise
