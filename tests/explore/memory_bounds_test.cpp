// SPDX-License-Identifier: Apache-2.0
// What sweeps and searches hold in memory is bounded, and refused where the bound does not do.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "common/error.h"
#include "config/test_files.h"
#include "engine/fast/fast_engine.h"
#include "explore/image_blocks.h"
#include "explore/layer_variants.h"
#include "schedule/network_builder.h"

namespace widthwise {
namespace {

using testing::HasSubstr;

/// Pools of 1 x 1 pixels, each with an output as large as its input.
Network pools(int side, int count) {
    test::NetworkBuilder builder({1, side, side});
    for (int i = 0; i < count; ++i) {
        builder.pool(fmt::format("p{}", i), OperatorKind::max_pool, test::square_window(1));
    }
    return builder.network();
}

HardwareParams large_buffers() {
    HardwareParams hardware;
    hardware.array.columns = 256;
    hardware.activation_buffer.bytes = std::int64_t{1} << 30;
    return hardware;
}

TEST(MemoryBounds, FewerThreadsWhereMapsAreLarge) {
    const Network small = pools(8, 1);
    EXPECT_EQ(affordable_threads(compile(small, large_buffers(), 1), 7), 7);
    EXPECT_EQ(affordable_threads(compile(small, large_buffers(), 1), 0), 1);
    // The input and four outputs of 32 images: 160 MiB.
    const Network network = pools(1024, 4);
    const Schedule large = compile(network, large_buffers(), 1);
    EXPECT_EQ(affordable_threads(large, 256), 25);
    EXPECT_EQ(affordable_threads(large, 3), 3);
}

TEST(MemoryBounds, MapsThatFitNowhereAreRefused) {
    const Network network = pools(4096, 8);
    const Schedule schedule = compile(network, large_buffers(), 1);
    const std::string refused = test::refusal([&] { affordable_threads(schedule, 1); });
    EXPECT_THAT(refused, HasSubstr("the fast engine holds all feature maps of 32 images at once"));
    EXPECT_THAT(refused, HasSubstr("(allowed: up to 4294967296); --engine systemc needs less"));
    EXPECT_EQ(test::refusal([&] { FastEngine(network, large_buffers(), 1); }), refused);
    LayerVariants variants;
    EXPECT_EQ(test::refusal([&] { variants.add(schedule); }), refused);
}

TEST(MemoryBounds, VariantsKnowHowManyThreadsThereAreFor) {
    LayerVariants variants;
    EXPECT_EQ(variants.most_threads(), 256);
    const Network network = pools(1024, 4);
    variants.add(compile(network, large_buffers(), 1));
    EXPECT_EQ(variants.most_threads(), 25);
}

TEST(MemoryBounds, ImagesThatPreprocessingMakesLargeAreRefused) {
    const std::vector<int> images(288, 0);  // nine blocks
    const auto source = [](int) { return std::vector<std::uint8_t>(std::size_t{1} << 24, 1); };
    EXPECT_EQ(test::refusal([&] {
                  make_image_blocks(
                      images, source, [](int) { return -1; }, 1);
              }),
              "9 blocks of 32 images, each 16777216 values as the network takes them, are too many to be held at once "
              "(allowed: up to 8 blocks of this size); choose fewer images");
}

}  // namespace
}  // namespace widthwise
