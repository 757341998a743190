// SPDX-License-Identifier: Apache-2.0
// Layers whose kernel reads some rows of the feature map, or none: such rows are not filled, and neither engine waits
// for them, however narrow the fill port is.
#include <gtest/gtest.h>

#include "engine/engine_difference.h"
#include "engine/fast/fast_engine.h"
#include "engine/renew_systemc.h"
#include "kit/network_builder.h"

namespace widthwise {
namespace {

using test::NetworkBuilder;

/// Dilated by 2: the taps of an output lie two rows and columns apart.
Window dilated(int kernel, int pad_rows, int pad_columns) {
    Window window{kernel, kernel, 1, 1, pad_rows, pad_columns, pad_rows, pad_columns};
    window.dilation_height = window.dilation_width = 2;
    return window;
}

/// Bytes that the line buffer was filled with, by the fast engine; and both engines must agree.
std::uint64_t bytes_filled(const Network& network, int fill_bytes_per_cycle) {
    HardwareParams hardware;
    hardware.array.rows = 1;  // a pass for each output channel
    hardware.line_buffer.fill_bytes_per_cycle = fill_bytes_per_cycle;
    const std::vector<std::uint8_t> image(static_cast<std::size_t>(network.tensors[0].shape.elements()), 7);
    test::renew_systemc();
    EXPECT_EQ(engine_difference(network, hardware, {image}), "") << "fill port of " << fill_bytes_per_cycle;
    FastEngine engine(network, hardware, 1);
    const RunRecord record = engine.run(
        0, 1, [&](int) { return image; }, [](int, auto) {});
    return record.layers.front().events[Event::line_buffer_write];
}

TEST(UnreadRows, AMapThatLiesBetweenTheKernelRowsIsNotFilled) {
    const NetworkBuilder built = NetworkBuilder({4, 1, 8}).convolution("c", 2, dilated(2, 1, 1));
    for (const int port : {1, 2, 3, 4, 8}) EXPECT_EQ(bytes_filled(built.network(), port), 0U);
}

TEST(UnreadRows, AMapThatLiesBetweenTheKernelColumnsIsNotFilled) {
    const NetworkBuilder built = NetworkBuilder({4, 8, 1}).convolution("c", 2, dilated(2, 1, 1));
    for (const int port : {1, 2, 3, 4, 8}) EXPECT_EQ(bytes_filled(built.network(), port), 0U);
}

TEST(UnreadRows, OnlyTheOthersAreFilled) {
    // Three rows, one output row: the kernel reads row -1, 1 and 3, of which the map has row 1.
    const NetworkBuilder built = NetworkBuilder({4, 3, 5}).convolution("c", 2, dilated(3, 1, 0));
    for (const int port : {1, 2, 3, 4, 8}) EXPECT_EQ(bytes_filled(built.network(), port), 2U * 4 * 5);
}

/// Outputs whose kernel lies in the padding altogether come before, between and after the others.
TEST(UnreadRows, PaddingLargerThanTheKernel) {
    const NetworkBuilder built = NetworkBuilder({2, 2, 2}).convolution("c", 3, test::square_window(1, 1, 3));
    for (const int port : {1, 2, 8}) EXPECT_EQ(bytes_filled(built.network(), port), 3U * 2 * 4);
}

}  // namespace
}  // namespace widthwise
