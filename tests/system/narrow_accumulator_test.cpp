// SPDX-License-Identifier: Apache-2.0
// Accumulators that overflow: every value and every overflow count of the SystemC engine against the plain definition,
// for each way to overflow, check, order, add the bias and round.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "kit/file_text.h"
#include "network/onnx_import.h"
#include "schedule/compile.h"
#include "schedule/schedule.h"
#include "system/reference_network.h"
#include "system/simulation.h"

namespace widthwise::test {
namespace {

struct Variant {
    const char* name;
    AccumulatorFormat format;
    BiasMode bias;
    TapOrder order;
    RequantMode mode;
    Rounding rounding;
    ArrayParams array;
    int batch;
};
std::ostream& operator<<(std::ostream& out, const Variant& variant) { return out << variant.name; }

constexpr TapLoop kChannel = TapLoop::channel;
constexpr TapLoop kRow = TapLoop::row;
constexpr TapLoop kColumn = TapLoop::column;
constexpr auto kPerAdd = OverflowCheck::per_add;
constexpr auto kPerOutput = OverflowCheck::per_output;
constexpr auto kBroadcast = Interconnect::broadcast;
constexpr auto kSystolic = Interconnect::systolic;

const std::vector<Variant>& variants() {
    static const std::vector<Variant> kVariants = {
        {"saturate12",
         {12, Overflow::saturate, kPerAdd},
         BiasMode::preload,
         {kRow, kColumn, kChannel},
         RequantMode::fixed_point,
         Rounding::half_even,
         {8, 8, Mapping::row, kBroadcast, false, true},
         1},
        {"wrap13",
         {13, Overflow::wrap, kPerAdd},
         BiasMode::requant,
         {kChannel, kRow, kColumn},
         RequantMode::fixed_point,
         Rounding::floor,
         {3, 5, Mapping::flat, kBroadcast, true, true},
         2},
        {"saturate11_per_output",
         {11, Overflow::saturate, kPerOutput},
         BiasMode::preload,
         {kColumn, kChannel, kRow},
         RequantMode::reciprocal,
         Rounding::half_away,
         {4, 4, Mapping::row, kSystolic, false, false},
         3},
        {"wrap10_per_output",
         {10, Overflow::wrap, kPerOutput},
         BiasMode::requant,
         {kRow, kChannel, kColumn},
         RequantMode::fixed_point,
         Rounding::gemmlowp,
         {8, 3, Mapping::flat, kSystolic, true, true},
         1},
        {"saturate8_shift",
         {8, Overflow::saturate, kPerAdd},
         BiasMode::requant,
         {kColumn, kRow, kChannel},
         RequantMode::shift,
         Rounding::half_up,
         {16, 16, Mapping::flat, kBroadcast, false, false},
         3},
        {"wrap2",
         {2, Overflow::wrap, kPerAdd},
         BiasMode::preload,
         {kChannel, kColumn, kRow},
         RequantMode::fixed_point,
         Rounding::toward_zero,
         {1, 7, Mapping::row, kSystolic, true, false},
         2},
    };
    return kVariants;
}

HardwareParams hardware_of(const Variant& variant) {
    HardwareParams hardware;
    hardware.batch = variant.batch;
    hardware.array = variant.array;
    hardware.accumulator.format = variant.format;
    hardware.accumulator.order = variant.order;
    hardware.accumulator.bias = variant.bias;
    hardware.requant.mode = variant.mode;
    hardware.requant.rounding = variant.rounding;
    hardware.pool.rounding = variant.rounding;
    return hardware;
}

void expect_reference(const Network& network, const HardwareParams& hardware, int images, const ImageSource& source) {
    ReferenceNetwork reference(network, hardware);
    std::vector<std::vector<std::vector<int>>> expected;  // [image][operator][value]
    for (int i = 0; i < images; ++i) expected.push_back(reference.run(source(i)));
    std::size_t values = 0;
    for (const auto& of_operator : expected.front()) values += of_operator.size();

    SystemcEngine engine(network, hardware);
    std::size_t compared = 0;
    std::size_t different = 0;
    engine.report_values([&](int op, int image, int channel, int pixel, int value) {
        const Shape& shape =
            network.tensors[static_cast<std::size_t>(network.operators[static_cast<std::size_t>(op)].output)].shape;
        const auto at = static_cast<std::size_t>(channel * shape.height * shape.width + pixel);
        ++compared;
        const int golden = expected[static_cast<std::size_t>(image)][static_cast<std::size_t>(op)].at(at);
        if (value == golden || ++different > 5) return;
        ADD_FAILURE() << network.operators[static_cast<std::size_t>(op)].name << ", image " << image << ", channel "
                      << channel << ", pixel " << pixel << ": actual " << value << ", expected " << golden;
    });
    const RunRecord record = run(engine, 0, images, source).record;
    EXPECT_EQ(different, 0U);
    EXPECT_EQ(compared, values * static_cast<std::size_t>(images));
    std::uint64_t events = 0;
    bool weights = false;
    for (const LayerSchedule& layer : compile(network, hardware, 1).layers) {
        if (!layer.computation) continue;
        weights = true;
        const auto op = static_cast<std::size_t>(layer.computation->operator_index);
        const LayerRecord& actual = record.layers[static_cast<std::size_t>(layer.index)];
        EXPECT_EQ(actual.overflow.outputs, reference.overflow[op].outputs) << layer.name;
        EXPECT_EQ(actual.overflow.events, reference.overflow[op].events) << layer.name;
        EXPECT_EQ(actual.overflow.transient, reference.overflow[op].transient) << layer.name;
        EXPECT_EQ(actual.overflow.persistent, reference.overflow[op].persistent) << layer.name;
        EXPECT_TRUE(actual.psums == reference.psums[op]) << layer.name;
        events += actual.overflow.events;
    }
    EXPECT_TRUE(events > 0 || !weights) << "nothing overflowed";
}

class NarrowAccumulators : public testing::TestWithParam<std::tuple<std::string, Variant>> {};

TEST_P(NarrowAccumulators, EqualTheDefinition) {
    const auto& [graph, variant] = GetParam();
    const HardwareParams hardware = hardware_of(variant);
    if (graph == "lenet5") {
        const Workload workload("widthwise-8x8.yaml");
        expect_reference(workload.network, hardware, 3, workload.source());
        return;
    }
    const std::string path = repository("tests/goldens/operators/" + graph);
    const Network network = import_onnx(path + ".onnx");
    const IdxTensor input = read_idx(path + ".input.idx.gz");
    expect_reference(network, hardware, 4, [&](int image) {
        const auto bytes = static_cast<std::ptrdiff_t>(input.values.size() / 4);
        return Bytes(input.values.begin() + image * bytes, input.values.begin() + (image + 1) * bytes);
    });
}

INSTANTIATE_TEST_SUITE_P(
    Graphs, NarrowAccumulators,
    testing::Combine(testing::Values("lenet5", "conv_stride2_pad1", "conv_pads_uneven", "conv_int8_zero_point",
                                     "conv_3x5_stride1x2", "conv_maxpool", "conv_1x1", "network", "gemm",
                                     "averagepool_int8", "averagepool_ties_odd", "maxpool_pads"),
                     testing::ValuesIn(variants())),
    [](const auto& parameters) { return std::get<0>(parameters.param) + "_" + std::get<1>(parameters.param).name; });

TEST(NarrowAccumulatorsPerLayer, EqualTheDefinition) {
    Workload workload("widthwise-8x8.yaml");
    apply_accumulator_option(workload.hardware().accumulator, "c1=14,c3=13,c5=12,f6=15,out=11");
    expect_reference(workload.network, workload.hardware(), 5, workload.source());
}

}  // namespace
}  // namespace widthwise::test
