// SPDX-License-Identifier: Apache-2.0
// The Dram: bursts of random length and direction against a byte array; latency and rate to the cycle.
#include "accelerator/dram/dram.h"

#include <algorithm>
#include <tuple>

#include "accelerator/dram/dram_rules.h"
#include "accelerator/kit/link_bench.h"

namespace widthwise::test {
namespace {

constexpr int kBytes = 256;

DramRequest request_of(bool write, int layer, int address, int bytes) {
    DramRequest request;
    request.write = write;
    request.layer = layer;
    request.address = address;
    request.bytes = bytes;
    return request;
}

class DramBench {
public:
    DramBench(const DramParams& params, std::uint64_t seed)
        : width(params.bytes_per_cycle),
          bench(seed, 2),
          unit("dram", params, bench.record),
          rules(bench, params.latency, request.monitor, read_data.monitor),
          random_(seed, "dram") {
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.request(request.link);
        unit.write_data(write_data.link);
        unit.read_data(read_data.link);
        for (int i = 0; i < kBytes; ++i) memory.push_back(static_cast<std::uint8_t>(random_.in(0, 255)));
        bench.on_restart([this, initial = memory] { unit.memory = initial; });
    }

    /// Adds a burst to the stimulus and plays it on the reference memory.
    void burst(bool write, int layer, int address, int bytes) {
        request.source.payloads.push_back(request_of(write, layer, address, bytes));
        for (int done = 0; done < bytes; done += width) {
            Word word;
            word.bytes.count = std::min(width, bytes - done);
            for (int i = 0; i < word.bytes.count; ++i) {
                std::uint8_t& byte = memory[static_cast<std::size_t>(address + done + i)];
                if (write) byte = static_cast<std::uint8_t>(random_.in(0, 255));
                word.bytes[i] = byte;
            }
            word.last = done + width >= bytes;
            if (write) write_data.source.payloads.push_back(word);
            else expected.push_back(word);
        }
    }
    [[nodiscard]] bool done() const {
        return read_data.monitor.count() >= expected.size() &&
               write_data.monitor.count() == write_data.source.payloads.size() &&
               request.monitor.count() == request.source.payloads.size();
    }
    void run() {
        bench.pulse_reset();
        bench.run_until([this] { return done(); }, 10000);
    }

    int width;
    Bench bench;
    DrivenLink<DramRequest> request{"dma2dram_request", bench};
    DrivenLink<Word> write_data{"dma2dram_data", bench};
    DrainedLink<Word> read_data{"dram2dma", bench};
    Dram unit;
    DramRules rules;
    std::vector<std::uint8_t> memory;
    std::vector<Word> expected;

private:
    Random random_;
};

class DramValues : public testing::TestWithParam<int> {};

TEST_P(DramValues, AreTheMemorysBytes) {
    const auto seed = static_cast<std::uint64_t>(GetParam());
    Random random(seed, "bursts");
    DramParams params;
    params.latency = random.in(1, 20);
    params.bytes_per_cycle = random.in(1, 9);
    DramBench b(params, seed);
    std::uint64_t read = 0;
    std::uint64_t written = 0;
    const int phases[] = {kSetupPhase, kLoadPhase, 0, 1};
    std::uint64_t by_phase[4] = {};
    for (int i = 0; i < 60; ++i) {
        const bool write = random.percent(40);
        const int bytes = random.in(1, 40);
        const int phase = random.in(0, 3);
        b.burst(write, write ? kStorePhase : phases[phase], random.in(0, kBytes - bytes), bytes);
        (write ? written : read) += static_cast<std::uint64_t>(bytes);
        if (!write) by_phase[phase] += static_cast<std::uint64_t>(bytes);
    }
    b.bench.run_and_interrupt([&] { return b.done(); }, 100000,
                              [&] {
                                  expect_same(b.read_data.monitor.data, b.expected, "word");
                                  EXPECT_EQ(b.unit.memory, b.memory);
                                  b.bench.expect_rules_checked();
                                  const RunRecord& record = b.bench.record;
                                  EXPECT_EQ(record.store.events[Event::dram_write], written);
                                  EXPECT_EQ(record.store.events[Event::dram_read], 0U);
                                  EXPECT_EQ(record.setup.events[Event::dram_read], by_phase[0]);
                                  EXPECT_EQ(record.load.events[Event::dram_read], by_phase[1]);
                                  EXPECT_EQ(record.layers[0].events[Event::dram_read], by_phase[2]);
                                  EXPECT_EQ(record.layers[1].events[Event::dram_read], by_phase[3]);
                              });
}

INSTANTIATE_TEST_SUITE_P(Seeds, DramValues, testing::Range(0, 10));

/// A request taken at edge n: words at n + latency + 2, one a cycle; the next request with the last of them.
class DramTiming : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(DramTiming, LatencyThenAWordACycle) {
    const auto [latency, width] = GetParam();
    DramParams params;
    params.latency = latency;
    params.bytes_per_cycle = width;
    DramBench b(params, 0);
    const int bytes = 50;
    for (int i = 0; i < 3; ++i) b.burst(false, 0, 10 * i, bytes);
    b.run();
    const int words = (bytes + width - 1) / width;
    std::vector<std::int64_t> requests, data;
    for (std::int64_t i = 0, at = 0; i < 3; ++i) {
        requests.push_back(at);
        at += latency + edges(Rule::answer);
        for (int w = 0; w < words; ++w) data.push_back(at++);
        --at;
    }
    const std::uint64_t start = b.request.monitor.cycles.front();
    EXPECT_EQ(since(b.request.monitor.cycles, start), requests);
    EXPECT_EQ(since(b.read_data.monitor.cycles, start), data);
}

INSTANTIATE_TEST_SUITE_P(Parameters, DramTiming,
                         testing::Combine(testing::Values(1, 2, 50), testing::Values(1, 8, 50, 64)));

/// Posted writes: words from the edge after the request on, the next request after the last word.
TEST(DramTimingOf, WritesHaveNoLatency) {
    DramParams params;
    params.latency = 30;
    params.bytes_per_cycle = 4;
    DramBench b(params, 0);
    b.burst(true, kStorePhase, 0, 14);
    b.burst(true, kStorePhase, 20, 4);
    b.burst(false, 0, 0, 4);
    b.run();
    const std::uint64_t start = b.request.monitor.cycles.front();
    EXPECT_EQ(since(b.write_data.monitor.cycles, start), (std::vector<std::int64_t>{1, 2, 3, 4, 6}));
    EXPECT_EQ(since(b.request.monitor.cycles, start), (std::vector<std::int64_t>{0, 5, 7}));
    EXPECT_EQ(since(b.read_data.monitor.cycles, start), (std::vector<std::int64_t>{7 + 30 + edges(Rule::answer)}));
}

}  // namespace
}  // namespace widthwise::test
