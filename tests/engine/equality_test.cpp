// SPDX-License-Identifier: Apache-2.0
// The two engines give the same answer: outputs, every operator's values, overflow, psum statistics, cycles, stalls by
// cause and every event, over random networks on random hardware.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <numeric>
#include <string>
#include <tuple>

#include "engine/fast/fast_engine.h"
#include "engine/random_case.h"
#include "engine/record_text.h"
#include "engine/systemc_engine.h"
#include "schedule/utilisation.h"

namespace widthwise {
namespace {

using testing::RandomCase;

struct Answer {
    RunRecord record;
    std::vector<std::vector<std::uint8_t>> outputs;
    std::map<std::tuple<int, int, int, int>, int> values;  ///< by operator, image, channel, pixel
};

template <typename Engine>
Answer answer_of(Engine& engine, const RandomCase& random) {
    Answer answer;
    engine.collect_histograms();
    engine.report_values([&](int op, int image, int channel, int pixel, int value) {
        answer.values[{op, image, channel, pixel}] = value;
    });
    answer.record = engine.run(
        0, static_cast<int>(random.images.size()), [&](int i) { return random.images[static_cast<std::size_t>(i)]; },
        [&](int, std::span<const std::uint8_t> output) { answer.outputs.emplace_back(output.begin(), output.end()); });
    return answer;
}

/// Empty when histograms hold every output, and the elements' busy cycles every multiplication.
std::string imbalance(const RandomCase& random, const RunRecord& record) {
    std::string text;
    const Schedule schedule = compile(random.network, random.hardware, random.hardware.batch);
    const auto busy = busy_cycles(schedule, record.images);
    for (std::size_t l = 0; l < record.layers.size(); ++l) {
        const LayerRecord& layer = record.layers[l];
        const std::uint64_t macs = layer.events[Event::mac_multiply] + layer.events[Event::mac_gated];
        const std::uint64_t cycles = std::accumulate(busy[l].begin(), busy[l].end(), std::uint64_t{0});
        if (cycles != macs) text += fmt::format("layer {}: {} busy cycles, {} multiplications\n", l, cycles, macs);
        std::uint64_t psums = 0;
        for (const PsumHistogram::Bucket& bucket : record.histograms.at(l).buckets()) psums += bucket.count;
        if (psums != layer.overflow.outputs) text += fmt::format("layer {}: {} psums in buckets\n", l, psums);
    }
    return text;
}

/// Empty when both engines agree.
std::string difference(const RandomCase& random) {
    SystemcEngine clocked(random.network, random.hardware);
    FastEngine fast(random.network, random.hardware, 2);
    const Answer expected = answer_of(clocked, random);
    const Answer actual = answer_of(fast, random);
    std::string text = record_difference(expected.record, actual.record);
    text += imbalance(random, expected.record);
    if (expected.outputs != actual.outputs) text += "network outputs differ\n";
    if (expected.values != actual.values) text += "values of operators differ\n";
    return text;
}

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
            text = difference(random);
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

}  // namespace
}  // namespace widthwise
