// SPDX-License-Identifier: Apache-2.0
#include "common/failure.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <vector>

namespace widthwise {
namespace {

TEST(Failure, MemoryIsNamed) {
    EXPECT_EQ(failure_text(std::bad_alloc()),
              "the memory ran out: the machine, or a limit set for this process, has less than this run needs");
    try {
        std::vector<int>().reserve(~std::size_t{0});
        FAIL() << "there is no such vector";
    } catch (const std::length_error& error) {
        EXPECT_TRUE(failure_text(error).starts_with("the memory ran out: something would be larger than any memory ("));
    }
}

TEST(Failure, OthersSpeakForThemselves) { EXPECT_EQ(failure_text(std::runtime_error("no luck")), "no luck"); }

}  // namespace
}  // namespace widthwise
