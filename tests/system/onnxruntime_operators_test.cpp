// SPDX-License-Identifier: Apache-2.0
// Every graph of tests/goldens/operators and exporters through both engines, with ONNX Runtime's arithmetic.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "engine/fast/fast_engine.h"
#include "kit/file_text.h"
#include "network/onnx_import.h"
#include "results/classifier.h"
#include "system/simulation.h"

namespace widthwise::test {
namespace {

std::string golden_path(const std::string& name) { return repository("tests/goldens/" + name); }

std::vector<std::string> cases() {
    std::vector<std::string> names;
    for (const std::string folder : {"operators/", "exporters/"}) {
        for (const auto& entry : std::filesystem::directory_iterator(golden_path(folder))) {
            if (entry.path().extension() == ".onnx") names.push_back(folder + entry.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

struct Variant {
    const char* name;
    Mapping mapping;
    Interconnect interconnect;
    int batch;
};
constexpr Variant kVariants[] = {
    {"row", Mapping::row, Interconnect::broadcast, 1},
    {"flat", Mapping::flat, Interconnect::broadcast, 3},  // of the 4 images: batches of 3 and 1
    {"systolic", Mapping::row, Interconnect::systolic, 4},
    {"flat_systolic", Mapping::flat, Interconnect::systolic, 2},
};
std::ostream& operator<<(std::ostream& out, const Variant& variant) { return out << variant.name; }

class OnnxruntimeOperators : public testing::TestWithParam<std::tuple<std::string, Variant>> {};

TEST_P(OnnxruntimeOperators, SameOutputs) {
    const auto& [name, variant] = GetParam();
    const std::string chosen = name == "exporters/two_outputs" ? "dequantizelinear28" : "";
    const Network network = import_onnx(golden_path(name + ".onnx"), chosen);
    const bool has_classes = std::filesystem::exists(golden_path(name + ".classes.idx.gz"));
    const IdxTensor input = read_idx(golden_path(name + ".input.idx.gz"));
    const IdxTensor output = read_idx(golden_path(name + (has_classes ? ".classes.idx.gz" : ".output.idx.gz")));
    const Tensor& in = network.tensors[static_cast<std::size_t>(network.input)];
    const Tensor& out = network.tensors[static_cast<std::size_t>(network.output)];
    const auto dimensions = [](const Shape& s) { return std::vector<int>{4, s.channels, s.height, s.width}; };
    ASSERT_EQ(input.dimensions, dimensions(in.shape));
    ASSERT_EQ(input.is_signed, in.quantization.is_signed);
    if (!has_classes) {
        ASSERT_EQ(static_cast<std::int64_t>(output.values.size()), 4 * out.shape.elements());
        ASSERT_EQ(output.is_signed, out.quantization.is_signed);
    }

    HardwareParams hardware;
    compute_as_onnxruntime(hardware);
    hardware.array.mapping = variant.mapping;
    hardware.array.interconnect = variant.interconnect;
    hardware.batch = variant.batch;
    SystemcEngine engine(network, hardware);
    const auto image_of = [](const IdxTensor& tensor, int image) {
        const auto bytes = static_cast<std::ptrdiff_t>(tensor.values.size() / 4);
        return Bytes(tensor.values.begin() + image * bytes, tensor.values.begin() + (image + 1) * bytes);
    };
    const ImageSource source = [&](int image) { return image_of(input, image); };
    const Results results = run(engine, 0, 4, source);
    ASSERT_EQ(results.outputs.size(), 4U);
    FastEngine fast(network, hardware, 1);
    std::vector<Bytes> of_fast;
    fast.run(0, 4, source,
             [&](int, std::span<const std::uint8_t> bytes) { of_fast.emplace_back(bytes.begin(), bytes.end()); });
    EXPECT_EQ(of_fast, results.outputs) << "the engines differ";
    const Classifier class_of(network);
    for (int image = 0; image < 4; ++image) {
        if (has_classes) {
            EXPECT_EQ(class_of(results.outputs[static_cast<std::size_t>(image)]),
                      output.values[static_cast<std::size_t>(image)])
                << "image " << image;
            continue;
        }
        const Bytes expected = image_of(output, image);
        ASSERT_FALSE(expected.empty());
        EXPECT_EQ(results.outputs[static_cast<std::size_t>(image)], expected) << "image " << image;
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, OnnxruntimeOperators,
                         testing::Combine(testing::ValuesIn(cases()), testing::ValuesIn(kVariants)),
                         [](const auto& parameters) {
                             std::string name = std::get<0>(parameters.param);
                             std::replace(name.begin(), name.end(), '/', '_');
                             return name + "_" + std::get<1>(parameters.param).name;
                         });

TEST(OnnxruntimeOperatorCases, AllAreThere) { EXPECT_EQ(cases().size(), 134U); }

}  // namespace
}  // namespace widthwise::test
