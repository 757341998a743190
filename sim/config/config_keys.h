// SPDX-License-Identifier: Apache-2.0
// Every key of an accelerator file, written down once: reading, writing, validating and listing the keys are visitors
// of describe(). A new parameter is a member in hardware.h, a line here, and its rows in configs/schema.json and
// configs/README.md (a test compares them). If something can leave it without effect, it has a row in key_use.cpp too.
#pragma once

#include <string>
#include <vector>

#include "config/hardware.h"
#include "config/limits.h"
#include "config/run_config.h"

namespace widthwise {

inline constexpr Words<Mapping, 2> kMappingWords{{{"row", Mapping::row}, {"flat", Mapping::flat}}};
inline constexpr Words<Interconnect, 2> kInterconnectWords{
    {{"broadcast", Interconnect::broadcast}, {"systolic", Interconnect::systolic}}};
inline constexpr Words<TapLoop, 3> kTapLoopWords{
    {{"row", TapLoop::row}, {"column", TapLoop::column}, {"channel", TapLoop::channel}}};
inline constexpr Words<BiasMode, 2> kBiasWords{{{"preload", BiasMode::preload}, {"requant", BiasMode::requant}}};
inline constexpr Words<WeightStorage, 2> kStorageWords{
    {{"resident", WeightStorage::resident}, {"streamed", WeightStorage::streamed}}};
inline constexpr Words<PsumStatistics, 2> kStatisticsWords{
    {{"outputs", PsumStatistics::outputs}, {"every_add", PsumStatistics::every_add}}};
inline constexpr Words<Overflow, 2> kOverflowWords{{{"saturate", Overflow::saturate}, {"wrap", Overflow::wrap}}};
inline constexpr Words<OverflowCheck, 2> kCheckWords{
    {{"per_add", OverflowCheck::per_add}, {"per_output", OverflowCheck::per_output}}};
inline constexpr Words<RequantMode, 4> kRequantModeWords{{{"fixed_point", RequantMode::fixed_point},
                                                          {"shift", RequantMode::shift},
                                                          {"reciprocal", RequantMode::reciprocal},
                                                          {"float32", RequantMode::float32}}};
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
inline constexpr IntRange kActivationBits{2, 8};
inline constexpr IntRange kWeightBits{2, 9};
inline constexpr IntRange kAccumulatorBits{kMinAccumulatorBits, kMaxAccumulatorBits};
inline constexpr IntRange kMultiplierBits{2, 32};
inline constexpr IntRange kUpTo64{1, 64};
inline constexpr IntRange kPorts{1, 2};
inline constexpr IntRange kLatency{1, 100000};
inline constexpr IntRange kCapacity{1, std::int64_t{1} << 30};
inline constexpr std::size_t kLongestName = 100;

enum class Presence : std::uint8_t { required, optional };

/// Calls one method of `v` per key, in the order of the file:
///   section(key, callback(section_visitor)), name(key, string), path(key, string, presence), table(key, string),
///   integer(key, number, range), automatic(key, int, range) (0 is spelled auto), real(key, double, range),
///   automatic_ratio(key, double, range) (0 is spelled auto), per_channel(key, list of doubles, range), boolean(key, bool), word(key, enum, words), order(key, TapOrder, words),
///   layers(key, map, range).
template <typename Visitor>
void describe_array(Visitor& v, ArrayParams& array) {
    v.integer("rows", array.rows, kUpTo256);
    v.integer("columns", array.columns, kUpTo256);
    v.word("mapping", array.mapping, kMappingWords);
    v.word("interconnect", array.interconnect, kInterconnectWords);
    v.boolean("zero_gating", array.zero_gating);
    v.boolean("shadow_accumulators", array.shadow_accumulators);
    v.automatic("activation_bits", array.activation_bits, kActivationBits);
    v.automatic("weight_bits", array.weight_bits, kWeightBits);
}

template <typename Visitor>
void describe_accumulator(Visitor& v, AccumulatorParams& accumulator) {
    v.integer("bits", accumulator.format.bits, kAccumulatorBits);
    v.word("overflow", accumulator.format.overflow, kOverflowWords);
    v.word("check", accumulator.format.check, kCheckWords);
    v.order("order", accumulator.order, kTapLoopWords);
    v.word("bias", accumulator.bias, kBiasWords);
    v.word("statistics", accumulator.statistics, kStatisticsWords);
    v.layers("layers", accumulator.layer_bits, kAccumulatorBits);
}

template <typename Visitor>
void describe_memories(Visitor& v, HardwareParams& hardware) {
    v.section("line_buffer", [&](auto& s) {
        s.automatic("rows", hardware.line_buffer.rows, kUpTo256);
        s.integer("fill_bytes_per_cycle", hardware.line_buffer.fill_bytes_per_cycle, kUpTo64);
        s.integer("bytes", hardware.line_buffer.bytes, kCapacity);
    });
    v.section("activation_buffer", [&](auto& s) {
        s.integer("bytes", hardware.activation_buffer.bytes, kCapacity);
        s.integer("ports", hardware.activation_buffer.ports, kPorts);
    });
    v.section("weight_buffer", [&](auto& s) {
        s.integer("bytes", hardware.weight_buffer.bytes, kCapacity);
        s.word("storage", hardware.weight_buffer.storage, kStorageWords);
        s.automatic("bytes_per_cycle", hardware.weight_buffer.bytes_per_cycle, kUpTo256);
    });
    v.section("dram", [&](auto& s) {
        s.integer("latency", hardware.dram.latency, kLatency);
        s.integer("bytes_per_cycle", hardware.dram.bytes_per_cycle, kUpTo64);
    });
}

template <typename Visitor>
void describe(Visitor& v, RunConfig& config) {
    HardwareParams& hardware = config.hardware;
    v.name("name", hardware.name);
    v.path("network", config.network, Presence::required);
    v.text("network_output", config.network_output, "a graph output of the network");
    v.path("images", config.images, Presence::required);
    v.path("labels", config.labels, Presence::optional);
    v.section("preprocessing", [&](auto& s) {
        s.word("fit", config.preprocessing.fit, kFitWords);
        s.automatic_ratio("scale", config.preprocessing.scale, kPositive);
        s.per_channel("mean", config.preprocessing.mean, kSigned);
        s.per_channel("deviation", config.preprocessing.deviation, kPositive);
        s.word("layout", config.preprocessing.layout, kLayoutWords);
        s.boolean("quantized", config.preprocessing.quantized);
    });
    v.real("clock_mhz", hardware.clock_mhz, kClockMhz);
    v.integer("batch", hardware.batch, kUpTo256);
    v.section("array", [&](auto& s) { describe_array(s, hardware.array); });
    v.section("accumulator", [&](auto& s) { describe_accumulator(s, hardware.accumulator); });
    v.section("requantization", [&](auto& s) {
        s.word("mode", hardware.requant.mode, kRequantModeWords);
        s.word("rounding", hardware.requant.rounding, kRoundingWords);
        s.integer("multiplier_bits", hardware.requant.multiplier_bits, kMultiplierBits);
        s.integer("lanes", hardware.requant.lanes, kUpTo64);
    });
    v.section("pooling", [&](auto& s) { s.word("rounding", hardware.pool.rounding, kRoundingWords); });
    describe_memories(v, hardware);
    v.section("energy", [&](auto& s) {
        s.table("table", config.energy_table);
        s.boolean("loop_accounting", hardware.loop_accounting);
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
    double low = 0.0;      ///< of the numeric types
    double high = 0.0;
    bool above_low = false;
    std::vector<std::string> words;
};

/// All keys in the order of describe(), sections left out.
std::vector<ConfigKey> config_keys();

/// "" or what is wrong with an accelerator's name.
std::string name_problem(const std::string& name);

/// Whether three loops are a permutation of row, column, channel.
bool is_permutation(const TapOrder& order);

}  // namespace widthwise
