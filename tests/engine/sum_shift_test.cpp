// SPDX-License-Identifier: Apache-2.0
// Average pools whose sums are shifted (QONNX's Trunc), against QONNX's definition on real numbers, in both engines.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "engine/engine_difference.h"
#include "engine/fast/fast_engine.h"
#include "engine/renew_systemc.h"
#include "kit/network_builder.h"

namespace widthwise {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr int kChannels = 3;
constexpr int kSide = 8;
constexpr int kPooled = kSide / 2;

struct Case {
    RequantMode mode;
    bool is_signed;  ///< input and output
    SumShift shift;
    int bits;  ///< of the output
};

Network network_of(const Case& c) {
    test::NetworkBuilder builder({kChannels, kSide, kSide}, {c.is_signed, 8, 0, 0.25F});
    builder.pool("pool", OperatorKind::average_pool, test::square_window(2, 2));
    builder.op().sum_shift = c.shift;
    builder.output().quantization = {c.is_signed, c.bits, 0, 0.25F * static_cast<float>(1 << c.shift.bits)};
    builder.op().clamp_low = builder.output().quantization.low();
    builder.op().clamp_high = builder.output().quantization.high();
    return builder.network();
}

Bytes random_image() {
    std::mt19937 random(7);
    Bytes image(kChannels * kSide * kSide);
    for (auto& byte : image) byte = static_cast<std::uint8_t>(random());
    return image;
}

/// AveragePool, Mul by 4 and Trunc, step by step in reals, as QONNX computes them.
int trunc(const Bytes& image, const Case& c, int channel, int row, int column) {
    double average = 0;
    for (int i = 0; i < 4; ++i) {
        const auto byte =
            image[static_cast<std::size_t>((channel * kSide + 2 * row + i / 2) * kSide + 2 * column + i % 2)];
        average += 0.25 * (c.is_signed ? static_cast<std::int8_t>(byte) : byte) / 4;
    }
    const double shifted = std::round(average * 4 / 0.25) / std::exp2(c.shift.bits);
    const double low = c.is_signed ? -std::exp2(c.bits - 1) : 0;
    const double high = low + std::exp2(c.bits) - 1;
    const double limited = std::fmin(std::fmax(shifted, low), high);
    return static_cast<int>(c.shift.rounds_down ? std::floor(limited) : std::nearbyint(limited));
}

class SumShifts : public ::testing::TestWithParam<Case> {};

TEST_P(SumShifts, AreQonnxsTruncInBothEngines) {
    const Case& c = GetParam();
    const Network network = network_of(c);
    HardwareParams hardware;
    hardware.requant.mode = c.mode;
    hardware.pool.rounding = Rounding::half_up;  // of averages that are divided: without effect here
    const Bytes image = random_image();
    test::renew_systemc();
    EXPECT_EQ(engine_difference(network, hardware, {image}), "");
    Bytes output;
    FastEngine engine(network, hardware, 1);
    const RunRecord record = engine.run(
        0, 1, [&](int) { return image; },
        [&](int, std::span<const std::uint8_t> bytes) { output.assign(bytes.begin(), bytes.end()); });
    ASSERT_EQ(output.size(), std::size_t{kChannels * kPooled * kPooled});
    for (int i = 0; i < static_cast<int>(output.size()); ++i) {
        const int byte = output[static_cast<std::size_t>(i)];
        const int expected = trunc(image, c, i / (kPooled * kPooled), i / kPooled % kPooled, i % kPooled);
        EXPECT_EQ(c.is_signed ? static_cast<std::int8_t>(byte) : byte, expected) << "output " << i;
    }
    const auto& events = record.layers.at(0).events;
    EXPECT_EQ(events[Event::requant_plain_shift], output.size());
    EXPECT_EQ(events[Event::pool_add], 3 * output.size());
    for (const Event other : {Event::requant_multiply, Event::requant_divide, Event::requant_float_multiply,
                              Event::pool_float_multiply, Event::pool_float_add, Event::pool_float_divide}) {
        EXPECT_EQ(events[other], 0U);
    }
}

INSTANTIATE_TEST_SUITE_P(Forms, SumShifts,
                         ::testing::Values(Case{RequantMode::fixed_point, false, {2, true}, 8},
                                           Case{RequantMode::float32, false, {2, true}, 8},
                                           Case{RequantMode::shift, true, {2, true}, 8},
                                           Case{RequantMode::reciprocal, true, {3, false}, 6},
                                           Case{RequantMode::float32, true, {2, false}, 8},
                                           Case{RequantMode::fixed_point, false, {6, true}, 3},
                                           Case{RequantMode::float32, true, {1, true}, 4},
                                           Case{RequantMode::fixed_point, false, {0, true}, 8}),
                         [](const auto& named) { return "Case" + std::to_string(named.index); });

}  // namespace
}  // namespace widthwise
