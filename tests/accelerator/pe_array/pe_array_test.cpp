// SPDX-License-Identifier: Apache-2.0
// Values and counts of the PeArray: every interconnect, overflow, check, gating and tile shape, under random stalls.
#include <functional>
#include <tuple>

#include "accelerator/pe_array/pe_array_bench.h"
#include "kit/network_builder.h"

namespace widthwise::test {
namespace {

const Quantization kUnsigned{false, 8, 3, 0.02F};
const Quantization kSigned{true, 8, -2, 0.02F};

/// 5 channels of 5x4 sums: partial tiles in rows (4 + 1) and columns (3 + 1).
Network edges() {
    return NetworkBuilder({2, 5, 4}, kUnsigned, 1).convolution(5, square_window(3, 1, 1), true).network();
}

HardwareParams small_array() {
    HardwareParams hardware;
    hardware.array.rows = 4;
    hardware.array.columns = 3;
    hardware.requant.lanes = 2;
    return hardware;
}

struct Case {
    const char* name;
    int images;
    std::function<Network()> network;
    std::function<void(HardwareParams&)> change;
};

const Case kCases[] = {
    {"broadcast", 2, edges, [](HardwareParams&) {}},
    {"broadcast_without_shadow", 1, edges, [](HardwareParams& h) { h.array.shadow_accumulators = false; }},
    {"systolic", 2, edges, [](HardwareParams& h) { h.array.interconnect = Interconnect::systolic; }},
    {"systolic_without_shadow", 1, edges,
     [](HardwareParams& h) {
         h.array.interconnect = Interconnect::systolic;
         h.array.shadow_accumulators = false;
     }},
    {"flat_mapping", 1, edges, [](HardwareParams& h) { h.array.mapping = Mapping::flat; }},
    {"saturate", 1, edges, [](HardwareParams& h) { h.accumulator.format.bits = 15; }},
    {"saturate_every_add_statistics", 1, edges,
     [](HardwareParams& h) {
         h.accumulator.format.bits = 14;
         h.accumulator.statistics = PsumStatistics::every_add;
     }},
    {"wrap", 1, edges,
     [](HardwareParams& h) {
         h.accumulator.format = {14, Overflow::wrap, OverflowCheck::per_add};
     }},
    {"per_output_saturate", 1, edges,
     [](HardwareParams& h) {
         h.accumulator.format = {15, Overflow::saturate, OverflowCheck::per_output};
     }},
    {"per_output_wrap", 1, edges,
     [](HardwareParams& h) {
         h.accumulator.format = {13, Overflow::wrap, OverflowCheck::per_output};
     }},
    {"systolic_wrap_every_add_statistics", 1, edges,
     [](HardwareParams& h) {
         h.array.interconnect = Interconnect::systolic;
         h.accumulator.format = {12, Overflow::wrap, OverflowCheck::per_add};
         h.accumulator.statistics = PsumStatistics::every_add;
     }},
    {"systolic_per_output", 1, edges,
     [](HardwareParams& h) {
         h.array.interconnect = Interconnect::systolic;
         h.accumulator.format = {14, Overflow::saturate, OverflowCheck::per_output};
     }},
    {"two_bits", 1, edges, [](HardwareParams& h) { h.accumulator.format.bits = 2; }},
    {"bias_in_requant_unit", 1, edges,
     [](HardwareParams& h) {
         h.accumulator.bias = BiasMode::requant;
         h.accumulator.format.bits = 14;
     }},
    {"zero_gating", 1, edges, [](HardwareParams& h) { h.array.zero_gating = true; }},
    {"systolic_zero_gating", 1, edges,
     [](HardwareParams& h) {
         h.array.zero_gating = true;
         h.array.interconnect = Interconnect::systolic;
         h.accumulator.format.bits = 14;
     }},
    {"loop_accounting", 1,
     [] {
         return NetworkBuilder({2, 4, 4}, kSigned, 2).convolution(3, square_window(2)).fully_connected(5).network();
     },
     [](HardwareParams& h) { h.loop_accounting = true; }},
    {"image_columns", 5,
     [] {
         return NetworkBuilder({11, 1, 1}, kSigned, 3).fully_connected(6, true).network();
     },
     [](HardwareParams&) {}},
    {"image_columns_systolic", 5,
     [] {
         return NetworkBuilder({3, 2, 2}, kSigned, 4).convolution(6, square_window(2)).network();
     },
     [](HardwareParams& h) { h.array.interconnect = Interconnect::systolic; }},
    {"bypass", 2,
     [] {
         return NetworkBuilder({3, 4, 5}, kSigned, 5).max_pool(square_window(2, 2)).network();
     },
     [](HardwareParams&) {}},
    {"bypass_systolic_between_layers", 1,
     [] {
         return NetworkBuilder({2, 6, 5}, kUnsigned, 6)
             .convolution(3, square_window(2))
             .max_pool(square_window(2))
             .max_pool(square_window(2))
             .convolution(5, square_window(1))
             .network();
     },
     [](HardwareParams& h) { h.array.interconnect = Interconnect::systolic; }},
    {"bypass_without_shadow_between_layers", 1,
     [] {
         return NetworkBuilder({2, 6, 5}, kUnsigned, 6)
             .convolution(3, square_window(2))
             .max_pool(square_window(2))
             .max_pool(square_window(2))
             .convolution(5, square_window(1))
             .network();
     },
     [](HardwareParams& h) { h.array.shadow_accumulators = false; }},
    {"one_pe", 1,
     [] {
         return NetworkBuilder({2, 3, 3}, kSigned, 7).convolution(2, square_window(2)).network();
     },
     [](HardwareParams& h) {
         h.array.rows = h.array.columns = 1;
         h.array.interconnect = Interconnect::systolic;
     }},
    {"one_tap_many_lanes", 1,
     [] {
         return NetworkBuilder({1, 3, 7}, kSigned, 8).convolution(9, square_window(1)).network();
     },
     [](HardwareParams& h) { h.requant.lanes = 8; }},
};

class PeArrayValues : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(PeArrayValues, MatchPlainSums) {
    const Case& c = kCases[static_cast<std::size_t>(std::get<0>(GetParam()))];
    SCOPED_TRACE(c.name);
    HardwareParams hardware = small_array();
    c.change(hardware);
    const Network network = c.network();
    PeArrayBench b(network, hardware, c.images, static_cast<std::uint64_t>(std::get<1>(GetParam())));

    b.bench.run_and_interrupt(
        [&] { return b.done(); }, 100000,
        [&] {
            expect_same(b.sums.monitor.data, b.expected.beats, "beat");
            EXPECT_EQ(b.activations.monitor.cycles, b.weights.monitor.cycles) << "both operands or neither";
            EXPECT_EQ(b.activations.monitor.count(), b.stimulus.activations.size());
            EXPECT_EQ(b.command.monitor.count(), b.stimulus.commands.size());
            b.bench.expect_rules_checked({Rule::issue, Rule::settle});
            for (std::size_t i = 0; i < b.expected.layers.size(); ++i) {
                SCOPED_TRACE("layer " + std::to_string(i));
                const LayerRecord& actual = b.bench.record.layers[i];
                const LayerRecord& expected = b.expected.layers[i];
                EXPECT_EQ(actual.cycles.compute, expected.cycles.compute);
                EXPECT_EQ(actual.overflow.outputs, expected.overflow.outputs);
                EXPECT_EQ(actual.overflow.events, expected.overflow.events);
                EXPECT_EQ(actual.overflow.transient, expected.overflow.transient);
                EXPECT_EQ(actual.overflow.persistent, expected.overflow.persistent);
                EXPECT_TRUE(actual.psums == expected.psums);
                for (std::size_t e = 0; e < kEventCount; ++e) {
                    EXPECT_EQ(actual.events[static_cast<Event>(e)], expected.events[static_cast<Event>(e)])
                        << event_infos()[e].name;
                }
            }
        });
}

INSTANTIATE_TEST_SUITE_P(Cases, PeArrayValues,
                         testing::Combine(testing::Range(0, static_cast<int>(std::size(kCases))), testing::Range(0, 5)),
                         case_and_seed(kCases));

}  // namespace
}  // namespace widthwise::test
