// SPDX-License-Identifier: Apache-2.0
// How fast the SystemC engine runs LeNet-5 without tracing: clock cycles and images per second, and peak memory, for
// each shipped kind of array. Each case runs in a process of its own, since SystemC elaborates once per process;
// loading the network and the images and building the modules are not part of the time, which is that of the processor
// (the engine has one thread), so that a shared machine disturbs it less.
//
// example: engine_benchmark --benchmark_filter=widthwise-8x8
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string>
#include <systemc>

#include "system/simulation.h"

namespace widthwise::test {
namespace {

struct Measurement {
    double seconds = 0.0;
    double cycles = 0.0;
    double images = 0.0;
    double peak_mebibytes = 0.0;
};

Measurement measure(const std::string& file, int images) {
    const Workload workload(file);
    SystemcEngine engine(workload.network, workload.config.hardware);
    run(engine, 0, workload.config.hardware.batch, workload.source());  // warm up, weights loaded
    const std::clock_t start = std::clock();
    const Results results = run(engine, 0, images, workload.source());
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return {seconds, static_cast<double>(results.record.total().cycles.total), static_cast<double>(images),
            static_cast<double>(usage.ru_maxrss) / 1024.0};
}

void lenet5(benchmark::State& state, const std::string& file) {
    const auto images = static_cast<int>(state.range(0));
    Measurement sum;
    for ([[maybe_unused]] auto _ : state) {
        const Bytes bytes = in_child_process([&] {
            const Measurement m = measure(file, images);
            Bytes copy(sizeof m);
            std::memcpy(copy.data(), &m, sizeof m);
            return copy;
        });
        Measurement m;
        std::memcpy(&m, bytes.data(), sizeof m);
        state.SetIterationTime(m.seconds);
        sum.seconds += m.seconds;
        sum.cycles += m.cycles;
        sum.images += m.images;
        sum.peak_mebibytes = std::max(sum.peak_mebibytes, m.peak_mebibytes);
    }
    state.counters["cycles_per_second"] = sum.cycles / sum.seconds;
    state.counters["images_per_second"] = sum.images / sum.seconds;
    state.counters["peak_MiB"] = sum.peak_mebibytes;
}

void register_cases() {
    const auto add = [](const char* name, int images) {
        benchmark::RegisterBenchmark(name, lenet5, std::string(name) + ".yaml")
            ->Arg(images)
            ->Iterations(1)
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond);
    };
    add("widthwise-8x8", 100);
    add("widthwise-8x8", 400);  // memory does not grow with the number of images
    add("widthwise-16x16", 200);
    add("systolic-8x8", 50);
    add("edge-4x4-streamed", 50);
}

}  // namespace
}  // namespace widthwise::test

int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    widthwise::test::register_cases();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
