// SPDX-License-Identifier: Apache-2.0
// The accelerator's parameters with their defaults: what a YAML file resolves into and what modules are built from.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arithmetic/accumulator.h"
#include "arithmetic/requantize.h"

namespace widthwise {

enum class Mapping : std::uint8_t {
    row,   ///< columns = neighbouring pixels of one output row
    flat,  ///< columns = consecutive output pixels, across rows
};

enum class Interconnect : std::uint8_t {
    broadcast,  ///< all PEs of a tile work on the same tap in the same cycle
    systolic,   ///< operands are handed on from PE to PE, one cycle per row and column
};

/// One loop of the accumulation: input channel, kernel row, kernel column.
enum class TapLoop : std::uint8_t { channel, row, column };
/// Outermost first. The default is r, s, c.
using TapOrder = std::array<TapLoop, 3>;

enum class BiasMode : std::uint8_t {
    preload,  ///< the accumulator starts at the bias
    requant,  ///< the RequantUnit adds it, wide
};

enum class WeightStorage : std::uint8_t {
    automatic,  ///< resident if all weights fit, streamed if not
    resident,   ///< all weights are loaded once, before the first image
    streamed,   ///< each tile of output channels, or part of one, is fetched when needed, the next one prefetched
};

/// Which sums the minimum, maximum, mean and deviation are taken over.
enum class PsumStatistics : std::uint8_t { outputs, every_add };

struct ArrayParams {
    int rows = 8;     ///< output channels in parallel, 1..256
    int columns = 8;  ///< output pixels (or images) in parallel, 1..256
    Mapping mapping = Mapping::row;
    Interconnect interconnect = Interconnect::broadcast;
    bool zero_gating = false;         ///< a zero activation gates the PE's multiplier and adder
    bool shadow_accumulators = true;  ///< a second register per PE, so that draining overlaps computing
    int activation_bits = 0;          ///< multiplier operand width; 0: what the network says; 2..8
    int weight_bits = 0;              ///< likewise, 2..9
    friend bool operator==(const ArrayParams&, const ArrayParams&) = default;
};

struct AccumulatorParams {
    AccumulatorFormat format;  ///< format.bits 2..48
    TapOrder order = {TapLoop::row, TapLoop::column, TapLoop::channel};
    BiasMode bias = BiasMode::preload;
    PsumStatistics statistics = PsumStatistics::outputs;
    std::map<std::string, int> layer_bits;  ///< overrides of format.bits by layer name (lower case), 2..48 each
    friend bool operator==(const AccumulatorParams&, const AccumulatorParams&) = default;
};

struct RequantParams {
    RequantMode mode = RequantMode::fixed_point;
    Rounding rounding = Rounding::half_even;  ///< of the integer modes; float32 rounds half to even
    int multiplier_bits = 16;                 ///< 2..32
    int lanes = 4;                            ///< outputs drained and requantized per cycle, 1..64
    friend bool operator==(const RequantParams&, const RequantParams&) = default;
};

struct PoolParams {
    Rounding rounding = Rounding::half_even;  ///< of average pooling (integer modes)
    int row_buffer_bytes = 0;                 ///< of windows that are still open, 1..2^30; 0: as many as a layer needs
    friend bool operator==(const PoolParams&, const PoolParams&) = default;
};

struct LineBufferParams {
    int rows = 0;                  ///< feature-map rows held, 1..256; 0: kernel + stride of each layer (see schedule)
    int fill_bytes_per_cycle = 8;  ///< 1..64
    std::int64_t bytes = 8192;     ///< capacity, 1..2^30
    int read_bytes_per_cycle = 0;  ///< 1..256; 0: one per array column
    std::string name = "line_buffer";  ///< see memory_rows.h, as those of the other memories
    friend bool operator==(const LineBufferParams&, const LineBufferParams&) = default;
};

struct ActivationBufferParams {
    std::int64_t bytes = 65536;  ///< capacity, both halves of the ping-pong together, 1..2^30
    int ports = 2;               ///< 2: a read and a write port; 1: one port, writes first
    int strip_rows = 0;          ///< of the sums, that a strip has at most, 1..65535; 0: as many as it likes
    int strip_channels = 0;      ///< likewise
    bool prefetch_strips = true;
    std::string name = "activation_buffer";
    friend bool operator==(const ActivationBufferParams&, const ActivationBufferParams&) = default;
};

struct WeightBufferParams {
    std::int64_t bytes = 131072;  ///< capacity, 1..2^30
    WeightStorage storage = WeightStorage::automatic;
    int bytes_per_cycle = 0;  ///< read port towards the array, 1..256; 0: one byte per array row
    std::string name = "weight_buffer";
    friend bool operator==(const WeightBufferParams&, const WeightBufferParams&) = default;
};

struct DramParams {
    int latency = 50;                            ///< cycles from request to first data, 1..100000
    int bytes_per_cycle = 8;                     ///< 1..64
    std::int64_t bytes = std::int64_t{1} << 32;  ///< capacity, 1..2^40
    std::string name = "dram";
    friend bool operator==(const DramParams&, const DramParams&) = default;
};

struct HardwareParams {
    std::string name = "accelerator";  ///< 1..100 characters, no control characters
    double clock_mhz = 500.0;          ///< 0.001..10000
    int batch = 1;  ///< images processed together, 1..256; columns of fully connected layers work on them in parallel
    ArrayParams array;
    AccumulatorParams accumulator;
    RequantParams requant;
    PoolParams pool;
    LineBufferParams line_buffer;
    ActivationBufferParams activation_buffer;
    WeightBufferParams weight_buffer;
    DramParams dram;
    /// Count the address arithmetic that a software loop nest does per MAC (two multiplies and two adds per
    /// convolution MAC beside the MAC's own), as the course's energy model does.
    bool loop_accounting = false;
    friend bool operator==(const HardwareParams&, const HardwareParams&) = default;
};

/// How the values of images become the network's real-valued input.
struct Preprocessing {
    enum class Fit : std::uint8_t { none, pad, resize };
    enum class Layout : std::uint8_t { automatic, chw, hwc };
    Fit fit = Fit::pad;                ///< pad: centre in the network's input; resize: bilinear
    double scale = 0;                  ///< real = value * scale, then (real - mean) / deviation; above 0, up to 1e6,
                                       ///< or 0: 1/255 for bytes, 1 for real numbers and networks of bytes
    std::vector<double> mean = {0.0};  ///< -1e6..1e6; one, or one per channel
    std::vector<double> deviation = {1.0};  ///< above 0, up to 1e6; one, or one per channel
    Layout layout = Layout::automatic;      ///< of images of rank 4; automatic: what fits the network, chw first
    bool quantized = false;                 ///< the file's values are the network's integers
    friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

/// A key that has no effect under the circumstances (key_use.h), and why.
struct UnusedKey {
    std::string_view key;  ///< dotted
    std::string_view reason;
};

}  // namespace widthwise
