// SPDX-License-Identifier: Apache-2.0
#include "config/config_writer.h"

// Writing a configuration as YAML.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "config/config_keys.h"
#include "config/run_config.h"

namespace widthwise {
namespace {

/// Double-quoted YAML, so that no name or path can be mistaken for something else.
std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char letter : text) {
        const auto code = static_cast<unsigned char>(letter);
        if (letter == '"' || letter == '\\') {
            result += '\\';
            result += letter;
        } else if (code < 0x20 || code == 0x7f) {
            result += fmt::format("\\x{:02x}", code);
        } else {
            result += letter;
        }
    }
    return result + '"';
}

/// Absolute paths stay; others are made relative to the folder the file will lie in.
std::string path_from(const std::string& path, const std::string& folder) {
    const std::filesystem::path given(path);
    if (given.is_absolute()) return path;
    const std::filesystem::path target = std::filesystem::absolute(given).lexically_normal();
    const std::filesystem::path base = std::filesystem::absolute(folder).lexically_normal();
    return target.lexically_relative(base).string();
}

/// "0.5", or "[0.485, 0.456, 0.406]".
std::string per_channel_text(const std::vector<double>& numbers) {
    return numbers.size() == 1 ? fmt::format("{}", numbers[0]) : fmt::format("[{}]", fmt::join(numbers, ", "));
}

/// The visitor of describe() that writes every key but those to be left out, and no section without keys.
class ConfigWriter {
public:
    ConfigWriter(std::string& out, std::string folder, std::span<const UnusedKey> left_out, std::string prefix = "")
        : out_(out), folder_(std::move(folder)), left_out_(left_out), prefix_(std::move(prefix)) {}

    template <typename Callback>
    void section(const char* key, const Callback& callback) {
        std::string keys;
        ConfigWriter child(keys, folder_, left_out_, prefix_ + key + ".");
        callback(child);
        if (!keys.empty()) out_ += fmt::format("{}:\n{}", key, keys);
    }

    void name(const char* key, const std::string& text) { line(key, quoted(text)); }

    void path(const char* key, const std::string& text, Presence /*presence*/) {
        if (!text.empty()) line(key, quoted(path_from(text, folder_)));
    }

    void text(const char* key, const std::string& text, const char* /*allowed*/) {
        if (!text.empty()) line(key, quoted(text));
    }

    void table(const char* key, const std::string& text) {
        const bool is_file = text.ends_with(".yaml") || text.ends_with(".yml");
        line(key, quoted(is_file ? path_from(text, folder_) : text));
    }

    template <typename Int>
    void integer(const char* key, Int number, const IntRange& /*range*/) {
        line(key, fmt::format("{}", number));
    }

    void automatic(const char* key, int number, const IntRange& /*range*/) {
        line(key, number == 0 ? "auto" : fmt::format("{}", number));
    }

    // fmt's default is the shortest text that reads back to the same double.
    void real(const char* key, double number, const RealRange& /*range*/) { line(key, fmt::format("{}", number)); }
    void automatic_ratio(const char* key, double number, const RealRange& /*range*/) {
        line(key, number == 0 ? "auto" : fmt::format("{}", number));
    }
    void per_channel(const char* key, const std::vector<double>& numbers, const RealRange& /*range*/) {
        line(key, per_channel_text(numbers));
    }
    void boolean(const char* key, bool flag) { line(key, flag ? "true" : "false"); }

    template <typename Enum, std::size_t N>
    void word(const char* key, Enum choice, const Words<Enum, N>& words) {
        line(key, std::string(spelling(words, choice)));
    }

    void order(const char* key, const TapOrder& order, const Words<TapLoop, 3>& words) {
        line(key, fmt::format("[{}, {}, {}]", spelling(words, order[0]), spelling(words, order[1]),
                              spelling(words, order[2])));
    }

    void layers(const char* key, const std::map<std::string, int>& widths, const IntRange& /*range*/) {
        std::vector<std::string> entries;
        entries.reserve(widths.size());
        for (const auto& [layer, bits] : widths) entries.push_back(fmt::format("{}: {}", quoted(layer), bits));
        line(key, fmt::format("{{{}}}", fmt::join(entries, ", ")));
    }

private:
    void line(const char* key, const std::string& value) {
        const std::string dotted = prefix_ + key;
        const auto is_this = [&](const UnusedKey& unused) { return unused.key == dotted; };
        if (std::any_of(left_out_.begin(), left_out_.end(), is_this)) return;
        out_ += fmt::format("{}{}: {}\n", prefix_.empty() ? "" : "  ", key, value);
    }

    std::string& out_;
    std::string folder_;
    std::span<const UnusedKey> left_out_;
    std::string prefix_;  ///< of the section: "array."
};

/// The visitor of describe() that lists the keys with what they allow.
class KeyLister {
public:
    KeyLister(std::vector<ConfigKey>& keys, std::string prefix) : keys_(keys), prefix_(std::move(prefix)) {}

    template <typename Callback>
    void section(const char* key, const Callback& callback) {
        KeyLister child(keys_, prefix_ + key + ".");
        callback(child);
    }

    void name(const char* key, const std::string& text) {
        add(key, "text", fmt::format("1..{} characters", kLongestName), text);
    }
    void path(const char* key, const std::string& text, Presence presence) {
        add(key, "path", "", presence == Presence::required ? "required" : text);
    }
    void text(const char* key, const std::string& text, const char* allowed) { add(key, "text", allowed, text); }
    void table(const char* key, const std::string& text) { add(key, "text", "a table's name or a .yaml file", text); }

    template <typename Int>
    void integer(const char* key, Int number, const IntRange& range) {
        bounds(add(key, "integer", range.text(), fmt::format("{}", number)), range);
    }
    void automatic(const char* key, int number, const IntRange& range) {
        const std::string fallback = number == 0 ? "auto" : fmt::format("{}", number);
        bounds(add(key, "auto or integer", range.text(), fallback), range);
    }
    void real(const char* key, double number, const RealRange& range) {
        bounds(add(key, "number", range.text(), fmt::format("{}", number)), range);
    }
    void automatic_ratio(const char* key, double number, const RealRange& range) {
        const std::string fallback = number == 0 ? "auto" : fmt::format("{}", number);
        bounds(add(key, "auto, number or fraction", range.text(), fallback), range);
    }
    void per_channel(const char* key, const std::vector<double>& numbers, const RealRange& range) {
        bounds(add(key, "number or list", range.text(), per_channel_text(numbers)), range);
    }
    void boolean(const char* key, bool flag) { add(key, "boolean", "true, false", flag ? "true" : "false"); }

    template <typename Enum, std::size_t N>
    void word(const char* key, Enum choice, const Words<Enum, N>& words) {
        const std::vector<std::string> texts = spellings(words);
        add(key, "word", fmt::format("{}", fmt::join(texts, ", ")), std::string(spelling(words, choice))).words = texts;
    }
    void order(const char* key, const TapOrder& order, const Words<TapLoop, 3>& words) {
        const std::string fallback = fmt::format("[{}, {}, {}]", spelling(words, order[0]), spelling(words, order[1]),
                                                 spelling(words, order[2]));
        add(key, "list", "each of row, column, channel once", fallback).words = spellings(words);
    }
    void layers(const char* key, const std::map<std::string, int>& /*widths*/, const IntRange& range) {
        bounds(add(key, "map of integers", range.text(), "{}"), range);
    }

private:
    ConfigKey& add(const char* key, std::string type, std::string allowed, std::string fallback) {
        keys_.push_back({prefix_ + key, std::move(type), std::move(allowed), std::move(fallback), 0, 0, false, {}});
        return keys_.back();
    }
    static void bounds(ConfigKey& key, const IntRange& range) {
        key.low = static_cast<double>(range.low);
        key.high = static_cast<double>(range.high);
    }
    static void bounds(ConfigKey& key, const RealRange& range) {
        key.low = range.low;
        key.high = range.high;
        key.above_low = range.above_low;
    }

    std::vector<ConfigKey>& keys_;
    std::string prefix_;
};

}  // namespace

std::string to_yaml(const RunConfig& config, const std::string& folder, std::span<const UnusedKey> left_out) {
    std::string text;
    ConfigWriter writer(text, folder, left_out);
    RunConfig copy = config;  // describe() serves readers too and so wants it mutable
    describe(writer, copy);
    return text;
}

std::vector<ConfigKey> config_keys() {
    std::vector<ConfigKey> keys;
    KeyLister lister(keys, "");
    RunConfig defaults;
    describe(lister, defaults);
    return keys;
}

}  // namespace widthwise
