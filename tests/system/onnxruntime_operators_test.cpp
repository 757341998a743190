// SPDX-License-Identifier: Apache-2.0
// Every graph of tests/goldens/operators, exporters and kernels through both engines, with ONNX Runtime's arithmetic, and
// some also as ONNX defines their operators.
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

/// A graph and one of the answers to it.
struct GoldenCase {
    std::string name;    ///< of the graph, with its folder
    std::string answer;  ///< "NAME.ANSWER.idx.gz" holds it
    RequantMode mode;
    friend std::ostream& operator<<(std::ostream& out, const GoldenCase& golden) {
        return out << golden.name << '.' << golden.answer;
    }
};

std::vector<GoldenCase> cases() {
    std::vector<GoldenCase> found;
    for (const std::string folder : {"operators/", "exporters/", "kernels/"}) {
        for (const auto& entry : std::filesystem::directory_iterator(golden_path(folder))) {
            if (entry.path().extension() != ".onnx") continue;
            const std::string name = folder + entry.path().stem().string();
            for (const std::string answer : {"output", "classes", "runtime"}) {
                if (std::filesystem::exists(golden_path(name + "." + answer + ".idx.gz")))
                    found.push_back({name, answer, RequantMode::float32});
            }
            if (std::filesystem::exists(golden_path(name + ".definition.idx.gz")))
                found.push_back({name, "definition", RequantMode::onnx});
        }
    }
    std::sort(found.begin(), found.end(), [](const GoldenCase& a, const GoldenCase& b) {
        return std::pair(a.name, a.answer) < std::pair(b.name, b.answer);
    });
    return found;
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

class OnnxruntimeOperators : public testing::TestWithParam<std::tuple<GoldenCase, Variant>> {};

TEST_P(OnnxruntimeOperators, SameOutputs) {
    const auto& [golden, variant] = GetParam();
    const std::string& name = golden.name;
    const std::string chosen = name == "exporters/two_outputs" ? "dequantizelinear28" : "";
    const Network network = import_onnx(golden_path(name + ".onnx"), chosen);
    const bool has_classes = golden.answer == "classes";
    const IdxTensor input = read_idx(golden_path(name + ".input.idx.gz"));
    const IdxTensor output = read_idx(golden_path(name + "." + golden.answer + ".idx.gz"));
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
    hardware.requant.mode = golden.mode;
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
                             const GoldenCase& golden = std::get<0>(parameters.param);
                             std::string name = golden.name;
                             std::replace(name.begin(), name.end(), '/', '_');
                             if (golden.mode == RequantMode::onnx) name += "_by_definition";
                             return name + "_" + std::get<1>(parameters.param).name;
                         });

TEST(OnnxruntimeOperatorCases, AllAreThere) { EXPECT_EQ(cases().size(), 134U + 3U + 2 * 60U); }

}  // namespace
}  // namespace widthwise::test
