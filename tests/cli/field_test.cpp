// SPDX-License-Identifier: Apache-2.0
// Every field of `inspect --json` and `check --json` on LeNet-5, against its definition.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "data/dataset.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "network/network.h"
#include "network/onnx_import.h"
#include "results/fields.h"

namespace widthwise {
namespace {

using test::Json;

/// LeNet-5 as its paper has it; 8-bit operands.
struct Lenet5Layer {
    const char* name;
    const char* kind;
    std::vector<int> input, output;  ///< channels, height, width
    int kernel;                      ///< 0: none
    int stride;
};
const std::vector<Lenet5Layer> kLenet5 = {
    {"c1", "convolution", {1, 32, 32}, {6, 28, 28}, 5, 1},   {"s2", "max pool", {6, 28, 28}, {6, 14, 14}, 2, 2},
    {"c3", "convolution", {6, 14, 14}, {16, 10, 10}, 5, 1},  {"s4", "max pool", {16, 10, 10}, {16, 5, 5}, 2, 2},
    {"c5", "convolution", {16, 5, 5}, {120, 1, 1}, 5, 1},    {"f6", "fully connected", {120, 1, 1}, {84, 1, 1}, 0, 1},
    {"out", "fully connected", {84, 1, 1}, {10, 1, 1}, 0, 1}};

int elements(const std::vector<int>& shape) { return shape[0] * shape[1] * shape[2]; }

Json tensor_json(const Tensor& tensor, const std::vector<int>& shape) {
    return {{"name", tensor.name},
            {"shape", shape},
            {"bytes", elements(shape)},
            {"signed", tensor.quantization.is_signed},
            {"bits", 8},
            {"scale", tensor.quantization.scale},
            {"zero_point", tensor.quantization.zero_point}};
}

TEST(InspectFields, OfLenet5) {
    const std::string model = test::repository("models/lenet5.onnx");
    const Network network = import_onnx(model);
    Json expected = {{"name", network.name}, {"file", model}, {"md5", md5_of_file(model)}};
    expected["input"] = tensor_json(network.tensors[0], {1, 32, 32});
    int parameters = 0, macs = 0;
    for (std::size_t l = 0; l < kLenet5.size(); ++l) {
        const Lenet5Layer& layer = kLenet5[l];
        const Operator& op = network.operators[l];
        const bool sums = std::string(layer.kind) == "convolution" || layer.kernel == 0;
        const bool has_bias = l + 1 == kLenet5.size();  // the others were trained without
        const int taps = layer.kernel == 0 ? layer.input[0] : layer.input[0] * layer.kernel * layer.kernel;
        Json json = {{"name", op.name},
                     {"kind", layer.kind},
                     {"input", tensor_json(network.tensors[static_cast<std::size_t>(op.input)], layer.input)},
                     {"output", tensor_json(network.tensors[static_cast<std::size_t>(op.output)], layer.output)},
                     {"function", sums && l + 1 < kLenet5.size() ? "ReLU" : "none"},
                     {"clamp", {op.clamp_low, op.clamp_high}},
                     {"parameters", sums ? taps * layer.output[0] + (has_bias ? layer.output[0] : 0) : 0},
                     {"macs", sums ? taps * elements(layer.output) : 0}};
        if (layer.kernel > 0) {
            json["window"] = {{"kernel", {layer.kernel, layer.kernel}},
                              {"stride", {layer.stride, layer.stride}},
                              {"dilation", {1, 1}},
                              {"pads", {0, 0, 0, 0}}};
        }
        if (sums) {
            json["weights"] = {{"groups", 1}, {"bits", 8}, {"scales", op.weights.scales}, {"bias", has_bias}};
            const WorstCaseBits worst = worst_case_accumulator_bits(network, op);
            json["accumulator_bits"] = {{"l1_bound", worst.l1}, {"data_type_bound", worst.data_type}};
        }
        parameters += json["parameters"].get<int>();
        macs += json["macs"].get<int>();
        expected["layers"].push_back(json);
    }
    expected["total"] = {{"parameters", parameters}, {"macs", macs}};
    test::expect_json(Json::parse(test::run_tool({"inspect", model, "--json"}).out), expected);
    // Measured psums are those of a run whose accumulators hold them all.
    const std::string config = "configs/widthwise-8x8.yaml";
    const Json measured = Json::parse(test::run_tool({"inspect", config, "--images", "0:3", "--json"}).out);
    const Json run = Json::parse(
        test::run_tool({"run", config, "--images", "0:3", "--accumulator", "48", "--engine", "fast", "--json"}).out);
    test::Fields fields;
    for (const Json& layer : run["layers"]) {
        if (!layer.contains("accumulator") || layer["accumulator"].is_null()) continue;
        fields[layer["name"].get<std::string>()] = {layer["accumulator"]["bits_needed"],
                                                    layer["accumulator"]["psums"]["min"],
                                                    layer["accumulator"]["psums"]["max"]};
    }
    ASSERT_EQ(fields.size(), 5U);
    for (std::size_t l = 0; l < kLenet5.size(); ++l) {
        const auto found = fields.find(network.operators[l].name);
        if (found == fields.end()) continue;
        Json& layer = expected["layers"][l];
        layer["accumulator_bits"]["measured"] = found->second[0];
        layer["psums"] = {{"min", found->second[1]}, {"max", found->second[2]}};
    }
    expected["file"] = measured["file"];  // as the configuration has it
    test::expect_json(measured, expected);
}

TEST(CheckFields, OfLenet5) {
    const test::TemporaryFolder folder;
    const std::string config = folder.write(
        "tiny.yaml", fmt::format("name: tiny\nnetwork: {}\nimages: {}\nenergy: {{table: course}}\n"
                                 "accumulator: {{bits: 19, layers: {{f6: 17}}}}\npooling: {{rounding: floor}}\n",
                                 test::repository("models/lenet5.onnx"),
                                 test::repository("traces/mnist/t10k-images-idx3-ubyte.gz")));
    Json expected = {{"ok", true},      {"accelerator", "tiny"}, {"network", test::repository("models/lenet5.onnx")},
                     {"images", 10000}, {"labels", false},       {"energy_table", "course"}};
    const Network network = import_onnx(test::repository("models/lenet5.onnx"));
    for (const int l : {0, 2, 4, 5, 6}) {
        const std::string& name = network.operators[static_cast<std::size_t>(l)].name;
        expected["layers"].push_back({{"name", name}, {"accumulator_bits", l == 5 ? 17 : 19}});
    }
    // Weights with 9 bytes of parameters per channel; the largest input and output of one layer (c1 with its pool: s2);
    // in the line buffer 6 rows (kernel and stride) of 32 pixels, 6 of 6 x 14, 5 of 16 x 5, or two vectors of 120.
    const int weights = 25 * 6 + 150 * 16 + 400 * 120 + 120 * 84 + 84 * 10 + 9 * (6 + 16 + 120 + 84 + 10);
    const int maps = 32 * 32 + 6 * 14 * 14;
    const int lines = std::max({6 * 32, 6 * 6 * 14, 5 * 16 * 5, 2 * 120});
    // What moves nothing twice: maps as they are used; c3 reads five rows of 6 x 14 at once. In the pool one row of 14
    // windows of 6 channels in c1, of 5 windows of 8 channels in c3.
    const auto buffer = [](const char* name, int used, const Json& bytes, int smallest) {
        return Json{{"name", name}, {"used_bytes", used}, {"bytes", bytes}, {"smallest_bytes", smallest}};
    };
    expected["buffers"] = {
        buffer("weight buffer", weights, 131072, weights), buffer("activation buffer", maps, 65536, maps),
        buffer("line buffer", lines, 8192, 5 * 6 * 14), buffer("pool row buffer", 6 * 14, "auto", 6 * 14)};
    // Each row of a layer's input passes once for each tile of 8 channels: of s2 twice, the vectors 15, 11 and 2 times.
    const int filled = 32 * 32 + 2 * 6 * 14 * 14 + 15 * 400 + 11 * 120 + 2 * 84;
    expected["traffic"] = {
        {"setup_dram_bytes", weights},
        {"batch_dram_read_bytes", 32 * 32},
        {"batch_dram_written_bytes", 10},
        {"batch_line_buffer_bytes", filled},
        {"with_smallest_buffers", {{"batch_dram_bytes", 32 * 32 + 10}, {"batch_line_buffer_bytes", filled}}}};
    expected["keys_without_effect"].push_back(
        {{"key", "pooling.rounding"}, {"reason", "no layer is an average pool that divides"}});
    test::expect_json(Json::parse(test::run_tool({"check", config, "--json"}).out), expected);
}

}  // namespace
}  // namespace widthwise
