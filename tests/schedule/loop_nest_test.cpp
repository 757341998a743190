// SPDX-License-Identifier: Apache-2.0
// Properties of every compiled layer, for random shapes, hardware and batches: the loop nest does each
// multiply-accumulate of the layer exactly once, on rows that the line buffer holds, and drains each sum once.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kit/network_builder.h"
#include "kit/random.h"
#include "schedule/compile.h"
#include "schedule/cursors.h"

namespace widthwise::test {
namespace {

Window random_window(Random& random, const Shape& in) {
    Window w;
    w.kernel_height = random.in(1, std::min(5, in.height));
    w.kernel_width = random.in(1, std::min(5, in.width));
    w.stride_height = random.in(1, 4);  // also above the kernel
    w.stride_width = random.in(1, 4);
    w.pad_top = random.in(0, w.kernel_height - 1);
    w.pad_bottom = random.in(0, w.kernel_height - 1);
    w.pad_left = random.in(0, w.kernel_width - 1);
    w.pad_right = random.in(0, w.kernel_width - 1);
    return w;
}

NetworkBuilder random_network(Random& random) {
    NetworkBuilder builder({random.in(1, 5), random.in(1, 13), random.in(1, 13)});
    const int operators = random.in(1, 4);
    for (int i = 0; i < operators; ++i) {
        const Shape in = builder.output().shape;
        const std::string name = "op" + std::to_string(i);
        switch (random.in(0, 4)) {
            case 0: builder.fully_connected(name, random.in(1, 20)); break;
            case 1: builder.pool(name, OperatorKind::max_pool, random_window(random, in)); break;
            case 2:  // one that leaves a single pixel
                builder.convolution(name, random.in(1, 20), {in.height, in.width, 1, 1, 0, 0, 0, 0});
                break;
            default: builder.convolution(name, random.in(1, 20), random_window(random, in)); break;
        }
    }
    return builder;
}

HardwareParams random_hardware(Random& random) {
    HardwareParams hardware;
    hardware.array.rows = random.in(1, 9);
    hardware.array.columns = random.in(1, 9);
    hardware.array.mapping = random.percent(50) ? Mapping::flat : Mapping::row;
    hardware.accumulator.order = {TapLoop::channel, TapLoop::row, TapLoop::column};
    random.shuffle(hardware.accumulator.order);
    hardware.line_buffer.fill_bytes_per_cycle = random.in(1, 16);
    hardware.line_buffer.bytes = 1 << 20;
    hardware.activation_buffer.bytes = 1 << 24;
    hardware.weight_buffer.bytes = 1 << 24;
    hardware.requant.lanes = random.in(1, 6);
    hardware.batch = random.in(1, 7);
    return hardware;
}

/// Rows of the feature map that output row `y` reads with kernel row `r`; -1 in the padding.
int input_row(const LayerSchedule& layer, int y, int r) {
    const int row = y * layer.stride_height - layer.pad_top + r;
    return row >= 0 && row < layer.map_height ? row : -1;
}

void expect_taps_are_the_kernel(const LayerSchedule& layer, const Operator& op) {
    const Weights& w = op.weights;
    ASSERT_EQ(static_cast<std::int64_t>(layer.taps.size()), w.per_channel());
    std::vector<int> seen(layer.taps.size(), 0);
    for (std::size_t t = 0; t < layer.taps.size(); ++t) {
        const Tap& tap = layer.taps[t];
        ++seen.at(static_cast<std::size_t>(tap.weight));
        if (layer.fully_connected) {
            ASSERT_EQ(tap.row * layer.line_bytes + tap.column, tap.weight);
            ASSERT_LT(tap.column, layer.line_bytes);
        } else {
            ASSERT_EQ((tap.channel * w.kernel_height + tap.row) * w.kernel_width + tap.column, tap.weight);
            ASSERT_LT(tap.row, w.kernel_height);
            ASSERT_LT(tap.column, w.kernel_width);
        }
        for (int m = 0; m < w.output_channels; ++m) {
            const auto first = static_cast<std::size_t>(m * w.per_channel());
            ASSERT_EQ(layer.computation->weights[first + t], w.values[first + static_cast<std::size_t>(tap.weight)]);
        }
    }
    for (const int count : seen) ASSERT_EQ(count, 1);
}

/// The tiles in the order of the nest.
std::vector<TileIndex> tiles_of(const LayerSchedule& layer) {
    std::vector<TileIndex> tiles;
    TileCursor cursor(layer);
    do {
        tiles.push_back(cursor.index());
    } while (cursor.next());
    return tiles;
}

/// Channel tiles, of each the image groups, of each the column tiles.
void expect_nest_order(const LayerSchedule& layer) {
    TileCursor cursor(layer);
    std::int64_t number = 0;
    for (int m = 0; m < layer.channel_tile_count(); ++m) {
        for (int g = 0; g < layer.image_groups; ++g) {
            const auto tiles = static_cast<int>(layer.tiles.size());
            for (int t = 0; t < tiles; ++t, ++number) {
                ASSERT_EQ(cursor.index(), (TileIndex{m, g, t}));
                ASSERT_EQ(cursor.number(), number);
                ASSERT_EQ(cursor.pass(), m * layer.image_groups + g);
                ASSERT_EQ(cursor.ends_weights(), g + 1 == layer.image_groups && t + 1 == tiles);
                ASSERT_EQ(cursor.next(), number + 1 < layer.tile_count());
            }
        }
    }
}

void expect_every_sum_once(const LayerSchedule& layer) {
    const int pixels = layer.sums.height * layer.sums.width;
    std::vector<int> seen(static_cast<std::size_t>(layer.images * layer.sums.elements()), 0);
    for (const TileIndex& index : tiles_of(layer)) {
        const int rows = layer.channels_in_tile(index.channel_tile);
        const int columns = tile_columns(layer, index);
        ASSERT_GE(rows, 1);
        ASSERT_LE(rows, layer.array_rows);
        ASSERT_GE(columns, 1);
        ASSERT_LE(columns, layer.array_columns);
        for (int r = 0; r < rows; ++r) {
            for (int c = 0; c < columns; ++c) {
                const int image = layer.image_columns ? index.image_group * layer.array_columns + c : index.image_group;
                const int pixel = layer.image_columns ? 0 : layer.tiles[static_cast<std::size_t>(index.tile)].first + c;
                ASSERT_LT(image, layer.images);
                ASSERT_LT(pixel, pixels);
                const int channel = index.channel_tile * layer.array_rows + r;
                ++seen.at(static_cast<std::size_t>((image * layer.sums.channels + channel) * pixels + pixel));
            }
        }
    }
    for (const int count : seen) ASSERT_EQ(count, 1);
}

void expect_rows_are_held(const LayerSchedule& layer, const HardwareParams& hardware) {
    std::vector<bool> needed(static_cast<std::size_t>(layer.map_height), layer.fully_connected);
    int first_before = 0;
    int end_before = 0;
    for (const TileIndex& index : tiles_of(layer)) {
        const auto& tile = layer.tiles[static_cast<std::size_t>(index.tile)];
        const LineWindow& window =
            layer.windows[static_cast<std::size_t>(layer.tile_window[static_cast<std::size_t>(index.tile)])];
        ASSERT_LE(window.first_tile, index.tile);
        ASSERT_GT(window.end_tile, index.tile);
        ASSERT_LE(window.end_block - window.first_block, layer.buffer_blocks);
        ASSERT_LE(window.end_block, static_cast<int>(layer.line_passes.front().blocks.size()));
        if (index.tile > 0) {  // rows leave the buffer in the order they came
            ASSERT_GE(window.first_block, first_before);
            ASSERT_GE(window.end_block, end_before);
        }
        first_before = window.first_block;
        end_before = window.end_block;
        for (const Tap& tap : layer.taps) {
            int lines = 0;
            for (int y = tile.first_y; y <= tile.last_y; ++y) {
                const int row = layer.fully_connected ? tap.row : input_row(layer, y, tap.row);
                if (row < 0) continue;
                needed[static_cast<std::size_t>(row)] = true;
                const int position = layer.row_position[static_cast<std::size_t>(row)];
                ASSERT_GE(position, window.first_block);
                ASSERT_LT(position, window.end_block);
                lines = std::max(lines, position * layer.line_channels + tap.channel + 1);
            }
            ASSERT_EQ(lines_needed(layer, layer.line_passes.front(), index, 0, tap),
                      lines * layer.images_in_group(index.image_group));
        }
    }
    // Rows that no tap reads are not filled, the others once and from top to bottom.
    std::vector<int> expected;
    for (int y = 0; y < layer.map_height; ++y) {
        ASSERT_EQ(layer.row_position[static_cast<std::size_t>(y)],
                  needed[static_cast<std::size_t>(y)] ? static_cast<int>(expected.size()) : -1);
        if (needed[static_cast<std::size_t>(y)]) expected.push_back(y);
    }
    std::vector<int> filled;
    for (const LineBlock& block : layer.line_passes.front().blocks) filled.push_back(block.row);
    ASSERT_EQ(filled, expected);
    ASSERT_LE(layer.buffer_blocks * layer.block_places().bytes, hardware.line_buffer.bytes);
}

void expect_drain_once(const LayerSchedule& layer, int lanes) {
    for (const TileIndex& index : tiles_of(layer)) {
        const int rows = layer.channels_in_tile(index.channel_tile);
        const int columns = tile_columns(layer, index);
        std::vector<int> seen(static_cast<std::size_t>(rows * columns), 0);
        const int beats = drain_beats(layer, rows, columns, lanes);
        for (int b = 0; b < beats; ++b) {
            const DrainBeat beat = drain_beat(layer, rows, columns, lanes, b);
            ASSERT_GE(beat.count, 1);
            ASSERT_LE(beat.count, lanes);
            for (int i = 0; i < beat.count; ++i) {
                const int row = beat.row + (layer.image_columns ? i : 0);
                const int column = beat.column + (layer.image_columns ? 0 : i);
                ASSERT_LT(row, rows);
                ASSERT_LT(column, columns);
                ++seen.at(static_cast<std::size_t>(row * columns + column));
            }
        }
        for (const int count : seen) ASSERT_EQ(count, 1);
    }
}

TEST(LoopNest, RandomLayersOnRandomHardware) {
    int strides_above_kernel = 0;
    int image_columns = 0;
    int bypassed = 0;
    int several_rows = 0;
    for (unsigned seed = 0; seed < 600; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        const NetworkBuilder builder = random_network(random);
        const HardwareParams hardware = random_hardware(random);
        const Schedule schedule = compile(builder.network(), hardware, random.in(1, hardware.batch));
        for (const LayerSchedule& layer : schedule.layers) {
            SCOPED_TRACE(layer.name);
            if (layer.computation.has_value()) {
                const Operator& op =
                    builder.network().operators[static_cast<std::size_t>(layer.computation->operator_index)];
                ASSERT_NO_FATAL_FAILURE(expect_taps_are_the_kernel(layer, op));
            }
            ASSERT_NO_FATAL_FAILURE(expect_nest_order(layer));
            ASSERT_NO_FATAL_FAILURE(expect_every_sum_once(layer));
            ASSERT_NO_FATAL_FAILURE(expect_rows_are_held(layer, hardware));
            ASSERT_NO_FATAL_FAILURE(expect_drain_once(layer, hardware.requant.lanes));
            strides_above_kernel += layer.stride_height > layer.kernel_height ? 1 : 0;
            image_columns += layer.image_columns ? 1 : 0;
            bypassed += !layer.computation ? 1 : 0;
            several_rows += layer.tiles.front().last_y > layer.tiles.front().first_y ? 1 : 0;
        }
    }
    // The draw reaches every kind of layer.
    EXPECT_GT(strides_above_kernel, 50);
    EXPECT_GT(image_columns, 50);
    EXPECT_GT(bypassed, 50);
    EXPECT_GT(several_rows, 50);
}

}  // namespace
}  // namespace widthwise::test
