// SPDX-License-Identifier: Apache-2.0
#include "mapping/loop_nest.h"

#include <gtest/gtest.h>

#include <vector>

namespace widthwise {
namespace {

TEST(Loop, IsCutIntoTripsOfWhichTheLastMayBeShort) {
    EXPECT_EQ(loop_over(Dim::out_channel, 10, 4), (Loop{Dim::out_channel, 3, 4, 2, Place::time}));
    EXPECT_EQ(loop_over(Dim::out_channel, 8, 4), (Loop{Dim::out_channel, 2, 4, 4, Place::time}));
    EXPECT_EQ(loop_over(Dim::image, 1, 1, Place::columns), (Loop{Dim::image, 1, 1, 1, Place::columns}));
    for (int extent = 1; extent < 40; ++extent) {
        for (int step = 1; step <= extent; ++step) EXPECT_EQ(loop_over(Dim::group, extent, step).extent(), extent);
    }
}

/// Two groups of five channels in tiles of two, three images, seven pixels in tiles of three.
LoopNest example() {
    LoopNest nest = empty_nest();
    nest.at(Memory::weight_buffer).loops = {loop_over(Dim::group, 2), loop_over(Dim::out_channel, 5, 2)};
    nest.at(Memory::activation_buffer).loops = {loop_over(Dim::image, 3)};
    nest.at(Memory::line_buffer).loops = {loop_over(Dim::out_pixel, 7, 3)};
    nest.at(Memory::array).loops = {loop_over(Dim::out_channel, 2, 1, Place::rows), loop_over(Dim::in_channel, 4)};
    return nest;
}

TEST(LoopNest, CountsTripsInTime) {
    const LoopNest nest = example();
    EXPECT_EQ(nest.trips(Memory::dram, Memory::activation_buffer), 2 * 3);
    EXPECT_EQ(nest.trips(Memory::activation_buffer, Memory::line_buffer), 3);
    EXPECT_EQ(nest.trips(Memory::dram, Memory::array), 2 * 3 * 3 * 3);
    EXPECT_EQ(nest.trips(Memory::array, kInnermost), 4) << "rows work side by side";
}

TEST(ReductionPlan, IsTheLoopsOverTermsInTheirOrder) {
    LoopNest nest = example();
    EXPECT_EQ(reduction_plan(nest), (ReductionPlan{{loop_over(Dim::in_channel, 4)}, true}));
    // A reduction of which a part passes the line buffer at a time.
    nest.at(Memory::activation_buffer).loops.push_back(loop_over(Dim::kernel_row, 3));
    nest.at(Memory::line_buffer).loops.clear();
    EXPECT_EQ(reduction_plan(nest),
              (ReductionPlan{{loop_over(Dim::kernel_row, 3), loop_over(Dim::in_channel, 4)}, true}));
}

/// Weight stationary: pixels run within each step of the reduction, and every sum leaves the array after each.
TEST(ReductionPlan, SaysThatSumsLeaveWhereOthersRunBetweenTheirTerms) {
    LoopNest nest = example();
    nest.at(Memory::array).loops = {loop_over(Dim::in_channel, 4), loop_over(Dim::out_pixel, 7)};
    EXPECT_FALSE(reduction_plan(nest).sums_stay);
    nest.at(Memory::array).loops = {loop_over(Dim::in_channel, 4), loop_over(Dim::out_pixel, 1)};
    EXPECT_TRUE(reduction_plan(nest).sums_stay) << "there is no other sum";
    nest.at(Memory::array).loops = {loop_over(Dim::in_channel, 4), loop_over(Dim::out_channel, 2, 1, Place::rows)};
    EXPECT_TRUE(reduction_plan(nest).sums_stay) << "the others have registers of their own";
    nest.at(Memory::array).loops = {loop_over(Dim::in_channel, 1), loop_over(Dim::out_channel, 8),
                                    loop_over(Dim::kernel_row, 3)};
    EXPECT_TRUE(reduction_plan(nest).sums_stay) << "the outer loop has no second term";
}

TEST(Cursor, GoesThroughTheLoopsInTheirOrder) {
    Cursor cursor(example(), Memory::dram, Memory::array);
    for (int round = 0; round < 2; ++round) {  // after the last trips come the first ones
        for (int group = 0; group < 2; ++group) {
            for (int tile = 0; tile < 3; ++tile) {
                for (int image = 0; image < 3; ++image) {
                    for (int pixels = 0; pixels < 3; ++pixels) {
                        EXPECT_EQ(cursor.first(Dim::group), group);
                        EXPECT_EQ(cursor.first(Dim::out_channel), 2 * tile);
                        EXPECT_EQ(cursor.count(Dim::out_channel), tile == 2 ? 1 : 2);
                        EXPECT_EQ(cursor.first(Dim::image), image);
                        EXPECT_EQ(cursor.first(Dim::out_pixel), 3 * pixels);
                        EXPECT_EQ(cursor.count(Dim::out_pixel), pixels == 2 ? 1 : 3);
                        EXPECT_EQ(cursor.first(Dim::out_row), 0) << "no loop";
                        EXPECT_EQ(cursor.count(Dim::out_row), 1);
                        const bool last_pixels = pixels == 2, last_image = last_pixels && image == 2;
                        EXPECT_EQ(cursor.ends(Memory::line_buffer), last_pixels);
                        EXPECT_EQ(cursor.ends(Memory::activation_buffer), last_image);
                        EXPECT_EQ(cursor.ends(Memory::dram), last_image && tile == 2 && group == 1);
                        const bool more = !(last_image && tile == 2 && group == 1);
                        ASSERT_EQ(cursor.next(), more);
                        if (!more) continue;
                        EXPECT_EQ(cursor.moved(), !last_pixels  ? Memory::line_buffer
                                                  : !last_image ? Memory::activation_buffer
                                                                : Memory::weight_buffer);
                    }
                }
            }
        }
    }
}

TEST(Cursor, TellsWhatChangesInAMemory) {
    Cursor cursor(example(), Memory::dram, Memory::array);
    ASSERT_TRUE(cursor.next());  // pixels
    for (const Data data : {Data::weights, Data::inputs, Data::sums})
        EXPECT_FALSE(cursor.changed(Memory::line_buffer, data));
    EXPECT_FALSE(cursor.changed(Memory::array, Data::weights));
    EXPECT_TRUE(cursor.changed(Memory::array, Data::sums));
    ASSERT_TRUE(cursor.next());
    ASSERT_TRUE(cursor.next());  // the next image, from its first pixels on
    EXPECT_TRUE(cursor.changed(Memory::line_buffer, Data::inputs));
    EXPECT_FALSE(cursor.changed(Memory::line_buffer, Data::weights));
    EXPECT_FALSE(cursor.changed(Memory::array, Data::weights));
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(cursor.next());  // the next channels, of the first image
    EXPECT_TRUE(cursor.changed(Memory::activation_buffer, Data::weights));
    EXPECT_FALSE(cursor.changed(Memory::activation_buffer, Data::inputs)) << "all channels of a group read the same";
    EXPECT_TRUE(cursor.changed(Memory::array, Data::inputs)) << "the images began anew";
    for (int i = 0; i < 18; ++i) ASSERT_TRUE(cursor.next());  // the next group
    EXPECT_TRUE(cursor.changed(Memory::activation_buffer, Data::inputs));
}

TEST(Dims, ReductionsAreThoseThatSumsDoNotDependOn) {
    for (const Dim dim : {Dim::in_channel, Dim::kernel_row, Dim::kernel_column}) {
        EXPECT_FALSE(depends(Data::sums, dim));
        EXPECT_TRUE(depends(Data::weights, dim));
        EXPECT_TRUE(depends(Data::inputs, dim));
    }
    EXPECT_FALSE(depends(Data::weights, Dim::image));
    EXPECT_FALSE(depends(Data::inputs, Dim::out_channel));
    for (const Dim dim : {Dim::image, Dim::group, Dim::out_channel, Dim::out_row, Dim::out_column, Dim::out_pixel}) {
        EXPECT_TRUE(depends(Data::sums, dim));
    }
}

}  // namespace
}  // namespace widthwise
