// SPDX-License-Identifier: Apache-2.0
// What recording costs: 300 registers, like those of a small array, of which 150 change every cycle. SystemC's own VCD
// file with the same registers stands beside it. Subtract Update, the registers' own change.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <systemc>
#include <vector>

#include "kit/temporary_files.h"
#include "trace/vcd_writer.h"

namespace widthwise::test {
namespace {

constexpr std::size_t kPes = 40;
constexpr std::uint64_t kPeriod = 1000;
constexpr std::uint64_t kCyclesPerFile = 200'000;

/// Operands, products and accumulators change; configuration and indices stay. Arrays like those of the model.
struct Registers {
    std::vector<std::int16_t> activation = std::vector<std::int16_t>(kPes), weight = std::vector<std::int16_t>(kPes);
    std::vector<std::int32_t> product = std::vector<std::int32_t>(kPes);
    std::vector<std::int64_t> accumulator = std::vector<std::int64_t>(kPes);
    std::vector<std::int32_t> index = std::vector<std::int32_t>(kPes);
    std::vector<std::uint8_t> byte = std::vector<std::uint8_t>(kPes);
    std::vector<std::uint8_t> bit = std::vector<std::uint8_t>(kPes * 3 / 2);
    std::uint64_t random = 88172645463325252U;

    /// 150 changes: the four registers of 37 PEs and two bits.
    void update(std::uint64_t cycle) {
        for (std::size_t i = 0; i < 37; ++i) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            activation[i] = static_cast<std::int16_t>(random & 255U);
            weight[i] = static_cast<std::int16_t>(static_cast<std::int8_t>(random >> 8));
            product[i] = activation[i] * weight[i];
            accumulator[i] += product[i];
        }
        bit[0] = bit[1] = cycle & 1U;
    }
    /// add(name, register, bits) for all 300.
    template <typename Add>
    void list(Add add) {
        for (std::size_t i = 0; i < kPes; ++i) {
            const std::string pe = "accelerator.pe_array.pe" + std::to_string(i);
            add(pe, "activation", activation[i], 9);
            add(pe, "weight", weight[i], 8);
            add(pe, "product", product[i], 17);
            add(pe, "accumulator", accumulator[i], 48);
            add(pe, "index", index[i], 16);
            add(pe, "byte", byte[i], 8);
        }
        for (std::size_t i = 0; i < bit.size(); ++i) add("accelerator.links", "bit" + std::to_string(i), bit[i], 1);
    }
};

void BM_Update(benchmark::State& state) {
    Registers registers;
    std::uint64_t cycle = 0;
    for (auto _ : state) {
        registers.update(cycle++);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(BM_Update)->Iterations(kCyclesPerFile);

/// `to_disk` false: the kernel throws the bytes away, which leaves the writer's own time.
void BM_VcdWriter(benchmark::State& state, bool to_disk) {
    const TemporaryFolder folder;
    if (!to_disk) std::filesystem::create_symlink("/dev/null", folder.path("a.vcd.partial"));
    Registers registers;
    WaveList list;
    registers.list([&list](const std::string& scope, const std::string& name, const auto& value, int bits) {
        list.add(scope, name, value, bits);
    });
    VcdWriter writer(folder.path("a.vcd"));
    writer.begin(list, ClockEdges(1000));
    std::uint64_t cycle = 0;
    for (auto _ : state) {
        registers.update(cycle);
        writer.sample(cycle++);
    }
    writer.close();
    if (!to_disk) return;
    state.counters["bytes/cycle"] =
        static_cast<double>(std::filesystem::file_size(folder.path("a.vcd"))) / static_cast<double>(state.iterations());
}
BENCHMARK_CAPTURE(BM_VcdWriter, encode, false)->Iterations(kCyclesPerFile)->Repetitions(5);
BENCHMARK_CAPTURE(BM_VcdWriter, file, true)->Iterations(kCyclesPerFile)->Repetitions(5);

/// Changes the registers every cycle, by one event per cycle: as little of the kernel as possible.
class Model : public sc_core::sc_module {
public:
    Registers registers;
    explicit Model(const sc_core::sc_module_name& name) : sc_module(name) {
        SC_HAS_PROCESS(Model);
        SC_METHOD(step);
    }

private:
    void step() {
        registers.update(cycle_++);
        next_trigger(static_cast<double>(kPeriod), sc_core::SC_PS);
    }
    std::uint64_t cycle_ = 0;
};

/// SystemC wants its variables before the first sc_start, so one process measures either with or without a file.
void systemc(benchmark::State& state, Model& model, bool record) {
    const TemporaryFolder folder;
    sc_core::sc_trace_file* file = nullptr;
    if (record) {
        file = sc_core::sc_create_vcd_trace_file(folder.path("a").c_str());
        file->set_time_unit(1, sc_core::SC_PS);
        model.registers.list([file](const std::string& scope, const std::string& name, const auto& value, int bits) {
            sc_core::sc_trace(file, value, scope + "." + name, bits);
        });
    }
    const auto start = std::chrono::steady_clock::now();
    for (auto _ : state) sc_core::sc_start(static_cast<double>(kPeriod * kCyclesPerFile), sc_core::SC_PS);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (file != nullptr) sc_core::sc_close_vcd_trace_file(file);
    const double cycles = static_cast<double>(kCyclesPerFile);
    state.SetLabel(fmt::format("{:.0f} ns per cycle", seconds * 1e9 / cycles));
    if (record) {
        state.counters["bytes/cycle"] = static_cast<double>(std::filesystem::file_size(folder.path("a.vcd"))) / cycles;
    }
}

}  // namespace
}  // namespace widthwise::test

/// With --systemc=bare the SystemC model runs without a file.
int sc_main(int argc, char** argv) {
    namespace test = widthwise::test;
    const bool bare = argc > 1 && std::string(argv[1]) == "--systemc=bare";
    test::Model model("model");
    benchmark::RegisterBenchmark(bare ? "BM_SystemcBare" : "BM_SystemcVcd",
                                 [&](benchmark::State& state) { test::systemc(state, model, !bare); })
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
