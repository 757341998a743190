// SPDX-License-Identifier: Apache-2.0
// Time of the fast engine for all 10,000 LeNet-5 test images, by accumulator width and threads. Asserts nothing.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "config/run_config.h"
#include "data/dataset.h"
#include "engine/fast/fast_engine.h"
#include "network/onnx_import.h"

namespace {

using namespace widthwise;

struct Fixture {
    RunConfig config = load_run_config(std::string(WIDTHWISE_SOURCE_DIR) + "/configs/widthwise-8x8.yaml");
    Network network = import_onnx(config.network);
    std::vector<std::vector<std::uint8_t>> images;

    Fixture() {
        const Dataset data = Dataset::load(config.images, config.labels);
        for (int i = 0; i < data.size(); ++i) {
            images.push_back(
                data.quantized(i, config.preprocessing, network.tensors[static_cast<std::size_t>(network.input)]));
        }
    }
};

void run_images(benchmark::State& state) {
    static const Fixture kFixture;
    HardwareParams hardware = kFixture.config.hardware;
    hardware.accumulator.format.bits = static_cast<int>(state.range(0));
    FastEngine engine(kFixture.network, hardware, static_cast<int>(state.range(1)));
    const int images = static_cast<int>(kFixture.images.size());
    for (auto _ : state) {
        RunRecord record = engine.run(
            0, images, [&](int i) { return kFixture.images[static_cast<std::size_t>(i)]; },
            [](int, std::span<const std::uint8_t> output) { benchmark::DoNotOptimize(output.data()); });
        benchmark::DoNotOptimize(record);
    }
    state.SetItemsProcessed(state.iterations() * images);
}

BENCHMARK(run_images)
    ->ArgNames({"bits", "threads"})
    ->ArgsProduct({{32, 18, 16, 14, 12}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
