// SPDX-License-Identifier: Apache-2.0
// Every key of an accelerator file, written down once: whatever reads, writes, changes, checks or lists keys is a
// visitor of describe(). A new parameter is a member in hardware.h and a line here; configs/schema.json and the table
// in configs/README.md are what `widthwise schema` prints (a test compares them), and sweeps and --set know it at once.
// If something can leave it without effect, it has a row in key_use.cpp too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "config/limits.h"
#include "config/run_config.h"
#include "record/events.h"

namespace widthwise {

inline constexpr Words<Mapping, 2> kMappingWords{{{"row", Mapping::row}, {"flat", Mapping::flat}}};
inline constexpr Words<Interconnect, 2> kInterconnectWords{
    {{"broadcast", Interconnect::broadcast}, {"systolic", Interconnect::systolic}}};
inline constexpr Words<TapLoop, 3> kTapLoopWords{
    {{"row", TapLoop::row}, {"column", TapLoop::column}, {"channel", TapLoop::channel}}};
inline constexpr Words<BiasMode, 2> kBiasWords{{{"preload", BiasMode::preload}, {"requant", BiasMode::requant}}};
inline constexpr Words<WeightStorage, 3> kStorageWords{
    {{"auto", WeightStorage::automatic}, {"resident", WeightStorage::resident}, {"streamed", WeightStorage::streamed}}};
inline constexpr Words<PsumStatistics, 2> kStatisticsWords{
    {{"outputs", PsumStatistics::outputs}, {"every_add", PsumStatistics::every_add}}};
inline constexpr Words<Overflow, 2> kOverflowWords{{{"saturate", Overflow::saturate}, {"wrap", Overflow::wrap}}};
inline constexpr Words<OverflowCheck, 2> kCheckWords{
    {{"per_add", OverflowCheck::per_add}, {"per_output", OverflowCheck::per_output}}};
inline constexpr Words<RequantMode, 5> kRequantModeWords{{{"fixed_point", RequantMode::fixed_point},
                                                          {"shift", RequantMode::shift},
                                                          {"reciprocal", RequantMode::reciprocal},
                                                          {"float32", RequantMode::float32},
                                                          {"onnx", RequantMode::onnx}}};
inline constexpr Words<Rounding, 6> kRoundingWords{{{"floor", Rounding::floor},
                                                    {"toward_zero", Rounding::toward_zero},
                                                    {"half_up", Rounding::half_up},
                                                    {"half_away", Rounding::half_away},
                                                    {"half_even", Rounding::half_even},
                                                    {"gemmlowp", Rounding::gemmlowp}}};
inline constexpr Words<Preprocessing::Fit, 3> kFitWords{
    {{"none", Preprocessing::Fit::none}, {"pad", Preprocessing::Fit::pad}, {"resize", Preprocessing::Fit::resize}}};
inline constexpr Words<Preprocessing::Layout, 3> kLayoutWords{{{"auto", Preprocessing::Layout::automatic},
                                                               {"chw", Preprocessing::Layout::chw},
                                                               {"hwc", Preprocessing::Layout::hwc}}};

inline constexpr RealRange kClockMhz{0.001, 10000.0};
inline constexpr RealRange kPositive{0.0, 1e6, true};
inline constexpr RealRange kSigned{-1e6, 1e6};
inline constexpr IntRange kUpTo256{1, 256};
inline constexpr IntRange kStripExtent{1, 65535};
inline constexpr IntRange kActivationBits{2, 8};
inline constexpr IntRange kWeightBits{2, 9};
inline constexpr IntRange kAccumulatorBits{kMinAccumulatorBits, kMaxAccumulatorBits};
inline constexpr IntRange kMultiplierBits{2, 32};
inline constexpr IntRange kUpTo64{1, 64};
inline constexpr IntRange kPorts{1, 2};
inline constexpr IntRange kLatency{1, 100000};
inline constexpr IntRange kCapacity{1, std::int64_t{1} << 30};
inline constexpr IntRange kDramCapacity{1, std::int64_t{1} << 40};
inline constexpr std::size_t kLongestName = 100;
inline constexpr std::size_t kLongestMemoryName = 32;  ///< lower-case letters, digits and _, a letter first

enum class Presence : std::uint8_t { required, optional };

/// A key's name within its section, and what the generated pages say of it.
struct Key {
    const char* name;
    const char* meaning;    ///< a sentence or more; in the JSON schema, and in the table of configs/README.md
    const char* more = "";  ///< links behind it in the table, Markdown
};

/// Calls one method of `v` per key, in the order of the file:
///   section(key, callback(section_visitor)), name(key, string), memory_name(key, string), path(key, string, presence),
///   table(key, string), text(key, string, what is allowed), integer(key, number, range), automatic(key, int, range) (0 is
///   spelled auto),
///   real(key, double, range), automatic_ratio(key, double, range) (0 is spelled auto), per_channel(key, list of
///   doubles, range), boolean(key, bool), word(key, enum, words), order(key, TapOrder, words), layers(key, map, range).
template <typename Visitor>
void describe_preprocessing(Visitor& v, Preprocessing& preprocessing) {
    v.word({"fit", "none: sizes must agree; pad: centre in the network's input; resize: bilinear."}, preprocessing.fit,
           kFitWords);
    v.automatic_ratio({"scale",
                       "Factor from the file's value to the real one: a number or a fraction like 1/255; auto: 1/255 "
                       "for bytes, 1 for "
                       "real numbers and for networks that take bytes and cast them."},
                      preprocessing.scale, kPositive);
    v.per_channel({"mean", "Subtracted after scaling: a number, or a list of one per channel."}, preprocessing.mean,
                  kSigned);
    v.per_channel({"deviation", "Divides after the mean was subtracted: a number, or a list of one per channel."},
                  preprocessing.deviation, kPositive);
    v.word({"layout",
            "Of images of rank 4: chw (N x C x H x W), hwc (N x H x W x C), or auto: the one that fits the network's "
            "input, chw if both do."},
           preprocessing.layout, kLayoutWords);
    v.boolean({"quantized",
               "true: the file's integers are those of the network's input; scale, mean and deviation do not count."},
              preprocessing.quantized);
}

template <typename Visitor>
void describe_array(Visitor& v, ArrayParams& array) {
    v.integer({"rows", "Output channels in parallel."}, array.rows, kUpTo256);
    v.integer({"columns", "Output pixels (or images) in parallel."}, array.columns, kUpTo256);
    v.word({"mapping",
            "row: columns are neighbouring pixels of one output row; flat: consecutive output pixels across rows."},
           array.mapping, kMappingWords);
    v.word({"interconnect",
            "broadcast: all PEs of a tile in step; systolic: operands skewed by one cycle per row and column."},
           array.interconnect, kInterconnectWords);
    v.boolean({"zero_gating", "A zero activation gates the PE's multiplier and adder."}, array.zero_gating);
    v.boolean({"shadow_accumulators", "A second register per PE, so that draining overlaps computing."},
              array.shadow_accumulators);
    v.automatic({"activation_bits", "Multiplier operand width; auto: that of the network."}, array.activation_bits,
                kActivationBits);
    v.automatic({"weight_bits", "Multiplier operand width; auto: that of the network."}, array.weight_bits,
                kWeightBits);
}

template <typename Visitor>
void describe_accumulator(Visitor& v, AccumulatorParams& accumulator) {
    v.integer({"bits", "Width of all layers that 'layers' does not name."}, accumulator.format.bits, kAccumulatorBits);
    v.word({"overflow", "What a sum out of range becomes."}, accumulator.format.overflow, kOverflowWords);
    v.word({"check", "When the range is checked: after every addition, or on the finished sum."},
           accumulator.format.check, kCheckWords);
    v.order({"order", "Loops of the accumulation, outermost first; each once."}, accumulator.order, kTapLoopWords);
    v.word({"bias", "preload: the sum starts at the bias; requant: added after, wide."}, accumulator.bias, kBiasWords);
    v.word({"statistics", "Which sums minimum, maximum, mean and deviation are taken over."}, accumulator.statistics,
           kStatisticsWords);
    v.layers({"layers", "Widths of single layers by name; upper and lower case are equal."}, accumulator.layer_bits,
             kAccumulatorBits);
}

template <typename Visitor>
void describe_requantization(Visitor& v, RequantParams& requant) {
    v.word({"mode",
            "fixed_point: integer multiplier and shift; shift: power of two; reciprocal: integer division by "
            "round(1/scale); float32: with the kernels of ONNX Runtime; onnx: as ONNX defines the operators."},
           requant.mode, kRequantModeWords);
    v.word({"rounding", "Rounding of the shift or division, in the integer modes."}, requant.rounding, kRoundingWords);
    v.integer({"multiplier_bits", "Width of the fixed-point multiplier."}, requant.multiplier_bits, kMultiplierBits);
    v.integer({"lanes", "Outputs drained and requantized per cycle."}, requant.lanes, kUpTo64);
}

inline constexpr Key kMemoryName{"name", "What its events are called: NAME.read, NAME.write."};

/// A memory is a row of the list `memories`, or a section of its own; the row is found by what it keeps
/// (memory_rows.h). Visitors that see no difference have section() alone.
template <typename Visitor, typename Callback>
void describe_memory(Visitor& v, const Key& key, MemoryRole role, std::string& name, const Callback& callback) {
    const auto with_name = [&](auto& s) {
        s.memory_name(kMemoryName, name);
        callback(s);
    };
    if constexpr (requires { v.memory(key, role, with_name); }) v.memory(key, role, with_name);
    else v.section(key, with_name);
}

template <typename Visitor>
void describe_memories(Visitor& v, HardwareParams& hardware) {
    const auto lines = [&](auto& s) {
        s.automatic({"rows",
                     "Whole feature-map rows held; auto: kernel + stride of each layer, or less, or parts of rows, if "
                     "they do not fit. Fully connected layers hold up to two "
                     "vectors."},
                    hardware.line_buffer.rows, kUpTo256);
        s.integer({"fill_bytes_per_cycle", "Port from the activation buffer."},
                  hardware.line_buffer.fill_bytes_per_cycle, kUpTo64);
        s.automatic({"read_bytes_per_cycle", "Read port towards the array; auto: one byte per array column."},
                    hardware.line_buffer.read_bytes_per_cycle, kUpTo256);
        s.integer({"bytes", "Capacity."}, hardware.line_buffer.bytes, kCapacity);
    };
    const auto activations = [&](auto& s) {
        s.integer({"bytes", "Capacity. Maps that do not fit together lie in DRAM and pass in strips."},
                  hardware.activation_buffer.bytes, kCapacity);
        s.integer({"ports",
                   "Of the datapath; 2: a read and a write port; 1: one port, writes first (not for networks that add "
                   "two maps). The Dma has one of its own."},
                  hardware.activation_buffer.ports, kPorts);
        s.automatic({"strip_rows",
                     "Of a layer in strips, rows of the sums that a strip has at most (the fewest that it can have, if "
                     "those are "
                     "more); auto: what moves the fewest bytes."},
                    hardware.activation_buffer.strip_rows, kStripExtent);
        s.automatic({"strip_channels", "Likewise, output channels."}, hardware.activation_buffer.strip_channels,
                    kStripExtent);
        s.boolean({"prefetch_strips", "The next strip is fetched while one is worked on, if both fit."},
                  hardware.activation_buffer.prefetch_strips);
    };
    const auto weights = [&](auto& s) {
        s.integer({"bytes", "Capacity."}, hardware.weight_buffer.bytes, kCapacity);
        s.word({"storage",
                "resident: loaded once before the first image; streamed: tile by tile, or in parts of a tile that half "
                "the "
                "buffer holds, the next one prefetched; auto: resident if all weights fit."},
               hardware.weight_buffer.storage, kStorageWords);
        s.automatic({"bytes_per_cycle", "Read port towards the array; auto: one byte per array row."},
                    hardware.weight_buffer.bytes_per_cycle, kUpTo256);
    };
    const auto dram = [&](auto& s) {
        s.integer({"latency", "Cycles from a request to its first byte."}, hardware.dram.latency, kLatency);
        s.integer({"bytes_per_cycle", "Bandwidth."}, hardware.dram.bytes_per_cycle, kUpTo64);
        s.integer(
            {"bytes", "Capacity: the weights, a batch's input and output, and its maps that do not fit the chip."},
            hardware.dram.bytes, kDramCapacity);
    };
    describe_memory(v, {"line_buffer", "Rows of the input feature map beside the array."}, MemoryRole::lines,
                    hardware.line_buffer.name, lines);
    describe_memory(v, {"activation_buffer", "Feature maps on chip, a ping-pong pair."}, MemoryRole::activations,
                    hardware.activation_buffer.name, activations);
    describe_memory(v, {"weight_buffer", "Weights on chip."}, MemoryRole::weights, hardware.weight_buffer.name,
                    weights);
    describe_memory(v, {"dram", "Off-chip memory."}, MemoryRole::dram, hardware.dram.name, dram);
}

template <typename Visitor>
void describe_data(Visitor& v, RunConfig& config) {
    v.path({"network", "Quantized network in ONNX, or a list of layers' shapes (.csv); relative to this file.",
            "[forms](../models/README.md#bring-your-own-network)"},
           config.network, Presence::required);
    v.text({"network_output", "Of a network with several outputs the one that labels belong to."},
           config.network_output, "a graph output of the network");
    v.path({"images",
            "Images in IDX or .npy, plain or .gz; relative to this file. Only run --shapes-only and check do without.",
            "[formats](#images-and-labels)"},
           config.images, Presence::optional);
    v.path({"labels",
            "Labels in IDX, .npy or text (one integer a line), plain or .gz; relative to this file. Without them no "
            "accuracy is reported."},
           config.labels, Presence::optional);
    v.section({"preprocessing",
               "How the values of images become the network's real-valued input: (value * scale - mean) / deviation."},
              [&](auto& s) { describe_preprocessing(s, config.preprocessing); });
}

template <typename Visitor>
void describe(Visitor& v, RunConfig& config) {
    HardwareParams& hardware = config.hardware;
    v.name({"name", "Shown in results."}, hardware.name);
    describe_data(v, config);
    v.real({"clock_mhz", "Clock frequency; turns cycles into seconds and has no influence on cycles."},
           hardware.clock_mhz, kClockMhz);
    v.integer({"batch", "Images processed together; fully connected layers spread them over the columns."},
              hardware.batch, kUpTo256);
    v.section({"array", "The processing elements (PEs), output stationary."},
              [&](auto& s) { describe_array(s, hardware.array); });
    v.section({"accumulator", "The partial-sum registers."},
              [&](auto& s) { describe_accumulator(s, hardware.accumulator); });
    v.section({"requantization", "From sums to activations."},
              [&](auto& s) { describe_requantization(s, hardware.requant); });
    v.section({"pooling", "The pooling unit."}, [&](auto& s) {
        s.word({"rounding", "Rounding of average pooling, in the integer modes."}, hardware.pool.rounding,
               kRoundingWords);
        s.automatic(
            {"row_buffer_bytes",
             "For windows that are still open, of all channels of a tile; a pool that needs more becomes a layer "
             "of its own; auto: what each layer needs."},
            hardware.pool.row_buffer_bytes, kCapacity);
    });
    describe_memories(v, hardware);
    v.section({"energy", "From event counts to energy."}, [&](auto& s) {
        s.table({"table", "A table of the folder energy beside this schema, or the path of a .yaml file."},
                config.energy_table);
        s.boolean({"loop_accounting",
                   "Count the address arithmetic of a software loop nest, as the course's energy model does."},
                  hardware.loop_accounting);
    });
}

/// What a file may say about one key.
struct ConfigKey {
    std::string key;       ///< dotted
    std::string type;      ///< text, path, integer, "auto or integer", number, "auto, number or fraction",
                           ///< "number or list", boolean, word,
                           ///< list, or "map of integers"
    std::string allowed;   ///< range or words, "" when there is nothing to restrict
    std::string fallback;  ///< the default as a file would spell it, "required", or "" for empty
    std::string meaning;
    std::string more;                  ///< links, Markdown
    std::optional<IntRange> integers;  ///< of the types that are integers, beside auto
};

/// All keys in the order of describe(), sections left out.
const std::vector<ConfigKey>& config_keys();

/// "" or what is wrong with an accelerator's name.
std::string name_problem(const std::string& name);
/// "" or what is wrong with a memory's name, seen alone.
std::string memory_name_problem(const std::string& name);
/// What is wrong with the name of a memory beside those of the others.
struct MemoryNameProblem {
    MemoryRole role;
    std::string text;
};
std::optional<MemoryNameProblem> memory_names_problem(const HardwareParams& hardware);

/// Whether three loops are a permutation of row, column, channel.
bool is_permutation(const TapOrder& order);

}  // namespace widthwise
