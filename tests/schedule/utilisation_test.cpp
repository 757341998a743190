// SPDX-License-Identifier: Apache-2.0
#include "schedule/utilisation.h"

#include <gmock/gmock.h>

#include "kit/network_builder.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

using testing::ElementsAre;

HardwareParams array_of(int rows, int columns) {
    HardwareParams hardware;
    hardware.array.rows = rows;
    hardware.array.columns = columns;
    return hardware;
}

TEST(BusyCycles, EdgeTilesLeaveTheLastRowsAndColumnsIdle) {
    // 3 output channels on 2 rows: 2 + 1; 3 pixels in each of 3 output rows on 2 columns: 2 + 1; 4 taps.
    const Network network = test::NetworkBuilder({1, 4, 4}).convolution("conv", 3, test::square_window(2)).network();
    const Schedule schedule = compile(network, array_of(2, 2), 1);
    // (0, 0) works in both channel tiles and both column tiles of each of 3 rows, (1, 1) in the first of each.
    EXPECT_THAT(busy_cycles(schedule.layers[0], schedule.hardware.array),
                ElementsAre(2 * 6 * 4, 2 * 3 * 4, 1 * 6 * 4, 1 * 3 * 4));
}

TEST(BusyCycles, FullyConnectedLayersUseAColumnPerImage) {
    const Network network = test::NetworkBuilder({1, 1, 10}).fully_connected("fc", 3).network();
    HardwareParams hardware = array_of(2, 3);
    hardware.batch = 2;
    const Schedule schedule = compile(network, hardware, 2);
    EXPECT_THAT(busy_cycles(schedule.layers[0], hardware.array), ElementsAre(20, 20, 0, 10, 10, 0));
    // Five images: two batches of two, and one of one image.
    EXPECT_THAT(busy_cycles(schedule, 5)[0], ElementsAre(60, 40, 0, 30, 20, 0));
}

TEST(BusyCycles, LonePoolingMultipliesNothing) {
    const Network network =
        test::NetworkBuilder({1, 4, 4}).pool("pool", OperatorKind::max_pool, test::square_window(2, 2)).network();
    const Schedule schedule = compile(network, array_of(2, 2), 1);
    EXPECT_THAT(busy_cycles(schedule, 3)[0], testing::Each(0U));
}

}  // namespace
}  // namespace widthwise
