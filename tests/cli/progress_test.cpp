// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <gtest/gtest.h>

namespace widthwise {
namespace {

TEST(ProgressLine, ShowsRateAndTimeLeft) {
    EXPECT_EQ(progress_line(50, 100, "images", 4),
              "[###############---------------] 50/100 images  12.5 images/s  0:04 left");
    EXPECT_EQ(progress_line(1, 1000, "images", 1),
              "[------------------------------] 1/1000 images  1.0 images/s  16:39 left");
    EXPECT_EQ(progress_line(0, 100, "images", 4), "[------------------------------] 0/100 images");
    EXPECT_EQ(progress_line(100, 100, "images", 8),
              "[##############################] 100/100 images  12.5 images/s  0:00 left");
}

}  // namespace
}  // namespace widthwise
