// SPDX-License-Identifier: Apache-2.0
// The Dma between Dram and the buffers: every kind of command, in any order, word by word.
#include "accelerator/dma/dma.h"

#include <algorithm>

#include "accelerator/dma/dma_rules.h"
#include "accelerator/kit/link_bench.h"

namespace widthwise::test {
namespace {

DramParams params_of(int width) {
    DramParams params;
    params.bytes_per_cycle = width;
    return params;
}

class DmaBench {
public:
    DmaBench(int bytes_per_cycle, std::uint64_t seed)
        : width(bytes_per_cycle), bench(seed), unit("dma", params_of(bytes_per_cycle)), random_(seed, "bytes") {
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.command(command.link);
        unit.done(done.link);
        unit.request(request.link);
        unit.read_data(read_data.link);
        unit.write_data(write_data.link);
        unit.weights(weights.link);
        unit.input(input.link);
        unit.output_request(output_request.link);
        unit.output_data(output_data.link);
        // Words are only there once they have been asked for.
        read_data.source.allow = [this](std::size_t i) { return request.monitor.count() > burst_of_word_[i]; };
        // As the Dram does: a burst's data come after its request.
        write_data.sink.allow = [this] { return request.monitor.count() == command.monitor.count(); };
        output_data.source.allow = [this](std::size_t i) { return output_request.monitor.count() > i; };
    }

    void add(DmaCommand::Kind kind, int layer, std::int64_t dram_address, std::int64_t address, int bytes) {
        DmaCommand c;
        c.kind = kind;
        c.layer = layer;
        c.dram_address = dram_address;
        c.address = address;
        c.bytes = bytes;
        const std::size_t burst = command.source.payloads.size();
        command.source.payloads.push_back(c);
        DramRequest& r = requests.emplace_back();
        r.write = kind == DmaCommand::Kind::output;
        r.layer = layer;
        r.address = dram_address;
        r.bytes = bytes;
        done_tokens.push_back(Token{static_cast<std::uint8_t>(kind)});
        for (int at = 0; at < bytes; at += width)
            add_word(kind, layer, address + at, std::min(width, bytes - at), burst, at + width >= bytes);
        const auto n = [](const auto& list) { return list.empty() ? SIZE_MAX : list.size() - 1; };
        last_word.push_back(kind == DmaCommand::Kind::weights ? n(weight_writes)
                            : kind == DmaCommand::Kind::input ? n(input_writes)
                                                              : n(output_data.source.payloads));
    }
    [[nodiscard]] bool finished() const { return done.monitor.count() >= done_tokens.size(); }
    void run() {
        bench.pulse_reset();
        bench.run_until([this] { return finished(); }, 10000);
    }
    /// Edge at which a command's last word left the Dma.
    [[nodiscard]] std::uint64_t last_left(std::size_t i) const {
        switch (command.source.payloads[i].kind) {
            case DmaCommand::Kind::weights: return weights.monitor.cycles[last_word[i]];
            case DmaCommand::Kind::input: return input.monitor.cycles[last_word[i]];
            case DmaCommand::Kind::output: break;
        }
        return write_data.monitor.cycles[last_word[i]];
    }

    int width;
    Bench bench;
    DrivenLink<DmaCommand> command{"sequencer2dma", bench};
    DrainedLink<Token> done{"dma2sequencer", bench};
    DrainedLink<DramRequest> request{"dma2dram_request", bench};
    DrivenLink<Word> read_data{"dram2dma", bench};
    DrainedLink<Word> write_data{"dma2dram_data", bench};
    DrainedLink<WeightWrite> weights{"dma2weight_buffer", bench};
    DrainedLink<ActivationWrite> input{"dma2activation_buffer", bench};
    DrainedLink<ActivationRead> output_request{"dma2activation_buffer_read", bench};
    DrivenLink<Word> output_data{"activation_buffer2dma", bench};
    Dma unit;
    DmaRules rules{bench,
                   {command.monitor, done.monitor, request.monitor, read_data.monitor, write_data.monitor,
                    weights.monitor, input.monitor, output_data.monitor}};
    std::vector<DramRequest> requests;
    std::vector<Token> done_tokens;
    std::vector<WeightWrite> weight_writes;
    std::vector<ActivationWrite> input_writes;
    std::vector<ActivationRead> output_reads;
    std::vector<std::size_t> last_word;

private:
    void add_word(DmaCommand::Kind kind, int layer, std::int64_t address, int count, std::size_t burst, bool last) {
        Word word;
        word.bytes.count = count;
        for (int i = 0; i < count; ++i) word.bytes[i] = static_cast<std::uint8_t>(random_.in(0, 255));
        if (kind == DmaCommand::Kind::output) {
            output_data.source.payloads.push_back(word);
            ActivationRead& read = output_reads.emplace_back();
            read.layer = layer;
            read.address = static_cast<std::int32_t>(address);
            read.bytes = count;
            return;
        }
        if (kind == DmaCommand::Kind::weights) {
            WeightWrite& write = weight_writes.emplace_back();
            write.layer = layer;
            write.address = static_cast<std::int32_t>(address);
            write.last = last;
            write.bytes = word.bytes;
        } else {
            ActivationWrite& write = input_writes.emplace_back();
            write.layer = layer;
            write.addresses.count = write.bytes.count = count;
            for (int i = 0; i < count; ++i) {
                write.addresses[i] = static_cast<std::int32_t>(address) + i;
                write.bytes[i] = word.bytes[i];
            }
        }
        word.last = last;
        read_data.source.payloads.push_back(word);
        burst_of_word_.push_back(burst);
    }

    Random random_;
    std::vector<std::size_t> burst_of_word_;
};

class DmaLines : public testing::TestWithParam<int> {};

/// Lines of a strip go to places of their own.
TEST_P(DmaLines, GoWhereTheStridesSay) {
    DmaBench b(GetParam(), 1);
    b.add(DmaCommand::Kind::input, 2, 0, 1000, 2 * 3 * 5);  // two rows of three channels, 5 pixels
    DmaCommand& command = b.command.source.payloads.front();
    command.line_bytes = 5;
    command.channels = 3;
    command.channel_stride = 40;
    command.row_stride = 7;
    b.run();
    std::vector<int> addresses, expected;
    for (const ActivationWrite& write : b.input.monitor.data) {
        for (int i = 0; i < write.addresses.count; ++i) addresses.push_back(write.addresses[i]);
    }
    for (int row = 0; row < 2; ++row) {
        for (int channel = 0; channel < 3; ++channel) {
            for (int x = 0; x < 5; ++x) expected.push_back(1000 + row * 7 + channel * 40 + x);
        }
    }
    EXPECT_EQ(addresses, expected);
}
INSTANTIATE_TEST_SUITE_P(BytesOfAWord, DmaLines, testing::Values(1, 3, 8, 16));

class DmaValues : public testing::TestWithParam<int> {};

TEST_P(DmaValues, AreMovedInOrder) {
    const auto seed = static_cast<std::uint64_t>(GetParam());
    Random random(seed, "commands");
    DmaBench b(random.in(1, 16), seed);
    for (int i = 0; i < 40; ++i) {
        b.add(static_cast<DmaCommand::Kind>(random.in(0, 2)), random.in(-3, 4), random.in(0, 1000), random.in(0, 1000),
              random.in(1, 70));
    }
    b.bench.run_and_interrupt([&] { return b.finished(); }, 100000,
                              [&] {
                                  expect_same(b.request.monitor.data, b.requests, "request");
                                  expect_same(b.weights.monitor.data, b.weight_writes, "weight write");
                                  expect_same(b.input.monitor.data, b.input_writes, "activation write");
                                  expect_same(b.output_request.monitor.data, b.output_reads, "activation read");
                                  expect_same(b.write_data.monitor.data, b.output_data.source.payloads, "word to DRAM");
                                  expect_same(b.done.monitor.data, b.done_tokens, "done");
                                  b.bench.expect_rules_checked();
                                  for (std::size_t i = 0; i < b.done.monitor.count(); ++i) {
                                      EXPECT_GT(b.done.monitor.cycles[i], b.last_left(i)) << "command " << i;
                                  }
                              });
}

INSTANTIATE_TEST_SUITE_P(Seeds, DmaValues, testing::Range(0, 10));

/// The request follows the command by one edge, each word leaves one edge after it came, `done` and the next command
/// follow the last by one.
TEST(DmaTiming, FetchAddsOneCycle) {
    DmaBench b(4, 0);
    b.add(DmaCommand::Kind::weights, 0, 0, 0, 30);
    b.add(DmaCommand::Kind::input, kLoadPhase, 0, 0, 4);
    b.add(DmaCommand::Kind::weights, 0, 0, 0, 9);
    b.run();
    std::vector<std::uint64_t> left(b.weights.monitor.cycles);
    left.insert(left.end(), b.input.monitor.cycles.begin(), b.input.monitor.cycles.end());
    std::sort(left.begin(), left.end());
    const auto& came = b.read_data.monitor.cycles;
    ASSERT_EQ(came.size(), 8U + 1 + 3);
    for (std::size_t i = 0; i < came.size(); ++i) EXPECT_EQ(left[i], came[i] + edges(Rule::move)) << "word " << i;
    for (std::size_t i = 1; i < 8; ++i) EXPECT_EQ(came[i], came[i - 1] + 1) << "a word a cycle";
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(b.request.monitor.cycles[i], b.command.monitor.cycles[i] + edges(Rule::request));
        EXPECT_EQ(b.done.monitor.cycles[i], b.last_left(i) + edges(Rule::report));
    }
    for (std::size_t i = 1; i < 3; ++i) EXPECT_EQ(b.command.monitor.cycles[i], b.last_left(i - 1) + 1);
}

/// Reads are asked for one a cycle from the second edge after the command on; words leave one edge after they came.
TEST(DmaTiming, StoreAsksForAWordACycle) {
    DmaBench b(4, 0);
    b.add(DmaCommand::Kind::output, kStorePhase, 0, 0, 30);
    b.run();
    const std::uint64_t start = b.command.monitor.cycles.front();
    EXPECT_EQ(b.request.monitor.cycles.front(), start + edges(Rule::request));
    EXPECT_EQ(since(b.output_request.monitor.cycles, start), every(1, edges(Rule::request) + edges(Rule::grant), 8));
    const auto& came = b.output_data.monitor.cycles;
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(b.write_data.monitor.cycles[i], came[i] + edges(Rule::move));
    for (std::size_t i = 1; i < 8; ++i) EXPECT_EQ(came[i], came[i - 1] + 1);
    EXPECT_EQ(b.done.monitor.cycles.front(), b.last_left(0) + edges(Rule::report));
}

}  // namespace
}  // namespace widthwise::test
