// SPDX-License-Identifier: Apache-2.0
#include "explore/layer_variants.h"

#include <gtest/gtest.h>

#include <functional>

#include "config/run_config.h"
#include "network/network.h"
#include "network/onnx_import.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

class ValueKeys : public testing::Test {
protected:
    ValueKeys() : network_(import_onnx(config_.network)) { config_.hardware.accumulator.format.bits = 16; }

    using Change = std::function<void(HardwareParams&)>;

    /// Whether a change of the hardware may change what LeNet-5's layers compute.
    [[nodiscard]] bool matters(const Change& change) const {
        LayerVariants variants;
        const ValuePath before = variants.add(compile(network_, config_.hardware, 1));
        HardwareParams changed = config_.hardware;
        change(changed);
        return variants.add(compile(network_, changed, changed.batch)) != before;
    }

    RunConfig config_ = load_run_config(std::string(WIDTHWISE_SOURCE_DIR) + "/configs/widthwise-8x8.yaml");
    Network network_;
};

TEST_F(ValueKeys, LeaveOutWhatHasNoInfluenceOnValues) {
    const std::vector<Change> changes = {
        [](HardwareParams& h) { h.array.rows = 4; },
        [](HardwareParams& h) { h.array.columns = 16; },
        [](HardwareParams& h) { h.array.mapping = Mapping::flat; },
        [](HardwareParams& h) { h.array.interconnect = Interconnect::systolic; },
        [](HardwareParams& h) { h.array.shadow_accumulators = false; },
        [](HardwareParams& h) { h.requant.lanes = 1; },
        [](HardwareParams& h) { h.batch = 3; },
        [](HardwareParams& h) { h.line_buffer.fill_bytes_per_cycle = 3; },
        [](HardwareParams& h) { h.dram.latency = 7; },
        [](HardwareParams& h) { h.weight_buffer.storage = WeightStorage::streamed; },
        [](HardwareParams& h) { h.loop_accounting = true; },
        [](HardwareParams& h) { h.clock_mhz = 1; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_FALSE(matters(changes[i])) << i;
}

TEST_F(ValueKeys, HoldWhatHas) {
    const std::vector<Change> changes = {
        [](HardwareParams& h) { h.accumulator.format.bits = 17; },
        [](HardwareParams& h) { h.accumulator.layer_bits["f6"] = 15; },
        [](HardwareParams& h) { h.accumulator.format.overflow = Overflow::wrap; },
        [](HardwareParams& h) { h.accumulator.format.check = OverflowCheck::per_output; },
        [](HardwareParams& h) {
            h.accumulator.order = {TapLoop::channel, TapLoop::row, TapLoop::column};
        },
        [](HardwareParams& h) { h.accumulator.bias = BiasMode::requant; },
        [](HardwareParams& h) { h.accumulator.statistics = PsumStatistics::every_add; },
        [](HardwareParams& h) { h.array.zero_gating = true; },
        [](HardwareParams& h) { h.requant.mode = RequantMode::shift; },
        [](HardwareParams& h) { h.requant.rounding = Rounding::floor; },
        [](HardwareParams& h) { h.requant.multiplier_bits = 8; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_TRUE(matters(changes[i])) << i;
}

TEST_F(ValueKeys, AreEqualWhereNoSumCanOverflow) {
    config_.hardware.accumulator.format.bits = 40;
    EXPECT_FALSE(matters([](HardwareParams& h) { h.accumulator.format.bits = 32; }));
    EXPECT_FALSE(matters([](HardwareParams& h) { h.accumulator.format.overflow = Overflow::wrap; }));
    EXPECT_FALSE(matters([](HardwareParams& h) { h.accumulator.format.check = OverflowCheck::per_output; }));
    EXPECT_TRUE(matters([](HardwareParams& h) { h.accumulator.bias = BiasMode::requant; }));
}

TEST(NoEventImpliesNone, ForWiderAccumulatorsOfTheSameArithmetic) {
    const ValueKey narrow{"a", 12, Overflow::saturate, OverflowCheck::per_add};
    EXPECT_TRUE(no_event_implies_none(narrow, narrow));
    EXPECT_TRUE(no_event_implies_none(narrow, {"a", 13, Overflow::wrap, OverflowCheck::per_add}));
    EXPECT_TRUE(no_event_implies_none(narrow, {"a", 12, Overflow::wrap, OverflowCheck::per_output}));
    EXPECT_TRUE(no_event_implies_none(narrow, {"a", 0, Overflow::saturate, OverflowCheck::per_add}));
    EXPECT_FALSE(no_event_implies_none(narrow, {"a", 11, Overflow::saturate, OverflowCheck::per_add}));
    EXPECT_FALSE(no_event_implies_none(narrow, {"b", 13, Overflow::saturate, OverflowCheck::per_add}));
    const ValueKey finished{"a", 12, Overflow::saturate, OverflowCheck::per_output};
    EXPECT_FALSE(no_event_implies_none(finished, {"a", 20, Overflow::saturate, OverflowCheck::per_add}));
    EXPECT_TRUE(no_event_implies_none(finished, {"a", 20, Overflow::saturate, OverflowCheck::per_output}));
    EXPECT_TRUE(no_event_implies_none(finished, {"a", 0, Overflow::saturate, OverflowCheck::per_add}));
    EXPECT_FALSE(no_event_implies_none({"a", 0, Overflow::saturate, OverflowCheck::per_add}, narrow));
}

}  // namespace
}  // namespace widthwise
