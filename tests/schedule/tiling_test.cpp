// SPDX-License-Identifier: Apache-2.0
// Tiles, tap orders and drain beats of layers small enough to write down.
#include "schedule/tiling.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kit/network_builder.h"
#include "schedule/compile.h"
#include "schedule/cursors.h"

namespace widthwise::test {
namespace {

HardwareParams array_of(int rows, int columns, Mapping mapping = Mapping::row) {
    HardwareParams hardware;
    hardware.array.rows = rows;
    hardware.array.columns = columns;
    hardware.array.mapping = mapping;
    return hardware;
}

LayerSchedule only_layer(const NetworkBuilder& builder, const HardwareParams& hardware, int images = 1) {
    const Schedule schedule = compile(builder.network(), hardware, images);
    EXPECT_EQ(schedule.layers.size(), 1U);
    return schedule.layers.front();
}

std::string text(const std::vector<ColumnTile>& tiles) {
    std::string all;
    for (const ColumnTile& t : tiles) {
        all += std::to_string(t.first) + "+" + std::to_string(t.count) + "@" + std::to_string(t.first_y) + ".." +
               std::to_string(t.last_y) + " ";
    }
    return all;
}

std::string order_text(const TapOrder& order) {
    HardwareParams hardware;
    hardware.accumulator.order = order;
    std::string all;
    const LayerSchedule layer = only_layer(NetworkBuilder({2, 2, 2}).convolution("c", 1, square_window(2)), hardware);
    for (const Tap& t : layer.taps) {
        all += std::to_string(t.channel) + std::to_string(t.row) + std::to_string(t.column) + " ";
    }
    return all;
}

TEST(Tiles, AreAsManyAsWereCountedBefore) {
    for (const Mapping mapping : {Mapping::row, Mapping::flat}) {
        for (const int columns : {1, 2, 3, 5, 8, 64}) {
            for (const Shape& map : {Shape{2, 1, 1}, Shape{2, 5, 7}, Shape{2, 8, 8}, Shape{2, 1, 9}, Shape{2, 9, 1}}) {
                const HardwareParams hardware = array_of(4, columns, mapping);
                const LayerSchedule layer =
                    only_layer(NetworkBuilder(map).convolution("c", 3, square_window(1)), hardware);
                EXPECT_EQ(column_tiles(layer), layer.tiles.size());
                EXPECT_EQ(layer.tap_count, static_cast<int>(layer.taps.size()));
            }
        }
    }
    const LayerSchedule pool =
        only_layer(NetworkBuilder({2, 5, 7}).pool("p", OperatorKind::max_pool, square_window(2, 2)), array_of(4, 3));
    EXPECT_EQ(column_tiles(pool), pool.tiles.size());
    EXPECT_EQ(pool.tap_count, 1);
    const LayerSchedule vector = only_layer(NetworkBuilder({2, 3, 3}).fully_connected("f", 10), array_of(4, 3));
    EXPECT_EQ(vector.tap_count, 18);
    EXPECT_EQ(vector.tap_count, static_cast<int>(vector.taps.size()));
}

TEST(TapOrders, AreLoopsFromOuterToInner) {
    constexpr auto c = TapLoop::channel;
    constexpr auto r = TapLoop::row;
    constexpr auto s = TapLoop::column;
    // Printed as channel, row, column.
    EXPECT_EQ(order_text({r, s, c}), "000 100 001 101 010 110 011 111 ");
    EXPECT_EQ(order_text({c, r, s}), "000 001 010 011 100 101 110 111 ");
    EXPECT_EQ(order_text({c, s, r}), "000 010 001 011 100 110 101 111 ");
    EXPECT_EQ(order_text({r, c, s}), "000 001 100 101 010 011 110 111 ");
    EXPECT_EQ(order_text({s, c, r}), "000 010 100 110 001 011 101 111 ");
    EXPECT_EQ(order_text({s, r, c}), "000 100 010 110 001 101 011 111 ");
    EXPECT_EQ(order_text(HardwareParams{}.accumulator.order), order_text({r, s, c}));
}

TEST(TapOrders, WeightsFollowThem) {
    const NetworkBuilder builder = NetworkBuilder({3, 4, 4}).convolution("c", 5, {2, 3, 1, 1, 0, 0, 0, 0});
    const Weights& w = builder.network().operators[0].weights;
    HardwareParams hardware;
    hardware.accumulator.order = {TapLoop::column, TapLoop::channel, TapLoop::row};
    const LayerSchedule layer = only_layer(builder, hardware);
    std::size_t at = 0;
    for (int m = 0; m < 5; ++m) {
        for (int s = 0; s < 3; ++s) {
            for (int c = 0; c < 3; ++c) {
                for (int r = 0; r < 2; ++r) {
                    EXPECT_EQ(layer.computation->weights[at++],
                              w.values[static_cast<std::size_t>(((m * 3 + c) * 2 + r) * 3 + s)]);
                }
            }
        }
    }
    EXPECT_EQ(at, layer.computation->weights.size());
}

/// Tile number n in the order of the nest.
TileIndex tile_at(const LayerSchedule& layer, int n) {
    TileCursor cursor(layer);
    for (int i = 0; i < n; ++i) EXPECT_TRUE(cursor.next());
    return cursor.index();
}

TEST(Tiles, RowMappingStartsAnewInEveryRow) {
    const NetworkBuilder builder = NetworkBuilder({1, 3, 7}).convolution("c", 3, square_window(2));  // 2x6
    const LayerSchedule layer = only_layer(builder, array_of(2, 4));
    EXPECT_EQ(text(layer.tiles), "0+4@0..0 4+2@0..0 6+4@1..1 10+2@1..1 ");
    EXPECT_EQ(layer.channel_tile_count(), 2);
    EXPECT_EQ(layer.channels_in_tile(0), 2);
    EXPECT_EQ(layer.channels_in_tile(1), 1);
    EXPECT_EQ(layer.line_passes.size(), 1);
    EXPECT_EQ(layer.tile_count(), 8);
    EXPECT_EQ(tile_at(layer, 5), (TileIndex{1, 0, 1}));
}

TEST(Tiles, FlatMappingGoesAcrossRows) {
    const NetworkBuilder builder = NetworkBuilder({1, 3, 7}).convolution("c", 3, square_window(2));
    EXPECT_EQ(text(only_layer(builder, array_of(8, 4, Mapping::flat)).tiles), "0+4@0..0 4+4@0..1 8+4@1..1 ");
    EXPECT_EQ(text(only_layer(builder, array_of(8, 5, Mapping::flat)).tiles), "0+5@0..0 5+5@0..1 10+2@1..1 ");
    EXPECT_EQ(text(only_layer(builder, array_of(8, 256, Mapping::flat)).tiles), "0+12@0..1 ");
    EXPECT_EQ(only_layer(builder, array_of(8, 256, Mapping::flat)).array_columns, 12);
    EXPECT_EQ(only_layer(builder, array_of(8, 256)).array_columns, 6);
}

TEST(Tiles, ImagesFollowOneAnother) {
    const NetworkBuilder builder = NetworkBuilder({1, 2, 3}).convolution("c", 3, square_window(1));
    HardwareParams hardware = array_of(2, 2);
    hardware.batch = 2;
    const LayerSchedule layer = only_layer(builder, hardware, 2);
    ASSERT_FALSE(layer.image_columns);
    EXPECT_EQ(layer.image_groups, 2);
    EXPECT_EQ(layer.tiles.size(), 4);
    // channel tile > image > tile
    EXPECT_EQ(tile_at(layer, 3), (TileIndex{0, 0, 3}));
    EXPECT_EQ(tile_at(layer, 4), (TileIndex{0, 1, 0}));
    EXPECT_EQ(tile_at(layer, 8), (TileIndex{1, 0, 0}));
    EXPECT_EQ(tile_columns(layer, tile_at(layer, 5)), 1);
}

TEST(Tiles, SinglePixelsPutImagesIntoColumns) {
    HardwareParams hardware = array_of(4, 3);
    hardware.batch = 8;
    const NetworkBuilder convolution = NetworkBuilder({2, 3, 3}).convolution("c", 5, square_window(3));
    const NetworkBuilder vector = NetworkBuilder({20}).fully_connected("f", 5);
    for (const NetworkBuilder* builder : {&convolution, &vector}) {
        const LayerSchedule layer = only_layer(*builder, hardware, 8);
        EXPECT_TRUE(layer.image_columns);
        EXPECT_EQ(layer.array_columns, 3);
        EXPECT_EQ(layer.image_groups, 3);
        EXPECT_EQ(layer.images_in_group(0), 3);
        EXPECT_EQ(layer.images_in_group(2), 2);
        EXPECT_EQ(layer.tile_count(), 2 * 3);
        EXPECT_EQ(tile_columns(layer, tile_at(layer, 2)), 2);
        // With one image one column works.
        EXPECT_EQ(only_layer(*builder, hardware, 1).array_columns, 1);
        EXPECT_EQ(only_layer(*builder, hardware, 1).tile_count(), 2);
    }
}

TEST(Drain, BeatsAreNeighboursOfOneRowOrOneColumn) {
    const LayerSchedule pixels =
        only_layer(NetworkBuilder({1, 1, 8}).convolution("c", 3, square_window(1)), array_of(4, 8));
    EXPECT_EQ(drain_beats(pixels, 3, 7, 4), 6);
    const DrainBeat last = drain_beat(pixels, 3, 7, 4, 5);
    EXPECT_EQ(last.row, 2);
    EXPECT_EQ(last.column, 4);
    EXPECT_EQ(last.count, 3);
    const LayerSchedule images = only_layer(NetworkBuilder({8}).fully_connected("f", 7), array_of(8, 4));
    EXPECT_EQ(drain_beats(images, 7, 2, 4), 4);
    const DrainBeat second = drain_beat(images, 7, 2, 4, 1);
    EXPECT_EQ(second.row, 4);
    EXPECT_EQ(second.column, 0);
    EXPECT_EQ(second.count, 3);
    EXPECT_EQ(drain_beat(images, 7, 2, 4, 2).column, 1);
}

}  // namespace
}  // namespace widthwise::test
