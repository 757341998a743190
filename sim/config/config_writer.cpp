// SPDX-License-Identifier: Apache-2.0
#include "config/config_writer.h"

// Spelling the values of a configuration.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include "config/config_keys.h"
#include "config/key_spelling.h"
#include "config/memory_rows.h"
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

/// The visitor of describe() that spells the value of every key but those to be left out.
class KeySpeller {
public:
    KeySpeller(std::vector<KeyText>& out, std::string folder, std::span<const UnusedKey> left_out,
               std::string prefix = "")
        : out_(out), folder_(std::move(folder)), left_out_(left_out), prefix_(std::move(prefix)) {}

    template <typename Callback>
    void section(const Key& key, const Callback& callback) {
        KeySpeller child(out_, folder_, left_out_, fmt::format("{}{}.", prefix_, key.name));
        callback(child);
    }

    void name(const Key& key, const std::string& text) { add_text(key, text); }
    void memory_name(const Key& key, const std::string& text) { add(key, text, text); }

    void path(const Key& key, const std::string& text, Presence /*presence*/) {
        if (!text.empty()) add_text(key, path_from(text, folder_));
    }

    void text(const Key& key, const std::string& text, const char* /*allowed*/) {
        if (!text.empty()) add_text(key, text);
    }

    void table(const Key& key, const std::string& text) {
        add_text(key, is_yaml_path(text) ? path_from(text, folder_) : text);
    }

    template <typename Int>
    void integer(const Key& key, Int number, const IntRange& /*range*/) {
        add(key, fmt::format("{}", number));
    }

    void automatic(const Key& key, int number, const IntRange& /*range*/) { add(key, automatic_text(number)); }

    // fmt's default is the shortest text that reads back to the same double.
    void real(const Key& key, double number, const RealRange& /*range*/) { add(key, fmt::format("{}", number)); }
    void automatic_ratio(const Key& key, double number, const RealRange& /*range*/) {
        add(key, automatic_text(number));
    }
    void per_channel(const Key& key, const std::vector<double>& numbers, const RealRange& /*range*/) {
        add(key, per_channel_text(numbers));
    }
    void boolean(const Key& key, bool flag) { add(key, flag ? "true" : "false"); }

    template <typename Enum, std::size_t N>
    void word(const Key& key, Enum choice, const Words<Enum, N>& words) {
        add(key, std::string(spelling(words, choice)));
    }

    void order(const Key& key, const TapOrder& order, const Words<TapLoop, 3>& words) {
        add(key, order_text(order, words));
    }

    void layers(const Key& key, const std::map<std::string, int>& widths, const IntRange& /*range*/) {
        std::vector<std::string> entries;
        entries.reserve(widths.size());
        for (const auto& [layer, bits] : widths) entries.push_back(fmt::format("{}: {}", quoted(layer), bits));
        add(key, layer_widths_text(widths), fmt::format("{{{}}}", fmt::join(entries, ", ")));
    }

private:
    void add_text(const Key& key, const std::string& text) { add(key, text, quoted(text)); }
    void add(const Key& key, const std::string& text) { add(key, text, text); }
    void add(const Key& key, const std::string& shown, const std::string& yaml) {
        const std::string dotted = prefix_ + key.name;
        const auto is_this = [&](const UnusedKey& unused) { return unused.key == dotted; };
        if (std::none_of(left_out_.begin(), left_out_.end(), is_this)) out_.push_back({dotted, shown, yaml});
    }

    std::vector<KeyText>& out_;
    std::string folder_;
    std::span<const UnusedKey> left_out_;
    std::string prefix_;  ///< of the section: "array."
};

}  // namespace

std::vector<KeyText> key_texts(const RunConfig& config, const std::string& folder,
                               std::span<const UnusedKey> left_out) {
    std::vector<KeyText> texts;
    KeySpeller speller(texts, folder, left_out);
    RunConfig copy = config;  // describe() serves readers too and so wants it mutable
    describe(speller, copy);
    return texts;
}

std::string to_yaml(const RunConfig& config, const std::string& folder, std::span<const UnusedKey> left_out) {
    std::string text, open;                         // the section that the last line stands in
    std::array<std::string, kMemoryCount> rows;     // by role
    std::size_t place_of_rows = std::string::npos;  // in the text
    for (const KeyText& key : key_texts(config, folder, left_out)) {
        const std::size_t dot = key.key.find('.');
        const std::string section = dot == std::string::npos ? "" : key.key.substr(0, dot);
        const std::string name = key.key.substr(section.empty() ? 0 : dot + 1);
        if (const std::optional<MemoryRole> role = memory_called(section)) {
            place_of_rows = std::min(place_of_rows, text.size());
            std::string& row = rows[static_cast<std::size_t>(*role)];
            const bool first = row.empty();
            row += fmt::format("  {} {}: {}\n", first ? '-' : ' ', name, key.yaml);
            if (first) row += fmt::format("    {}: {}\n", kKeepsKey, keeps_text(*role));
            continue;
        }
        if (section != open && !section.empty()) text += section + ":\n";
        open = section;
        text += fmt::format("{}{}: {}\n", section.empty() ? "" : "  ", name, key.yaml);
    }
    std::string list = fmt::format("{}:\n", kMemoriesKey);
    for (const MemoryRole role : kFromDram) list += rows[static_cast<std::size_t>(role)];
    return text.insert(place_of_rows, list);
}

}  // namespace widthwise
