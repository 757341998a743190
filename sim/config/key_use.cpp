// SPDX-License-Identifier: Apache-2.0
#include "config/key_use.h"

#include <array>

namespace widthwise {
namespace {

using Hardware = const HardwareParams&;
using Users = const KeyUsers&;

constexpr std::string_view kNoWeights = "no layer has weights";
constexpr std::string_view kNoParameters = "no layer has weights or adds a constant";
constexpr std::string_view kMapsFit = "all feature maps lie in the activation buffer";
constexpr std::string_view kFloatRounds = "requantization.mode: float32 and onnx round half to even";
constexpr std::string_view kNothingRescaled =
    "no layer has weights, a requantization, an addition or an average to divide, so that nothing is rescaled";
constexpr std::string_view kSumsLeave = "the sums of the only layer with weights leave without requantization";

bool has_weights(Hardware /*hardware*/, Users users) { return users.weights; }
bool has_parameters(Hardware /*hardware*/, Users users) { return users.weights || users.constants; }
bool in_strips(Hardware /*hardware*/, Users users) { return users.strips; }
bool computes_values(Hardware /*hardware*/, Users users) {
    return users.weights || users.requantization || users.addition || users.average_pool;
}
bool requantizes(Hardware /*hardware*/, Users users) {
    return users.requantized || users.requantization || users.addition;
}
bool rescales(Hardware hardware, Users users) { return requantizes(hardware, users) || users.average_pool; }
bool has_integer_rounding(Hardware hardware, Users /*users*/) {
    return sum_mode(hardware.requant.mode) != RequantMode::float32;
}

/// A shift and a reciprocal would not do for both operands of an addition: it has a multiplier in these modes too.
bool has_multiplier(Hardware hardware, Users users) {
    return hardware.requant.mode == RequantMode::fixed_point ||
           (has_integer_rounding(hardware, users) && users.addition);
}

/// A row of the table; `Member` returns a reference to the key's value.
template <typename Member>
constexpr KeyNeed need(std::string_view key, Member /*member*/, bool (*met)(Hardware, Users),
                       std::string_view otherwise) {
    return {key, met, otherwise, [](Hardware from, HardwareParams& hardware) { Member{}(hardware) = Member{}(from); }};
}

constexpr std::array kNeeds{
    need(
        "array.mapping", [](auto& h) -> auto& { return h.array.mapping; },
        [](Hardware, Users u) { return u.output_rows; }, "no layer has output pixels in several rows"),
    need(
        "array.mapping", [](auto& h) -> auto& { return h.array.mapping; },
        [](Hardware h, Users) { return h.array.columns > 1; }, "the array has one column"),
    need(
        "array.interconnect", [](auto& h) -> auto& { return h.array.interconnect; },
        [](Hardware h, Users) { return h.array.rows > 1 || h.array.columns > 1; },
        "the array has one processing element"),
    need(
        "array.zero_gating", [](auto& h) -> auto& { return h.array.zero_gating; }, has_weights, kNoWeights),
    need(
        "array.weight_bits", [](auto& h) -> auto& { return h.array.weight_bits; }, has_weights, kNoWeights),
    need(
        "accumulator.bits", [](auto& h) -> auto& { return h.accumulator.format.bits; }, has_weights, kNoWeights),
    need(
        "accumulator.bits", [](auto& h) -> auto& { return h.accumulator.format.bits; },
        [](Hardware, Users u) { return u.common_width; }, "accumulator.layers names every layer with weights"),
    need(
        "accumulator.overflow", [](auto& h) -> auto& { return h.accumulator.format.overflow; }, has_weights,
        kNoWeights),
    need(
        "accumulator.check", [](auto& h) -> auto& { return h.accumulator.format.check; }, has_weights, kNoWeights),
    need(
        "accumulator.order", [](auto& h) -> auto& { return h.accumulator.order; },
        [](Hardware, Users u) { return u.kernel_loops; }, "no convolution has several values in two of the loops"),
    need(
        "accumulator.bias", [](auto& h) -> auto& { return h.accumulator.bias; },
        [](Hardware, Users u) { return u.bias; }, "no layer has a bias"),
    need(
        "accumulator.statistics", [](auto& h) -> auto& { return h.accumulator.statistics; }, has_weights, kNoWeights),
    need(
        "accumulator.layers", [](auto& h) -> auto& { return h.accumulator.layer_bits; }, has_weights, kNoWeights),
    need(
        "requantization.mode", [](auto& h) -> auto& { return h.requant.mode; }, computes_values, kNothingRescaled),
    need(
        "requantization.mode", [](auto& h) -> auto& { return h.requant.mode; }, rescales, kSumsLeave),
    need(
        "requantization.rounding", [](auto& h) -> auto& { return h.requant.rounding; }, has_integer_rounding,
        kFloatRounds),
    need(
        "requantization.rounding", [](auto& h) -> auto& { return h.requant.rounding; },
        [](Hardware, Users u) { return u.weights || u.requantization || u.addition; },
        "no layer has weights, a requantization or an addition"),
    need(
        "requantization.rounding", [](auto& h) -> auto& { return h.requant.rounding; }, requantizes, kSumsLeave),
    need(
        "requantization.multiplier_bits", [](auto& h) -> auto& { return h.requant.multiplier_bits; }, has_multiplier,
        "only requantization.mode: fixed_point and additions of integers have a multiplier"),
    need(
        "requantization.multiplier_bits", [](auto& h) -> auto& { return h.requant.multiplier_bits; }, computes_values,
        kNothingRescaled),
    need(
        "requantization.multiplier_bits", [](auto& h) -> auto& { return h.requant.multiplier_bits; }, rescales,
        kSumsLeave),
    need(
        "pooling.rounding", [](auto& h) -> auto& { return h.pool.rounding; }, has_integer_rounding, kFloatRounds),
    need(
        "pooling.rounding", [](auto& h) -> auto& { return h.pool.rounding; },
        [](Hardware, Users u) { return u.average_pool; }, "no layer is an average pool that divides"),
    need(
        "pooling.row_buffer_bytes", [](auto& h) -> auto& { return h.pool.row_buffer_bytes; },
        [](Hardware, Users u) { return u.pool; }, "no layer pools"),
    need(
        "line_buffer.rows", [](auto& h) -> auto& { return h.line_buffer.rows; },
        [](Hardware, Users u) { return u.map_lines; }, "fully connected layers hold up to two vectors"),
    need(
        "activation_buffer.strip_rows", [](auto& h) -> auto& { return h.activation_buffer.strip_rows; }, in_strips,
        kMapsFit),
    need(
        "activation_buffer.strip_channels", [](auto& h) -> auto& { return h.activation_buffer.strip_channels; },
        in_strips, kMapsFit),
    need(
        "activation_buffer.prefetch_strips", [](auto& h) -> auto& { return h.activation_buffer.prefetch_strips; },
        in_strips, kMapsFit),
    need(
        "weight_buffer.bytes", [](auto& h) -> auto& { return h.weight_buffer.bytes; }, has_parameters, kNoParameters),
    need(
        "weight_buffer.storage", [](auto& h) -> auto& { return h.weight_buffer.storage; }, has_parameters,
        kNoParameters),
    need(
        "weight_buffer.bytes_per_cycle", [](auto& h) -> auto& { return h.weight_buffer.bytes_per_cycle; }, has_weights,
        kNoWeights),
    need(
        "energy.loop_accounting", [](auto& h) -> auto& { return h.loop_accounting; },
        [](Hardware, Users u) { return u.convolution; }, "no layer is a convolution"),
};

}  // namespace

namespace {

/// All of them; one that is not listed here does not compile.
template <typename Self>
auto flags_of(Self& users) {
    auto& [weights, requantized, requantization, common_width, bias, convolution, kernel_loops, map_lines, output_rows,
           pool, average_pool, addition, constants, strips] = users;
    return std::array{&weights,   &requantized, &requantization, &common_width, &bias,     &convolution, &kernel_loops,
                      &map_lines, &output_rows, &pool,           &average_pool, &addition, &constants,   &strips};
}

}  // namespace

KeyUsers& KeyUsers::operator|=(const KeyUsers& other) {
    const auto flags = flags_of(*this);
    const auto others = flags_of(other);
    for (std::size_t i = 0; i < flags.size(); ++i) *flags[i] = *flags[i] || *others[i];
    return *this;
}

std::span<const KeyNeed> key_needs() { return kNeeds; }

std::vector<UnusedKey> unused_keys(const HardwareParams& hardware, const KeyUsers& users) {
    std::vector<UnusedKey> unused;
    for (const KeyNeed& need : kNeeds) {
        const bool known = !unused.empty() && unused.back().key == need.key;
        if (!known && !need.met(hardware, users)) unused.push_back({need.key, need.otherwise});
    }
    return unused;
}

HardwareParams used_part(const HardwareParams& hardware, const KeyUsers& users) {
    static const HardwareParams kDefaults;
    HardwareParams part = hardware;
    for (const KeyNeed& need : kNeeds) {
        if (!need.met(hardware, users)) need.copy(kDefaults, part);
    }
    return part;
}

}  // namespace widthwise
