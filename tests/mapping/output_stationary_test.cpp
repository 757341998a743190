// SPDX-License-Identifier: Apache-2.0
#include "mapping/dataflows/output_stationary.h"

#include <gtest/gtest.h>

namespace widthwise {
namespace {

using Loops = std::vector<Loop>;

HardwareParams array_of(int rows, int columns, Mapping mapping) {
    HardwareParams hardware;
    hardware.array.rows = rows;
    hardware.array.columns = columns;
    hardware.array.mapping = mapping;
    return hardware;
}

/// LeNet-5's C3: 16 channels of 10 x 10 pixels from 6 channels, 5 x 5.
LayerExtents c3() { return {2, 1, 16, 10, 10, 6, 5, 5, false}; }

TEST(OutputStationary, AConvolutionByRows) {
    HardwareParams hardware = array_of(8, 4, Mapping::row);
    hardware.accumulator.order = {TapLoop::channel, TapLoop::row, TapLoop::column};
    const LoopNest nest = output_stationary(c3(), hardware);
    EXPECT_EQ(nest.at(Memory::dram).loops, Loops{});
    EXPECT_EQ(nest.at(Memory::weight_buffer).loops, (Loops{{Dim::group, 1, 1, 1}, {Dim::out_channel, 2, 8, 8}}));
    EXPECT_EQ(nest.at(Memory::activation_buffer).loops, (Loops{{Dim::image, 2, 1, 1}}));
    EXPECT_EQ(nest.at(Memory::line_buffer).loops, (Loops{{Dim::out_row, 10, 1, 1}, {Dim::out_column, 3, 4, 2}}));
    EXPECT_EQ(nest.at(Memory::array).loops, (Loops{{Dim::out_channel, 8, 1, 1, Place::rows},
                                                   {Dim::out_column, 4, 1, 1, Place::columns},
                                                   {Dim::in_channel, 6, 1, 1},
                                                   {Dim::kernel_row, 5, 1, 1},
                                                   {Dim::kernel_column, 5, 1, 1}}));
}

TEST(OutputStationary, FlatTilesCrossRows) {
    const LoopNest nest = output_stationary(c3(), array_of(8, 16, Mapping::flat));
    EXPECT_EQ(nest.at(Memory::line_buffer).loops, (Loops{{Dim::out_pixel, 7, 16, 4}}));
    EXPECT_EQ(nest.at(Memory::array).loops[1], (Loop{Dim::out_pixel, 16, 1, 1, Place::columns}));
}

TEST(OutputStationary, StreamedWeightsComeFromDramPartByPart) {
    HardwareParams hardware = array_of(8, 4, Mapping::row);
    hardware.weight_buffer.storage = WeightStorage::streamed;
    const LoopNest nest = output_stationary(c3(), hardware);
    EXPECT_EQ(nest.at(Memory::dram).loops, (Loops{{Dim::group, 1, 1, 1}, {Dim::out_channel, 2, 8, 8}}));
    EXPECT_EQ(nest.at(Memory::weight_buffer).loops, Loops{});
}

TEST(OutputStationary, ColumnsMayBeImages) {
    const LayerExtents vector{5, 1, 10, 1, 1, 84, 1, 1, true};
    const LoopNest nest = output_stationary(vector, array_of(4, 3, Mapping::row));
    EXPECT_EQ(nest.at(Memory::activation_buffer).loops, (Loops{{Dim::image, 2, 3, 2}}));
    EXPECT_EQ(nest.at(Memory::line_buffer).loops, Loops{});
    EXPECT_EQ(nest.at(Memory::array).loops[0], (Loop{Dim::out_channel, 4, 1, 1, Place::rows}));
    EXPECT_EQ(nest.at(Memory::array).loops[1], (Loop{Dim::image, 3, 1, 1, Place::columns}));
}

/// Side by side and one after the other, every multiplication of the layer is there.
TEST(OutputStationary, CoversTheLayer) {
    for (const Mapping mapping : {Mapping::row, Mapping::flat}) {
        for (int side = 1; side < 20; ++side) {
            const LoopNest nest = output_stationary(c3(), array_of(side, side + 1, mapping));
            Cursor tiles(nest, Memory::dram, Memory::array);
            std::int64_t sums = 0;
            do {
                const int pixels = tiles.count(Dim::out_pixel) * tiles.count(Dim::out_column);
                sums += std::int64_t{tiles.count(Dim::out_channel)} * pixels;
            } while (tiles.next());
            EXPECT_EQ(sums, 2 * 16 * 100) << side;
        }
    }
}

}  // namespace
}  // namespace widthwise
