// SPDX-License-Identifier: Apache-2.0
// The PoolUnit against pooling by definition: which write completes which windows, at which edge, with which counts.
#include <functional>
#include <string>
#include <tuple>

#include "accelerator/pool_unit/pool_unit_bench.h"
#include "common/error.h"
#include "kit/network_builder.h"

namespace widthwise::test {
namespace {

WrittenBytes bytes_of(const ActivationWrite& write) {
    WrittenBytes bytes;
    EXPECT_EQ(write.addresses.count, write.bytes.count);
    for (int i = 0; i < write.bytes.count; ++i) {
        EXPECT_TRUE(bytes.emplace(write.addresses[i], write.bytes[i]).second)
            << "written twice: " << write.addresses[i];
    }
    return bytes;
}

struct Case {
    const char* name;
    int images;
    std::function<Network()> network;
    std::function<void(HardwareParams&)> change;
};

const Quantization kUnsigned{false, 8, 7, 0.05F};
const Quantization kSigned{true, 8, -4, 0.05F};

NetworkBuilder conv(int channels, int height, int width, const Quantization& q = kUnsigned) {
    return NetworkBuilder({1, height, width}, q, 1).convolution(channels, square_window(1));
}

const Case kCases[] = {
    {"max_2x2", 2, [] { return conv(5, 6, 7).max_pool(square_window(2, 2)).network(); }, [](HardwareParams&) {}},
    {"max_overlapping", 1, [] { return conv(3, 7, 8).max_pool(square_window(3, 2)).network(); },
     [](HardwareParams&) {}},
    {"max_stride_1", 1, [] { return conv(3, 5, 6, kSigned).max_pool(square_window(3, 1)).network(); },
     [](HardwareParams&) {}},
    {"max_padded", 2, [] { return conv(3, 6, 7, kSigned).max_pool(square_window(3, 2, 1)).network(); },
     [](HardwareParams&) {}},
    {"max_padded_stride_1", 1, [] { return conv(2, 5, 5).max_pool(square_window(3, 1, 1)).network(); },
     [](HardwareParams&) {}},
    {"max_wide_padding", 1, [] { return conv(2, 6, 6).max_pool(square_window(4, 1, 3)).network(); },
     [](HardwareParams&) {}},
    {"max_uneven", 1,
     [] {
         return conv(2, 7, 9).max_pool({2, 3, 3, 2, 1, 0, 0, 2}).network();
     },
     [](HardwareParams&) {}},
    {"max_stride_above_kernel", 1, [] { return conv(3, 8, 7).max_pool(square_window(2, 3)).network(); },
     [](HardwareParams&) {}},
    {"max_flat", 2, [] { return conv(3, 6, 5).max_pool(square_window(2, 2)).network(); },
     [](HardwareParams& h) {
         h.array.mapping = Mapping::flat;
         h.array.columns = 13;
         h.requant.lanes = 8;
     }},
    {"max_global", 1,
     [] {
         return conv(3, 5, 4).max_pool({5, 4, 1, 1, 0, 0, 0, 0}).network();
     },
     [](HardwareParams&) {}},
    {"average_2x2", 1, [] { return conv(5, 6, 7).average_pool(square_window(2, 2)).network(); },
     [](HardwareParams&) {}},
    {"average_overlapping_padded", 2,
     [] { return conv(3, 6, 7, kSigned).average_pool(square_window(3, 2, 1)).network(); }, [](HardwareParams&) {}},
    {"average_counting_the_padding", 1,
     [] { return conv(3, 6, 7, kSigned).average_pool(square_window(3, 2, 1), true).network(); },
     [](HardwareParams&) {}},
    {"average_float32", 1, [] { return conv(3, 6, 7).average_pool(square_window(3, 1, 1)).network(); },
     [](HardwareParams& h) { h.requant.mode = RequantMode::float32; }},
    {"average_shift", 1, [] { return conv(3, 6, 7).average_pool(square_window(2, 2)).network(); },
     [](HardwareParams& h) {
         h.requant.mode = RequantMode::shift;
         h.pool.rounding = Rounding::floor;
     }},
    {"average_reciprocal", 1, [] { return conv(3, 6, 7, kSigned).average_pool(square_window(3, 3)).network(); },
     [](HardwareParams& h) {
         h.requant.mode = RequantMode::reciprocal;
         h.pool.rounding = Rounding::half_away;
     }},
    {"pass_through", 2, [] { return conv(5, 4, 7, kSigned).network(); }, [](HardwareParams&) {}},
    {"image_columns", 5,
     [] {
         return NetworkBuilder({7, 1, 1}, kSigned, 1).fully_connected(11).network();
     },
     [](HardwareParams&) {}},
    {"image_columns_pooled", 5,
     [] {
         return NetworkBuilder({3, 2, 2}, kSigned, 1)
             .convolution(7, square_window(2))
             .max_pool(square_window(1))
             .network();
     },
     [](HardwareParams&) {}},
    {"max_wide_beats", 1, [] { return conv(2, 4, 64).max_pool(square_window(3, 1, 1)).network(); },
     [](HardwareParams& h) { h.array.columns = h.requant.lanes = 64; }},
    {"pools_in_a_row", 2,
     [] {
         return conv(3, 9, 9)
             .max_pool(square_window(2, 2))
             .average_pool(square_window(2, 1))
             .max_pool(square_window(2, 1))
             .fully_connected(4)
             .network();
     },
     [](HardwareParams&) {}},
};

class PoolUnitValues : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(PoolUnitValues, AreThePooledPixels) {
    const Case& c = kCases[static_cast<std::size_t>(std::get<0>(GetParam()))];
    SCOPED_TRACE(c.name);
    HardwareParams hardware;
    hardware.array.rows = 4;
    hardware.array.columns = 5;
    hardware.requant.lanes = 3;
    c.change(hardware);
    const Network network = c.network();
    NetworkPoolBench b(network, hardware, c.images, static_cast<std::uint64_t>(std::get<1>(GetParam())));

    std::uint64_t probed = 0;
    b.unit.probe = [&](int, int, int, int, int) { ++probed; };
    b.bench.on_restart([&] { probed = 0; });
    b.bench.run_and_interrupt([&] { return b.done(); }, 100000,
                              [&] {
                                  std::vector<WrittenBytes> actual, expected;
                                  std::uint64_t pooled = 0;
                                  for (const ActivationWrite& write : b.results.monitor.data)
                                      actual.push_back(bytes_of(write));
                                  for (std::size_t i = 0; i < b.traffic.size(); ++i) {
                                      const LayerTraffic& layer = b.traffic[i];
                                      for (const WrittenBytes& write : layer.writes) {
                                          if (!write.empty()) expected.push_back(write);
                                          if (b.schedule.layers[i].pooling.has_value()) pooled += write.size();
                                      }
                                      EXPECT_TRUE(b.bench.record.layers[i].events == layer.events) << "layer " << i;
                                  }
                                  EXPECT_EQ(actual, expected);
                                  EXPECT_EQ(probed, pooled);
                                  b.bench.expect_rules_checked();
                                  for (std::size_t i = 0; i < b.stored.monitor.count(); ++i) {
                                      // A layer is stored when its last write has been taken.
                                      for (std::size_t w = 0; w < b.results.monitor.count(); ++w) {
                                          if (b.results.monitor.data[w].layer == static_cast<int>(i)) {
                                              EXPECT_LT(b.results.monitor.cycles[w], b.stored.monitor.cycles[i]);
                                          }
                                      }
                                  }
                              });
}

INSTANTIATE_TEST_SUITE_P(Cases, PoolUnitValues,
                         testing::Combine(testing::Range(0, static_cast<int>(std::size(kCases))), testing::Range(0, 5)),
                         case_and_seed(kCases));

/// A beat taken at edge n is written at n + 1, if it completes anything; the layer is stored at the last beat's n + 2.
class PoolUnitTiming : public testing::TestWithParam<int> {};

TEST_P(PoolUnitTiming, OneCycle) {
    const Case& c = kCases[static_cast<std::size_t>(GetParam())];
    HardwareParams hardware;
    hardware.array.columns = 5;
    hardware.requant.lanes = 2;
    c.change(hardware);
    const Network network = c.network();
    NetworkPoolBench b(network, hardware, c.images, 0);
    b.bench.pulse_reset();
    b.bench.run_until([&] { return b.done(); }, 100000);
    std::vector<std::uint64_t> writes, stored;
    std::size_t beat = 0;
    for (const LayerTraffic& layer : b.traffic) {
        for (std::size_t i = 0; i < layer.writes.size(); ++i, ++beat) {
            const std::uint64_t taken = b.outputs.monitor.cycles[beat];
            if (i > 0) {
                EXPECT_EQ(taken, b.outputs.monitor.cycles[beat - 1] + 1) << "one beat a cycle";
            }
            if (!layer.writes[i].empty()) writes.push_back(taken + edges(Rule::pool));
        }
        stored.push_back(b.outputs.monitor.cycles[beat - 1] + edges(Rule::pool) + edges(Rule::stored));
    }
    EXPECT_EQ(b.results.monitor.cycles, writes);
    EXPECT_EQ(b.stored.monitor.cycles, stored);
}

INSTANTIATE_TEST_SUITE_P(Cases, PoolUnitTiming, testing::Range(0, static_cast<int>(std::size(kCases))),
                         [](const auto& test) {
                             return std::string(kCases[static_cast<std::size_t>(test.param)].name);
                         });

/// The last row of a map with wide padding closes nine rows of windows at once: 9 * 64 pooled pixels.
TEST(PoolUnitLimits, BeatsThatCompleteMoreThanThePortTakesAreRefused) {
    HardwareParams hardware;
    hardware.array.columns = 64;
    hardware.requant.lanes = 64;
    const Network network = conv(2, 20, 64).max_pool(square_window(16, 1, 8)).network();
    try {
        const Schedule schedule = compile(network, hardware, 1);
        FAIL() << schedule.layers.size() << " layers";
    } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("lanes: 64"), std::string::npos) << error.what();
    }
    hardware.requant.lanes = 3;
    EXPECT_NO_THROW(compile(network, hardware, 1));
}

/// A full port register holds the next beat back; a beat that completes nothing waits as well (the stage moves as one).
TEST(PoolUnitTimingOf, AStalledPortHoldsBeatsBack) {
    HardwareParams hardware;
    const Network network = conv(1, 2, 8).network();
    hardware.requant.lanes = 2;
    NetworkPoolBench b(network, hardware, 1, 0);
    b.results.sink.allow = [&] { return b.bench.cycle() < 9 || b.bench.cycle() >= 14; };  // ready low at edges 10..14
    b.bench.pulse_reset();
    b.bench.run_until([&] { return b.done(); }, 100);
    const std::uint64_t first = b.outputs.monitor.cycles.front();
    ASSERT_LT(first + 1, 10U);
    std::vector<std::uint64_t> taken;
    for (std::uint64_t edge = first; taken.size() < 8; ++edge) {
        if (edge < 10 || edge > 14) taken.push_back(edge);
    }
    EXPECT_EQ(b.outputs.monitor.cycles, taken);
}

}  // namespace
}  // namespace widthwise::test
