// SPDX-License-Identifier: Apache-2.0
// Models that are nearly sound: imported or refused with a reason, never anything else; and what is imported runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "common/error.h"
#include "config/hardware.h"
#include "engine/fast/fast_engine.h"
#include "kit/environment.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "network/graph_mutator.h"
#include "network/network.h"
#include "network/onnx_builder.h"
#include "network/onnx_import.h"

namespace widthwise::test {
namespace {

std::vector<onnx::ModelProto> seeds() {
    std::vector<std::filesystem::path> paths;
    for (const std::string folder : {"exporters", "operators"}) {
        const std::filesystem::path goldens = std::filesystem::path(WIDTHWISE_SOURCE_DIR) / "tests/goldens" / folder;
        for (const auto& entry : std::filesystem::directory_iterator(goldens)) {
            if (entry.path().extension() == ".onnx") paths.push_back(entry.path());
        }
    }
    std::sort(paths.begin(), paths.end());
    std::vector<onnx::ModelProto> models(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
        EXPECT_TRUE(models[i].ParseFromString(read_file(paths[i]))) << paths[i];
    }
    return models;
}

/// The command line's question "imported, or refused with exit status 2".
bool imports_and_runs(const std::string& path) {
    Network network;
    try {
        network = import_onnx(path);
    } catch (const InputError&) {
        return false;
    }
    std::int64_t work = 0;
    for (const Operator& op : network.operators) {
        work +=
            multiply_accumulates(network, op) + network.tensors[static_cast<std::size_t>(op.output)].shape.elements();
    }
    if (work > 3'000'000) return true;
    HardwareParams hardware;
    hardware.line_buffer.bytes = hardware.activation_buffer.bytes = hardware.weight_buffer.bytes = 1 << 24;
    const Tensor& input = network.tensors[static_cast<std::size_t>(network.input)];
    try {
        FastEngine engine(network, hardware, 1);
        engine.run(
            0, 1, [&](int) { return std::vector<std::uint8_t>(static_cast<std::size_t>(input.shape.elements()), 1); },
            [](int, std::span<const std::uint8_t>) {});
    } catch (const InputError&) {  // no hardware for it
    }
    return true;
}

TEST(MutatedModels, AreImportedOrRefused) {
    constexpr std::uint64_t kCases = 4000;
    const std::uint64_t seed = from_environment("WIDTHWISE_SEED", 1);
    const auto cases = static_cast<int>(from_environment("WIDTHWISE_CASES", kCases));
    GraphMutator mutator(seeds(), seed);
    int imported = 0;
    for (int i = 0; i < cases; ++i) {
        const onnx::ModelProto model = mutator.next();
        const TemporaryFile file(model.SerializeAsString());
        try {
            imported += imports_and_runs(file.path()) ? 1 : 0;
        } catch (const std::exception& error) {
            const std::string kept = fmt::format("{}mutated-{}-{}.onnx", ::testing::TempDir(), seed, i);
            std::ofstream(kept, std::ios::binary) << model.SerializeAsString();
            ADD_FAILURE() << "case " << i << " (" << mutator.history() << ", kept as " << kept << "): " << error.what();
        }
    }
    // Both happen often, or the mutator is of no use.
    EXPECT_GT(imported, cases / 10);
    EXPECT_LT(imported, cases * 9 / 10);
}

}  // namespace
}  // namespace widthwise::test
