// SPDX-License-Identifier: Apache-2.0
// Time to compile a real network for the default accelerator and to model its cycles. Asserts nothing.
#include <benchmark/benchmark.h>

#include "engine/real_networks.h"
#include "schedule/compile.h"
#include "schedule/schedule_model.h"

namespace {

using namespace widthwise;

struct Case {
    Network (*make)(int side);
    int side;
};

void compile_network(benchmark::State& state, const Case& network_of) {
    const Network network = network_of.make(network_of.side);
    for (auto _ : state) {
        const Schedule schedule = compile(network, {}, 1);
        benchmark::DoNotOptimize(schedule.layers.data());
    }
}

void model_network(benchmark::State& state, const Case& network_of) {
    const Network network = network_of.make(network_of.side);
    const Schedule schedule = compile(network, {}, 1);
    for (auto _ : state) {
        const RunRecord record = model_schedule(schedule);
        benchmark::DoNotOptimize(record.layers.data());
    }
}

BENCHMARK_CAPTURE(compile_network, resnet18, Case{test::resnet18, 224})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(model_network, resnet18, Case{test::resnet18, 224})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(compile_network, mobilenet_v2, Case{test::mobilenet_v2, 96})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(model_network, mobilenet_v2, Case{test::mobilenet_v2, 96})->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
