// SPDX-License-Identifier: Apache-2.0
// The independent check: with 32-bit accumulators and float32 half-to-even requantization every value of every layer of
// LeNet-5 is the one that ONNX Runtime computed (tests/goldens/lenet5).
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <vector>

#include "kit/file_text.h"
#include "system/simulation.h"

namespace widthwise::test {
namespace {

/// Compares the values an engine reports with the goldens of each operator.
class GoldenLayers {
public:
    explicit GoldenLayers(const Network& network) {
        for (const Operator& op : network.operators) {
            std::string name = op.name;
            std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
            layers_.push_back({name, read_idx(repository("tests/goldens/lenet5/" + name + ".idx.gz")), {}, 0, 0});
            Layer& layer = layers_.back();
            const Tensor& tensor = network.tensors[static_cast<std::size_t>(op.output)];
            const Shape& shape = tensor.shape;
            EXPECT_EQ(layer.golden.dimensions, (std::vector<int>{100, shape.channels, shape.height, shape.width}));
            EXPECT_EQ(layer.golden.is_signed, tensor.quantization.is_signed);
            layer.seen.assign(layer.golden.values.size(), false);
        }
    }

    void compare(int op, int image, int channel, int pixel, int value) {
        Layer& layer = layers_.at(static_cast<std::size_t>(op));
        const std::vector<int>& d = layer.golden.dimensions;
        const auto at = static_cast<std::size_t>((image * d[1] + channel) * d[2] * d[3] + pixel);
        const std::uint8_t byte = layer.golden.values.at(at);
        const int golden = layer.golden.is_signed ? static_cast<std::int8_t>(byte) : int{byte};
        if (layer.seen[at])
            ADD_FAILURE() << layer.name << " reported twice: image " << image << ", channel " << channel << ", pixel "
                          << pixel;
        layer.seen[at] = true;
        ++layer.compared;
        if (value == golden || ++layer.different > 5) return;
        ADD_FAILURE() << layer.name << " image " << image << ", channel " << channel << ", pixel " << pixel
                      << ": actual " << value << ", expected " << golden;
    }

    /// Every value of every layer was there once, and right.
    void expect_complete(int images) const {
        ASSERT_EQ(layers_.size(), 7U);
        std::size_t all = 0;
        for (const Layer& layer : layers_) {
            EXPECT_EQ(layer.different, 0U) << layer.name;
            const std::size_t per_image = layer.golden.values.size() / 100;
            EXPECT_EQ(layer.compared, per_image * static_cast<std::size_t>(images)) << layer.name;
            all += layer.compared;
        }
        // 6x28x28 + 6x14x14 + 16x10x10 + 16x5x5 + 120 + 84 + 10
        EXPECT_EQ(all, 8094U * static_cast<std::size_t>(images));
    }

private:
    struct Layer {
        std::string name;
        IdxTensor golden;
        std::vector<bool> seen;
        std::size_t compared;
        std::size_t different;
    };
    std::vector<Layer> layers_;
};

void expect_goldens(const Workload& workload, int images) {
    GoldenLayers goldens(workload.network);
    SystemcEngine engine(workload.network, workload.config.hardware);
    engine.report_values([&](int op, int image, int channel, int pixel, int value) {
        goldens.compare(op, image, channel, pixel, value);
    });
    const Results results = run(engine, 0, images, workload.source());
    goldens.expect_complete(images);
    EXPECT_EQ(results.outputs.size(), static_cast<std::size_t>(images));
    EXPECT_EQ(results.record.images, static_cast<std::uint64_t>(images));
    // What leaves through DRAM is what the last layer computed.
    const IdxTensor out = read_idx(repository("tests/goldens/lenet5/out.idx.gz"));
    for (int i = 0; i < images; ++i) {
        const auto first = out.values.begin() + i * 10;
        EXPECT_EQ(results.outputs[static_cast<std::size_t>(i)], Bytes(first, first + 10)) << "image " << i;
    }
}

TEST(OnnxruntimeLenet5, EveryValueOfHundredImages) {
    const Workload workload("onnxruntime.yaml");
    ASSERT_EQ(workload.config.hardware.accumulator.format.bits, 32);
    ASSERT_EQ(workload.config.hardware.requant.mode, RequantMode::float32);
    expect_goldens(workload, 100);
}

/// Nothing of the machine's organisation may show in the values.
TEST(OnnxruntimeLenet5, SystolicFlatSinglePortStreamed) {
    Workload workload("onnxruntime.yaml");
    HardwareParams& hardware = workload.hardware();
    hardware.array.interconnect = Interconnect::systolic;
    hardware.array.mapping = Mapping::flat;
    hardware.activation_buffer.ports = 1;
    hardware.weight_buffer.storage = WeightStorage::streamed;
    expect_goldens(workload, 10);
}

TEST(OnnxruntimeLenet5, OddArrayBatchNoShadowOtherOrder) {
    Workload workload("onnxruntime.yaml");
    HardwareParams& hardware = workload.hardware();
    hardware.batch = 4;  // 10 images: a last batch of 2
    hardware.array.rows = 5;
    hardware.array.columns = 3;
    hardware.array.shadow_accumulators = false;
    hardware.array.zero_gating = true;
    hardware.accumulator.order = {TapLoop::channel, TapLoop::column, TapLoop::row};
    hardware.accumulator.bias = BiasMode::requant;
    hardware.requant.lanes = 1;
    hardware.line_buffer.fill_bytes_per_cycle = 3;
    hardware.weight_buffer.bytes_per_cycle = 2;
    hardware.dram = {7, 1};
    expect_goldens(workload, 10);
}

TEST(OnnxruntimeLenet5, WideArray) {
    Workload workload("widthwise-16x16.yaml");
    compute_as_onnxruntime(workload.hardware());
    expect_goldens(workload, 10);
}

}  // namespace
}  // namespace widthwise::test
