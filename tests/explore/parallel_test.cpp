// SPDX-License-Identifier: Apache-2.0
#include "explore/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace widthwise {
namespace {

TEST(ParallelFor, DoesEachItemOnceAndReportsAllOfThemHere) {
    for (const int threads : {1, 2, 7}) {
        for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
            std::vector<std::atomic<int>> done(count);
            std::size_t reported = 0;
            const auto caller = std::this_thread::get_id();
            parallel_for(
                count, threads,
                [&](std::size_t finished) {
                    EXPECT_EQ(std::this_thread::get_id(), caller);
                    reported += finished;
                },
                [&](std::size_t item, int thread) {
                    EXPECT_GE(thread, 0);
                    EXPECT_LT(thread, threads);
                    ++done[item];
                });
            EXPECT_EQ(reported, count);
            for (const auto& times : done) EXPECT_EQ(times, 1);
        }
    }
}

TEST(ParallelFor, ThrowsWhatTheWorkThrowsAndStops) {
    std::atomic<int> started = 0;
    const auto work = [&](std::size_t, int) {
        ++started;
        throw std::runtime_error("broken");
    };
    EXPECT_THROW(parallel_for(1000, 2, {}, work), std::runtime_error);
    EXPECT_LE(started, 2);
}

TEST(ParallelFor, ThrowsWhatTheReportThrows) {
    const auto report = [](std::size_t) { throw std::runtime_error("enough"); };
    EXPECT_THROW(parallel_for(1000, 1, report, [](std::size_t, int) {}), std::runtime_error);
}

}  // namespace
}  // namespace widthwise
