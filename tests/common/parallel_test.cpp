// SPDX-License-Identifier: Apache-2.0
#include "common/parallel.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
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

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they reserve terabytes of addresses

/// The machine has room for the stacks of a few threads, not of all.
TEST(ParallelFor, ThreadsThatCannotStartLeaveTheirWorkToTheOthers) {
    constexpr std::size_t kStack = std::size_t{1} << 30;
    constexpr std::size_t kRoom = 3 * kStack;
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_attr_init(&attributes), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
    ASSERT_EQ(pthread_setattr_default_np(&attributes), 0);
    const rlimit limit{kRoom, RLIM_INFINITY};
    ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
    std::vector<std::atomic<int>> done(1000);
    std::mutex mutex;
    std::set<int> threads;
    parallel_for(done.size(), 50, {}, [&](std::size_t item, int thread) {
        ++done[item];
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        const std::lock_guard lock(mutex);
        threads.insert(thread);
    });
    for (const auto& times : done) EXPECT_EQ(times, 1);
    EXPECT_GE(threads.size(), 2U) << "some of them ran";
    EXPECT_LT(threads.size(), 50U);
}

#endif

}  // namespace
}  // namespace widthwise
