// SPDX-License-Identifier: Apache-2.0
#include "data/dataset.h"

#include <gtest/gtest.h>

#include "data/idx_bytes.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Dataset load(const std::string& images, const std::string& labels = "") {
    const TemporaryFile image_file(images);
    if (labels.empty()) return Dataset::load(image_file.path(), "");
    const TemporaryFile label_file(labels);
    return Dataset::load(image_file.path(), label_file.path());
}

Tensor input(const Shape& shape, const Quantization& quantization = {}) { return {"image", shape, quantization}; }

Preprocessing plain(Preprocessing::Fit fit) {
    Preprocessing preprocessing;
    preprocessing.fit = fit;
    preprocessing.scale = 1.0;
    return preprocessing;
}

constexpr auto kNone = Preprocessing::Fit::none;
constexpr auto kPad = Preprocessing::Fit::pad;
constexpr auto kResize = Preprocessing::Fit::resize;

TEST(Dataset, ImagesAndLabels) {
    const Dataset dataset = load(idx(0x08, {2, 1, 2}, {1, 2, 3, 4}), idx(0x08, {2}, {7, 9}));
    EXPECT_EQ(dataset.size(), 2);
    EXPECT_TRUE(dataset.has_labels());
    EXPECT_EQ(dataset.label(1), 9);
    EXPECT_EQ(dataset.quantized(1, plain(kNone), input({1, 1, 2})), (Bytes{3, 4}));
    EXPECT_FALSE(load(idx(0x08, {2, 1, 2}, {1, 2, 3, 4})).has_labels());
}

TEST(Dataset, ChannelsOfRankFour) {
    const Dataset dataset = load(idx(0x08, {1, 2, 1, 2}, {1, 2, 3, 4}));
    EXPECT_EQ(dataset.quantized(0, plain(kNone), input({2, 1, 2})), (Bytes{1, 2, 3, 4}));
    EXPECT_EQ(dataset.quantized(0, plain(kPad), input({2, 1, 3})), (Bytes{1, 2, 0, 3, 4, 0}));
}

TEST(Dataset, RefusesFilesThatDoNotBelongTogether) {
    expect_input_error([] { load(idx(0x08, {2, 1, 1}, {1, 2}), idx(0x08, {3}, {1, 2, 3})); }, {"3 labels, expected 2"});
    expect_input_error([] { load(idx(0x08, {2}, {1, 2})); }, {"rank 1, expected images of rank 2"});
    expect_input_error([] { load(idx(0x08, {1, 1, 1}, {1}), idx(0x08, {1, 2}, {1, 1})); }, {"labels of rank 1"});
}

TEST(Dataset, RefusesIndicesOutOfRange) {
    const Dataset dataset = load(idx(0x08, {2, 1, 1}, {1, 2}), idx(0x08, {2}, {1, 2}));
    expect_input_error([&] { return dataset.quantized(2, {}, input({1, 1, 1})); }, {"no image 2, expected 0..1"});
    expect_input_error([&] { return dataset.quantized(-1, {}, input({1, 1, 1})); }, {"no image -1"});
    expect_input_error([&] { return dataset.label(2); }, {"no label 2, expected 0..1"});
    expect_input_error([] { return load(idx(0x08, {1, 1, 1}, {1})).label(0); }, {"no labels"});
}

TEST(Preprocessing, PadsCentredWithZeroPixels) {
    const Dataset dataset = load(idx(0x08, {1, 1, 2}, {5, 6}));
    EXPECT_EQ(dataset.quantized(0, plain(kPad), input({1, 3, 4})), (Bytes{0, 0, 0, 0, 0, 5, 6, 0, 0, 0, 0, 0}));
    EXPECT_EQ(dataset.quantized(0, plain(kPad), input({1, 2, 3})), (Bytes{5, 6, 0, 0, 0, 0}));  // odd: below, right
    Preprocessing shifted = plain(kPad);
    shifted.mean = {-9};  // the border is a pixel of 0, preprocessed like the others
    EXPECT_EQ(dataset.quantized(0, shifted, input({1, 1, 4})), (Bytes{9, 14, 15, 9}));
}

TEST(Preprocessing, ResizesBilinearlyWithHalfPixelCentres) {
    const Dataset dataset = load(idx(0x08, {1, 1, 2}, {0, 100}));
    EXPECT_EQ(dataset.quantized(0, plain(kResize), input({1, 1, 4})), (Bytes{0, 25, 75, 100}));
    EXPECT_EQ(dataset.quantized(0, plain(kResize), input({1, 2, 2})), (Bytes{0, 100, 0, 100}));
    EXPECT_EQ(dataset.quantized(0, plain(kResize), input({1, 1, 1})), (Bytes{50}));
    const Dataset rows = load(idx(0x08, {1, 4, 1}, {0, 40, 80, 120}));
    EXPECT_EQ(rows.quantized(0, plain(kResize), input({1, 2, 1})), (Bytes{20, 100}));
}

TEST(Preprocessing, ResizeKeepsFractionsOfAPixel) {
    const Dataset dataset = load(idx(0x08, {1, 1, 2}, {0, 1}));
    const Quantization fine{false, 8, 0, 0.25F};
    EXPECT_EQ(dataset.quantized(0, plain(kResize), input({1, 1, 4}, fine)), (Bytes{0, 1, 3, 4}));
}

TEST(Preprocessing, ScaleMeanDeviation) {
    const Dataset dataset = load(idx(0x08, {1, 1, 3}, {0, 100, 255}));
    Preprocessing preprocessing = plain(kNone);
    preprocessing.scale = 0.5;
    preprocessing.mean = {10};
    preprocessing.deviation = {4};  // (0 - 10) / 4 = -2.5, (50 - 10) / 4 = 10, (127.5 - 10) / 4 = 29.375
    const Quantization quantization{true, 8, 3, 1.0F};
    EXPECT_EQ(dataset.quantized(0, preprocessing, input({1, 1, 3}, quantization)), (Bytes{1, 13, 32}));
}

TEST(Preprocessing, QuantizesHalfToEvenAndSaturates) {
    const Dataset dataset = load(idx(0x08, {1, 1, 6}, {1, 3, 5, 7, 250, 255}));
    const Quantization halves{false, 8, 0, 2.0F};
    EXPECT_EQ(dataset.quantized(0, plain(kNone), input({1, 1, 6}, halves)), (Bytes{0, 2, 2, 4, 125, 128}));
    const Quantization shifted{false, 8, 200, 1.0F};
    EXPECT_EQ(dataset.quantized(0, plain(kNone), input({1, 1, 6}, shifted)), (Bytes{201, 203, 205, 207, 255, 255}));
    const Quantization narrow{true, 4, 0, 1.0F};
    EXPECT_EQ(dataset.quantized(0, plain(kNone), input({1, 1, 6}, narrow)), (Bytes{1, 3, 5, 7, 7, 7}));
}

TEST(Preprocessing, DefaultGivesEveryPixelBack) {
    std::vector<int> values(256);
    for (int i = 0; i < 256; ++i) values[static_cast<std::size_t>(i)] = i;
    const Dataset dataset = load(idx(0x08, {1, 16, 16}, values));
    const Quantization quantization{false, 8, 0, 1.0F / 255.0F};
    EXPECT_EQ(dataset.quantized(0, {}, input({1, 16, 16}, quantization)), Bytes(values.begin(), values.end()));
}

TEST(Preprocessing, SignedPixels) {
    const Dataset dataset = load(idx(0x09, {1, 1, 2}, {-5, 100}));
    const Quantization quantization{true, 8, 0, 1.0F};
    EXPECT_EQ(dataset.quantized(0, plain(kNone), input({1, 1, 2}, quantization)), (Bytes{0xfb, 100}));
}

TEST(Preprocessing, VectorInputsTakeTheImageRowByRow) {
    const Dataset dataset = load(idx(0x08, {1, 2, 2}, {1, 2, 3, 4}));
    EXPECT_EQ(dataset.quantized(0, plain(kPad), input({4, 1, 1})), (Bytes{1, 2, 3, 4}));
    expect_input_error([&] { return dataset.quantized(0, plain(kPad), input({5, 1, 1})); }, {"channels differ"});
    expect_input_error([&] { return dataset.quantized(0, plain(kResize), input({4, 1, 1})); }, {"channels differ"});
}

TEST(Preprocessing, RefusesWhatDoesNotFit) {
    const Dataset dataset = load(idx(0x08, {1, 2, 2}, {1, 2, 3, 4}));
    expect_input_error(
        [&] {
            return dataset.quantized(0, plain(kPad), input({3, 2, 2}));
        },
        {"1x2x2", "3x2x2", "expected 3"});
    expect_input_error([&] { return dataset.quantized(0, plain(kPad), input({1, 2, 1})); }, {"padding cannot shrink"});
    expect_input_error([&] { return dataset.quantized(0, plain(kNone), input({1, 3, 2})); }, {"sizes differ"});
}

}  // namespace
}  // namespace widthwise::test
