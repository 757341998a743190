// SPDX-License-Identifier: Apache-2.0
// What passes a line buffer that cannot hold the rows which the array reads at once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "common/error.h"
#include "engine/random_case.h"
#include "kit/network_builder.h"
#include "schedule/compile.h"
#include "schedule/cursors.h"

namespace widthwise::test {
namespace {

LayerSchedule compiled(const NetworkBuilder& builder, const HardwareParams& hardware) {
    return compile(builder.network(), hardware, 1).layers.front();
}

/// Three of eight channels of a 3x3 kernel, padded, over a map of 10 x 21; rows of 8 * 21 bytes.
LayerSchedule wide(std::int64_t line_buffer_bytes, const TapOrder& order, Mapping mapping = Mapping::row) {
    HardwareParams hardware;
    hardware.array.columns = 4;
    hardware.array.mapping = mapping;
    hardware.line_buffer.bytes = line_buffer_bytes;
    hardware.accumulator.order = order;
    return compiled(NetworkBuilder({8, 10, 21}).convolution("c", 3, Window{3, 3, 1, 1, 1, 1, 1, 1}), hardware);
}

constexpr TapOrder kChannelsLast = {TapLoop::row, TapLoop::column, TapLoop::channel};
constexpr TapOrder kChannelsFirst = {TapLoop::channel, TapLoop::row, TapLoop::column};

std::string text(const LinePass& pass) {
    std::string all;
    for (const LineBlock& b : pass.blocks)
        all += fmt::format("{}:{}+{}@{}+{} ", b.row, b.first_channel, b.channels, b.x, b.bytes);
    return all;
}

TEST(LinePasses, WholeRowsIfTheyFit) {
    const LayerSchedule layer = wide(3 * 8 * 21, kChannelsLast);
    ASSERT_EQ(layer.line_passes.size(), 1U);
    EXPECT_EQ(layer.line_passes[0].blocks.size(), 10U);
    EXPECT_EQ(layer.line_passes[0].blocks[9], (LineBlock{9, 0, 8, 0, 21, 72}));
    EXPECT_EQ(layer.buffer_blocks, 3);
}

/// Three rows of 20 bytes and eight channels: stripes of 16 outputs read 17 or 18 pixels.
TEST(LinePasses, StripesAreAsWideAsFits) {
    const LayerSchedule layer = wide(3 * 8 * 20, kChannelsLast);
    ASSERT_EQ(layer.line_passes.size(), 2U);
    EXPECT_EQ(layer.line_passes[0].end_tile, 10 * 4);
    EXPECT_EQ(layer.line_passes[1].end_tile, 10 * 6);
    EXPECT_EQ(layer.line_passes[0].blocks[1], (LineBlock{1, 0, 8, 0, 17, 8}));
    EXPECT_EQ(layer.line_passes[1].blocks[1], (LineBlock{1, 0, 8, 15, 6, 8}));
    EXPECT_EQ(layer.tiles[4].first, 21) << "the second row of the first stripe";
    EXPECT_EQ(layer.tiles[40].first, 16) << "the first row of the second";
    EXPECT_EQ(layer.line_stride, 17);
    EXPECT_EQ(layer.buffer_blocks, 3);
}

/// Less than three rows of 6 pixels: the taps of a kernel row fit, with those of the next.
TEST(LinePasses, TilesAreFetchedKernelRowByKernelRow) {
    const LayerSchedule layer = wide(3 * 8 * 6 - 1, kChannelsLast);
    ASSERT_EQ(layer.line_passes.size(), layer.tiles.size());
    ASSERT_EQ(layer.parts.size(), 3U);
    EXPECT_EQ(layer.parts[1], (TapPart{48, 1, 2, 0, 3, 0, 8}));
    EXPECT_EQ(text(layer.line_passes[0]), "0:0+8@0+5 1:0+8@0+5 ") << "row -1 is padding";
    EXPECT_EQ(text(layer.line_passes[6 + 1]), "0:0+8@3+6 1:0+8@3+6 2:0+8@3+6 ");
    EXPECT_EQ(layer.line_passes[0].first_of_part, (std::vector<int>{0, 0, 1, 2}));
    EXPECT_EQ(layer.buffer_blocks, 2);
}

TEST(LinePasses, PartsAreCutWhereTheOrderOfAccumulationAllows) {
    // Channels outermost: some of them at a time.
    const LayerSchedule channels = wide(3 * 6 * 6 - 1, kChannelsFirst);
    ASSERT_EQ(channels.parts.size(), 4U);
    EXPECT_EQ(channels.parts[1], (TapPart{36, 0, 3, 0, 3, 2, 4}));
    EXPECT_EQ(text(channels.line_passes[7]),
              "0:0+2@3+6 1:0+2@3+6 2:0+2@3+6 0:2+2@3+6 1:2+2@3+6 2:2+2@3+6 "
              "0:4+2@3+6 1:4+2@3+6 2:4+2@3+6 0:6+2@3+6 1:6+2@3+6 2:6+2@3+6 ");
    // Channels innermost, less than a row of all: two pixels of the kernel at a time, then some channels of one.
    const LayerSchedule pixels = wide(8 * 6 - 1, kChannelsLast);
    EXPECT_EQ(pixels.parts.size(), 6U);
    EXPECT_EQ(text(pixels.line_passes[7]).substr(0, 30), "0:0+8@3+5 0:0+8@5+4 1:0+8@3+5 ");
    const LayerSchedule some = wide(8 * 4 - 1, kChannelsLast);
    EXPECT_EQ(some.parts.size(), 27U) << "three channels, so that the next are filled meanwhile";
    EXPECT_EQ(text(some.line_passes[7]).substr(0, 40), "0:0+3@3+4 0:3+3@3+4 0:6+2@3+4 0:0+3@4+4 ");
    const LayerSchedule single = wide(4, kChannelsLast);
    EXPECT_EQ(single.parts.size(), 72U);
    EXPECT_EQ(single.buffer_blocks, 1);
}

TEST(LinePasses, FlatTilesOfSeveralRowsReadWholeLines) {
    const LayerSchedule layer = wide(3 * 8 * 21, kChannelsLast, Mapping::flat);
    EXPECT_EQ(layer.parts.size(), 2U);
    EXPECT_EQ(text(layer.line_passes[5]), "0:0+8@0+21 1:0+8@0+21 1:0+8@0+21 2:0+8@0+21 ") << "pixels 20 to 23";
}

/// Stripes of 16 outputs would cut the windows of a 3x3 pool, and those of 8 a pool of 3; 12 do not.
TEST(LinePasses, PoolingWindowsLieInStripes) {
    HardwareParams hardware;
    hardware.array.columns = 4;
    hardware.line_buffer.bytes = 3 * 8 * 20;
    NetworkBuilder builder = NetworkBuilder({8, 10, 21}).convolution("c", 3, Window{3, 3, 1, 1, 1, 1, 1, 1});
    const LayerSchedule apart =
        compiled(NetworkBuilder(builder).pool("p", OperatorKind::max_pool, square_window(3, 3)), hardware);
    ASSERT_EQ(apart.line_passes.size(), 2U);
    EXPECT_EQ(apart.line_passes[0].end_tile, 10 * 3);
    const LayerSchedule overlapping =
        compiled(NetworkBuilder(builder).pool("p", OperatorKind::max_pool, square_window(3, 2)), hardware);
    EXPECT_EQ(overlapping.line_passes.size(), overlapping.tiles.size());
}

TEST(LinePasses, VectorsPassWordByWord) {
    HardwareParams hardware;
    hardware.line_buffer.bytes = 17;
    const LayerSchedule layer = compiled(NetworkBuilder({21}).fully_connected("f", 2), hardware);
    EXPECT_EQ(layer.buffer_blocks, 2);
    EXPECT_EQ(text(layer.line_passes[0]), "0:0+1@0+8 1:0+1@0+8 2:0+1@0+5 ");
    EXPECT_EQ(layer.parts[2].end_tap, 21);
}

TEST(LinePasses, WhatNoTileCanReadAtOnceIsRefused) {
    EXPECT_THROW(wide(3, kChannelsLast), InputError);
    HardwareParams hardware;
    hardware.line_buffer.bytes = 15;
    hardware.batch = 2;
    try {
        compile(NetworkBuilder({21}).fully_connected("f", 2).network(), hardware, 2);
        FAIL();
    } catch (const InputError& error) {
        EXPECT_STREQ(error.what(),
                     "layer 'f': line_buffer.bytes: 15 cannot hold a fill word of 8 bytes for each of 2 "
                     "images; needs at least 16");
    }
}

/// Feature-map row that output row `y` reads with tap row `r`, column likewise.
bool covered(const LinePass& pass, int part, int row, int x, int channel) {
    return std::any_of(pass.blocks.begin() + pass.first_of_part[part],
                       pass.blocks.begin() + pass.first_of_part[part + 1], [&](const LineBlock& b) {
                           return b.row == row && x >= b.x && x < b.x + b.bytes && channel >= b.first_channel &&
                                  channel < b.first_channel + b.channels;
                       });
}

/// Every value that a tap reads lies in a block of its part, whose last line it waits for or one behind it.
void expect_taps_find_their_values(const LayerSchedule& layer) {
    TileCursor tile(layer);
    do {
        const ColumnTile& pixels = layer.tiles[tile.index().tile];
        const LinePass& pass = tile.line_pass();
        ASSERT_GE(tile.index().tile, pass.first_tile);
        ASSERT_LT(tile.index().tile, pass.end_tile);
        int part = 0;
        for (int t = 0; t < static_cast<int>(layer.taps.size()); ++t) {
            while (t >= layer.parts[part].end_tap) ++part;
            const Tap& tap = layer.taps[t];
            for (int i = 0; i < (layer.image_columns ? 1 : pixels.count); ++i) {
                const int y = (pixels.first + i) / layer.sums.width * layer.stride_height - layer.pad_top + tap.row;
                const int x = (pixels.first + i) % layer.sums.width * layer.stride_width - layer.pad_left + tap.column;
                if (y < 0 || y >= layer.map_height || x < 0 || x >= layer.line_bytes) continue;
                ASSERT_TRUE(covered(pass, part, y, x, tap.channel)) << layer.name << " tap " << t;
                ASSERT_GT(lines_needed(layer, pass, tile.index(), part, tap), 0);
            }
        }
    } while (tile.index().channel_tile == 0 && tile.next());
}

void expect_blocks_fit(const LayerSchedule& layer, const HardwareParams& hardware) {
    ASSERT_LE(layer.buffer_blocks * layer.block_places().bytes, hardware.line_buffer.bytes);
    for (const LineWindow& window : layer.windows) {
        if (layer.parts.size() > 1) break;
        ASSERT_LE(window.end_block - window.first_block, layer.buffer_blocks);
    }
    for (const LinePass& pass : layer.line_passes) {
        ASSERT_EQ(pass.first_of_part.size(), layer.parts.size() + 1);
        for (std::size_t part = 0; layer.parts.size() > 1 && part < layer.parts.size(); ++part)
            ASSERT_LE(pass.first_of_part[part + 1] - pass.first_of_part[part], layer.buffer_blocks);
        for (const LineBlock& block : pass.blocks) {
            ASSERT_LE(block.channels, layer.block_lines);
            ASSERT_LE(block.bytes, layer.line_stride);
            ASSERT_GE(block.row, 0);
            ASSERT_LT(block.row, layer.map_height);
            ASSERT_GE(block.x, 0);
            ASSERT_LE(block.x + block.bytes, layer.line_bytes);
        }
    }
}

TEST(LinePasses, OfRandomLayersHoldWhatTapsRead) {
    int striped = 0, cut = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        const test::RandomCase random = test::make_random_case(seed);
        HardwareParams hardware = random.hardware;
        hardware.line_buffer.rows = 0;
        for (const std::int64_t bytes : {20, 60, 200, 4000}) {
            hardware.line_buffer.bytes = bytes;
            try {
                for (const LayerSchedule& layer : compile(random.network, hardware, hardware.batch).layers) {
                    expect_taps_find_their_values(layer);
                    expect_blocks_fit(layer, hardware);
                    striped += layer.parts.size() == 1 && layer.line_passes.size() > 1 ? 1 : 0;
                    cut += layer.parts.size() > 1 ? 1 : 0;
                }
            } catch (const InputError&) {
                continue;
            }
        }
    }
    EXPECT_GT(striped, 5);
    EXPECT_GT(cut, 200);
}

}  // namespace
}  // namespace widthwise::test
