// SPDX-License-Identifier: Apache-2.0
// Which feature-map rows the line buffer is filled with and how many it holds.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kit/network_builder.h"
#include "schedule/compile.h"

namespace widthwise::test {
namespace {

LayerSchedule compiled(const NetworkBuilder& builder, const HardwareParams& hardware = {}, int images = 1) {
    return compile(builder.network(), hardware, images).layers.front();
}

/// A convolution with this kernel and stride over an 8-row, 4-pixel map of two channels.
LayerSchedule over_eight_rows(int kernel, int stride, int pad_top, int pad_bottom,
                              const HardwareParams& hardware = {}) {
    const Window window{kernel, 1, stride, 1, pad_top, 0, pad_bottom, 0};
    return compiled(NetworkBuilder({2, 8, 4}).convolution("c", 1, window), hardware);
}

std::string windows(const LayerSchedule& layer) {
    std::string all;
    for (const LineWindow& w : layer.windows) {
        all += std::to_string(w.first_block) + "-" + std::to_string(w.end_block) + " ";
    }
    return all;
}

/// Feature-map rows in the order in which they are filled.
std::vector<int> rows_of(const LayerSchedule& layer) {
    std::vector<int> rows;
    for (const LineBlock& block : layer.line_passes.front().blocks) rows.push_back(block.row);
    return rows;
}

const std::vector<int> kAllRows = {0, 1, 2, 3, 4, 5, 6, 7};

TEST(LineWindows, SlideByTheStride) {
    const LayerSchedule by_one = over_eight_rows(3, 1, 0, 0);
    EXPECT_EQ(rows_of(by_one), kAllRows);
    EXPECT_EQ(by_one.row_position, kAllRows);
    EXPECT_EQ(windows(by_one), "0-3 1-4 2-5 3-6 4-7 5-8 ");
    EXPECT_EQ(by_one.buffer_blocks, 4);  // kernel + stride
    const LayerSchedule by_two = over_eight_rows(3, 2, 0, 0);
    EXPECT_EQ(rows_of(by_two), (std::vector<int>{0, 1, 2, 3, 4, 5, 6}));  // nothing reads row 7
    EXPECT_EQ(by_two.row_position, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, -1}));
    EXPECT_EQ(windows(by_two), "0-3 2-5 4-7 ");
    EXPECT_EQ(by_two.buffer_blocks, 5);
}

TEST(LineWindows, PaddingIsNotFilled) {
    const LayerSchedule layer = over_eight_rows(3, 1, 2, 1);
    EXPECT_EQ(rows_of(layer), kAllRows);
    EXPECT_EQ(windows(layer), "0-1 0-2 0-3 1-4 2-5 3-6 4-7 5-8 6-8 ");
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 0}, 0, {0, 0, 0, 0}), 0);  // two rows above the map
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 0}, 0, {1, 1, 0, 0}), 0);
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 0}, 0, {0, 2, 0, 0}), 1);
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 0}, 0, {1, 2, 0, 0}), 2);  // and its second channel
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 8}, 0, {1, 1, 0, 0}), 16);
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 8}, 0, {1, 2, 0, 0}), 0);  // below it
}

TEST(LineWindows, StridesAboveTheKernelSkipRows) {
    const LayerSchedule layer = over_eight_rows(2, 3, 0, 0);
    EXPECT_EQ(rows_of(layer), (std::vector<int>{0, 1, 3, 4, 6, 7}));
    EXPECT_EQ(layer.row_position, (std::vector<int>{0, 1, -1, 2, 3, -1, 4, 5}));
    EXPECT_EQ(windows(layer), "0-2 2-4 4-6 ");
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 1}, 0, {0, 1, 0, 0}), 3 * 2 + 1);
    const LayerSchedule points = over_eight_rows(1, 4, 0, 0);
    EXPECT_EQ(rows_of(points), (std::vector<int>{0, 4}));
    EXPECT_EQ(windows(points), "0-1 1-2 ");
}

/// A 3x3 convolution dilated by `dilation` over a map of one channel.
LayerSchedule dilated(int dilation, int height, int width, int pad_rows, int pad_columns) {
    Window window{3, 3, 1, 1, pad_rows, pad_columns, pad_rows, pad_columns};
    window.dilation_height = window.dilation_width = dilation;
    return compiled(NetworkBuilder({1, height, width}).convolution("c", 1, window));
}

TEST(LineWindows, RowsThatNoTapReadsAreLeftOut) {
    const LayerSchedule some = dilated(3, 5, 7, 1, 0);  // the one output row reads rows -1, 2 and 5
    EXPECT_EQ(rows_of(some), (std::vector<int>{2}));
    EXPECT_EQ(some.row_position, (std::vector<int>{-1, -1, 0, -1, -1}));
    EXPECT_EQ(windows(some), "0-1 ");
    const LayerSchedule all = dilated(4, 2, 9, 4, 0);  // two output rows: rows -4, 0, 4 and -3, 1, 5
    EXPECT_EQ(rows_of(all), (std::vector<int>{0, 1}));
}

TEST(LineWindows, AKernelInThePaddingLeavesNoRow) {
    Window window{2, 1, 1, 1, 1, 0, 1, 0};
    window.dilation_height = 2;  // rows -1 and 1 of a map of one row
    const LayerSchedule rows = compiled(NetworkBuilder({2, 1, 4}).convolution("c", 1, window));
    window = {1, 2, 1, 1, 0, 1, 0, 1};
    window.dilation_width = 2;  // columns -1 and 1 of a map of one column
    const LayerSchedule columns = compiled(NetworkBuilder({2, 4, 1}).convolution("c", 1, window));
    for (const LayerSchedule& layer : {rows, columns}) {
        EXPECT_EQ(rows_of(layer), std::vector<int>{});
        for (const LineWindow& w : layer.windows) EXPECT_EQ(w.end_block, 0);
        for (int tile = 0; tile < static_cast<int>(layer.tiles.size()); ++tile) {
            for (const Tap& tap : layer.taps)
                EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, tile}, 0, tap), 0);
        }
    }
}

TEST(LineWindows, TilesOfOneRowShareAWindow) {
    HardwareParams hardware;
    hardware.array.columns = 2;
    const LayerSchedule layer = over_eight_rows(3, 1, 0, 0, hardware);  // two tiles in each row of 4
    EXPECT_EQ(layer.windows.size(), 6U);
    EXPECT_EQ(layer.tile_window, (std::vector<int>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5}));
    EXPECT_EQ(layer.windows[1].first_tile, 2);
    EXPECT_EQ(layer.windows[1].end_tile, 4);
}

TEST(LineWindows, FlatTilesNeedTheRowsOfAllTheirPixels) {
    HardwareParams hardware;
    hardware.array.columns = 6;
    hardware.array.mapping = Mapping::flat;
    const LayerSchedule layer = over_eight_rows(3, 1, 0, 0, hardware);  // 24 pixels, four in a row
    EXPECT_EQ(windows(layer), "0-4 1-5 3-7 4-8 ");
    EXPECT_EQ(layer.buffer_blocks, 5);
    // The newest pixel's row decides.
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 0}, 0, {0, 0, 0, 0}), 1 * 2 + 1);
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 1}, 0, {1, 2, 0, 0}), 4 * 2 + 2);
}

TEST(LineWindows, VectorsAreChunksOfFillWords) {
    HardwareParams hardware;
    hardware.line_buffer.fill_bytes_per_cycle = 8;
    hardware.batch = 3;
    const LayerSchedule layer = compiled(NetworkBuilder({21}).fully_connected("f", 2), hardware, 3);
    EXPECT_EQ(layer.map_height, 3);
    EXPECT_EQ(layer.line_bytes, 8);
    EXPECT_EQ(layer.bytes_of_line(0), 8);
    EXPECT_EQ(layer.bytes_of_line(2), 5);
    EXPECT_EQ(layer.words_of_line(layer.line_passes.front().blocks[2]), 1);
    EXPECT_EQ(layer.buffer_blocks, 6);  // the next pass is filled meanwhile
    EXPECT_EQ(layer.taps[20].row, 2);
    EXPECT_EQ(layer.taps[20].column, 4);
    EXPECT_EQ(layer.taps[20].weight, 20);
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 0}, 0, layer.taps[7]), 1 * 3);  // of three images
    EXPECT_EQ(lines_needed(layer, layer.line_passes.front(), {0, 0, 0}, 0, layer.taps[8]), 2 * 3);
    EXPECT_EQ(layer.line_address(layer.strips[0], 2, 0, 1), layer.input_placement.address + 2 * 21 + 8);
}

TEST(LineWindows, LinesLieInChannelMajorOrder) {
    const LayerSchedule layer = over_eight_rows(3, 1, 0, 0);
    EXPECT_EQ(layer.line_bytes, 4);
    EXPECT_EQ(layer.line_channels, 2);
    EXPECT_EQ(layer.line_address(layer.strips[0], 0, 1, 5), (8 + 5) * 4);
    EXPECT_EQ(layer.bytes_of_line(5), 4);
    EXPECT_EQ(layer.words_of_line(layer.line_passes.front().blocks[5]), 1);
    HardwareParams narrow;
    narrow.line_buffer.fill_bytes_per_cycle = 3;
    const LayerSchedule in_words = over_eight_rows(3, 1, 0, 0, narrow);
    EXPECT_EQ(in_words.words_of_line(in_words.line_passes.front().blocks[5]), 2);
}

TEST(LineBufferRows, CapacityLimitsTheSpareRows) {
    HardwareParams hardware;
    hardware.line_buffer.bytes = 3 * 8;  // rows of 2 channels x 4 bytes: exactly the kernel
    EXPECT_EQ(over_eight_rows(3, 1, 0, 0, hardware).buffer_blocks, 3);
    hardware.line_buffer.bytes = 4 * 8 - 1;
    EXPECT_EQ(over_eight_rows(3, 2, 0, 0, hardware).buffer_blocks, 3);
    hardware.line_buffer.bytes = 4 * 8;
    EXPECT_EQ(over_eight_rows(3, 2, 0, 0, hardware).buffer_blocks, 4);
    hardware.line_buffer.bytes = 100 * 8;
    EXPECT_EQ(over_eight_rows(3, 2, 0, 0, hardware).buffer_blocks, 5);
}

TEST(LineBufferRows, AConfiguredNumberIsTaken) {
    HardwareParams hardware;
    hardware.line_buffer.rows = 3;
    EXPECT_EQ(over_eight_rows(3, 1, 0, 0, hardware).buffer_blocks, 3);
    hardware.line_buffer.rows = 7;
    EXPECT_EQ(over_eight_rows(3, 1, 0, 0, hardware).buffer_blocks, 7);
    // Padding cuts the rows that are held at once: two of the five kernel rows are never there.
    hardware.line_buffer.rows = 3;
    const Window window{5, 1, 8, 1, 2, 0, 0, 0};
    EXPECT_EQ(compiled(NetworkBuilder({1, 3, 1}).convolution("c", 1, window), hardware).buffer_blocks, 3);
}

TEST(LineBufferRows, ImagesInColumnsAreHeldSideBySide) {
    HardwareParams hardware;
    hardware.batch = 4;
    hardware.line_buffer.bytes = 3 * 3 * 2 * 4;  // 3 rows of 3 bytes, 2 channels, 4 images
    const NetworkBuilder builder = NetworkBuilder({2, 3, 3}).convolution("c", 1, square_window(3));
    EXPECT_EQ(compiled(builder, hardware, 4).buffer_blocks, 3);
    EXPECT_EQ(compiled(builder, hardware, 1).buffer_blocks, 4);
}

}  // namespace
}  // namespace widthwise::test
