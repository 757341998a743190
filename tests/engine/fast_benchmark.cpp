// SPDX-License-Identifier: Apache-2.0
// Times the fast engine on one network; scripts/benchmark calls it. Asserts nothing.
//
// Without arguments: the rate of the dot-product kernel on operands in the first cache, in 10^9 multiplications a
// second. Arguments: model, file of raw input bytes (image after image; used again from its start when more are asked
// for), images, bits of all accumulators ("18,16"), threads ("1,2"), passes. Prints a line of JSON for each setting:
// the seconds of reading the model, of preparing the engine, of each pass, and the share of outputs that overflowed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "engine/fast/aligned_vector.h"
#include "engine/fast/fast_engine.h"
#include "engine/fast/kernels.h"
#include "network/onnx_import.h"

namespace {

using namespace widthwise;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
/// Of all threads, on processors.
double worked() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::vector<int> numbers(const std::string& text) {
    std::vector<int> result;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, ',');) result.push_back(std::stoi(part));
    return result;
}

void time_network(const Network& network, double read, const std::vector<std::uint8_t>& bytes, int images, int bits,
                  int threads, int passes) {
    HardwareParams hardware;
    hardware.requant.mode = RequantMode::float32;
    hardware.accumulator.format.bits = bits;
    const auto size =
        static_cast<std::size_t>(network.tensors[static_cast<std::size_t>(network.input)].shape.elements());
    const std::size_t given = bytes.size() / size;
    const double began = now();
    FastEngine engine(network, hardware, threads);
    const double prepared = now() - began;
    std::vector<double> seconds, processor;
    std::uint64_t outputs = 0, overflowed = 0;
    for (int pass = 0; pass < passes; ++pass) {
        const double start = now(), worked_before = worked();
        const RunRecord record = engine.run(
            0, images,
            [&](int i) {
                const auto first =
                    bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i) % given * size);
                return std::vector<std::uint8_t>(first, first + static_cast<std::ptrdiff_t>(size));
            },
            [](int, std::span<const std::uint8_t>) {});
        seconds.push_back(now() - start);
        processor.push_back(worked() - worked_before);
        outputs = overflowed = 0;
        for (const LayerRecord& layer : record.layers) {
            outputs += layer.overflow.outputs;
            overflowed += layer.overflow.transient + layer.overflow.persistent;
        }
    }
    constexpr const char* kLine =
        R"({{"bits": {}, "threads": {}, "read": {:.4f}, "prepared": {:.4f}, "seconds": [{:.6f}], )"
        R"("processor": [{:.6f}], "overflowed": {:.6f}}})";
    fmt::print(kLine, bits, threads, read, prepared, fmt::join(seconds, ", "), fmt::join(processor, ", "),
               static_cast<double>(overflowed) / static_cast<double>(outputs));
    std::puts("");
    std::fflush(stdout);
}

void time_dot_products() {
    constexpr int kQuads = 64, kRounds = 100000;
    const std::vector<std::uint8_t> words((kQuads + fast::kDotVectors) * 64, 3);
    const std::vector<std::int8_t> weights(kQuads * fast::kDotChannels * 4, 2);
    std::vector<std::int32_t> offsets(kQuads), starts(fast::kDotChannels);
    for (int q = 0; q < kQuads; ++q) offsets[static_cast<std::size_t>(q)] = 64 * q;
    fast::AlignedVector<std::int32_t> sums(fast::kDotChannels * fast::kDotVectors * fast::kVectorWords);
    const std::uint8_t* const bases[] = {words.data(), words.data() + 64, words.data() + 128};
    const fast::DotProducts products{bases,
                                     fast::kDotVectors,
                                     offsets.data(),
                                     kQuads,
                                     weights.data(),
                                     starts.data(),
                                     fast::kDotChannels,
                                     sums.data(),
                                     fast::kDotVectors * fast::kVectorWords};
    double best = 0;
    for (int pass = 0; pass < 5; ++pass) {
        const double start = worked();
        for (int i = 0; i < kRounds; ++i) fast::best_kernels().dot(products);
        const double macs = 4.0 * kQuads * fast::kDotChannels * fast::kDotVectors * fast::kVectorWords * kRounds;
        best = std::max(best, macs / (worked() - start) / 1e9);
    }
    fmt::print(R"({{"gmacs": {:.1f}}})"
               "\n",
               best);
}

}  // namespace

int main(int count, char** arguments) {
    if (count == 1) {
        time_dot_products();
        return 0;
    }
    if (count != 7) {
        fmt::print(stderr, "arguments: MODEL IMAGES COUNT BITS THREADS PASSES\n");
        return 2;
    }
    const double began = now();
    const Network network = import_onnx(arguments[1]);
    const double read = now() - began;
    std::ifstream in(arguments[2], std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    for (const int threads : numbers(arguments[5])) {
        for (const int bits : numbers(arguments[4]))
            time_network(network, read, bytes, std::stoi(arguments[3]), bits, threads, std::stoi(arguments[6]));
    }
    return 0;
}
