// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "network/onnx_layout.h"

namespace widthwise::test {
namespace {

using Extents = FeatureView::Extents;
using ::testing::ElementsAre;

const FeatureView kMap = FeatureView::map({2, 3, 4}, 1);

TEST(FeatureView, TransposesAndBack) {
    const FeatureView last = kMap.transposed({0, 2, 3, 1});
    EXPECT_THAT(last.extents(), ElementsAre(1, 3, 4, 2));
    EXPECT_EQ(last.text(), "N x H x W x C");
    EXPECT_FALSE(last.is_map());
    EXPECT_FALSE(last.is_in_order());
    EXPECT_EQ(last.transposed({0, 3, 1, 2}), kMap);
    EXPECT_TRUE(FeatureView::map({1, 3, 4}, 1).transposed({0, 2, 3, 1}).is_in_order());  // one channel
}

TEST(FeatureView, FlattensInItsOwnOrder) {
    const auto flat = kMap.transposed({0, 2, 3, 1}).reshaped({1, 24});
    ASSERT_TRUE(flat);
    EXPECT_TRUE(flat->is_vector());
    EXPECT_FALSE(flat->is_in_order());
    // Feature (c, y, x) lies at (y * 4 + x) * 2 + c.
    const std::vector<std::int32_t> order = flat->features_in_order();
    ASSERT_EQ(order.size(), 24U);
    EXPECT_EQ(order[0], 0);
    EXPECT_EQ(order[1], 2);
    EXPECT_EQ(order[12], 1);
    EXPECT_EQ(order[23], 23);
    EXPECT_TRUE(kMap.reshaped({1, 24})->is_in_order());
}

TEST(FeatureView, ReshapesAtTheBordersOfAxesOnly) {
    EXPECT_THAT(kMap.reshaped({1, 2, 12})->extents(), ElementsAre(1, 2, 12));
    EXPECT_EQ(*kMap.reshaped({1, 2, 12})->reshaped({1, 2, 3, 4}), kMap);
    EXPECT_FALSE(kMap.reshaped({1, 4, 6}));
    EXPECT_FALSE(kMap.reshaped({1, 24, 2}));
    EXPECT_FALSE(kMap.reshaped({1, 12}));
    const FeatureView batch = FeatureView::map({2, 3, 4}, 5);
    EXPECT_TRUE(batch.reshaped({5, 24})->is_vector());
    EXPECT_FALSE(batch.reshaped({10, 12})->is_vector());  // images and channels in one dimension
}

TEST(FeatureView, SqueezesAndUnsqueezes) {
    const FeatureView pooled = FeatureView::map({7, 1, 1}, 1);
    EXPECT_TRUE(pooled.is_vector());
    EXPECT_EQ(pooled.squeezed(Extents{2, 3})->extents(), (Extents{1, 7}));
    EXPECT_EQ(pooled.squeezed(Extents{-1, -2})->extents(), (Extents{1, 7}));
    EXPECT_FALSE(pooled.squeezed(Extents{1}));
    EXPECT_FALSE(pooled.squeezed(Extents{4}));
    EXPECT_TRUE(FeatureView::vector(7, 1).unsqueezed({2, 3})->is_map());
    EXPECT_FALSE(FeatureView::vector(7, 1).unsqueezed({5}));
    EXPECT_FALSE(FeatureView::vector(7, 1).unsqueezed({2, 2}));
    EXPECT_TRUE(kMap.is_map());
    EXPECT_FALSE(kMap.is_vector());
    EXPECT_FALSE(FeatureView::vector(7, 1).is_map());
}

}  // namespace
}  // namespace widthwise::test
