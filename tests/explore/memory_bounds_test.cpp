// SPDX-License-Identifier: Apache-2.0
// What sweeps and searches hold in memory is bounded: made again, or refused, where the bound does not do.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <numeric>
#include <string_view>
#include <tuple>

#include "common/error.h"
#include "engine/fast/fast_engine.h"
#include "explore/explore_case.h"
#include "explore/image_blocks.h"
#include "explore/layer_variants.h"
#include "explore/search_proof.h"
#include "explore/value_evaluation.h"
#include "kit/network_builder.h"
#include "kit/refusal.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

using ::testing::HasSubstr;

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
    // The input and four outputs of 32 images, four bytes a pixel, and a workspace: 768 MiB.
    const Network network = pools(1024, 4);
    const Schedule large = compile(network, large_buffers(), 1);
    EXPECT_EQ(affordable_threads(large, 256), 5);
    EXPECT_EQ(affordable_threads(large, 3), 3);
}

TEST(MemoryBounds, MapsThatFitNowhereAreRefused) {
    const Network network = pools(4096, 8);
    const Schedule schedule = compile(network, large_buffers(), 1);
    const std::string refused = test::refusal([&] { affordable_threads(schedule, 1); });
    EXPECT_THAT(refused, HasSubstr("a sweep or search holds all feature maps of 32 images at once"));
    EXPECT_THAT(refused, HasSubstr("(allowed: up to 4294967296)"));
    LayerVariants variants;
    EXPECT_EQ(test::refusal([&] { variants.add(schedule); }), refused);
    EXPECT_NO_THROW(FastEngine(network, large_buffers(), 1)) << "it holds two of them at a time";
}

TEST(MemoryBounds, VariantsKnowHowManyThreadsThereAreFor) {
    LayerVariants variants;
    EXPECT_EQ(variants.most_threads(), 256);
    const Network network = pools(1024, 4);
    variants.add(compile(network, large_buffers(), 1));
    EXPECT_EQ(variants.most_threads(), 5);
}

void expect_equal(const ImageBlocks& a, const ImageBlocks& b) {
    ASSERT_EQ(a.size(), b.size());
    EXPECT_EQ(a.images(), b.images());
    EXPECT_EQ(a.labelled(), b.labelled());
    for (std::size_t block = 0; block < a.size(); ++block) {
        const auto left = a.at(block);
        const auto right = b.at(block);
        EXPECT_EQ(std::tie(left->count, left->images, left->labels, left->labelled),
                  std::tie(right->count, right->images, right->labels, right->labelled));
        EXPECT_EQ(left->input, right->input);
    }
}

TEST(MemoryBounds, ImagesThatWouldTakeTooMuchAreMadeAgain) {
    std::vector<int> images(70);
    std::iota(images.begin(), images.end(), 5);
    std::atomic<int> made = 0;
    const auto source = [&](int image) {
        ++made;
        return std::vector<std::uint8_t>(1000, static_cast<std::uint8_t>(image));
    };
    const auto label = [](int image) { return image % 2 == 0 ? image : -1; };
    const std::size_t bytes = 3 * 1000 * fast::kMostImages;  // three blocks
    const ImageBlocks held(images, source, label, 2, bytes);
    const int made_once = made;
    const ImageBlocks others(images, source, label, 2, bytes - 1);
    EXPECT_TRUE(held.are_held());
    EXPECT_FALSE(others.are_held());
    EXPECT_EQ(made, made_once + 1);  // one shows how large they are
    EXPECT_EQ(held.labelled(), 35U);
    expect_equal(held, others);
    const std::vector<int> backwards(images.rbegin(), images.rend());
    expect_equal(held.in_order(backwards), others.in_order(backwards));
    EXPECT_EQ(held.in_order(backwards).size(), 3U);
    EXPECT_EQ(held.in_order(backwards).at(2)->images[5], 5);
}

TEST(MemoryBounds, SearchAndEvaluationDoNotNeedTheBlocksHeld) {
    const test::ExploreCase explored(3, 100);
    const auto source = [&](int image) { return explored.random.images[static_cast<std::size_t>(image)]; };
    std::vector<int> images(100);
    std::iota(images.begin(), images.end(), 0);
    const ImageBlocks held(
        images, source, [](int) { return 0; }, 1);
    const ImageBlocks others(
        images, source, [](int) { return 0; }, 1, 0);
    LayerVariants variants;
    std::vector<ValuePath> paths;
    for (const int bits : {8, 12, 30}) {
        HardwareParams hardware = explored.random.hardware;
        hardware.accumulator.format.bits = bits;
        paths.push_back(variants.add(compile(explored.random.network, hardware, hardware.batch)));
    }
    EXPECT_EQ(evaluate(variants, held, paths, 2, {}), evaluate(variants, others, paths, 2, {}));
    for (const std::uint64_t allowed : {10, 100}) {
        const auto a = Rejecter(variants, held, 2).judge(paths, allowed, {});
        const auto b = Rejecter(variants, others, 2).judge(paths, allowed, {});
        for (std::size_t p = 0; p < paths.size(); ++p) {
            EXPECT_EQ(std::tie(a[p].rejected, a[p].wrong, a[p].blocks),
                      std::tie(b[p].rejected, b[p].wrong, b[p].blocks));
        }
    }
}

}  // namespace
}  // namespace widthwise
