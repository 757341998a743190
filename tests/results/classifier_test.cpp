// SPDX-License-Identifier: Apache-2.0
#include "results/classifier.h"

#include <gtest/gtest.h>

#include "common/error.h"

namespace widthwise {
namespace {

TEST(PredictedClass, FirstLargestWins) {
    const std::vector<std::uint8_t> output = {1, 200, 7, 200};
    EXPECT_EQ(predicted_class(output, false), 1);
    EXPECT_EQ(predicted_class(output, true), 2);  // 200 is -56
    EXPECT_EQ(predicted_class(std::vector<std::uint8_t>{0x80, 0x80}, true), 0);
}

/// An operator whose sums leave: two pixels for each channel when `width` is 2.
Network sums_network(int channels, int width, std::vector<float> scales) {
    Network network;
    network.tensors = {{"in", {1, 1, 1}, {true, 8, 0, 0.5F}}, {"out", {channels, 1, width}, {}}};
    network.output = 1;
    Operator& op = network.operators.emplace_back();
    op.output = 1;
    op.sums_leave = true;
    op.weights.scales = std::move(scales);
    return network;
}

using Bytes = std::vector<std::uint8_t>;

TEST(Classifier, ReadsQuantizedValuesAsTheirTypeSays) {
    Network network = sums_network(2, 1, {1.0F});
    network.operators[0].sums_leave = false;
    EXPECT_EQ(Classifier(network)(Bytes{100, 200}), 1);
    network.tensors[1].quantization.is_signed = true;
    EXPECT_EQ(Classifier(network)(Bytes{100, 200}), 0);
}

TEST(Classifier, SumsAreTwosComplementLeastSignificantByteFirst) {
    const Classifier classify(sums_network(3, 1, {1.0F}));
    EXPECT_EQ(classify(Bytes{0xff, 0x80, 0x7f}), 2);                              // -1, -128, 127
    EXPECT_EQ(classify(Bytes{0xff, 0x00, 0x00, 0x01, 0x00, 0x80}), 1);            // 255, 256, -32768
    EXPECT_EQ(classify(Bytes{0, 0, 0x80, 0xff, 0xff, 0xff, 0xfe, 255, 255}), 1);  // -2^23, -1, -2
    Bytes six(18, 0);
    six[5] = 0x80;   // -2^47
    six[16] = 0x01;  // 2^32
    six[9] = 0x01;   // 2^24
    EXPECT_EQ(classify(six), 2);
}

/// 100 * 0.5 * 0.25 = 12.5, 20 * 0.5 * 2 = 20, 1000 * 0.5 * 0.001 = 0.5
TEST(Classifier, SumsCountWithTheScaleOfTheirChannel) {
    EXPECT_EQ(Classifier(sums_network(3, 1, {0.25F, 2.0F, 0.001F}))(Bytes{100, 0, 20, 0, 0xe8, 0x03}), 1);
    EXPECT_EQ(Classifier(sums_network(3, 1, {0.25F}))(Bytes{100, 0, 20, 0, 0xe8, 0x03}), 2);
    // Two pixels of a channel have one scale: 50, 60 | 10 * 2, 40 * 2.
    EXPECT_EQ(Classifier(sums_network(2, 2, {1.0F, 2.0F}))(Bytes{50, 60, 10, 40}), 3);
}

TEST(Classifier, OfEqualRealValuesTheFirstWins) {
    EXPECT_EQ(Classifier(sums_network(3, 1, {2.0F, 1.0F, 4.0F}))(Bytes{20, 40, 10}), 0);
    EXPECT_EQ(Classifier(sums_network(3, 1, {1.0F}))(Bytes{0xff, 0xfe, 0xff}), 0);
}

/// Sums of 48 bits that differ in the last one differ as real values, too.
TEST(Classifier, LosesNoBitOfTheWidestSums) {
    Bytes sums(12, 0xff);
    sums[5] = sums[11] = 0x7f;
    sums[0] = 0xfe;
    EXPECT_EQ(Classifier(sums_network(2, 1, {0.3333333F}))(sums), 1);
}

TEST(Classifier, BytesThatAreNoWholeSumsAreAnErrorOfTheSimulator) {
    const Classifier classify(sums_network(3, 1, {1.0F}));
    EXPECT_THROW(static_cast<void>(classify(Bytes{1, 2, 3, 4})), SimulationError);
    EXPECT_THROW(static_cast<void>(classify(Bytes{})), SimulationError);
}

}  // namespace
}  // namespace widthwise
