// SPDX-License-Identifier: Apache-2.0
// Both engines on LeNet-5 and images of MNIST's test set, at widths that never, sometimes and mostly overflow.
#include <gtest/gtest.h>

#include <string>

#include "engine/engine_difference.h"
#include "system/simulation.h"

namespace widthwise::test {
namespace {

class RealImages : public testing::TestWithParam<int> {};

TEST_P(RealImages, GiveTheSameInBothEngines) {
    constexpr int kImages = 40;  // more than a block of the fast engine
    Workload workload("widthwise-8x8.yaml");
    workload.hardware().accumulator.format.bits = GetParam();
    std::vector<Bytes> images;
    const ImageSource source = workload.source();
    for (int i = 0; i < kImages; ++i) images.push_back(source(i));
    EXPECT_EQ(engine_difference(workload.network, workload.hardware(), images), "");
}

INSTANTIATE_TEST_SUITE_P(Widths, RealImages, testing::Values(20, 16, 12),
                         [](const auto& width) { return "bits" + std::to_string(width.param); });

}  // namespace
}  // namespace widthwise::test
