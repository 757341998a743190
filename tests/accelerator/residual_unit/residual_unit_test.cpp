// SPDX-License-Identifier: Apache-2.0
// The ResidualUnit between a RequantUnit that sends beats, a buffer that answers reads late, and a PoolUnit that may
// not be ready: which bytes it asks for, what comes out, at which edge, with which counts.
#include "accelerator/residual_unit/residual_unit.h"

#include <span>
#include <vector>

#include "accelerator/kit/link_bench.h"
#include "accelerator/residual_unit/residual_rules.h"
#include "kit/random.h"
#include "schedule/strips.h"

namespace widthwise::test {
namespace {

constexpr int kLanes = 4;

LayerSchedule layer_of(RequantMode mode, bool operand_is_first, bool along_channels, bool constants = false) {
    LayerSchedule layer;
    layer.name = "addition";
    layer.addition.emplace().operator_index = 3;
    layer.sums = along_channels ? Shape{40, 1, 1} : Shape{6, 5, 7};
    layer.addend_placement = {100, layer.sums.elements()};
    layer.strips = {whole_strip(layer)};
    layer.addition->operand_is_first = operand_is_first;
    layer.addition->operand_is_signed = true;
    for (int c = 0; constants && c < layer.sums.channels; ++c)
        layer.addition->constants.push_back(static_cast<std::uint8_t>(37 * c));
    const RequantFormat output{mode, Rounding::half_up, 12, 7, 0, 255};
    layer.addition->format =
        derive_residual({true, 8, 3, 0.02F}, {true, 8, -8, 0.05F}, {true, 8, output.zero_point, 0.06F}, output);
    return layer;
}

/// A stream of beats and, for each, the operand bytes at the address that it must ask for.
struct Traffic {
    Traffic(const LayerSchedule& layer, bool along_channels, std::uint64_t seed) {
        Random random(seed, "beats");
        const int plane = layer.sums.height * layer.sums.width;
        for (int i = 0; i < 60; ++i) {
            OutputBeat beat;
            beat.position.layer = layer.index;
            beat.position.image = random.in(0, 2);
            beat.position.along_channels = along_channels;
            beat.values.count = random.in(1, kLanes);
            beat.position.channel =
                along_channels ? random.in(0, layer.sums.channels - kLanes) : random.in(0, layer.sums.channels - 1);
            beat.position.pixel = along_channels ? 0 : random.in(0, plane - kLanes);
            Word word;
            word.bytes.count = beat.values.count;
            OutputBeat sum = beat;
            for (int lane = 0; lane < beat.values.count; ++lane) {
                const int value = random.in(0, 255);
                const int channel = beat.position.channel + (along_channels ? lane : 0);
                const int operand = layer.adds_map() ? random.in(-128, 127)
                                                     : static_cast<std::int8_t>(layer.addition->constants[channel]);
                beat.values[lane] = static_cast<std::int16_t>(value);
                word.bytes[lane] = static_cast<std::uint8_t>(operand);
                if (layer.adds_constant()) beat.constants[beat.constants.count++] = static_cast<std::uint8_t>(operand);
                sum.values[lane] = static_cast<std::int16_t>(
                    layer.addition->operand_is_first ? residual_add(operand, value, layer.addition->format)
                                                     : residual_add(value, operand, layer.addition->format));
            }
            ActivationRead read;
            read.layer = layer.index;
            read.address = static_cast<std::int32_t>(layer.addend_placement.image(beat.position.image) +
                                                     beat.position.channel * plane + beat.position.pixel);
            read.bytes = beat.values.count;
            values += static_cast<std::uint64_t>(beat.values.count);
            beats.push_back(beat);
            if (layer.adds_map()) reads.push_back(read);
            if (layer.adds_map()) words.push_back(word);
            sums.push_back(sum);
        }
    }
    std::vector<OutputBeat> beats, sums;
    std::vector<ActivationRead> reads;
    std::vector<Word> words;
    std::uint64_t values = 0;
};

class ResidualUnitBench {
public:
    ResidualUnitBench(const LayerSchedule& layer, const Traffic& traffic, std::uint64_t seed)
        : bench(seed, 1),
          unit("residual_unit", params(), bench.layers, bench.record),
          rules(bench, {values.monitor, requests.monitor, operands.monitor, outputs.monitor}) {
        bench.layers.hold(std::span(&layer, 1));
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.values(values.link);
        unit.operand_request(requests.link);
        unit.operands(operands.link);
        unit.outputs(outputs.link);
        values.source.payloads = traffic.beats;
        operands.source.payloads = traffic.words;
        operands.source.allow = [this](std::size_t i) { return requests.monitor.count() > i; };
    }
    static RequantParams params() {
        RequantParams p;
        p.lanes = kLanes;
        return p;
    }
    [[nodiscard]] bool done() const { return outputs.monitor.count() == values.source.payloads.size(); }

    Bench bench;
    DrivenLink<OutputBeat> values{"requant_unit2residual_unit", bench};
    DrainedLink<ActivationRead> requests{"residual_unit2activation_buffer", bench};
    DrivenLink<Word> operands{"activation_buffer2residual_unit", bench};
    DrainedLink<OutputBeat> outputs{"residual_unit2pool_unit", bench};
    ResidualUnit unit;
    ResidualRules rules;
};

struct Variant {
    const char* name;
    RequantMode mode;
    bool operand_is_first;
    bool along_channels;
    bool constants = false;
};

class ResidualUnitValues : public testing::TestWithParam<std::tuple<Variant, int>> {};

TEST_P(ResidualUnitValues, AreThoseOfResidualAdd) {
    const Variant& variant = std::get<0>(GetParam());
    const int seed = std::get<1>(GetParam());
    const LayerSchedule layer =
        layer_of(variant.mode, variant.operand_is_first, variant.along_channels, variant.constants);
    const Traffic traffic(layer, variant.along_channels, static_cast<std::uint64_t>(seed));
    ResidualUnitBench b(layer, traffic, static_cast<std::uint64_t>(seed));
    b.bench.run_and_interrupt([&] { return b.done(); }, 100000,
                              [&] {
                                  expect_same(b.requests.monitor.data, traffic.reads, "read");
                                  expect_same(b.outputs.monitor.data, traffic.sums, "sum");
                                  b.bench.expect_rules_checked();
                                  const EventCounts& events = b.bench.record.layers[0].events;
                                  const std::uint64_t n = traffic.values;
                                  const bool real = variant.mode == RequantMode::float32;
                                  EXPECT_EQ(events[Event::residual_multiply], real ? 0 : 2 * n);
                                  EXPECT_EQ(events[Event::residual_add], real ? 0 : 2 * n);
                                  EXPECT_EQ(events[Event::residual_shift], real ? 0 : n);
                                  EXPECT_EQ(events[Event::residual_float_multiply], real ? 2 * n : 0);
                                  EXPECT_EQ(events[Event::residual_float_add], real ? 2 * n : 0);
                              });
}

INSTANTIATE_TEST_SUITE_P(
    Variants, ResidualUnitValues,
    testing::Combine(testing::Values(Variant{"integer", RequantMode::fixed_point, false, false},
                                     Variant{"integer_first", RequantMode::fixed_point, true, true},
                                     Variant{"float32", RequantMode::float32, false, true},
                                     Variant{"float32_first", RequantMode::float32, true, false},
                                     Variant{"constants", RequantMode::fixed_point, false, false, true},
                                     Variant{"constants_along_channels", RequantMode::float32, true, true, true}),
                     testing::Range(0, 5)),
    [](const auto& tested) {
        return std::string(std::get<0>(tested.param).name) + "_seed" + std::to_string(std::get<1>(tested.param));
    });

TEST(ResidualUnitTiming, OneBeatACycle) {
    const LayerSchedule layer = layer_of(RequantMode::fixed_point, false, false);
    const Traffic traffic(layer, false, 0);
    ResidualUnitBench b(layer, traffic, 0);
    b.bench.run_and_interrupt([&] { return b.done(); }, 100000,
                              [&] {
                                  const auto& in = b.values.monitor.cycles;
                                  const auto& out = b.outputs.monitor.cycles;
                                  ASSERT_EQ(in.size(), out.size());
                                  for (std::size_t i = 1; i < in.size(); ++i) EXPECT_EQ(in[i], in[i - 1] + 1);
                                  expect_rule(Rule::sum, b.operands.monitor.cycles, out, false);
                                  expect_rule(Rule::ask, in, b.requests.monitor.cycles, false);
                              });
}

}  // namespace
}  // namespace widthwise::test
