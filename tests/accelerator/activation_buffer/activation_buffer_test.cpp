// SPDX-License-Identifier: Apache-2.0
// The ActivationBuffer's four links at once against a byte array: priorities, read-before-write, one port and two.
#include "accelerator/activation_buffer/activation_buffer.h"

#include <algorithm>
#include <deque>
#include <map>

#include "accelerator/activation_buffer/activation_buffer_rules.h"
#include "accelerator/kit/link_bench.h"

namespace widthwise::test {
namespace {

constexpr int kBytes = 96;

ActivationBufferParams params(int ports) {
    ActivationBufferParams p;
    p.bytes = kBytes;
    p.ports = ports;
    return p;
}

class ActivationBufferBench {
public:
    ActivationBufferBench(int ports, std::uint64_t seed)
        : bench(seed, 2),
          unit("activation_buffer", params(ports), bench.record),
          rules(bench, ports,
                {{fill_request.monitor, fill_data.monitor},
                 {operand_request.monitor, operand_data.monitor},
                 {output_request.monitor, output_data.monitor},
                 results.monitor}) {
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.fill_request(fill_request.link);
        unit.fill_data(fill_data.link);
        unit.operand_request(operand_request.link);
        unit.operand_data(operand_data.link);
        unit.output_request(output_request.link);
        unit.output_data(output_data.link);
        unit.results(results.link);
        unit.input(input.link);
    }

    Bench bench;
    DrivenLink<ActivationRead> fill_request{"line_buffer2activation_buffer", bench};
    DrainedLink<Word> fill_data{"activation_buffer2line_buffer", bench};
    DrivenLink<ActivationRead> operand_request{"residual_unit2activation_buffer", bench};
    DrainedLink<Word> operand_data{"activation_buffer2residual_unit", bench};
    DrivenLink<ActivationRead> output_request{"dma2activation_buffer_read", bench};
    DrainedLink<Word> output_data{"activation_buffer2dma", bench};
    DrivenLink<ActivationWrite> results{"pool_unit2activation_buffer", bench};
    DrivenLink<ActivationWrite> input{"dma2activation_buffer", bench};
    ActivationBuffer unit;
    ActivationBufferRules rules;
};

ActivationWrite write_of(int layer, const std::vector<std::pair<int, int>>& bytes) {
    ActivationWrite write;
    write.layer = layer;
    for (const auto& [address, value] : bytes) {
        const int i = write.bytes.count++;
        ++write.addresses.count;
        write.addresses[i] = address;
        write.bytes[i] = static_cast<std::uint8_t>(value);
    }
    return write;
}

ActivationRead read_of(int layer, int address, int bytes) {
    ActivationRead read;
    read.layer = layer;
    read.address = address;
    read.bytes = bytes;
    return read;
}

std::vector<ActivationRead> random_reads(Random& random, int layer, int n) {
    std::vector<ActivationRead> reads;
    for (int i = 0; i < n; ++i) {
        const int bytes = random.in(1, 8);
        reads.push_back(read_of(layer, random.in(0, kBytes - bytes), bytes));
    }
    return reads;
}

std::vector<ActivationWrite> random_writes(Random& random, int layer, int n) {
    std::vector<ActivationWrite> writes;
    for (int i = 0; i < n; ++i) {
        std::vector<std::pair<int, int>> bytes;
        for (int k = random.in(1, 6); k > 0; --k) bytes.emplace_back(random.in(0, kBytes - 1), random.in(0, 255));
        writes.push_back(write_of(layer, bytes));
    }
    return writes;
}

/// Replays what was accepted, edge by edge: reads of an edge see the memory before its write.
struct Replay {
    std::vector<int> memory;  ///< -1: not known yet
    std::vector<Word> operand, fill, output;

    Replay(const ActivationBufferBench& b, int ports, std::vector<int> initial) : memory(std::move(initial)) {
        struct Edge {
            const ActivationRead* operand = nullptr;
            const ActivationRead* fill = nullptr;
            const ActivationRead* output = nullptr;
            const ActivationWrite* results = nullptr;
            const ActivationWrite* input = nullptr;
        };
        std::map<std::uint64_t, Edge> edges;
        const auto note = [&](const auto& monitor, auto Edge::*what) {
            for (std::size_t i = 0; i < monitor.count(); ++i) edges[monitor.cycles[i]].*what = &monitor.data[i];
        };
        note(b.operand_request.monitor, &Edge::operand);
        note(b.fill_request.monitor, &Edge::fill);
        note(b.output_request.monitor, &Edge::output);
        note(b.results.monitor, &Edge::results);
        note(b.input.monitor, &Edge::input);
        for (const auto& [cycle, edge] : edges) {
            // The Dma's accesses have a port of their own.
            EXPECT_FALSE(edge.operand != nullptr && edge.fill != nullptr) << "two reads at cycle " << cycle;
            const bool reads = edge.operand != nullptr || edge.fill != nullptr;
            EXPECT_FALSE(ports == 1 && reads && edge.results != nullptr) << "two uses of one port at cycle " << cycle;
            if (edge.operand != nullptr) operand.push_back(load(*edge.operand));
            if (edge.fill != nullptr) fill.push_back(load(*edge.fill));
            if (edge.output != nullptr) output.push_back(load(*edge.output));
            if (edge.results != nullptr) store(*edge.results);
            if (edge.input != nullptr) store(*edge.input);
        }
    }

private:
    [[nodiscard]] Word load(const ActivationRead& read) const {
        Word word;
        word.bytes.count = read.bytes;
        for (int i = 0; i < read.bytes; ++i) {
            word.bytes[i] = static_cast<std::uint8_t>(memory[static_cast<std::size_t>(read.address + i)]);
        }
        return word;
    }
    void store(const ActivationWrite& write) {
        for (int i = 0; i < write.bytes.count; ++i) {
            memory[static_cast<std::size_t>(write.addresses[i])] = write.bytes[i];
        }
    }
};

std::uint64_t bytes_of(const std::vector<ActivationRead>& reads) {
    std::uint64_t bytes = 0;
    for (const ActivationRead& read : reads) bytes += static_cast<std::uint64_t>(read.bytes);
    return bytes;
}
std::uint64_t bytes_of(const std::vector<ActivationWrite>& writes) {
    std::uint64_t bytes = 0;
    for (const ActivationWrite& write : writes) bytes += static_cast<std::uint64_t>(write.bytes.count);
    return bytes;
}

class ActivationBufferValues : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(ActivationBufferValues, ReadsSeeEarlierWrites) {
    const int ports = std::get<0>(GetParam());
    const int seed = std::get<1>(GetParam());
    ActivationBufferBench b(ports, static_cast<std::uint64_t>(seed));
    Random random(static_cast<std::uint64_t>(seed), "traffic");
    b.operand_request.source.payloads = random_reads(random, 0, 90);
    b.fill_request.source.payloads = random_reads(random, 1, 200);
    b.output_request.source.payloads = random_reads(random, kStorePhase, 150);
    b.results.source.payloads = random_writes(random, 0, 180);
    b.input.source.payloads = random_writes(random, kLoadPhase, 120);

    std::vector<int> before(kBytes, 0);  // the SRAM keeps its content over a reset
    b.bench.on_restart([&] {
        for (int i = 0; i < kBytes; ++i)
            before[static_cast<std::size_t>(i)] = b.unit.memory()[static_cast<std::size_t>(i)];
    });
    const auto done = [&] {
        return b.operand_data.monitor.count() == 90 && b.fill_data.monitor.count() == 200 &&
               b.output_data.monitor.count() == 150 && b.results.monitor.count() == 180 &&
               b.input.monitor.count() == 120;
    };
    b.bench.run_and_interrupt(done, 100000, [&] {
        const Replay replay(b, ports, before);
        expect_same(b.operand_data.monitor.data, replay.operand, "operand word");
        expect_same(b.fill_data.monitor.data, replay.fill, "fill word");
        expect_same(b.output_data.monitor.data, replay.output, "output word");
        b.bench.expect_rules_checked();
        for (std::size_t i = 0; i < kBytes; ++i) EXPECT_EQ(b.unit.memory()[i], replay.memory[i]) << "address " << i;
        const RunRecord& record = b.bench.record;
        EXPECT_EQ(record.layers[1].events[Event::activation_buffer_read], bytes_of(b.fill_request.source.payloads));
        EXPECT_EQ(record.store.events[Event::activation_buffer_read], bytes_of(b.output_request.source.payloads));
        EXPECT_EQ(record.layers[0].events[Event::activation_buffer_write], bytes_of(b.results.source.payloads));
        EXPECT_EQ(record.load.events[Event::activation_buffer_write], bytes_of(b.input.source.payloads));
        EXPECT_EQ(record.layers[0].events[Event::activation_buffer_read], bytes_of(b.operand_request.source.payloads));
        EXPECT_EQ(record.layers[1].events[Event::activation_buffer_write], 0U);
    });
}

INSTANTIATE_TEST_SUITE_P(Ports, ActivationBufferValues, testing::Combine(testing::Values(1, 2), testing::Range(0, 8)),
                         [](const auto& test) {
                             return "ports" + std::to_string(std::get<0>(test.param)) + "_seed" +
                                    std::to_string(std::get<1>(test.param));
                         });

/// A source may send payload i only at edge `edges[i]`, counted from the end of reset.
template <typename T>
void send_at(DrivenLink<T>& link, Bench& bench, std::uint64_t start, std::vector<std::uint64_t> edges) {
    // Loaded at one edge, a payload can be transferred at the next.
    link.source.allow = [&bench, start, edges = std::move(edges)](std::size_t i) {
        return bench.cycle() + 1 >= start + edges[i];
    };
}

constexpr std::uint64_t kStart = 10;

void run(ActivationBufferBench& b, std::size_t reads) {
    b.bench.pulse_reset();
    b.bench.run_until([&] { return b.fill_data.monitor.count() + b.output_data.monitor.count() == reads; }, 1000);
    b.bench.run(10);
}

TEST(ActivationBufferTiming, OperandsGoBeforeFills) {
    ActivationBufferBench b(2, 0);
    b.operand_request.source.payloads = std::vector<ActivationRead>(3, read_of(0, 8, 4));
    b.fill_request.source.payloads = std::vector<ActivationRead>(2, read_of(1, 8, 4));
    send_at(b.operand_request, b.bench, kStart, {0, 0, 0});
    send_at(b.fill_request, b.bench, kStart, {0, 0});
    run(b, 2);
    using Edges = std::vector<std::int64_t>;
    EXPECT_EQ(since(b.operand_request.monitor.cycles, kStart), (Edges{0, 1, 2}));
    EXPECT_EQ(since(b.operand_data.monitor.cycles, kStart), (Edges{1, 2, 3}));
    EXPECT_EQ(since(b.fill_request.monitor.cycles, kStart), (Edges{3, 4}));
}

TEST(ActivationBufferTiming, DataFollowsARequestByOneCycleAndOneAnother) {
    ActivationBufferBench b(2, 0);
    b.fill_request.source.payloads = std::vector<ActivationRead>(20, read_of(0, 8, 4));
    send_at(b.fill_request, b.bench, kStart, std::vector<std::uint64_t>(20, 0));
    run(b, 20);
    EXPECT_EQ(since(b.fill_request.monitor.cycles, kStart), every(1, 0, 20));
    expect_rule(Rule::arrive, b.fill_request.monitor.cycles, b.fill_data.monitor.cycles, false);
}

TEST(ActivationBufferTiming, TwoPortsReadAndWriteAtTheSameEdge) {
    ActivationBufferBench b(2, 0);
    b.fill_request.source.payloads = std::vector<ActivationRead>(8, read_of(0, 0, 1));
    send_at(b.fill_request, b.bench, kStart, std::vector<std::uint64_t>(8, 0));
    for (int i = 0; i < 8; ++i) b.results.source.payloads.push_back(write_of(0, {{0, 100 + i}}));
    send_at(b.results, b.bench, kStart, std::vector<std::uint64_t>(8, 0));
    run(b, 8);
    EXPECT_EQ(since(b.fill_request.monitor.cycles, kStart), every(1, 0, 8));
    EXPECT_EQ(since(b.results.monitor.cycles, kStart), every(1, 0, 8));
    for (std::size_t i = 1; i < 8; ++i) {  // a read sees the write of the edge before, not that of its own edge
        EXPECT_EQ(b.fill_data.monitor.data[i].bytes[0], 100 + static_cast<int>(i) - 1);
    }
}

TEST(ActivationBufferTiming, OnePortServesWritesFirstAndNeverDelaysThem) {
    ActivationBufferBench b(1, 0);
    b.fill_request.source.payloads = std::vector<ActivationRead>(6, read_of(0, 0, 1));
    send_at(b.fill_request, b.bench, kStart, std::vector<std::uint64_t>(6, 0));
    for (int i = 0; i < 5; ++i) b.results.source.payloads.push_back(write_of(0, {{0, i}}));
    send_at(b.results, b.bench, kStart, {2, 3, 6, 7, 8});
    run(b, 6);
    EXPECT_EQ(since(b.results.monitor.cycles, kStart), (std::vector<std::int64_t>{2, 3, 6, 7, 8}));
    EXPECT_EQ(since(b.fill_request.monitor.cycles, kStart), (std::vector<std::int64_t>{0, 1, 4, 5, 9, 10}));
    EXPECT_EQ(since(b.fill_data.monitor.cycles, kStart), (std::vector<std::int64_t>{1, 2, 5, 6, 10, 11}));
}

TEST(ActivationBufferTiming, TheDmaWaitsForNobodyAndNobodyForIt) {
    ActivationBufferBench b(2, 0);
    for (int i = 0; i < 3; ++i) b.input.source.payloads.push_back(write_of(kLoadPhase, {{1, i}}));
    send_at(b.input, b.bench, kStart, {0, 0, 0});
    for (int i = 0; i < 2; ++i) b.results.source.payloads.push_back(write_of(0, {{2, i}}));
    send_at(b.results, b.bench, kStart, {1, 2});
    b.output_request.source.payloads = std::vector<ActivationRead>(3, read_of(kStorePhase, 0, 1));
    send_at(b.output_request, b.bench, kStart, {0, 0, 0});
    b.fill_request.source.payloads = std::vector<ActivationRead>(2, read_of(0, 0, 1));
    send_at(b.fill_request, b.bench, kStart, {1, 3});
    run(b, 5);
    EXPECT_EQ(since(b.results.monitor.cycles, kStart), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(since(b.input.monitor.cycles, kStart), every(1, 0, 3));
    EXPECT_EQ(since(b.fill_request.monitor.cycles, kStart), (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(since(b.output_request.monitor.cycles, kStart), every(1, 0, 3));
}

TEST(ActivationBufferTiming, AWaitingWordHoldsTheNextRequestBack) {
    ActivationBufferBench b(2, 0);
    b.fill_request.source.payloads = std::vector<ActivationRead>(4, read_of(0, 0, 1));
    send_at(b.fill_request, b.bench, kStart, {0, 0, 0, 0});
    // Not ready at edges 1..3.
    b.fill_data.sink.allow = [&] { return b.bench.cycle() >= kStart + 3 || b.bench.cycle() < kStart; };
    run(b, 4);
    EXPECT_EQ(since(b.fill_request.monitor.cycles, kStart), (std::vector<std::int64_t>{0, 4, 5, 6}));
    EXPECT_EQ(since(b.fill_data.monitor.cycles, kStart), (std::vector<std::int64_t>{4, 5, 6, 7}));
}

}  // namespace
}  // namespace widthwise::test
