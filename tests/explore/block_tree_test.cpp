// SPDX-License-Identifier: Apache-2.0
#include "explore/block_tree.h"

#include <gtest/gtest.h>

#include <bit>

#include "explore/explore_case.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

TEST(BlockTree, GivesTheSameAfterItForgot) {
    test::ExploreCase explored(11, 32);
    explored.label_like(explored.random.hardware, 11);
    LayerVariants variants;
    std::vector<ValuePath> paths;
    for (int bits = 4; bits <= 24; ++bits) {
        paths.push_back(
            variants.add(compile(explored.random.network, test::with_width(explored.random.hardware, bits), 1)));
    }
    const std::vector<ImageBlock> blocks = explored.blocks();
    fast::Workspace workspace;
    BlockTree forgetful(variants, blocks.front(), BlockTree::Records::dropped);
    BlockTree keeping(variants, blocks.front(), BlockTree::Records::kept);
    for (const ValuePath& path : paths) {
        const std::uint32_t wrong = forgetful.follow(path, workspace, {}).wrong;
        EXPECT_GT(forgetful.bytes(), 0U);
        forgetful.clear();
        EXPECT_EQ(forgetful.bytes(), 0U);
        EXPECT_EQ(keeping.follow(path, workspace, {}).wrong, wrong);
        EXPECT_EQ(keeping.follow(path, workspace, {}).wrong, wrong);
    }
}

TEST(BlockTree, DoesNotGrowWithWidthsThatComputeTheSame) {
    test::ExploreCase explored(11, 32);
    LayerVariants variants;
    const auto path = [&](int bits) {
        return variants.add(compile(explored.random.network, test::with_width(explored.random.hardware, bits), 1));
    };
    const ValuePath wide = path(48);
    EXPECT_EQ(path(47), wide) << "no sum can overflow in either";
    const std::vector<ImageBlock> blocks = explored.blocks();
    fast::Workspace workspace;
    BlockTree tree(variants, blocks.front(), BlockTree::Records::kept);
    std::vector<LayerRecord> records(wide.size());
    tree.follow(wide, workspace, records);
    const std::size_t bytes = tree.bytes();
    tree.follow(path(46), workspace, records);
    EXPECT_EQ(tree.bytes(), bytes);
}

}  // namespace
}  // namespace widthwise
