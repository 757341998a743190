// SPDX-License-Identifier: Apache-2.0
// Values and counts of the LineBuffer for every kind of layer, under random stalls of fill, command and array.
#include <functional>
#include <tuple>

#include "accelerator/line_buffer/line_buffer_bench.h"
#include "kit/network_builder.h"

namespace widthwise::test {
namespace {

const Quantization kUnsigned{false, 8, 9, 0.02F};
const Quantization kSigned{true, 8, -3, 0.02F};

struct Case {
    const char* name;
    int images;
    std::function<Network()> network;
    std::function<void(HardwareParams&)> change;
    std::uint64_t writes = 0;  ///< bytes filled, where the map does not pass in whole rows; 0: it does
};

Network plain() { return NetworkBuilder({2, 6, 7}, kUnsigned, 1).convolution(3, square_window(3)).network(); }

const Case kCases[] = {
    {"convolution", 1, plain, [](HardwareParams&) {}},
    {"two_images_two_channel_tiles", 2, plain, [](HardwareParams& h) { h.array.rows = 2; }},
    {"exactly_kernel_rows", 2, plain, [](HardwareParams& h) { h.line_buffer.rows = 3; }},
    {"many_rows", 2, plain, [](HardwareParams& h) { h.line_buffer.rows = 17; }},
    {"one_byte_fill", 1, plain, [](HardwareParams& h) { h.line_buffer.fill_bytes_per_cycle = 1; }},
    {"fill_of_three_bytes", 2, plain, [](HardwareParams& h) { h.line_buffer.fill_bytes_per_cycle = 3; }},
    {"read_port_of_two_bytes", 2, plain, [](HardwareParams& h) { h.line_buffer.read_bytes_per_cycle = 2; }},
    {"flat_mapping_read_port_of_three_bytes", 2, plain,
     [](HardwareParams& h) {
         h.array.mapping = Mapping::flat;
         h.array.columns = 7;
         h.line_buffer.read_bytes_per_cycle = 3;
     }},
    {"flat_mapping", 2, plain,
     [](HardwareParams& h) {
         h.array.mapping = Mapping::flat;
         h.array.columns = 7;
     }},
    {"channel_outermost", 1, plain,
     [](HardwareParams& h) {
         h.accumulator.order = {TapLoop::channel, TapLoop::row, TapLoop::column};
     }},
    {"padding", 2,
     [] {
         return NetworkBuilder({2, 5, 5}, kSigned, 2).convolution(3, square_window(3, 1, 1)).network();
     },
     [](HardwareParams&) {}},
    {"padding_flat", 2,
     [] {
         return NetworkBuilder({2, 5, 5}, kSigned, 2).convolution(3, square_window(3, 1, 2)).network();
     },
     [](HardwareParams& h) {
         h.array.mapping = Mapping::flat;
         h.array.columns = 9;
     }},
    {"uneven_padding", 1,
     [] {
         return NetworkBuilder({1, 4, 6}, kSigned, 3).convolution(2, {3, 2, 1, 1, 2, 0, 1, 1}).network();
     },
     [](HardwareParams&) {}},
    {"stride", 1,
     [] {
         return NetworkBuilder({2, 8, 9}, kUnsigned, 4).convolution(3, square_window(3, 2, 1)).network();
     },
     [](HardwareParams&) {}},
    {"stride_above_kernel", 2,
     [] {
         return NetworkBuilder({2, 9, 8}, kUnsigned, 5).convolution(3, square_window(2, 3)).network();
     },
     [](HardwareParams&) {}},
    {"stride_above_kernel_flat", 1,
     [] {
         return NetworkBuilder({2, 10, 8}, kUnsigned, 5).convolution(3, square_window(2, 3)).network();
     },
     [](HardwareParams& h) { h.array.mapping = Mapping::flat; }},
    {"uneven_stride", 1,
     [] {
         return NetworkBuilder({1, 6, 8}, kUnsigned, 6).convolution(3, {3, 2, 1, 2, 0, 0, 0, 0}).network();
     },
     [](HardwareParams&) {}},
    {"fully_connected", 5,
     [] {
         return NetworkBuilder({3, 3, 3}, kSigned, 7).fully_connected(6).network();
     },
     [](HardwareParams& h) { h.array.rows = 4; }},
    {"fully_connected_in_a_small_buffer", 3,
     [] {
         return NetworkBuilder({19, 1, 1}, kUnsigned, 8).fully_connected(5).network();
     },
     [](HardwareParams& h) {
         h.array.rows = 2;
         h.line_buffer.bytes = 3 * 8 * 3 + 10;
     }},
    {"one_pixel_outputs", 5,
     [] {
         return NetworkBuilder({3, 4, 4}, kSigned, 9).convolution(6, square_window(4)).network();
     },
     [](HardwareParams&) {}},
    {"one_pixel_outputs_padded", 4,
     [] {
         return NetworkBuilder({2, 3, 3}, kSigned, 9).convolution(6, square_window(5, 3, 1)).network();
     },
     [](HardwareParams&) {}},
    {"bypass", 2,
     [] {
         return NetworkBuilder({3, 4, 11}, kSigned, 10).max_pool(square_window(2, 2)).network();
     },
     [](HardwareParams&) {}},
    // 4 x 5 outputs, in tiles of 3 and 2: what these read of a row is 5 and 4 pixels.
    {"stripes", 1, plain, [](HardwareParams& h) { h.line_buffer.bytes = 3 * 2 * 5; }, 6 * 2 * (5 + 4)},
    {"stripes_of_two_channel_tiles", 2, plain,
     [](HardwareParams& h) {
         h.line_buffer.bytes = 3 * 2 * 6;
         h.array.rows = 2;
     },
     2 * 2 * 6 * 2 * (5 + 4)},
    {"a_kernel_row_at_a_time", 1, plain, [](HardwareParams& h) { h.line_buffer.bytes = 2 * 5; }, 4 * 3 * 2 * (5 + 4)},
    {"a_pixel_and_channel_at_a_time", 2, plain, [](HardwareParams& h) { h.line_buffer.bytes = 3; },
     2 * 4 * 9 * 2 * (3 + 2)},
    {"a_vector_word_by_word", 5,
     [] {
         return NetworkBuilder({3, 3, 3}, kSigned, 7).fully_connected(6).network();
     },
     [](HardwareParams& h) {
         h.array.rows = 4;
         h.line_buffer.bytes = 2 * 4 * 3;
     }},
    {"layers_of_all_kinds", 2,
     [] {
         return NetworkBuilder({2, 9, 9}, kUnsigned, 11)
             .convolution(3, square_window(3))
             .max_pool(square_window(2, 2))
             .max_pool(square_window(2, 1))
             .convolution(4, square_window(2))
             .fully_connected(3)
             .network();
     },
     [](HardwareParams&) {}},
};

class LineBufferValues : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(LineBufferValues, AreTheWindowsPixels) {
    const Case& c = kCases[static_cast<std::size_t>(std::get<0>(GetParam()))];
    SCOPED_TRACE(c.name);
    HardwareParams hardware;
    hardware.array.rows = 8;
    hardware.array.columns = 3;
    hardware.line_buffer.fill_bytes_per_cycle = 4;
    c.change(hardware);
    const Network network = c.network();
    LineBufferBench b(network, hardware, c.images, static_cast<std::uint64_t>(std::get<1>(GetParam())));

    b.bench.run_and_interrupt(
        [&] { return b.done(); }, 100000,
        [&] {
            expect_same(b.activations.monitor.data, b.expected, "tap");
            b.bench.expect_rules_checked();
            for (std::size_t i = 0; i < b.expected_reads.size(); ++i) {
                const EventCounts& events = b.bench.record.layers[i].events;
                EXPECT_EQ(events[Event::line_buffer_read], b.expected_reads[i]) << "layer " << i;
                EXPECT_EQ(events[Event::line_buffer_write], c.writes > 0 ? c.writes : b.expected_writes[i])
                    << "layer " << i;
            }
            std::uint64_t requested = 0;
            std::uint64_t needed = c.writes;
            for (const ActivationRead& read : b.request_monitor.data)
                requested += static_cast<std::uint64_t>(read.bytes);
            for (const std::uint64_t bytes : b.expected_writes) needed += c.writes > 0 ? 0 : bytes;
            EXPECT_EQ(requested, needed) << "nothing is read that no tap needs";
        });
}

INSTANTIATE_TEST_SUITE_P(Cases, LineBufferValues,
                         testing::Combine(testing::Range(0, static_cast<int>(std::size(kCases))), testing::Range(0, 5)),
                         case_and_seed(kCases));

}  // namespace
}  // namespace widthwise::test
