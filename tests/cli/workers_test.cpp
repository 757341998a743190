// SPDX-License-Identifier: Apache-2.0
#include "cli/workers.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "common/error.h"

namespace widthwise {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::function<void(std::uint64_t)> kIgnore = [](std::uint64_t) {};

TEST(Workers, AnswersComeInTheOrderOfTheWork) {
    const InterruptGuard guard;
    std::vector<Work> work;
    for (int i = 0; i < 7; ++i) {
        work.emplace_back([i](const WorkerChannel& channel) {
            usleep(static_cast<useconds_t>(1000 * (7 - i)));
            channel.progress(2);
            return std::string(static_cast<std::size_t>(i) * 100000, static_cast<char>('a' + i));
        });
    }
    std::uint64_t progress = 0;
    const auto answers = run_workers(work, 3, guard, [&](std::uint64_t count) { progress += count; });
    EXPECT_EQ(progress, 14U);
    ASSERT_EQ(answers.size(), 7U);
    for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(answers[i], std::string(i * 100000, static_cast<char>('a' + i)));
}

TEST(Workers, RunInProcessesOfTheirOwn) {
    const InterruptGuard guard;
    const Work work = [](const WorkerChannel&) { return std::to_string(getpid()); };
    const auto answers = run_workers({work, work}, 1, guard, kIgnore);
    EXPECT_NE(answers[0], answers[1]);
    EXPECT_NE(answers[0], std::to_string(getpid()));
}

TEST(Workers, BadInputStaysBadInput) {
    const InterruptGuard guard;
    const Work work = [](const WorkerChannel&) -> std::string { throw InputError("key: wrong"); };
    try {
        run_workers({work}, 1, guard, kIgnore);
        FAIL();
    } catch (const InputError& error) {
        EXPECT_STREQ(error.what(), "key: wrong");
    }
}

TEST(Workers, TheFirstFailureEndsTheOthers) {
    const InterruptGuard guard;
    const Work endless = [](const WorkerChannel&) -> std::string {
        while (true) pause();
    };
    const Work failing = [](const WorkerChannel&) -> std::string { throw std::runtime_error("broken"); };
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THROW(run_workers({endless, failing}, 2, guard, kIgnore), SimulationError);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a worker is left";
}

TEST(Workers, AnEarlyEndIsReportedWithItsCause) {
    const InterruptGuard guard;
    const Work killed = [](const WorkerChannel&) -> std::string {
        raise(SIGKILL);
        return "";
    };
    const Work ended = [](const WorkerChannel&) -> std::string { _exit(5); };
    const auto message = [&](const Work& work) -> std::string {
        try {
            run_workers({work}, 1, guard, kIgnore);
        } catch (const SimulationError& error) {
            return error.what();
        }
        return "nothing";
    };
    EXPECT_THAT(message(killed), HasSubstr("signal 9"));
    EXPECT_THAT(message(ended), HasSubstr("status 5"));
}

TEST(Workers, ASignalInterruptsTheWait) {
    const InterruptGuard guard;
    const int parent = getpid();
    const Work work = [parent](const WorkerChannel&) -> std::string {
        kill(parent, SIGINT);
        while (true) pause();
    };
    try {
        run_workers({work}, 1, guard, kIgnore);
        FAIL();
    } catch (const Interrupted& interrupted) {
        EXPECT_EQ(interrupted.signal, SIGINT);
    }
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a worker is left";
}

TEST(Processors, AtLeastOne) { EXPECT_GE(available_processors(), 1); }

}  // namespace
}  // namespace widthwise
