// SPDX-License-Identifier: Apache-2.0
// The shipped networks keep what their names and records promise, over all images of their test sets.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "engine/fast/fast_engine.h"
#include "kit/file_text.h"
#include "network/onnx_import.h"
#include "system/simulation.h"

namespace widthwise::test {
namespace {

struct Score {
    double percent = 0;
    OverflowCounts overflow;
};

Score score(Workload& workload, int bits) {
    workload.hardware().accumulator.format.bits = bits;
    FastEngine engine(workload.network, workload.hardware(), 2);
    const bool is_signed =
        workload.network.tensors[static_cast<std::size_t>(workload.network.output)].quantization.is_signed;
    const int images = workload.dataset.size();
    int correct = 0;
    const RunRecord record =
        engine.run(0, images, workload.source(), [&](int image, std::span<const std::uint8_t> output) {
            correct += best_class({output.begin(), output.end()}, is_signed) == workload.dataset.label(image) ? 1 : 0;
        });
    return {100.0 * correct / images, record.total().overflow};
}

struct Promise {
    const char* model;
    int bits;         ///< of all accumulators
    bool guaranteed;  ///< no input whatever overflows; else: as accurate as with 32 bits on the test images
    double percent;
};
std::ostream& operator<<(std::ostream& out, const Promise& promise) { return out << promise.model; }

class Zoo : public testing::TestWithParam<Promise> {};

TEST_P(Zoo, KeepsItsPromise) {
    const Promise& promise = GetParam();
    Workload workload("widthwise-8x8.yaml");
    workload.network = import_onnx(repository(std::string("models/lenet5-") + promise.model + ".onnx"));
    const Score narrow = score(workload, promise.bits);
    EXPECT_GE(narrow.percent, promise.percent);
    EXPECT_EQ(narrow.percent, score(workload, 32).percent);
    if (!promise.guaranteed) return;
    EXPECT_EQ(narrow.overflow.events, 0U);
    for (const Operator& op : workload.network.operators) {
        EXPECT_LE(worst_case_accumulator_bits(workload.network, op).l1, promise.bits) << op.name;
    }
}

INSTANTIATE_TEST_SUITE_P(Models, Zoo,
                         testing::Values(Promise{"guaranteed12", 12, true, 99.2},
                                         Promise{"guaranteed10", 10, true, 99.0},
                                         Promise{"guaranteed8", 8, true, 98.53}, Promise{"guaranteed7", 7, true, 98.53},
                                         Promise{"guaranteed6", 6, true, 98.5}, Promise{"guaranteed5", 5, true, 98.0},
                                         Promise{"lossless10", 10, false, 99.3}, Promise{"lossless8", 8, false, 99.0},
                                         Promise{"lossless7", 7, false, 99.0}),
                         [](const auto& tested) { return std::string(tested.param.model); });

TEST(ShippedNetworks, ReachTheAccuracyOfTheirRecords) {
    const auto percent = [](const std::string& config, const std::string& model) {
        Workload workload(config);
        if (!model.empty()) workload.network = import_onnx(repository("models/" + model));
        return score(workload, 32).percent;
    };
    EXPECT_GE(percent("widthwise-8x8.yaml", "lenet5.onnx"), 99.3);
    EXPECT_GE(percent("widthwise-8x8.yaml", "lenet5-qat.onnx"), 99.3);
    EXPECT_GE(percent("course-network.yaml", ""), 98.5);
    EXPECT_GE(percent("fashion-lenet5.yaml", ""), 90.5);  // of the 6,000 images that are shipped
    EXPECT_GE(percent("fashion-resnet.yaml", ""), 91.5);
    EXPECT_GE(percent("fashion-resnet8.yaml", ""), 92.5);
}

}  // namespace
}  // namespace widthwise::test
