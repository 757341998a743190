// SPDX-License-Identifier: Apache-2.0
// Ties that tell ONNX Runtime's kernels from the operators' definition: one value each, in both modes and both engines.
#include <gtest/gtest.h>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

struct Tie {
    const char* name;   ///< of the graph in tests/goldens/fidelity
    const char* scale;  ///< of its pixels
    int by_runtime;     ///< as ONNX Runtime 1.30 stores it
    int by_definition;
};
std::ostream& operator<<(std::ostream& out, const Tie& tie) { return out << tie.name; }

class Fidelity : public testing::TestWithParam<Tie> {};

TEST_P(Fidelity, StoresTheStatedValue) {
    const Tie& tie = GetParam();
    const std::string graph = test::repository(std::string("tests/goldens/fidelity/") + tie.name);
    for (const auto& [mode, expected] : {std::pair{"float32", tie.by_runtime}, std::pair{"onnx", tie.by_definition}}) {
        for (const char* engine : {"fast", "systemc"}) {
            const test::TemporaryFolder folder;
            const std::string config = folder.write(
                "tie.yaml", "name: tie\nnetwork: " + graph + ".onnx\nimages: " + graph +
                                ".idx\npreprocessing: {fit: none, scale: " + tie.scale +
                                "}\naccumulator: {bits: 32, overflow: wrap}\nrequantization: {mode: " + mode + "}\n");
            const test::ToolResult run = test::run_tool({"run", config, "--engine", engine, "--images", "0:1",
                                                         "--quiet", "--dump-layers", folder.path("layers")});
            ASSERT_EQ(run.status, 0) << run.err;
            const std::string listed = test::read_file(folder.path("layers/layers.json"));
            const std::size_t end = listed.rfind(".npy") + 4;
            const std::size_t begin = listed.rfind('"', end - 1) + 1;
            const std::string values = test::read_file(folder.path("layers/" + listed.substr(begin, end - begin)));
            EXPECT_EQ(static_cast<int>(static_cast<signed char>(values.back())), expected) << mode << ' ' << engine;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Ties, Fidelity,
                         testing::Values(Tie{"add_tie_relu", "1", 5, 5}, Tie{"add_tie_uint8", "1", 4, 5},
                                         Tie{"avgpool_int8", "0.1", 6, 7}, Tie{"avgpool_odd_zero_point", "1", 5, 5}),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

}  // namespace
}  // namespace widthwise
