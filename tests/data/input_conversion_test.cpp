// SPDX-License-Identifier: Apache-2.0
// Layouts, real numbers, values per channel, the network's own arithmetic, integers as they are; few and many images.
#include "data/input_conversion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data/dataset.h"
#include "data/idx_bytes.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise::test {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Floats = std::vector<float>;

constexpr auto kChw = Preprocessing::Layout::chw;
constexpr auto kHwc = Preprocessing::Layout::hwc;

Dataset dataset_of(const std::string& bytes, std::int64_t most_held = kMostHeldImageBytes) {
    const TemporaryFile file(bytes);
    return DatasetFiles(file.path(), "").read(most_held);
}

std::string sequence(int count) {
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes += static_cast<char>(i);
    return bytes;
}

Preprocessing as_is(Preprocessing::Fit fit = Preprocessing::Fit::none) {
    Preprocessing preprocessing;
    preprocessing.fit = fit;
    preprocessing.scale = 1.0;
    return preprocessing;
}

NetworkInput input(const Shape& shape, const Quantization& quantization = {}) {
    return Tensor{"image", shape, quantization};
}

TEST(Layout, AutoTakesWhatFitsTheInput) {
    // Two rows of two pixels, each of three channels: 0 1 2, 3 4 5; 6 7 8, 9 10 11.
    const Dataset last = dataset_of(npy("|u1", "1, 2, 2, 3", sequence(12)));
    const Bytes planes = {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11};
    EXPECT_EQ(last.quantized(0, as_is(), input({3, 2, 2})), planes);
    const Dataset first = dataset_of(npy("|u1", "1, 3, 2, 2", sequence(12)));
    EXPECT_EQ(first.quantized(0, as_is(), input({3, 2, 2})), (Bytes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
    // Padded: an image of 3 x 2 x 2 read as H x W x C has two channels.
    EXPECT_EQ(first.quantized(0, as_is(Preprocessing::Fit::pad), input({2, 3, 3})),
              (Bytes{0, 2, 0, 4, 6, 0, 8, 10, 0, 1, 3, 0, 5, 7, 0, 9, 11, 0}));
}

TEST(Layout, AutoLooksAtSizesToo) {
    // Three rows of seven pixels of three channels, for an input of 3 x 3 x 7, whose first axis has three as well.
    const Dataset last = dataset_of(npy("|u1", "1, 3, 7, 3", sequence(63)));
    Bytes planes;
    for (int c = 0; c < 3; ++c) {
        for (int pixel = 0; pixel < 21; ++pixel) planes.push_back(static_cast<std::uint8_t>(3 * pixel + c));
    }
    EXPECT_EQ(last.quantized(0, as_is(), input({3, 3, 7})), planes);
}

TEST(Layout, FilesMayHaveTheShapeThatTheNetworkDeclares) {
    const Bytes values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    // Vectors that the network makes images of one channel.
    EXPECT_EQ(dataset_of(npy("|u1", "1, 12", sequence(12))).quantized(0, as_is(), input({1, 3, 4})), values);
    // N x C x W.
    EXPECT_EQ(dataset_of(npy("|u1", "1, 2, 6", sequence(12))).quantized(0, as_is(), input({2, 1, 6})), values);
    // N x W x C.
    const Bytes by_channel = {0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11};
    const Dataset pixels = dataset_of(npy("|u1", "1, 6, 2", sequence(12)));
    EXPECT_EQ(pixels.quantized(0, as_is(), input({2, 1, 6})), by_channel);
    Preprocessing first = as_is();
    first.layout = kChw;
    EXPECT_THROW(static_cast<void>(pixels.quantized(0, first, input({2, 1, 6}))), InputError);
    const Dataset square = dataset_of(npy("|u1", "1, 3, 3", sequence(9)));
    EXPECT_EQ(square.quantized(0, as_is(), input({3, 1, 3})), (Bytes{0, 1, 2, 3, 4, 5, 6, 7, 8}));
    Preprocessing last = as_is();
    last.layout = kHwc;
    EXPECT_EQ(square.quantized(0, last, input({3, 1, 3})), (Bytes{0, 3, 6, 1, 4, 7, 2, 5, 8}));
    // In which order a vector would hold several channels, the file does not say.
    const Dataset vectors = dataset_of(npy("|u1", "1, 12", sequence(12)));
    EXPECT_THROW(static_cast<void>(vectors.quantized(0, as_is(), input({3, 2, 2}))), InputError);
}

TEST(Layout, AmbiguousImagesAreChannelsFirstUnlessSaidOtherwise) {
    const Dataset dataset = dataset_of(npy("|u1", "1, 2, 2, 2", sequence(8)));
    EXPECT_EQ(dataset.quantized(0, as_is(), input({2, 2, 2})), (Bytes{0, 1, 2, 3, 4, 5, 6, 7}));
    Preprocessing last = as_is();
    last.layout = kHwc;
    EXPECT_EQ(dataset.quantized(0, last, input({2, 2, 2})), (Bytes{0, 2, 4, 6, 1, 3, 5, 7}));
    last.layout = kChw;
    EXPECT_EQ(dataset.quantized(0, last, input({2, 2, 2})), (Bytes{0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(dataset.quantized(0, as_is(), input({8, 1, 1})), (Bytes{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Layout, ResizedImagesOfBothLayoutsAreEqual) {
    const std::string planes =
        "\x0a\x14\x1e\x28"
        "\x32\x3c\x46\x50";  // two channels of 2 x 2
    const std::string pixels =
        "\x0a\x32\x14\x3c"
        "\x1e\x46\x28\x50";
    Preprocessing resize = as_is(Preprocessing::Fit::resize);
    resize.layout = kHwc;
    const Bytes last = dataset_of(npy("|u1", "1, 2, 2, 2", pixels)).quantized(0, resize, input({2, 1, 2}));
    resize.layout = kChw;
    EXPECT_EQ(dataset_of(npy("|u1", "1, 2, 2, 2", planes)).quantized(0, resize, input({2, 1, 2})), last);
    EXPECT_EQ(last, (Bytes{20, 30, 60, 70}));
}

TEST(Layout, RefusalsNameTheReadingThatWasMeant) {
    const Dataset dataset = dataset_of(npy("|u1", "1, 4, 4, 3", sequence(48)));
    expect_input_error(
        [&] {
            return dataset.quantized(0, as_is(), input({3, 2, 2}));
        },
        {"images of 3x4x4 (stored height x width x channels)", "sizes differ"});
    expect_input_error(
        [&] {
            return dataset.quantized(0, as_is(), input({1, 4, 4}));
        },
        {"images of 4x4x3 for", "channels differ, expected 1"});
    Preprocessing first = as_is();
    first.layout = kChw;
    expect_input_error([&] { return dataset.quantized(0, first, input({3, 4, 4})); }, {"channels differ, expected 3"});
}

TEST(RealNumbers, AreTakenAsTheyAreUnlessScaleIsGiven) {
    const Floats values = {-1.0F, 0.25F, 0.5F, 100.0F};
    const Quantization quantization{true, 8, 2, 0.5F};  // -2, 0.5 -> 0 (half to even), 1, 200 -> 125
    const Bytes expected = {0, 2, 3, 127};
    const Dataset big = dataset_of(float_idx({1, 1, 2, 2}, values));
    EXPECT_EQ(big.quantized(0, {}, input({1, 2, 2}, quantization)), expected);
    EXPECT_EQ(dataset_of(npy("<f4", "1, 4", bytes_of(values))).quantized(0, {}, input({4, 1, 1}, quantization)),
              expected);
    EXPECT_EQ(dataset_of(npy("<f8", "1, 4", bytes_of<double>({-1, 0.25, 0.5, 100})))
                  .quantized(0, {}, input({4, 1, 1}, quantization)),
              expected);
    Preprocessing tenth;
    tenth.scale = 0.1;
    EXPECT_EQ(big.quantized(0, tenth, input({1, 2, 2}, quantization)), (Bytes{2, 2, 2, 22}));
}

TEST(Bytes, ThatTheNetworkCastsAreNotScaled) {
    NetworkInput cast = input({1, 1, 3}, {false, 8, 0, 1.0F});
    const ElementType bytes{ElementKind::unsigned_integer, 1};
    EXPECT_EQ(resolved({}, bytes, cast).scale, 1.0 / 255);
    cast.is_bytes = true;
    EXPECT_EQ(resolved({}, bytes, cast).scale, 1.0);
    Preprocessing half;
    half.scale = 0.5;
    EXPECT_EQ(resolved(half, bytes, cast).scale, 0.5);
}

TEST(RealNumbers, AreNotRoundedToBytesAnywhere) {
    const Dataset dataset = dataset_of(npy("<f4", "1, 1, 2", bytes_of<float>({0.125F, -0.375F})));
    const Quantization quantization{true, 8, 0, 0.125F};
    EXPECT_EQ(dataset.quantized(0, as_is(Preprocessing::Fit::pad), input({1, 2, 2}, quantization)),
              (Bytes{1, 0xfd, 0, 0}));
    EXPECT_EQ(dataset.quantized(0, as_is(Preprocessing::Fit::resize), input({1, 1, 4}, quantization)),
              (Bytes{1, 0, 0xfe, 0xfd}));  // 0.125, 0, -0.25, -0.375
}

TEST(RealNumbers, ThatAreNotFiniteAreRefusedWithTheirPlace) {
    Floats values(24, 1.0F);
    values[17] = std::nanf("");  // image 1, value 5 of 2 x 3 x 2: [0][2][1]
    expect_input_error([&] { return dataset_of(npy("<f4", "2, 2, 3, 2", bytes_of(values))); },
                       {"image 1 holds nan at [0][2][1], expected finite numbers"});
    values[17] = -std::numeric_limits<float>::infinity();
    expect_input_error([&] { return dataset_of(npy("<f4", "2, 12", bytes_of(values)), 0); },
                       {"image 1 holds -inf at [5]"});
    expect_input_error([&] { return dataset_of(float_idx({24, 1, 1}, values)); }, {"image 17 holds -inf at [0][0]"});
    expect_input_error([&] { return dataset_of(npy("<f8", "1, 1", bytes_of<double>({1e39}))); }, {"image 0 holds inf"});
}

TEST(Images, OtherTypesAndShapesAreRefused) {
    const auto refused = [](const std::string& bytes, const std::vector<std::string>& parts) {
        expect_input_error([&] { return dataset_of(bytes).quantized(0, {}, input({1, 1, 1})); }, parts);
    };
    refused(npy("<i8", "1, 1", bytes_of<std::int64_t>({1})), {"holds int64 values, expected uint8, int8, float32"});
    refused(npy("<u2", "1, 1, 1", "ab"), {"holds uint16 values"});
    refused(npy("|u1", "1,", "a"), {"rank 1, expected images of rank 2"});
    std::string many;
    many.resize(67108865, 'x');
    refused(npy("|u1", "1, 67108865", many),
            {"images of 67108865 values each (1 x 67108865) are too large (allowed: up to 67108864)"});
}

TEST(PerChannel, MeanAndDeviationInFloat32) {
    const Dataset dataset = dataset_of(npy("|u1", "1, 3, 1, 2", std::string("\x00\x64\x0a\xff\x80\x81", 6)));
    Preprocessing preprocessing;
    preprocessing.mean = {0.485, 0.456, 0.406};
    preprocessing.deviation = {0.229, 0.224, 0.225};
    const float step = 0.02F;
    const Quantization quantization{true, 8, -3, step};
    const Bytes found = dataset.quantized(0, preprocessing, input({3, 1, 2}, quantization));
    const Floats pixels = {0, 100, 10, 255, 128, 129};
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        const double exact = (pixels[i] / 255.0 - preprocessing.mean[i / 2]) / preprocessing.deviation[i / 2] / step;
        ASSERT_GT(std::abs(exact - std::floor(exact) - 0.5), 1e-3) << "too near a tie for float64 to tell";
        const double expected = std::clamp(std::nearbyint(exact) - 3, -128.0, 127.0);
        EXPECT_EQ(static_cast<std::int8_t>(found[i]), static_cast<int>(expected)) << i;
    }
    // The same values as real numbers, and so many channels that no tables are made.
    const Dataset real = dataset_of(npy("<f4", "1, 3, 1, 2", bytes_of(pixels)));
    preprocessing.scale = 1.0 / 255;
    EXPECT_EQ(real.quantized(0, preprocessing, input({3, 1, 2}, quantization)), found);
    Preprocessing wide = as_is();
    for (int c = 0; c < 100; ++c) wide.mean.push_back(c == 0 ? 0 : -c);
    wide.mean.erase(wide.mean.begin());
    const Bytes many = dataset_of(npy("|u1", "1, 100", sequence(100))).quantized(0, wide, input({100, 1, 1}));
    for (int c = 0; c < 100; ++c) EXPECT_EQ(many[static_cast<std::size_t>(c)], 2 * c);
}

TEST(PerChannel, ListsHaveOneValueForEachChannel) {
    const Dataset dataset = dataset_of(npy("|u1", "1, 3, 1, 1", "abc"));
    Preprocessing preprocessing = as_is();
    preprocessing.mean = {1, 2};
    expect_input_error(
        [&] {
            return dataset.quantized(0, preprocessing, input({3, 1, 1}));
        },
        {"preprocessing.mean: 2 values for the network's input 'image' of 3 channels"});
    preprocessing.mean = {1};
    preprocessing.deviation = {1, 2, 3, 4};
    expect_input_error(
        [&] {
            return dataset.quantized(0, preprocessing, input({3, 1, 1}));
        },
        {"preprocessing.deviation: 4 values"});
}

TEST(PerChannel, PaddingIsAZeroOfItsChannel) {
    const Dataset dataset = dataset_of(npy("|u1", "1, 2, 1, 1", "\x05\x06"));
    Preprocessing preprocessing = as_is(Preprocessing::Fit::pad);
    preprocessing.mean = {-1, -2};
    EXPECT_EQ(dataset.quantized(0, preprocessing, input({2, 1, 2})), (Bytes{6, 1, 8, 2}));
}

TEST(InputSteps, FollowThePreprocessingInOrder) {
    NetworkInput steps = input({2, 1, 2});
    steps.steps = {{InputStep::Kind::subtract, {1, 2}},
                   {InputStep::Kind::multiply, {4}},
                   {InputStep::Kind::add, {10, 20}},
                   {InputStep::Kind::divide, {2}}};
    Preprocessing preprocessing = as_is();
    preprocessing.deviation = {0.5};  // pixel * 2
    const std::string pixels = "\x01\x02\x03\x04";
    const Bytes expected = {7, 11, 18, 22};  // ((2p - a) * 4 + b) / 2
    EXPECT_EQ(dataset_of(npy("|u1", "1, 2, 1, 2", pixels)).quantized(0, preprocessing, steps), expected);
    EXPECT_EQ(dataset_of(npy("<f4", "1, 2, 1, 2", bytes_of<float>({1, 2, 3, 4}))).quantized(0, preprocessing, steps),
              expected);
    Network network;
    network.tensors = {steps.tensor};
    network.input_steps = steps.steps;
    EXPECT_EQ(dataset_of(npy("|u1", "1, 2, 1, 2", pixels)).quantized(0, preprocessing, network), expected);
}

TEST(InputSteps, AsText) {
    EXPECT_EQ(steps_text({{InputStep::Kind::subtract, {0.485F, 0.456F, 0.406F}}, {InputStep::Kind::divide, {0.25F}}}),
              "subtract 0.485, 0.456, 0.406; divide 0.25");
    EXPECT_EQ(steps_text({{InputStep::Kind::multiply, {2}}, {InputStep::Kind::add, {1, 2, 3, 4, 5}}}),
              "multiply 2; add 1, 2, 3, 4, ... (5 values)");
}

TEST(Integers, OfTheNetworkAreTakenAsTheyAre) {
    Preprocessing quantized;
    quantized.quantized = true;
    const Quantization narrow{true, 4, -3, 0.37F};  // -8..7
    const Dataset dataset = dataset_of(npy("|i1", "2, 1, 2", "\xf8\x07\x01\xf7"));
    EXPECT_EQ(dataset.quantized(0, quantized, input({1, 1, 2}, narrow)), (Bytes{0xf8, 7}));
    EXPECT_EQ(dataset.quantized(0, quantized, input({1, 1, 4}, narrow)), (Bytes{0xfd, 0xf8, 7, 0xfd}));  // zero points
    expect_input_error(
        [&] {
            return dataset.quantized(1, quantized, input({1, 1, 2}, narrow));
        },
        {"value 1 of image 1 is -9, which the network's input 'image' cannot be (allowed: -8..7)"});
    // Unsigned bytes for a signed input, and the other way round, as long as the values agree.
    const Dataset pixels = dataset_of(npy("|u1", "1, 2", "\x7f\x80"));
    expect_input_error(
        [&] {
            return pixels.quantized(0, quantized, input({2, 1, 1}, {true, 8, 0, 1}));
        },
        {"value 1 of image 0 is 128", "allowed: -128..127"});
    EXPECT_EQ(pixels.quantized(0, quantized, input({2, 1, 1})), (Bytes{0x7f, 0x80}));
    expect_input_error([&] { return dataset.quantized(0, quantized, input({1, 1, 2})); }, {"is -8", "allowed: 0..255"});
}

TEST(Integers, RuleOutWhatWouldMakeOthersOfThem) {
    Preprocessing quantized;
    quantized.quantized = true;
    const Dataset real = dataset_of(npy("<f4", "1, 1", bytes_of<float>({1})));
    expect_input_error(
        [&] {
            return real.quantized(0, quantized, input({1, 1, 1}));
        },
        {"preprocessing.quantized: ", "holds float32 values, expected uint8 or int8"});
    const Dataset bytes = dataset_of(npy("|u1", "1, 1, 1", "a"));
    NetworkInput steps = input({1, 1, 1});
    steps.steps = {{InputStep::Kind::add, {1}}};
    expect_input_error([&] { return bytes.quantized(0, quantized, steps); },
                       {"preprocessing.quantized: the network does arithmetic on its input 'image'"});
    quantized.fit = Preprocessing::Fit::resize;
    expect_input_error(
        [&] {
            return bytes.quantized(0, quantized, input({1, 2, 2}));
        },
        {"preprocessing.fit: resize makes values between the integers"});
}

TEST(UnusedDataKeys, AreThoseWithoutEffect) {
    const auto keys = [](const std::vector<int>& extents, bool quantized, bool is_integer) {
        Preprocessing preprocessing;
        preprocessing.quantized = quantized;
        NetworkInput of_network = input({1, 1, 1});
        of_network.is_integer = is_integer;
        std::string found;
        for (const UnusedKey& unused : unused_data_keys({"", {}, extents}, preprocessing, of_network)) {
            found += std::string(unused.key.substr(std::string_view("preprocessing.").size())) + " ";
        }
        return found;
    };
    EXPECT_EQ(keys({1, 1}, false, false), "layout quantized ");
    EXPECT_EQ(keys({1, 1, 1}, false, false), "quantized ");
    EXPECT_EQ(keys({1, 1, 1}, false, true), "");
    EXPECT_EQ(keys({1, 1, 1}, true, false), "scale mean deviation ");
    EXPECT_EQ(keys({1, 1, 1}, true, true), "scale mean deviation ");
}

/// 1001 images of three values, of which the last are 1, 2, 3.
void expect_the_same_held_and_asked_for(const std::string& bytes, std::int64_t size) {
    const TemporaryFile file(bytes);
    const Dataset held = DatasetFiles(file.path(), "").read();
    const Dataset asked = DatasetFiles(file.path(), "").read(size - 1);
    EXPECT_EQ((std::pair{held.is_held(), asked.is_held()}), (std::pair{true, false}));
    EXPECT_EQ(held.images().digest, asked.images().digest);
    for (const Dataset* dataset : {&asked, &held}) {
        EXPECT_EQ(dataset->quantized(1000, {}, input({3, 1, 1})), (Bytes{1, 2, 3}));
        EXPECT_EQ(dataset->quantized(999, {}, input({3, 1, 1})), (Bytes{0, 0, 0}));
    }
    expect_input_error([&] { return asked.quantized(1001, {}, input({3, 1, 1})); }, {"no image 1001"});
}

TEST(ManyImages, AreReadWhenTheyAreAskedFor) {
    const std::string values = bytes_of(Floats(3000, 0)) + bytes_of<float>({1, 2, 3});
    const std::string bytes = npy("<f4", "1001, 3", values);
    expect_the_same_held_and_asked_for(bytes, static_cast<std::int64_t>(values.size()));
    expect_the_same_held_and_asked_for(gzipped(bytes), static_cast<std::int64_t>(values.size()));
}

TEST(ManyImages, AreRefusedBeforeTheFirstIsUsed) {
    const std::string sound = npy("|u1", "1000, 3", std::string(3000, 'x'));
    std::string cut = gzipped(npy("|u1", "1000, 3", std::string(2999, 'x')));
    expect_input_error([&] { return dataset_of(cut, 0); }, {"holds 2999 values, expected 3000 (1000 x 3)"});
    cut = gzipped(sound);
    cut.resize(cut.size() - 4);
    expect_input_error([&] { return dataset_of(cut, 0); }, {"the gzip stream is cut short"});
    expect_input_error([&] { return dataset_of(sound + "x", 0); }, {"bytes follow the 3000 values"});
}

}  // namespace
}  // namespace widthwise::test
