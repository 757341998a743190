// SPDX-License-Identifier: Apache-2.0
// In which order and in which parts streamed weights are fetched.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "kit/network_builder.h"
#include "schedule/compile.h"
#include "schedule/cursors.h"

namespace widthwise::test {
namespace {

/// A convolution of 18 taps, 3 channels and 6 x 6 outputs, a pool of its own, 5 outputs of 27 inputs; 9 bytes beside
/// the weights of each channel.
Schedule streamed(const NetworkBuilder& builder, std::int64_t bytes) {
    HardwareParams hardware;
    hardware.array.rows = 2;
    hardware.array.columns = 6;
    hardware.weight_buffer.storage = WeightStorage::streamed;
    hardware.weight_buffer.bytes = bytes;
    return compile(builder.network(), hardware, 1);
}

NetworkBuilder layers() {
    return NetworkBuilder({2, 8, 8})
        .convolution("c", 3, square_window(3))
        .pool("p", OperatorKind::max_pool, square_window(2, 2))
        .fully_connected("f", 5);
}

std::string fetches(const Schedule& schedule) {
    std::string all;
    for (WeightFetchCursor fetch(schedule.layers); !fetch.at_end(); fetch.next())
        all += fmt::format("{}@{}+{} ", fetch.layer().name, fetch.address(), fetch.bytes());
    return all;
}

TEST(WeightFetches, TilesThatFitComeOnce) {
    const NetworkBuilder network = layers();
    EXPECT_EQ(fetches(streamed(network, 1 << 10)), "c@0+54 c@54+27 f@81+72 f@153+72 f@225+36 ");
}

/// 20 bytes in each half: 11 taps of the 18 for one channel in a tile, one for two.
TEST(WeightFetches, PartsComeForEveryColumnTile) {
    const NetworkBuilder network = NetworkBuilder({2, 3, 8}).convolution("c", 1, square_window(3));
    EXPECT_EQ(fetches(streamed(network, 40)), "c@0+20 c@20+7 ");  // six outputs in one tile
    const NetworkBuilder two_tiles = NetworkBuilder({2, 4, 8}).convolution("c", 1, square_window(3));
    EXPECT_EQ(fetches(streamed(two_tiles, 40)), "c@0+20 c@20+7 c@0+20 c@20+7 ");
}

TEST(WeightFetches, ParametersComeWithTheFirstPart) {
    const NetworkBuilder network = layers();
    const Schedule schedule = streamed(network, 2 * 2 * (7 + 9));
    const LayerSchedule& layer = schedule.layers.front();
    EXPECT_EQ(layer.weight_parts(), 3);
    EXPECT_EQ(layer.weight_part_bytes(0, 0), 2 * (7 + 9));
    EXPECT_EQ(layer.weight_part_bytes(0, 2), 2 * 4);
    EXPECT_EQ(layer.weight_part_bytes(1, 0), 7 + 9);
    EXPECT_EQ(layer.weight_fetches(layer.strips[0]), 6);
}

TEST(WeightStorage, IsDecidedByWhatFits) {
    const NetworkBuilder network = layers();
    HardwareParams hardware;
    hardware.weight_buffer.bytes = 3 * 27 + 5 * 36;
    EXPECT_EQ(compile(network.network(), hardware, 1).hardware.weight_buffer.storage, WeightStorage::resident);
    --hardware.weight_buffer.bytes;
    EXPECT_EQ(compile(network.network(), hardware, 1).hardware.weight_buffer.storage, WeightStorage::streamed);
}

}  // namespace
}  // namespace widthwise::test
