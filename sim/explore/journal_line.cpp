// SPDX-License-Identifier: Apache-2.0
#include "explore/journal_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "data/dataset.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kDigestLength = 32;

/// Decimal, since JSON readers cut numbers to 64 bits.
std::string decimal(unsigned __int128 value) {
    std::string digits;
    do {
        digits += static_cast<char>('0' + static_cast<int>(value % 10));
        value /= 10;
    } while (value != 0);
    return {digits.rbegin(), digits.rend()};
}

std::string decimal(__int128 value) {
    if (value >= 0) return decimal(static_cast<unsigned __int128>(value));
    return fmt::format("-{}", decimal(-static_cast<unsigned __int128>(value)));
}

[[noreturn]] void refuse(const std::string& what, const std::string& problem) {
    throw InputError(fmt::format("{} {}", what, problem));
}

/// As people can read it, however long it is.
std::string shown(const Json& json) {
    constexpr std::size_t kMost = 40;
    const std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
}

std::uint64_t parse_count(const Json& json, const std::string& what) {
    if (!json.is_number_unsigned()) refuse(what, fmt::format("is {}, expected a count", shown(json)));
    return json.get<std::uint64_t>();
}

std::int64_t parse_integer(const Json& json, const std::string& what) {
    const bool fits = json.is_number_integer() && (!json.is_number_unsigned() ||
                                                   json.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX));
    if (!fits) refuse(what, fmt::format("is {}, expected an integer of 64 bits", shown(json)));
    return json.get<std::int64_t>();
}

/// Up to 2^127 - 1.
__int128 parse_decimal(const Json& json, const std::string& what) {
    const std::string text = json.is_string() ? json.get<std::string>() : "";
    const bool negative = text.starts_with('-');
    __int128 value = 0;
    bool fits = text.size() > (negative ? 1U : 0U);
    for (std::size_t i = negative ? 1 : 0; i < text.size() && fits; ++i) {
        fits = text[i] >= '0' && text[i] <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, text[i] - '0', &value);
    }
    if (!fits) refuse(what, fmt::format("is {}, expected the digits of an integer below 2^127", shown(json)));
    return negative ? -value : value;
}

Json layer_json(const LayerRecord& layer) {
    const OverflowCounts& overflow = layer.overflow;
    const PsumStats& psums = layer.psums;
    return {overflow.outputs, overflow.events, overflow.transient, overflow.persistent, layer.events[Event::mac_gated],
            psums.count,      psums.min,       psums.max,          decimal(psums.sum),  decimal(psums.sum_of_squares)};
}

__int128 square(std::int64_t value) { return static_cast<__int128>(value) * value; }

void check_psums(const PsumStats& psums, const std::string& layer) {
    if (psums.count == 0) {
        if (psums == PsumStats{}) return;
        refuse(layer + ":", "has a range or a sum of psums, and no psums");
    }
    if (psums.min > psums.max) refuse(layer + ":", "has a least psum above the greatest");
    const auto count = static_cast<__int128>(psums.count);
    if (psums.sum < psums.min * count || psums.sum > psums.max * count) {
        refuse(layer + ":", "has a sum of psums outside their number times their range");
    }
    const auto squares = static_cast<__int128>(psums.sum_of_squares);
    const __int128 greatest = std::max(square(psums.min), square(psums.max));
    __int128 most = 0;
    const bool beyond = __builtin_mul_overflow(greatest, count, &most);
    if (squares < greatest || (!beyond && squares > most)) {
        refuse(layer + ":", "has a sum of squares that its range of psums cannot give");
    }
}

void check_overflow(const OverflowCounts& overflow, const std::string& layer) {
    if (overflow.transient > overflow.outputs || overflow.persistent > overflow.outputs - overflow.transient) {
        refuse(layer + ":", "has more outputs that overflowed than outputs");
    }
    if (overflow.events < overflow.transient + overflow.persistent) {
        refuse(layer + ":", "has fewer overflow events than outputs that overflowed");
    }
}

LayerRecord parse_layer(const Json& json, const std::string& name) {
    constexpr std::size_t kMembers = 10;
    if (!json.is_array() || json.size() != kMembers) {
        refuse(name, fmt::format("is {}, expected a list of {} numbers", shown(json), kMembers));
    }
    LayerRecord layer;
    std::size_t next = 0;
    const auto count = [&](const char* what) {
        const Json& member = json.at(next++);
        return parse_count(member, fmt::format("{}: {}", name, what));
    };
    layer.overflow.outputs = count("outputs");
    layer.overflow.events = count("overflow events");
    layer.overflow.transient = count("transient overflows");
    layer.overflow.persistent = count("persistent overflows");
    layer.events[Event::mac_gated] = count("gated multiplications");
    layer.psums.count = count("psums");
    layer.psums.min = parse_integer(json.at(next++), name + ": least psum");
    layer.psums.max = parse_integer(json.at(next++), name + ": greatest psum");
    layer.psums.sum = parse_decimal(json.at(next++), name + ": sum of psums");
    const __int128 squares = parse_decimal(json.at(next++), name + ": sum of squares");
    if (squares < 0) refuse(name + ": sum of squares", "is negative");
    layer.psums.sum_of_squares = static_cast<unsigned __int128>(squares);
    check_overflow(layer.overflow, name);
    check_psums(layer.psums, name);
    return layer;
}

Json comparison_json(const OutputComparison& output) {
    Json json = {output.agreeing};
    for (const Deviation& d : output.deviations)
        json.push_back({d.values, d.different, decimal(d.signal), decimal(d.noise), d.largest});
    return json;
}

Deviation parse_deviation(const Json& json, const std::string& name) {
    constexpr std::size_t kMembers = 5;
    if (!json.is_array() || json.size() != kMembers)
        refuse(name, fmt::format("is {}, expected a list of {} numbers", shown(json), kMembers));
    Deviation deviation;
    deviation.values = parse_count(json.at(0), name + ": values");
    deviation.different = parse_count(json.at(1), name + ": different values");
    const __int128 signal = parse_decimal(json.at(2), name + ": squares of the reference");
    const __int128 noise = parse_decimal(json.at(3), name + ": squares of differences");
    deviation.largest = parse_count(json.at(4), name + ": largest difference");
    if (signal < 0 || noise < 0) refuse(name, "has a negative sum of squares");
    deviation.signal = static_cast<unsigned __int128>(signal);
    deviation.noise = static_cast<unsigned __int128>(noise);
    if (deviation.different > deviation.values) refuse(name, "has more different values than values");
    // Each difference is 1 at least, and the largest one at most.
    const auto different = static_cast<unsigned __int128>(deviation.different);
    const auto largest = static_cast<unsigned __int128>(deviation.largest);
    unsigned __int128 most = 0;
    const bool beyond = __builtin_mul_overflow(largest * largest, different, &most);
    if (deviation.noise < different || (!beyond && deviation.noise > most) ||
        (deviation.different == 0) != (deviation.largest == 0))
        refuse(name, "has squares of differences that their number and the largest cannot give");
    return deviation;
}

/// A list: images that agree, then a list for each scale of the output.
OutputComparison parse_comparison(const Json& json, std::uint64_t images) {
    if (!json.is_array() || json.size() < 2) refuse("output", fmt::format("is {}, expected a list", shown(json)));
    OutputComparison output;
    output.agreeing = parse_count(json.at(0), "output: agreeing images");
    if (output.agreeing > images) refuse("output:", "has more agreeing images than images");
    for (std::size_t s = 1; s < json.size(); ++s)
        output.deviations.push_back(parse_deviation(json.at(s), fmt::format("output: scale {}", s)));
    return output;
}

}  // namespace

bool is_digest(std::string_view word) {
    return word.size() == kDigestLength && std::all_of(word.begin(), word.end(), [](char letter) {
               return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
           });
}

std::string journal_line(std::string_view word, std::string_view json) {
    const std::string rest = fmt::format("{} {}", word, json);
    return fmt::format("{} {}\n", md5_of_bytes(rest.data(), rest.size()), rest);
}

std::optional<JournalLine> parse_journal_line(std::string_view line) {
    if (line.size() <= kDigestLength || line[kDigestLength] != ' ') return std::nullopt;
    const std::string_view rest = line.substr(kDigestLength + 1);
    if (md5_of_bytes(rest.data(), rest.size()) != line.substr(0, kDigestLength)) return std::nullopt;
    const std::size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    return JournalLine{std::string(rest.substr(0, blank)), std::string(rest.substr(blank + 1))};
}

std::string outcome_json(const ValueOutcome& outcome) {
    Json layers = Json::array();
    for (const LayerRecord& layer : outcome.layers) layers.push_back(layer_json(layer));
    Json json = {{"images", outcome.images}, {"labelled", outcome.labelled}, {"correct", outcome.correct}};
    if (outcome.output) json["output"] = comparison_json(*outcome.output);
    json["layers"] = std::move(layers);
    return json.dump();
}

ValueOutcome parse_outcome(const std::string& text) {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) refuse("it", "is no JSON object");
    for (const auto& [name, value] : json.items()) {
        if (name != "images" && name != "labelled" && name != "correct" && name != "output" && name != "layers") {
            refuse(shown(Json(name)), "is no member of an entry");
        }
    }
    const auto member = [&](const char* name) -> const Json& {
        if (!json.contains(name)) refuse(name, "is missing");
        return json.at(name);
    };
    ValueOutcome outcome;
    outcome.images = parse_count(member("images"), "images");
    outcome.labelled = parse_count(member("labelled"), "labelled");
    outcome.correct = parse_count(member("correct"), "correct");
    if (outcome.labelled > outcome.images) refuse("labelled", "is more than images");
    if (outcome.correct > outcome.labelled) refuse("correct", "is more than labelled");
    if (json.contains("output")) outcome.output = parse_comparison(json.at("output"), outcome.images);
    const Json& layers = member("layers");
    if (!layers.is_array()) refuse("layers", fmt::format("is {}, expected a list", shown(layers)));
    for (std::size_t l = 0; l < layers.size(); ++l) {
        outcome.layers.push_back(parse_layer(layers[l], fmt::format("layer {}", l + 1)));
    }
    return outcome;
}

}  // namespace widthwise
