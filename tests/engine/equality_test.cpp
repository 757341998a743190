// SPDX-License-Identifier: Apache-2.0
// The two engines give the same answer: outputs, every operator's values, overflow, psum statistics, cycles, stalls by
// cause and every event, over random networks on random hardware.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/engine_difference.h"
#include "engine/random_case.h"
#include "engine/renew_systemc.h"
#include "kit/environment.h"
#include "schedule/compile.h"
#include "schedule/schedule.h"

namespace widthwise {
namespace {

using test::RandomCase;

/// Empty, or what is wrong with the case.
std::string difference(std::uint64_t seed) {
    try {
        const RandomCase random = test::make_random_case(seed);
        const std::string text = engine_difference(random.network, random.hardware, random.images);
        return text.empty() ? text : random.describe() + text;
    } catch (const std::exception& error) {
        return fmt::format("seed {}: {}\n", seed, error.what());
    }
}

/// What a child process writes after each case.
struct CaseHeader {
    std::uint64_t seed = 0;
    std::uint64_t text_bytes = 0;
};

/// Seeds [first, end) in a child process, since a case may crash. `report` gets the text of each; returns the seed
/// after the last one, where to go on.
std::uint64_t run_in_child(std::uint64_t first, std::uint64_t end,
                           const std::function<void(std::uint64_t, const std::string&)>& report) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        FILE* out = fdopen(ends[1], "wb");
        for (std::uint64_t seed = first; seed < end; ++seed) {
            test::renew_systemc();
            const std::string text = difference(seed);
            const CaseHeader header{seed, text.size()};
            fwrite(&header, sizeof header, 1, out);
            fwrite(text.data(), 1, text.size(), out);
            fflush(out);
        }
        std::_Exit(0);
    }
    close(ends[1]);
    FILE* in = fdopen(ends[0], "rb");
    std::uint64_t next = first;
    CaseHeader header;
    while (fread(&header, sizeof header, 1, in) == 1) {
        std::string text(header.text_bytes, ' ');
        if (fread(text.data(), 1, text.size(), in) != text.size()) break;
        report(header.seed, text);
        next = header.seed + 1;
    }
    fclose(in);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && next == end) return next;
    report(next, fmt::format("seed {}: the child died, status {}\n", next, status));
    return next + 1;
}

/// Every case is tried; the first failures are described, the others counted.
void compare(std::uint64_t first, std::uint64_t count) {
    std::cout << fmt::format("seeds {} to {}\n", first, first + count - 1);
    constexpr std::size_t kDescribed = 3;
    constexpr std::uint64_t kCasesInChild = 100;
    std::vector<std::uint64_t> failed;
    const auto report = [&](std::uint64_t seed, const std::string& text) {
        if (text.empty()) return;
        failed.push_back(seed);
        if (failed.size() <= kDescribed) ADD_FAILURE() << text;
    };
    const std::uint64_t end = first + count;
    for (std::uint64_t next = first; next < end;)
        next = run_in_child(next, std::min(next + kCasesInChild, end), report);
    std::cout << fmt::format("{} of {} cases failed\n", failed.size(), count);
    EXPECT_TRUE(failed.empty()) << fmt::format("seeds {}", fmt::join(failed, " "));
}

constexpr std::uint64_t kCasesInShard = 1000;

class EngineEquality : public ::testing::TestWithParam<std::uint64_t> {};

/// Ten tests, so that CTest spreads them over the cores. WIDTHWISE_SEED moves the first seed of all of them.
TEST_P(EngineEquality, RandomCases) {
    compare(test::from_environment("WIDTHWISE_SEED", 0) + GetParam() * kCasesInShard, kCasesInShard);
}
INSTANTIATE_TEST_SUITE_P(Shard, EngineEquality, ::testing::Range<std::uint64_t>(0, 10));

/// What is rare in the cases is not compared.
TEST(RandomCases, HaveSumsThatLeaveAndWeightsOfNineBitsOften) {
    std::map<int, int> cases;  // by bytes of a sum
    int nine_bits = 0;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        const RandomCase random = test::make_random_case(seed);
        nine_bits += std::any_of(random.network.operators.begin(), random.network.operators.end(),
                                 [](const Operator& op) { return op.weights.bits == 9; });
        if (!random.network.operators.back().sums_leave) continue;
        ++cases[compile(random.network, random.hardware, 1).layers.back().value_bytes];
    }
    for (const int bytes : {1, 2, 3, 4, 5, 6}) EXPECT_GE(cases[bytes], bytes <= 3 ? 20 : 1) << bytes << " bytes";
    EXPECT_GE(nine_bits, 50);
}

/// Behind the CTest label `long`, which names the seeds; runs only when it is asked for by name.
TEST(EngineEqualityLong, DISABLED_RandomCases) {
    compare(test::from_environment("WIDTHWISE_SEED", 1'000'000), test::from_environment("WIDTHWISE_CASES", 100'000));
}

}  // namespace
}  // namespace widthwise
