// SPDX-License-Identifier: Apache-2.0
// Sums that leave: the RequantUnit parts them into bytes.
#include <algorithm>
#include <array>
#include <string>
#include <tuple>

#include "accelerator/requant_unit/requant_bench.h"

namespace widthwise::test {
namespace {

constexpr int kChannels = 6;

LayerSchedule sums_layer(int value_bytes) {
    LayerSchedule layer;
    layer.name = "logits";
    layer.computation.emplace().operator_index = 7;
    layer.sums = {kChannels, 8, 8};
    layer.computation->bias_preload = true;
    layer.computation->has_bias = true;
    layer.computation->bias.assign(kChannels, 1000);  // in the sums already
    layer.value_bytes = value_bytes;
    return layer;
}

std::vector<PsumBeat> random_beats(const LayerSchedule& layer, int lanes, int n, Random& random) {
    std::vector<PsumBeat> beats;
    const int bits = 8 * layer.value_bytes;
    for (int i = 0; i < n; ++i) {
        PsumBeat& beat = beats.emplace_back();
        beat.position.layer = layer.index;
        beat.position.image = random.in(0, 3);
        beat.position.along_channels = random.percent(50);
        beat.sums.count = random.in(1, beat.position.along_channels ? std::min(lanes, kChannels) : lanes);
        beat.position.channel = random.in(0, kChannels - (beat.position.along_channels ? beat.sums.count : 1));
        beat.position.pixel = beat.position.along_channels ? 0 : random.in(0, 64 - beat.sums.count);
        beat.position.last_of_strip = i + 1 == n;
        for (int lane = 0; lane < beat.sums.count; ++lane) {
            beat.sums[lane] = static_cast<std::int64_t>(random.next()) >> (64 - bits);
        }
    }
    return beats;
}

/// The bytes of a beat, least significant first.
std::vector<OutputBeat> parts_of(const LayerSchedule& layer, const PsumBeat& beat) {
    std::vector<OutputBeat> parts;
    const int bytes = layer.value_bytes;
    for (int byte = 0; byte < bytes; ++byte) {
        OutputBeat& part = parts.emplace_back();
        part.position = beat.position;
        part.position.byte = byte;
        part.position.last_of_strip = beat.position.last_of_strip && byte == bytes - 1;
        part.values.count = beat.sums.count;
        for (int lane = 0; lane < beat.sums.count; ++lane) {
            std::int64_t sum = beat.sums[lane];
            for (int b = 0; b < byte; ++b) sum = (sum - (sum & 255)) / 256;
            part.values[lane] = static_cast<std::int16_t>(sum & 255);
        }
    }
    return parts;
}

class SumsThatLeave : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(SumsThatLeave, GoByteByByteUncounted) {
    const auto [value_bytes, seed] = GetParam();
    Random random(static_cast<std::uint64_t>(seed), "sums");
    const int lanes = seed == 0 ? 4 : random.in(1, 16);
    const LayerSchedule layer = sums_layer(value_bytes);
    RequantUnitBench b(lanes, std::span(&layer, 1), static_cast<std::uint64_t>(seed));
    b.sums.source.payloads = random_beats(layer, lanes, 60, random);
    std::vector<OutputBeat> expected;
    std::vector<std::array<std::int64_t, 5>> probed, sums;
    for (const PsumBeat& beat : b.sums.source.payloads) {
        for (const OutputBeat& part : parts_of(layer, beat)) expected.push_back(part);
        const ResultPosition& at = beat.position;
        for (int lane = 0; lane < beat.sums.count; ++lane) {
            sums.push_back({layer.computation->operator_index, at.image, at.channel + (at.along_channels ? lane : 0),
                            at.pixel + (at.along_channels ? 0 : lane), beat.sums[lane]});
        }
    }
    b.unit.probe = [&](int op, int image, int channel, int pixel, std::int64_t value) {
        probed.push_back({op, image, channel, pixel, value});
    };
    b.bench.on_restart([&] { probed.clear(); });
    b.bench.run_and_interrupt([&] { return b.outputs.monitor.count() >= expected.size(); }, 100000,
                              [&] {
                                  expect_same(b.outputs.monitor.data, expected, "beat");
                                  EXPECT_EQ(probed, sums);
                                  b.bench.expect_rules_checked();
                                  EXPECT_TRUE(b.bench.record.layers[0].events == EventCounts{});
                              });
}

INSTANTIATE_TEST_SUITE_P(Bytes, SumsThatLeave, testing::Combine(testing::Range(1, 7), testing::Range(0, 5)),
                         [](const auto& test) {
                             return std::to_string(std::get<0>(test.param)) + "_bytes_seed" +
                                    std::to_string(std::get<1>(test.param));
                         });

/// A beat taken at n: its bytes at n + 4, n + 5, n + 6, without a gap to the next beat's. One beat waits in the first
/// stage: the second is taken one edge after the first, each further one when the one before it moves on.
TEST(SumsThatLeaveTiming, OneByteOfEachLaneACycle) {
    Random random(1);
    const LayerSchedule layer = sums_layer(3);
    RequantUnitBench b(4, std::span(&layer, 1), 0);
    b.sums.source.payloads = random_beats(layer, 4, 5, random);
    b.bench.pulse_reset();
    b.bench.run_until([&] { return b.outputs.monitor.count() == 15; }, 200);
    const std::uint64_t start = b.sums.monitor.cycles.front();
    EXPECT_EQ(since(b.sums.monitor.cycles, start), (std::vector<std::int64_t>{0, 1, 4, 7, 10}));
    EXPECT_EQ(since(b.outputs.monitor.cycles, start), every(1, 4, 15));
}

/// Beats that come no faster than their bytes go are taken as they come.
TEST(SumsThatLeaveTiming, BeatsAtTheirPaceNeverWait) {
    Random random(1);
    const LayerSchedule layer = sums_layer(2);
    RequantUnitBench b(4, std::span(&layer, 1), 0);
    b.sums.source.payloads = random_beats(layer, 4, 5, random);
    b.sums.source.allow = [&](std::size_t i) { return b.bench.cycle() >= 10 + 2 * i; };
    b.bench.pulse_reset();
    b.bench.run_until([&] { return b.outputs.monitor.count() == 10; }, 200);
    const std::uint64_t start = b.sums.monitor.cycles.front();
    EXPECT_EQ(since(b.sums.monitor.cycles, start), every(2, 0, 5));
    EXPECT_EQ(since(b.outputs.monitor.cycles, start), every(1, 4, 10));
}

}  // namespace
}  // namespace widthwise::test
