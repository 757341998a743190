// SPDX-License-Identifier: Apache-2.0
// What compile() refuses, and that the message names the layer, the key, the value and what would do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/error.h"
#include "kit/network_builder.h"
#include "kit/refusal.h"
#include "schedule/compile.h"

namespace widthwise::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const Network& network, const HardwareParams& hardware, int images = 1) {
    return test::refusal([&] { compile(network, hardware, images); });
}

bool compiles(const Network& network, const HardwareParams& hardware, int images = 1) {
    try {
        compile(network, hardware, images);
        return true;
    } catch (const InputError&) {
        return false;
    }
}

/// 3x3 over 2 channels of 8x8: rows of 16 bytes; then a vector of 72 to 5.
NetworkBuilder two_layers() {
    NetworkBuilder builder({2, 8, 8});
    builder.convolution("c1", 2, square_window(3)).fully_connected("f", 5);
    return builder;
}

/// A bias of 2^31 - 1 less 2 * (sum of the channel's weights) needs a 33rd bit when that sum is negative.
TEST(Refusals, BiasThatItsBytesCannotHold) {
    Network network =
        NetworkBuilder({1, 3, 3}, Quantization{false, 8, 2, 1.0F}).fully_connected("f", 3, true).network();
    Weights& weights = network.operators.front().weights;
    weights.bias = {0, 2147483647, 0};
    std::fill(weights.values.begin(), weights.values.end(), std::int16_t{1});
    EXPECT_TRUE(compiles(network, {}));
    std::fill(weights.values.begin(), weights.values.end(), std::int16_t{-1});
    EXPECT_THAT(refusal(network, {}),
                AllOf(HasSubstr("layer 'f'"), HasSubstr("channel 1"), HasSubstr("2147483665"), HasSubstr("32 bits")));
}

TEST(Refusals, NetworkWithoutOperators) {
    EXPECT_THAT(refusal(NetworkBuilder({1, 2, 2}).network(), {}), HasSubstr("no operator"));
}

/// A 3x3 pool of stride 1 over 4 x 6 x 6 on four rows: three rows of four windows for each of four channels.
NetworkBuilder overlapping_pool() {
    NetworkBuilder builder({2, 8, 8});
    builder.convolution("c", 4, square_window(3)).pool("p", OperatorKind::max_pool, square_window(3));
    return builder;
}

TEST(PoolRowBuffers, PoolsThatDoNotFitBecomeLayersOfTheirOwn) {
    HardwareParams hardware;
    hardware.array.rows = 4;
    const Network network = overlapping_pool().network();
    const auto layers = [&] { return compile(network, hardware, 1).layers.size(); };
    EXPECT_EQ(layers(), 1U);
    hardware.pool.row_buffer_bytes = 4 * 3 * 4;
    EXPECT_EQ(layers(), 1U);
    --hardware.pool.row_buffer_bytes;
    EXPECT_EQ(layers(), 2U);
    hardware.pool.row_buffer_bytes = 3 * 4;  // of one channel at a time
    EXPECT_EQ(layers(), 2U);
    --hardware.pool.row_buffer_bytes;
    EXPECT_THAT(refusal(network, hardware), AllOf(HasSubstr("layer 'p'"), HasSubstr("pooling.row_buffer_bytes: 11"),
                                                  HasSubstr("1 channel;"), HasSubstr("needs at least 12")));
}

/// 2x2 windows that do not overlap have one open row; sums of four differences of nine bits take two bytes, in float32
/// four.
TEST(PoolRowBuffers, SumsTakeTheBytesOfTheirRange) {
    HardwareParams hardware;
    hardware.array.rows = 4;
    NetworkBuilder builder({2, 8, 8});
    builder.convolution("c", 4, square_window(3)).pool("p", OperatorKind::average_pool, square_window(2, 2));
    const Network network = builder.network();
    hardware.pool.row_buffer_bytes = 4 * 1 * 3 * 2;
    EXPECT_EQ(compile(network, hardware, 1).layers.size(), 1U);
    hardware.requant.mode = RequantMode::float32;
    EXPECT_EQ(compile(network, hardware, 1).layers.size(), 2U);
    hardware.pool.row_buffer_bytes *= 2;
    EXPECT_EQ(compile(network, hardware, 1).layers.size(), 1U);
}

/// Two convolutions of 2x8x8 and the addition of the first one's input: three maps of 128 bytes at once.
NetworkBuilder residual_block() {
    NetworkBuilder builder({2, 8, 8});
    builder.convolution("c1", 2, square_window(3, 1, 1)).convolution("c2", 2, square_window(3, 1, 1)).addition("a", 0);
    return builder;
}

/// One row of two channels at a time: three rows of input, one of the operand, one of output.
TEST(Refusals, FeatureMapsOfBranches) {
    HardwareParams hardware;
    hardware.activation_buffer.bytes = (3 + 1 + 1) * 16;
    EXPECT_TRUE(compiles(residual_block().network(), hardware));
    hardware.activation_buffer.bytes -= 1;
    EXPECT_THAT(
        refusal(residual_block().network(), hardware),
        AllOf(HasSubstr("layer 'c2'"), HasSubstr("activation_buffer.bytes: 79"), HasSubstr("needs at least 80")));
}

TEST(Refusals, SchedulesBeyondTheirMostEntries) {
    HardwareParams hardware;
    hardware.array.columns = 1;
    hardware.activation_buffer.bytes = std::int64_t{1} << 30;
    hardware.line_buffer.bytes = std::int64_t{1} << 30;
    const auto one_layer = [](int height, int width) {
        return NetworkBuilder({1, height, width}).convolution("c", 1, square_window(1)).network();
    };
    EXPECT_TRUE(compiles(one_layer(1023, 2047), hardware));
    EXPECT_EQ(
        refusal(one_layer(1024, 2048), hardware),
        "layer 'c': with its 2097152 column tiles (array.columns: 1), 1024 rows of input, 1 taps, 1 channels and 0 "
        "pixels to average over, the schedule has 2098178 entries (allowed: up to 2097152 for all layers "
        "together)");
    NetworkBuilder several({1, 1023, 1023});
    several.convolution("c1", 1, square_window(1)).convolution("c2", 1, square_window(1));
    EXPECT_TRUE(compiles(several.network(), hardware));
    several.convolution("c3", 1, square_window(1));
    EXPECT_THAT(refusal(several.network(), hardware),
                AllOf(HasSubstr("layer 'c3'"), HasSubstr("1046529 column tiles")));
}

TEST(Refusals, PixelsToAverageOver) {
    HardwareParams hardware;
    hardware.activation_buffer.bytes = std::int64_t{1} << 30;
    NetworkBuilder builder({1, 4, 4});
    builder.pool("p", OperatorKind::average_pool, {50000, 50000, 1, 1, 49999, 49999, 49999, 49999});
    builder.output().shape = {1, 4, 4};
    EXPECT_THAT(refusal(builder.network(), hardware),
                AllOf(HasSubstr("layer 'p'"), HasSubstr("2500000000 pixels to average over")));
}

TEST(Refusals, MapsOfABatchBeyondTheirMostBytes) {
    HardwareParams hardware;
    hardware.batch = 256;
    hardware.array.columns = 256;
    hardware.activation_buffer.bytes = std::int64_t{1} << 30;
    hardware.line_buffer.bytes = std::int64_t{1} << 30;
    const Network network = NetworkBuilder({1, 512, 513}).convolution("c", 1, square_window(1)).network();
    EXPECT_TRUE(compiles(network, hardware, 255));
    EXPECT_EQ(refusal(network, hardware, 256),
              "layer 'c': its input of 1x512x513 takes 67239936 bytes for a batch of 256 (allowed: up to 67108864)");
}

// The line buffer's rows are known only once the tiles are made: what is cheap to compare goes first.
TEST(Refusals, BuffersAreComparedBeforeTilesAreMade) {
    HardwareParams hardware;
    hardware.line_buffer.bytes = 1;
    hardware.activation_buffer.bytes = 512;
    EXPECT_THAT(refusal(NetworkBuilder({1, 512, 512}).convolution("c", 1, square_window(1)).network(), hardware),
                HasSubstr("activation_buffer.bytes: 512"));
    hardware.weight_buffer.bytes = 1;
    EXPECT_THAT(refusal(NetworkBuilder({1, 8, 8}).convolution("c", 1, square_window(1)).network(), hardware),
                HasSubstr("weight_buffer.bytes: 1"));
}

TEST(Refusals, AdditionsNeedTwoPorts) {
    HardwareParams hardware;
    hardware.activation_buffer.ports = 1;
    EXPECT_THAT(refusal(residual_block().network(), hardware),
                AllOf(HasSubstr("layer 'c2'"), HasSubstr("activation_buffer.ports: 1"), HasSubstr("needs 2")));
}

/// What a tile reads for one tap: of 6 outputs, of two rows of 8 pixels with flat mapping, of an image's fill word.
TEST(Refusals, LineBufferSmallerThanATapOfATile) {
    NetworkBuilder builder({2, 8, 8});
    builder.convolution("c1", 2, square_window(3));
    HardwareParams hardware;
    hardware.line_buffer.bytes = 6;
    EXPECT_TRUE(compiles(builder.network(), hardware));
    hardware.line_buffer.bytes = 5;
    EXPECT_THAT(refusal(builder.network(), hardware),
                AllOf(HasSubstr("layer 'c1'"), HasSubstr("line_buffer.bytes: 5"), HasSubstr("needs at least 6")));
    hardware.array.mapping = Mapping::flat;
    EXPECT_THAT(refusal(builder.network(), hardware), HasSubstr("needs at least 16"));
    hardware.array.mapping = Mapping::row;
    hardware.line_buffer.bytes = 8;
    EXPECT_TRUE(compiles(two_layers().network(), hardware));
    hardware.batch = 2;  // two images side by side
    EXPECT_THAT(refusal(two_layers().network(), hardware, 2),
                AllOf(HasSubstr("layer 'f'"), HasSubstr("needs at least 16")));
    NetworkBuilder pool({2, 4, 9});
    pool.pool("p", OperatorKind::max_pool, square_window(2));
    hardware.line_buffer.bytes = 7;
    EXPECT_THAT(refusal(pool.network(), hardware), AllOf(HasSubstr("layer 'p'"), HasSubstr("needs at least 8")));
}

TEST(Refusals, LineBufferRows) {
    NetworkBuilder builder({2, 8, 8});
    builder.convolution("c1", 2, square_window(3));
    HardwareParams hardware;
    hardware.line_buffer.rows = 2;
    EXPECT_THAT(refusal(builder.network(), hardware),
                AllOf(HasSubstr("layer 'c1'"), HasSubstr("line_buffer.rows: 2"), HasSubstr("3 or more, or auto")));
    hardware.line_buffer.rows = 5;
    hardware.line_buffer.bytes = 5 * 16 - 1;
    EXPECT_THAT(refusal(builder.network(), hardware),
                AllOf(HasSubstr("line_buffer.bytes: 79"), HasSubstr("5 rows of 16 bytes"), HasSubstr("needs 80")));
}

TEST(Refusals, ActivationBuffer) {
    HardwareParams hardware;
    hardware.activation_buffer.bytes = 72 + 5;  // a vector of f and its outputs
    EXPECT_TRUE(compiles(two_layers().network(), hardware));
    hardware.array.rows = 1;
    hardware.activation_buffer.bytes = 72 + 1;  // and an output after the other
    EXPECT_TRUE(compiles(two_layers().network(), hardware));
    hardware.activation_buffer.bytes = 72;
    EXPECT_THAT(
        refusal(two_layers().network(), hardware),
        AllOf(HasSubstr("layer 'f'"), HasSubstr("activation_buffer.bytes: 72"), HasSubstr("needs at least 73")));
}

TEST(Refusals, Dram) {
    HardwareParams hardware;
    const std::int64_t all = (2 * (18 + 9) + 5 * (72 + 9)) + 128 + 5;
    hardware.dram.bytes = all;
    EXPECT_TRUE(compiles(two_layers().network(), hardware));
    hardware.dram.bytes = all - 1;
    EXPECT_THAT(refusal(two_layers().network(), hardware),
                AllOf(HasSubstr("dram.bytes: 591"), HasSubstr("at least 592")));
}

TEST(Refusals, WeightBufferResident) {
    // c1: 2 x (18 + 9), f: 5 x (72 + 9)
    HardwareParams hardware;
    hardware.weight_buffer.storage = WeightStorage::resident;
    hardware.weight_buffer.bytes = 54 + 405;
    EXPECT_TRUE(compiles(two_layers().network(), hardware));
    hardware.weight_buffer.bytes = 54 + 405 - 1;
    EXPECT_THAT(refusal(two_layers().network(), hardware),
                AllOf(HasSubstr("weight_buffer.bytes: 458"), HasSubstr("459 bytes"), HasSubstr("streamed")));
}

TEST(Refusals, WeightBufferStreamed) {
    HardwareParams hardware;
    hardware.weight_buffer.storage = WeightStorage::streamed;
    hardware.array.rows = 2;  // the largest tile: two outputs of f
    hardware.weight_buffer.bytes = 2 * 2 * 81;
    EXPECT_TRUE(compiles(two_layers().network(), hardware));
    hardware.weight_buffer.bytes = 2 * 2 * 10;
    EXPECT_TRUE(compiles(two_layers().network(), hardware));  // tap after tap
    hardware.weight_buffer.bytes = 2 * 2 * 10 - 1;
    EXPECT_THAT(refusal(two_layers().network(), hardware),
                AllOf(HasSubstr("layer 'c1'"), HasSubstr("weight_buffer.bytes: 39"), HasSubstr("needs at least 40")));
    // Automatic: streamed where they do not fit.
    hardware.weight_buffer.storage = WeightStorage::automatic;
    EXPECT_THAT(refusal(two_layers().network(), hardware), HasSubstr("needs at least 40"));
}

TEST(Refusals, MultiplierNarrowerThanTheOperands) {
    NetworkBuilder builder({2, 8, 8}, {false, 6, 0, 0.01F});
    builder.convolution("c1", 2, square_window(3));
    builder.op().weights.bits = 5;
    HardwareParams hardware;
    hardware.array.activation_bits = 6;
    hardware.array.weight_bits = 5;
    EXPECT_TRUE(compiles(builder.network(), hardware));
    hardware.array.activation_bits = 5;
    EXPECT_THAT(refusal(builder.network(), hardware),
                AllOf(HasSubstr("layer 'c1'"), HasSubstr("array.activation_bits: 5"), HasSubstr("6..8, or auto")));
    hardware.array.activation_bits = 6;
    hardware.array.weight_bits = 4;
    EXPECT_THAT(refusal(builder.network(), hardware),
                AllOf(HasSubstr("array.weight_bits: 4"), HasSubstr("5..9, or auto")));
    // A lone pool multiplies nothing.
    NetworkBuilder pool({2, 8, 8});
    pool.pool("p", OperatorKind::max_pool, square_window(2));
    hardware.array = {8, 8, Mapping::row, Interconnect::broadcast, false, true, 2, 2};
    EXPECT_TRUE(compiles(pool.network(), hardware));
}

TEST(Refusals, AccumulatorWidthOfAnUnknownLayer) {
    NetworkBuilder builder({2, 8, 8});
    builder.convolution("C1", 2, square_window(3)).pool("pool", OperatorKind::max_pool, square_window(2));
    HardwareParams hardware;
    hardware.accumulator.layer_bits = {{"c1", 12}, {"c9", 12}};
    EXPECT_THAT(refusal(builder.network(), hardware), AllOf(HasSubstr("'c9'"), HasSubstr("C1")));
    hardware.accumulator.layer_bits = {{"pool", 12}};  // it has no accumulators
    EXPECT_THAT(refusal(builder.network(), hardware), HasSubstr("'pool'"));
}

TEST(Refusals, RescaleFactorThatTheModeCannotDo) {
    NetworkBuilder builder({1, 4, 4}, {false, 8, 0, 1.0F});
    builder.convolution("c1", 1, square_window(1));
    builder.op().weights.scales = {3.0F};
    builder.output().quantization.scale = 1.0F;
    HardwareParams hardware;
    EXPECT_TRUE(compiles(builder.network(), hardware));
    hardware.requant.mode = RequantMode::shift;
    EXPECT_THAT(refusal(builder.network(), hardware), AllOf(HasSubstr("layer 'c1'"), HasSubstr("right shift")));
    hardware.requant.mode = RequantMode::fixed_point;
    builder.op().weights.scales = {70000.0F};
    EXPECT_THAT(refusal(builder.network(), hardware), AllOf(HasSubstr("layer 'c1'"), HasSubstr("16 bits")));
}

TEST(Refusals, MorePoolingWindowsAtOnceThanThePoolUnitWrites) {
    // The last pixel of each axis completes the 16 windows that begin at it or that padding cuts off there.
    NetworkBuilder builder({1, 2, 2});
    builder.pool("p", OperatorKind::max_pool, square_window(16, 1, 15));
    HardwareParams hardware;
    hardware.requant.lanes = kMaxPooledPixels / (16 * 16);
    EXPECT_TRUE(compiles(builder.network(), hardware));
    ++hardware.requant.lanes;
    EXPECT_THAT(refusal(builder.network(), hardware),
                AllOf(HasSubstr("layer 'p'"), HasSubstr("requantization.lanes: 2"), HasSubstr("512 pooling windows"),
                      HasSubstr("at most 256")));
}

TEST(Refusals, RescaleFactorOfAnAveragePool) {
    NetworkBuilder builder({1, 4, 4}, {false, 8, 0, 2.0F});
    builder.pool("p", OperatorKind::average_pool, square_window(2, 2));
    builder.output().quantization.scale = 1.0F;
    HardwareParams hardware;
    hardware.requant.mode = RequantMode::shift;
    // Four pixels: 2 / 4. That one pixel would be 2 does not matter, no window has one.
    EXPECT_TRUE(compiles(builder.network(), hardware));
    builder.op().window = square_window(2, 2, 1);
    builder.output().shape = {1, 3, 3};
    EXPECT_THAT(refusal(builder.network(), hardware), AllOf(HasSubstr("'p'"), HasSubstr("right shift")));
    builder.op().average_counts_padding = true;
    EXPECT_TRUE(compiles(builder.network(), hardware));
}

}  // namespace
}  // namespace widthwise::test
