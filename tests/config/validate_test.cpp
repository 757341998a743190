// SPDX-License-Identifier: Apache-2.0
#include "config/validate.h"

#include <gtest/gtest.h>

#include <limits>

#include "config/hardware.h"
#include "kit/refusal.h"

namespace widthwise {
namespace {

using test::refusal;

template <typename Change>
std::string problem(const Change& change) {
    HardwareParams hardware;
    change(hardware);
    return refusal([&] { validate(hardware); });
}

TEST(Validate, AcceptsTheDefaults) { EXPECT_NO_THROW(validate(HardwareParams{})); }

TEST(Validate, AcceptsBothEndsOfRanges) {
    HardwareParams hardware;
    hardware.array.rows = 256;
    hardware.array.columns = 1;
    hardware.array.activation_bits = 2;
    hardware.accumulator.format.bits = 48;
    hardware.clock_mhz = 10000.0;
    hardware.line_buffer.bytes = std::int64_t{1} << 30;
    EXPECT_NO_THROW(validate(hardware));
}

TEST(Validate, NamesKeyValueAndRange) {
    EXPECT_EQ(problem([](auto& h) { h.array.rows = 0; }), "array.rows: 0 is out of range (allowed: 1..256)");
    EXPECT_EQ(problem([](auto& h) { h.array.columns = 257; }), "array.columns: 257 is out of range (allowed: 1..256)");
    EXPECT_EQ(problem([](auto& h) { h.array.weight_bits = 10; }),
              "array.weight_bits: 10 is out of range (allowed: 0 for auto, or 2..9)");
    EXPECT_EQ(problem([](auto& h) { h.accumulator.format.bits = 49; }),
              "accumulator.bits: 49 is out of range (allowed: 2..48)");
    EXPECT_EQ(problem([](auto& h) { h.accumulator.layer_bits["c3"] = 1; }),
              "accumulator.layers.c3: 1 is out of range (allowed: 2..48)");
    EXPECT_EQ(problem([](auto& h) { h.accumulator.layer_bits["C3"] = 16; }),
              "accumulator.layers.C3: 'C3' is not a layer's name in lower case");
    EXPECT_EQ(problem([](auto& h) { h.requant.multiplier_bits = 33; }),
              "requantization.multiplier_bits: 33 is out of range (allowed: 2..32)");
    EXPECT_EQ(problem([](auto& h) { h.requant.lanes = 65; }),
              "requantization.lanes: 65 is out of range (allowed: 1..64)");
    EXPECT_EQ(problem([](auto& h) { h.line_buffer.rows = -1; }),
              "line_buffer.rows: -1 is out of range (allowed: 0 for auto, or 1..256)");
    EXPECT_EQ(problem([](auto& h) { h.activation_buffer.ports = 3; }),
              "activation_buffer.ports: 3 is out of range (allowed: 1..2)");
    EXPECT_EQ(problem([](auto& h) { h.weight_buffer.bytes = 0; }),
              "weight_buffer.bytes: 0 is out of range (allowed: 1..1073741824)");
    EXPECT_EQ(problem([](auto& h) { h.dram.latency = 100001; }),
              "dram.latency: 100001 is out of range (allowed: 1..100000)");
    EXPECT_EQ(problem([](auto& h) { h.batch = 0; }), "batch: 0 is out of range (allowed: 1..256)");
    EXPECT_EQ(problem([](auto& h) { h.clock_mhz = std::numeric_limits<double>::quiet_NaN(); }),
              "clock_mhz: nan is out of range (allowed: 0.001..10000)");
}

TEST(Validate, RefusesWhatNoFileCouldSay) {
    EXPECT_EQ(problem([](auto& h) {
                  h.accumulator.order = {TapLoop::row, TapLoop::row, TapLoop::channel};
              }),
              "accumulator.order: is not a permutation (allowed: row, column and channel, each once)");
    EXPECT_EQ(problem([](auto& h) { h.array.mapping = static_cast<Mapping>(9); }),
              "array.mapping: '9' is not one of the allowed words (allowed: row, flat)");
    EXPECT_EQ(problem([](auto& h) { h.name = ""; }), "name: has 0 characters (allowed: 1..100)");
}

}  // namespace
}  // namespace widthwise
