// SPDX-License-Identifier: Apache-2.0
#include "config/validate.h"

// Checks of parameters that did not come from a file (or were changed after it was read).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "config/config_keys.h"
#include "config/memory_rows.h"
#include "config/run_config.h"
#include "text/letter_case.h"
#include "text/printable.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

/// The visitor of describe() that checks every value against the range that a file's reader enforces.
class Validator {
public:
    explicit Validator(std::string prefix) : prefix_(std::move(prefix)) {}

    template <typename Callback>
    void section(const Key& key, const Callback& callback) {
        Validator child(fmt::format("{}{}.", prefix_, key.name));
        callback(child);
    }

    void text(const Key& /*key*/, const std::string& /*text*/, const char* /*allowed*/) const {}

    void name(const Key& key, const std::string& text) const {
        const std::string problem = name_problem(text);
        if (!problem.empty()) refuse(key.name, problem);
    }

    void memory_name(const Key& key, const std::string& text) const {
        const std::string problem = memory_name_problem(text);
        if (!problem.empty()) refuse(key.name, problem);
    }

    // Paths and tables are checked where they are opened.
    void path(const Key& /*key*/, const std::string& /*text*/, Presence /*presence*/) const {}
    void table(const Key& /*key*/, const std::string& /*text*/) const {}

    template <typename Int>
    void integer(const Key& key, Int number, const IntRange& range) const {
        if (!range.contains(number)) refuse(key.name, out_of_range(fmt::format("{}", number), range.text()));
    }

    void automatic(const Key& key, int number, const IntRange& range) const {
        if (number == 0 || range.contains(number)) return;
        refuse(key.name, out_of_range(fmt::format("{}", number), "0 for auto, or " + range.text()));
    }

    void real(const Key& key, double number, const RealRange& range) const {
        if (!range.contains(number)) refuse(key.name, out_of_range(fmt::format("{}", number), range.text()));
    }
    void automatic_ratio(const Key& key, double number, const RealRange& range) const {
        if (number == 0 || range.contains(number)) return;
        refuse(key.name, out_of_range(fmt::format("{}", number), "0 for auto, or " + range.text()));
    }
    void per_channel(const Key& key, const std::vector<double>& numbers, const RealRange& range) const {
        if (numbers.empty()) refuse(key.name, "is an empty list");
        for (const double number : numbers) real(key, number, range);
    }
    void boolean(const Key& /*key*/, bool /*flag*/) const {}

    template <typename Enum, std::size_t N>
    void word(const Key& key, Enum choice, const Words<Enum, N>& words) const {
        if (!spelling(words, choice).empty()) return;
        refuse(key.name, not_a_word(fmt::format("{}", static_cast<int>(choice)), spellings(words)));
    }

    void order(const Key& key, const TapOrder& order, const Words<TapLoop, 3>& /*words*/) const {
        if (!is_permutation(order))
            refuse(key.name, "is not a permutation (allowed: row, column and channel, each once)");
    }

    void layers(const Key& key, const std::map<std::string, int>& widths, const IntRange& range) const {
        for (const auto& [layer, bits] : widths) {
            const std::string layer_key = fmt::format("{}.{}", key.name, layer);
            if (layer.empty() || layer != lower_case(layer)) {
                refuse(layer_key, fmt::format("'{}' is not a layer's name in lower case", layer));
            }
            if (!range.contains(bits)) refuse(layer_key, out_of_range(fmt::format("{}", bits), range.text()));
        }
    }

private:
    [[noreturn]] void refuse(const std::string& key, const std::string& message) const {
        throw InputError(fmt::format("{}{}: {}", prefix_, key, message));
    }

    std::string prefix_;
};

}  // namespace

std::string name_problem(const std::string& name) {
    // Characters of UTF-8, as the JSON schema counts them: every byte that does not continue another.
    const auto starts = [](char letter) { return (static_cast<unsigned char>(letter) & 0xC0U) != 0x80U; };
    const auto characters = static_cast<std::size_t>(std::count_if(name.begin(), name.end(), starts));
    if (characters == 0 || characters > kLongestName) {
        return fmt::format("has {} characters (allowed: 1..{})", characters, kLongestName);
    }
    for (const char letter : name) {
        const auto code = static_cast<unsigned char>(letter);
        if (code < 0x20 || code == 0x7f) return fmt::format("holds the control character 0x{:02x}", code);
    }
    return "";
}

std::string memory_name_problem(const std::string& name) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";
    const bool is_name = !name.empty() && name.size() <= kLongestMemoryName && name.front() >= 'a' &&
                         name.front() <= 'z' && name.find_first_not_of(kLetters) == std::string::npos;
    if (!is_name) {
        return fmt::format(
            "'{}' is no name of a memory (allowed: 1..{} lower-case letters, digits and _, a letter first)",
            shown_name(name), kLongestMemoryName);
    }
    for (std::size_t e = 0; e < kEventCount; ++e) {
        const std::string_view event = event_infos()[e].name;
        if (name == event.substr(0, event.find('.')) && !memory_of(static_cast<Event>(e))) {
            return fmt::format("'{}' is the name of another unit, whose events begin with it", name);
        }
    }
    return "";
}

std::optional<MemoryNameProblem> memory_names_problem(const HardwareParams& hardware) {
    static const MemoryList kUsual;
    const MemoryList memories = memories_of(hardware);
    for (const MemoryRole role : kFromDram) {
        const std::string& name = memories[role].name;
        for (const MemoryRole other : kFromDram) {
            if (other == role) continue;
            // Otherwise an energy table would take it for the other one.
            if (name == kUsual[other].name) {
                return MemoryNameProblem{
                    role, fmt::format("'{}' is the usual name of the memory that keeps {}, this one keeps {}", name,
                                      keeps_text(other), keeps_text(role))};
            }
            if (name == memories[other].name) {
                return MemoryNameProblem{
                    role, fmt::format("'{}' is the name of the memory that keeps {} too (allowed: a name each)", name,
                                      keeps_text(other))};
            }
        }
    }
    return std::nullopt;
}

bool is_permutation(const TapOrder& order) {
    return order[0] != order[1] && order[1] != order[2] && order[0] != order[2];
}

void validate(const HardwareParams& hardware) {
    RunConfig config;
    config.hardware = hardware;
    Validator validator("");
    describe(validator, config);
    if (const auto problem = memory_names_problem(hardware)) {
        throw InputError(fmt::format("{}.{}: {}", MemoryList{}[problem->role].name, kMemoryName.name, problem->text));
    }
}

}  // namespace widthwise
