// SPDX-License-Identifier: Apache-2.0
// A part of a run clocked alone: every signal at every cycle of it as in a whole clocked run, and the record of a whole
// run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "common/error.h"
#include "engine/part/part_run.h"
#include "engine/random_case.h"
#include "engine/real_networks.h"
#include "engine/renew_systemc.h"
#include "engine/systemc_engine.h"
#include "schedule/compile.h"
#include "trace/wave_writer.h"

namespace widthwise {
namespace {

using test::RandomCase;

constexpr std::size_t kMostCycles = 20000;

/// The signals of so many cycles from the first on, and under reset.
class SignalRecorder : public WaveWriter {
public:
    SignalRecorder(std::uint64_t first, std::size_t most) : first_(first), most_(most) {}
    void begin(const WaveList& list, const ClockEdges& /*edges*/) override { variables = list.variables(); }
    void sample(std::uint64_t cycle) override {
        if (cycle != kUnderReset && (cycle < first_ || cycles.size() == most_)) return;
        std::vector<std::int64_t>& values = cycle == kUnderReset ? reset : samples.emplace_back();
        values.clear();
        for (const WaveVariable& variable : variables) values.push_back(value_of(variable));
        if (cycle != kUnderReset) cycles.push_back(cycle);
    }
    [[nodiscard]] bool finished() const override { return false; }

    std::vector<WaveVariable> variables;
    std::vector<std::int64_t> reset;
    std::vector<std::vector<std::int64_t>> samples;
    std::vector<std::uint64_t> cycles;

private:
    static constexpr std::uint64_t kUnderReset = 1;
    static std::int64_t value_of(const WaveVariable& variable) {
        switch (variable.storage) {
            case WaveStorage::boolean: return *static_cast<const bool*>(variable.value);
            case WaveStorage::text:
            case WaveStorage::uint8: return *static_cast<const std::uint8_t*>(variable.value);
            case WaveStorage::int16: return *static_cast<const std::int16_t*>(variable.value);
            case WaveStorage::int32: return *static_cast<const std::int32_t*>(variable.value);
            case WaveStorage::int64: return *static_cast<const std::int64_t*>(variable.value);
        }
        return 0;
    }
    std::uint64_t first_;
    std::size_t most_;
};

bool in_element(const WaveVariable& variable) { return variable.scope.find(".pe_array.row") != std::string::npos; }

/// Where the signals differ, beside registers that nothing has written since the part began: in the whole run these
/// hold what was left in them, in the part what reset left. In a systolic array what is left moves on from element to
/// element. Overflow events of earlier strips of the layer are not known. `whole` has one cycle before the part too.
std::string signal_difference(const SignalRecorder& whole, const SignalRecorder& part, Interconnect interconnect,
                              bool within_layer) {
    if (part.cycles.empty() || whole.cycles.size() != part.cycles.size() + 1 ||
        !std::equal(part.cycles.begin(), part.cycles.end(), whole.cycles.begin() + 1)) {
        return fmt::format("cycles: {} in the whole run, {} in the part", whole.cycles.size(), part.cycles.size());
    }
    std::map<std::string, std::set<std::int64_t>> left_in_array;
    for (std::size_t v = 0; v < whole.variables.size(); ++v) {
        if (in_element(whole.variables[v])) left_in_array[whole.variables[v].name].insert(whole.samples.front()[v]);
    }
    for (std::size_t v = 0; v < whole.variables.size(); ++v) {
        const std::int64_t left = whole.samples.front()[v];
        const WaveVariable& variable = whole.variables[v];
        const bool moves = interconnect == Interconnect::systolic && in_element(variable);
        const bool counts = within_layer && variable.name == "overflow_events";
        const std::int64_t before = counts ? whole.samples[1][v] - part.samples[0][v] : 0;
        bool untouched = true;
        for (std::size_t c = 0; c < part.cycles.size(); ++c) {
            const std::int64_t expected = whole.samples[c + 1][v];
            const std::int64_t actual = part.samples[c][v] + before;
            untouched = untouched && actual == whole.reset[v] &&
                        (expected == left || (moves && left_in_array[variable.name].contains(expected)));
            if (actual == expected || untouched) continue;
            return fmt::format("{}.{} at cycle {} ({} of {}): {}, in the whole run {}", variable.scope, variable.name,
                               part.cycles[c], c, part.cycles.size(), actual, expected);
        }
    }
    return "";
}

/// With less of an activation buffer, so that more layers are worked on in strips, and a slow DRAM, so that transfers
/// last longer than strips.
void make_strips(RandomCase& random) {
    const HardwareParams drawn = random.hardware;
    for (const int divisor : {16, 8, 4, 2}) {
        random.hardware.activation_buffer.bytes = std::max<std::int64_t>(drawn.activation_buffer.bytes / divisor, 4);
        random.hardware.dram.bytes_per_cycle = 1;
        try {
            compile(random.network, random.hardware, random.hardware.batch);
            return;
        } catch (const InputError&) {  // too little
        }
    }
    random.hardware = drawn;
}

/// A batch, a layer and some of its strips, drawn. Layers in strips are taken where there are any, mostly.
PartRequest draw_part(const RandomCase& random, std::mt19937_64& bits) {
    const auto below = [&bits](std::size_t n) { return static_cast<int>(bits() % n); };
    PartRequest request;
    request.image = below(random.images.size());
    const int batch = request.image / random.hardware.batch * random.hardware.batch;
    const int images = std::min(random.hardware.batch, static_cast<int>(random.images.size()) - batch);
    const Schedule schedule = compile(random.network, random.hardware, images);
    std::vector<int> in_strips;
    for (const LayerSchedule& layer : schedule.layers) {
        if (layer.strips.size() > 1) in_strips.push_back(layer.index);
    }
    const bool any = in_strips.empty() || below(4) == 0;
    request.part = whole_layer(schedule, any ? below(schedule.layers.size()) : in_strips[below(in_strips.size())]);
    if (below(4) == 0) return request;
    const int strips = request.part.end_strip;
    request.part.first_strip = below(strips);
    request.part.end_strip = request.part.first_strip + 1 + below(strips - request.part.first_strip);
    return request;
}

/// Empty, or what differs.
std::string difference(const Network& network, const HardwareParams& hardware,
                       const std::vector<std::vector<std::uint8_t>>& inputs, const PartRequest& request) {
    const auto images = static_cast<int>(inputs.size());
    const ImageSource source = [&](int i) { return inputs[i]; };
    std::vector<std::vector<std::uint8_t>> outputs, part_outputs;
    const auto into = [](std::vector<std::vector<std::uint8_t>>& to) {
        return [&to](int, std::span<const std::uint8_t> output) { to.emplace_back(output.begin(), output.end()); };
    };
    test::renew_systemc();
    SignalRecorder part_signals(0, kMostCycles);
    const PartRun part = run_with_part(network, compile(network, hardware, hardware.batch), request, 0, images, 1,
                                       source, into(part_outputs), &part_signals);
    if (!part.difference.empty()) return part.difference;
    const std::uint64_t cycles = part.clocked.end_cycle - part.clocked.begin_cycle;
    if (part_signals.cycles.size() != std::min<std::uint64_t>(cycles, kMostCycles)) return "cycles are left out";

    test::renew_systemc();
    SignalRecorder signals(part.clocked.begin_cycle - 1, part_signals.cycles.size() + 1);
    SystemcEngine engine(network, hardware);
    engine.record_waveform(signals);
    const RunRecord record = engine.run(0, images, source, into(outputs));
    if (!(record == part.record)) return "the records";
    if (outputs != part_outputs) return "the outputs";
    return signal_difference(signals, part_signals, hardware.array.interconnect, request.part.first_strip > 0);
}

void expect_equal_parts(std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t seed = first; seed < end; ++seed) {
        RandomCase random = test::make_random_case(seed);
        std::mt19937_64 bits(seed);
        if (seed % 2 == 0) make_strips(random);
        const PartRequest request = draw_part(random, bits);
        const std::string text = difference(random.network, random.hardware, random.images, request);
        EXPECT_EQ(text, "") << "image " << request.image << ", layer " << request.part.layer << ", strips "
                            << request.part.first_strip << ':' << request.part.end_strip << '\n'
                            << random.describe();
        if (!text.empty()) return;
    }
}

class ClockedParts : public ::testing::TestWithParam<int> {};

TEST_P(ClockedParts, HasTheSignalsOfAWholeRun) {
    constexpr std::uint64_t kCases = 100;
    const auto first = static_cast<std::uint64_t>(GetParam()) * kCases;
    expect_equal_parts(first, first + kCases);
}

/// A few seconds: run by name, or by its label.
TEST(ClockedPartsLong, DISABLED_LastConvolutionOfResNet18) {
    const Network network = test::resnet18(224);
    const HardwareParams hardware;
    const std::vector<std::uint8_t> image(static_cast<std::size_t>(network.tensors[network.input].shape.elements()),
                                          77);
    const Schedule schedule = compile(network, hardware, 1);
    PartRequest request;
    request.part = whole_layer(schedule, static_cast<int>(schedule.layers.size()) - 2);
    EXPECT_EQ(difference(network, hardware, {image}, request), "");
}

INSTANTIATE_TEST_SUITE_P(Shard, ClockedParts, ::testing::Range(0, 10));

}  // namespace
}  // namespace widthwise
