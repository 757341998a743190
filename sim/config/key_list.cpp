// SPDX-License-Identifier: Apache-2.0
// The list of all keys, and the table that the documentation shows of it.
#include <fmt/format.h>

#include <utility>

#include "config/config_keys.h"
#include "config/key_spelling.h"
#include "config/schema.h"

namespace widthwise {
namespace {

/// The visitor of describe() that lists the keys with what they allow.
class KeyLister {
public:
    KeyLister(std::vector<ConfigKey>& keys, std::string prefix) : keys_(keys), prefix_(std::move(prefix)) {}

    template <typename Callback>
    void section(const Key& key, const Callback& callback) {
        KeyLister child(keys_, fmt::format("{}{}.", prefix_, key.name));
        callback(child);
    }

    void name(const Key& key, const std::string& text) {
        add(key, "text", fmt::format("1..{} characters", kLongestName), text);
    }
    void memory_name(const Key& key, const std::string& text) {
        add(key, "text", fmt::format("1..{} lower-case letters, digits, _", kLongestMemoryName), text);
    }
    void path(const Key& key, const std::string& text, Presence presence) {
        add(key, "path", "", presence == Presence::required ? "required" : text);
    }
    void text(const Key& key, const std::string& text, const char* allowed) { add(key, "text", allowed, text); }
    void table(const Key& key, const std::string& text) { add(key, "text", "a table's name or a .yaml file", text); }

    template <typename Int>
    void integer(const Key& key, Int number, const IntRange& range) {
        add(key, "integer", range.text(), fmt::format("{}", number)).integers = range;
    }
    void automatic(const Key& key, int number, const IntRange& range) {
        add(key, "auto or integer", range.text(), automatic_text(number)).integers = range;
    }
    void real(const Key& key, double number, const RealRange& range) {
        add(key, "number", range.text(), fmt::format("{}", number));
    }
    void automatic_ratio(const Key& key, double number, const RealRange& range) {
        add(key, "auto, number or fraction", range.text(), automatic_text(number));
    }
    void per_channel(const Key& key, const std::vector<double>& numbers, const RealRange& range) {
        add(key, "number or list", range.text(), per_channel_text(numbers));
    }
    void boolean(const Key& key, bool flag) { add(key, "boolean", "true, false", flag ? "true" : "false"); }

    template <typename Enum, std::size_t N>
    void word(const Key& key, Enum choice, const Words<Enum, N>& words) {
        add(key, "word", fmt::format("{}", fmt::join(spellings(words), ", ")), std::string(spelling(words, choice)));
    }
    void order(const Key& key, const TapOrder& order, const Words<TapLoop, 3>& words) {
        add(key, "list", "each of row, column, channel once", order_text(order, words));
    }
    void layers(const Key& key, const std::map<std::string, int>& /*widths*/, const IntRange& range) {
        add(key, "map of integers", range.text(), "{}");
    }

private:
    ConfigKey& add(const Key& key, std::string type, std::string allowed, std::string fallback) {
        keys_.push_back({prefix_ + key.name, std::move(type), std::move(allowed), std::move(fallback), key.meaning,
                         key.more, std::nullopt});
        return keys_.back();
    }

    std::vector<ConfigKey>& keys_;
    std::string prefix_;
};

/// Within a cell of the table, which a bare | would end.
std::string cell(const std::string& text) {
    std::string escaped;
    for (const char letter : text) {
        if (letter == '|') escaped += '\\';
        escaped += letter;
    }
    return escaped;
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
    static const std::vector<ConfigKey> kKeys = [] {
        std::vector<ConfigKey> keys;
        KeyLister lister(keys, "");
        RunConfig defaults;
        describe(lister, defaults);
        return keys;
    }();
    return kKeys;
}

std::string config_table() {
    std::string table = "| key | type | allowed | default | meaning |\n|---|---|---|---|---|\n";
    for (const ConfigKey& key : config_keys()) {
        const bool is_value = !key.fallback.empty() && key.fallback != "required";
        const std::string fallback = is_value ? fmt::format("`{}`", key.fallback) : key.fallback;
        const std::string more = key.more.empty() ? "" : fmt::format(" See {}.", key.more);
        table += fmt::format("| `{}` | {} | {} | {} | {}{} |\n", key.key, key.type, cell(key.allowed), cell(fallback),
                             cell(key.meaning), more);
    }
    return table;
}

}  // namespace widthwise
