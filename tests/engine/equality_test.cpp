// SPDX-License-Identifier: Apache-2.0
// The two engines give the same answer: outputs, every operator's values, overflow, psum statistics, cycles, stalls by
// cause and every event, over random networks on random hardware.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "engine/engine_difference.h"
#include "engine/random_case.h"

namespace widthwise {
namespace {

using testing::RandomCase;

/// SystemC elaborates once per process, so each case runs in a child of its own; its text comes back through a pipe.
std::string difference_in_child(std::uint64_t seed) {
    int ends[2];
    if (pipe(ends) != 0) return "no pipe";
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        std::string text;
        try {
            const RandomCase random = testing::make_random_case(seed);
            text = engine_difference(random.network, random.hardware, random.images);
            if (!text.empty()) text = random.describe() + text;
        } catch (const std::exception& error) {
            text = fmt::format("seed {}: {}\n", seed, error.what());
        }
        for (std::size_t done = 0; done < text.size();) {
            const ssize_t n = write(ends[1], text.data() + done, text.size() - done);
            if (n <= 0) break;
            done += static_cast<std::size_t>(n);
        }
        std::_Exit(0);
    }
    close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t n = read(ends[0], buffer, sizeof buffer); n > 0; n = read(ends[0], buffer, sizeof buffer)) {
        text.append(buffer, static_cast<std::size_t>(n));
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        text += fmt::format("seed {}: the child died, status {}\n", seed, status);
    return text;
}

/// Seeds first..first+count-1; WIDTHWISE_SEED moves the range.
void compare(std::uint64_t first, int count) {
    if (const char* moved = std::getenv("WIDTHWISE_SEED")) first += std::strtoull(moved, nullptr, 10);
    std::cout << fmt::format("seeds {} to {}\n", first, first + static_cast<std::uint64_t>(count) - 1);
    int failures = 0;
    for (int i = 0; i < count && failures < 3; ++i) {
        const std::string text = difference_in_child(first + static_cast<std::uint64_t>(i));
        if (!text.empty()) {
            ++failures;
            ADD_FAILURE() << text;
        }
    }
}

TEST(EngineEquality, RandomCasesA) { compare(0, 750); }
TEST(EngineEquality, RandomCasesB) { compare(750, 750); }
TEST(EngineEquality, RandomCasesC) { compare(1500, 750); }
TEST(EngineEquality, RandomCasesD) { compare(2250, 750); }

/// Behind the CTest label `long`; runs only when it is asked for by name.
TEST(EngineEquality, DISABLED_ManyRandomCases) { compare(1'000'000, 100'000); }

}  // namespace
}  // namespace widthwise
