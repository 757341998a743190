// SPDX-License-Identifier: Apache-2.0
// Sums that leave: the PoolUnit writes each byte to its place in the output.
#include <map>
#include <span>

#include "accelerator/pool_unit/pool_unit_bench.h"
#include "schedule/strips.h"

namespace widthwise::test {
namespace {

/// Beats of two values each, all bytes of a beat before the next; each value is the number of the byte in memory.
std::vector<OutputBeat> beats_of(const LayerSchedule& layer, bool along_channels) {
    std::vector<OutputBeat> beats;
    const int pixels = layer.sums.height * layer.sums.width;
    for (int image = 0; image < layer.images; ++image) {
        for (int first = 0; first < layer.sums.channels * pixels; first += 2) {
            for (int byte = 0; byte < layer.value_bytes; ++byte) {
                OutputBeat& beat = beats.emplace_back();
                beat.position = {layer.index, 0, image, first / pixels, first % pixels, along_channels, byte, false};
                beat.values.count = 2;
                for (int i = 0; i < 2; ++i) {
                    beat.values[i] = static_cast<std::int16_t>((first + i) * layer.value_bytes + byte);
                }
            }
        }
    }
    beats.back().position.last_of_strip = true;
    return beats;
}

/// What the writes leave in memory; none may write a byte twice.
std::map<int, int> memory_after(const std::vector<ActivationWrite>& writes) {
    std::map<int, int> memory;
    for (const ActivationWrite& write : writes) {
        for (int i = 0; i < write.bytes.count; ++i) {
            EXPECT_TRUE(memory.emplace(write.addresses[i], write.bytes[i]).second);
        }
    }
    return memory;
}

class PoolUnitSums : public testing::TestWithParam<int> {};

/// Of channels beside one another in image-column layers, and of neighbouring pixels.
TEST_P(PoolUnitSums, AreWrittenWholeAndTokenedOnce) {
    const bool along_channels = GetParam() % 2 == 0;
    LayerSchedule layer;
    layer.images = 2;
    layer.sums = layer.output = along_channels ? Shape{6, 1, 1} : Shape{3, 2, 2};
    layer.computation.emplace();  // and no requantization
    layer.value_bytes = 3;
    layer.output_placement = {100, layer.output_bytes()};
    layer.strips = {whole_strip(layer)};
    PoolUnitBench b(static_cast<std::uint64_t>(GetParam()), 1);
    b.bench.layers.hold(std::span(&layer, 1));
    b.outputs.source.payloads = beats_of(layer, along_channels);
    b.bench.run_and_interrupt([&] { return b.stored.monitor.count() == 1; }, 10000,
                              [&] {
                                  const auto memory = memory_after(b.results.monitor.data);
                                  const auto bytes = static_cast<int>(layer.output_bytes());
                                  EXPECT_EQ(memory.size(), static_cast<std::size_t>(2 * bytes));
                                  for (const auto& [address, byte] : memory) EXPECT_EQ(byte, (address - 100) % bytes);
                                  EXPECT_GT(b.stored.monitor.cycles[0], b.results.monitor.cycles.back());
                              });
}

INSTANTIATE_TEST_SUITE_P(Seeds, PoolUnitSums, testing::Range(0, 6));

}  // namespace
}  // namespace widthwise::test
