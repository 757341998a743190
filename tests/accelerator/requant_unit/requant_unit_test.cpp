// SPDX-License-Identifier: Apache-2.0
// The RequantUnit in every mode and rounding against requantize(), its pipeline's timing, its counts.
#include <algorithm>
#include <string>
#include <tuple>

#include "accelerator/requant_unit/requant_bench.h"

namespace widthwise::test {
namespace {

constexpr int kChannels = 6;

/// A layer as the unit needs it, made by hand.
LayerSchedule layer_of(int index, RequantMode mode, Rounding rounding, Random& random) {
    LayerSchedule layer;
    layer.index = index;
    layer.name = "layer" + std::to_string(index);
    layer.computation.emplace().operator_index = 10 + index;
    layer.sums = {kChannels, 8, 8};
    layer.requantization.emplace().format = {mode, rounding, random.in(8, 32), random.in(-20, 20), -128, 127};
    for (int m = 0; m < kChannels; ++m) {
        layer.computation->bias.push_back(random.in(-5000, 5000));
        const double factor = (1 + random.in(0, 1000)) / 300000.0;
        layer.requantization->scales.push_back(derive_requant_scale(factor, layer.requantization->format));
        // Small shifts and divisors make ties frequent.
        if (random.percent(50)) {
            layer.requantization->scales.back() = {random.in(1, 7), random.in(0, 9), 2 * random.in(1, 40), 0.125F};
        }
    }
    layer.computation->has_bias = true;
    return layer;
}

std::vector<PsumBeat> random_beats(const LayerSchedule& layer, int lanes, int n, Random& random) {
    std::vector<PsumBeat> beats;
    for (int i = 0; i < n; ++i) {
        PsumBeat& beat = beats.emplace_back();
        beat.position.layer = layer.index;
        beat.position.image = random.in(0, 3);
        beat.position.along_channels = random.percent(30);
        beat.sums.count = random.in(1, beat.position.along_channels ? std::min(lanes, kChannels) : lanes);
        beat.position.channel = random.in(0, kChannels - (beat.position.along_channels ? beat.sums.count : 1));
        beat.position.pixel = beat.position.along_channels ? 0 : random.in(0, 64 - beat.sums.count);
        beat.position.last_of_strip = random.percent(5);
        for (int lane = 0; lane < beat.sums.count; ++lane) {
            const int size = random.in(0, 3);
            const std::int64_t limit = size == 0   ? 300
                                       : size == 1 ? 30000
                                       : size == 2 ? 1 << 22
                                                   : (std::int64_t{1} << 47) - 1;
            beat.sums[lane] = static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(2 * limit)) - limit;
        }
    }
    return beats;
}

int channel_of(const ResultPosition& position, int lane) {
    return position.channel + (position.along_channels ? lane : 0);
}

OutputBeat expected_beat(const LayerSchedule& layer, const PsumBeat& beat) {
    OutputBeat out;
    out.position = beat.position;
    out.values.count = beat.sums.count;
    for (int lane = 0; lane < beat.sums.count; ++lane) {
        const auto m = static_cast<std::size_t>(channel_of(beat.position, lane));
        const std::int64_t bias =
            !layer.computation || layer.computation->bias_preload || layer.computation->bias.empty()
                ? 0
                : layer.computation->bias[m];
        const std::int64_t value = layer.requantization
                                       ? requantize(beat.sums[lane] - layer.requantization->input_zero_point, bias,
                                                    layer.requantization->scales[m], layer.requantization->format)
                                       : beat.sums[lane];
        out.values[lane] = static_cast<std::int16_t>(value);
    }
    return out;
}

constexpr RequantMode kModes[] = {RequantMode::fixed_point, RequantMode::shift, RequantMode::reciprocal,
                                  RequantMode::float32};
constexpr const char* kModeNames[] = {"fixed_point", "shift", "reciprocal", "float32"};
constexpr Rounding kRoundings[] = {Rounding::floor,     Rounding::toward_zero, Rounding::half_up,
                                   Rounding::half_away, Rounding::half_even,   Rounding::gemmlowp};
constexpr const char* kRoundingNames[] = {"floor", "toward_zero", "half_up", "half_away", "half_even", "gemmlowp"};

class RequantUnitValues : public testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(RequantUnitValues, AreThoseOfRequantize) {
    const int mode = std::get<0>(GetParam()), rounding = std::get<1>(GetParam()), seed = std::get<2>(GetParam());
    Random random(static_cast<std::uint64_t>(seed), "requant");
    const int lanes = seed == 0 ? 4 : random.in(1, 16);
    // Bias added here; preloaded; none; and layers of passing pixels between them, one of them requantized.
    std::vector<LayerSchedule> layers;
    for (int i = 0; i < 5; ++i) {
        layers.push_back(layer_of(i, kModes[mode], kRoundings[rounding], random));
    }
    layers[1].computation->bias_preload = true;
    layers[2].computation->bias.clear();
    layers[2].computation->has_bias = false;
    layers[3].computation.reset();
    layers[3].requantization.reset();
    layers[4].computation.reset();
    layers[4].requantization->operator_index = 14;
    layers[4].requantization->input_zero_point = -7;

    RequantUnitBench b(lanes, layers, static_cast<std::uint64_t>(seed));
    std::vector<OutputBeat> expected;
    std::vector<std::uint64_t> values(layers.size(), 0);
    for (std::size_t i = 0; i < layers.size(); ++i) {
        if (layers[i].requantizes_by_channel()) b.send_parameters(layers[i], kChannels);
        std::vector<PsumBeat> beats = random_beats(layers[i], lanes, 60, random);
        beats.back().position.last_of_channel_tile = true;
        for (PsumBeat& beat : beats) {
            if (!layers[i].computation) {
                for (int lane = 0; lane < beat.sums.count; ++lane) beat.sums[lane] = random.in(-128, 255);
            }
            values[i] += static_cast<std::uint64_t>(beat.sums.count);
            expected.push_back(expected_beat(layers[i], beat));
            b.sums.source.payloads.push_back(beat);
        }
    }
    std::vector<std::array<int, 5>> probed, expected_probes;
    b.unit.probe = [&](int op, int image, int channel, int pixel, std::int64_t value) {
        probed.push_back({op, image, channel, pixel, static_cast<int>(value)});
    };
    b.bench.on_restart([&] { probed.clear(); });
    for (const OutputBeat& beat : expected) {
        if (!b.bench.layers.of(beat.position).requantization) continue;
        for (int lane = 0; lane < beat.values.count; ++lane) {
            expected_probes.push_back({10 + beat.position.layer, beat.position.image, channel_of(beat.position, lane),
                                       beat.position.pixel + (beat.position.along_channels ? 0 : lane),
                                       beat.values[lane]});
        }
    }

    b.bench.run_and_interrupt([&] { return b.done(); }, 100000,
                              [&] {
                                  expect_same(b.outputs.monitor.data, expected, "beat");
                                  b.bench.expect_rules_checked();
                                  EXPECT_EQ(probed, expected_probes);
                                  for (std::size_t i = 0; i < layers.size(); ++i) {
                                      const EventCounts& events = b.bench.record.layers[i].events;
                                      const std::uint64_t n = !layers[i].requantization ? 0 : values[i];
                                      const auto only = [&](RequantMode of) { return kModes[mode] == of ? n : 0; };
                                      EXPECT_EQ(events[Event::requant_multiply], only(RequantMode::fixed_point));
                                      EXPECT_EQ(events[Event::requant_shift], only(RequantMode::fixed_point));
                                      EXPECT_EQ(events[Event::requant_plain_shift], only(RequantMode::shift));
                                      EXPECT_EQ(events[Event::requant_divide], only(RequantMode::reciprocal));
                                      EXPECT_EQ(events[Event::requant_float_multiply], only(RequantMode::float32));
                                      EXPECT_EQ(events[Event::requant_add], n);
                                      EXPECT_EQ(events[Event::bias_add], i == 0 || i == 4 ? n : 0);
                                  }
                              });
}

INSTANTIATE_TEST_SUITE_P(Modes, RequantUnitValues,
                         testing::Combine(testing::Range(0, 4), testing::Range(0, 6), testing::Range(0, 4)),
                         [](const auto& test) {
                             return std::string(kModeNames[std::get<0>(test.param)]) + "_" +
                                    kRoundingNames[std::get<1>(test.param)] + "_seed" +
                                    std::to_string(std::get<2>(test.param));
                         });

/// Two values by hand, so that a common error of unit and requantize() would show:
/// (100 + 28) * 3 / 2^4 = 24; (-99 - 1) * 3 / 2^4 = -18.75, floor -19; zero point 5.
TEST(RequantUnit, ComputesByHand) {
    LayerSchedule layer;
    layer.name = "by_hand";
    layer.requantization.emplace().format = {RequantMode::fixed_point, Rounding::floor, 8, 5, 0, 28};
    layer.computation.emplace().bias = {28, -1};
    layer.computation->has_bias = true;
    layer.requantization->scales = {RequantScale{3, 4, 1, 1.0F}, RequantScale{3, 4, 1, 1.0F}};
    RequantUnitBench b(4, std::span(&layer, 1), 0);
    b.send_parameters(layer, 2);
    PsumBeat beat;
    beat.position.layer = layer.index;
    beat.position.along_channels = true;
    beat.sums.count = 2;
    beat.sums[0] = 100;
    beat.sums[1] = -99;
    b.sums.source.payloads = {beat};
    b.bench.pulse_reset();
    b.bench.run_until([&] { return b.done(); }, 100);
    EXPECT_EQ(b.outputs.monitor.data[0].values[0], 28);  // 29, clamped
    EXPECT_EQ(b.outputs.monitor.data[0].values[1], 0);   // -14, clamped
}

class RequantUnitTiming : public testing::Test {
protected:
    RequantUnitTiming()
        : random_(1),
          layer_(layer_of(0, RequantMode::fixed_point, Rounding::half_even, random_)),
          b_(4, std::span(&layer_, 1), 0) {
        b_.sums.source.payloads = random_beats(layer_, 4, 12, random_);
        b_.send_parameters(layer_, kChannels);
    }
    void run() {
        b_.bench.pulse_reset();
        b_.bench.run_until([&] { return b_.done(); }, 200);
    }
    Random random_;
    LayerSchedule layer_;
    RequantUnitBench b_;
};

/// Bias, multiply, round, clamp: a beat taken at edge n is handed on at n + 4.
TEST_F(RequantUnitTiming, FourStagesOneBeatACycle) {
    run();
    const std::uint64_t start = b_.sums.monitor.cycles.front();
    EXPECT_EQ(since(b_.sums.monitor.cycles, start), every(1, 0, 12));
    expect_rule(Rule::requantize, b_.sums.monitor.cycles, b_.outputs.monitor.cycles, false);
}

/// Gaps travel through the pipeline unchanged.
TEST_F(RequantUnitTiming, GapsStay) {
    b_.sums.source.allow = [&](std::size_t i) { return b_.bench.cycle() >= 10 + i * i; };
    run();
    const auto& in = b_.sums.monitor.cycles;
    for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(b_.outputs.monitor.cycles[i], in[i] + edges(Rule::requantize));
}

/// The pipeline stops as a whole: no beat is taken while the last register cannot move.
TEST_F(RequantUnitTiming, AStalledConsumerStopsEveryStage) {
    b_.outputs.sink.allow = [&] {
        return b_.bench.cycle() < 12 || b_.bench.cycle() >= 19;
    };  // ready low at edges 13..19
    run();
    std::vector<std::uint64_t> in, out;
    const std::uint64_t first = b_.sums.monitor.cycles.front();
    ASSERT_LT(first + 4, 13U);
    // Edges at which the pipeline moves: all but 13..19, where a finished beat waits.
    std::uint64_t edge = first;
    const auto next = [](std::uint64_t e) { return e + 1 == 13 ? std::uint64_t{20} : e + 1; };
    for (int i = 0; i < 12; ++i, edge = next(edge)) {
        in.push_back(edge);
        std::uint64_t leaves = edge;
        for (int stage = 0; stage < 4; ++stage) leaves = next(leaves);
        out.push_back(leaves);
    }
    EXPECT_EQ(b_.sums.monitor.cycles, in);
    EXPECT_EQ(b_.outputs.monitor.cycles, out);
}

}  // namespace
}  // namespace widthwise::test
