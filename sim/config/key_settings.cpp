// SPDX-License-Identifier: Apache-2.0
#include "config/key_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.h"
#include "config/config_keys.h"
#include "config/config_writer.h"
#include "config/value_reader.h"
#include "text/printable.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

/// The visitor of describe() that reads one value into one key.
class KeyReader : public ValueReader {
public:
    KeyReader(std::string_view key, const YamlValue& value, const std::filesystem::path& folder)
        : ValueReader(folder), key_(key), value_(value) {}

    template <typename Callback>
    void section(const Key& key, const Callback& callback) {
        const std::string prefix = fmt::format("{}.", key.name);
        if (!key_.starts_with(prefix)) return;
        KeyReader child(key_.substr(prefix.size()), value_, folder());
        callback(child);
    }

private:
    std::optional<YamlValue> find(const Key& key, Presence /*presence*/) override {
        return key_ == key.name ? std::optional(value_) : std::nullopt;
    }

    std::string_view key_;
    const YamlValue& value_;
};

std::vector<std::string> key_names() {
    std::vector<std::string> names;
    for (const ConfigKey& key : config_keys()) names.push_back(key.key);
    return names;
}

/// The keys of a section; none when there is no such section.
std::vector<std::string> keys_of(const std::string& section) {
    std::vector<std::string> names = key_names();
    std::erase_if(names, [&](const std::string& name) { return !name.starts_with(section + "."); });
    return names;
}

/// Who knows a key by its last word alone gets all keys that end in it.
std::string meant(const std::string& key) {
    const std::vector<std::string> names = key_names();
    std::vector<std::string> ends;
    std::copy_if(names.begin(), names.end(), std::back_inserter(ends),
                 [&](const std::string& name) { return name.ends_with("." + key); });
    if (ends.empty()) return suggestion(key, names);
    return fmt::format(", did you mean '{}'?", fmt::join(ends, "' or '"));
}

KeySetting parse_key_setting(const std::string& option, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        throw InputError(fmt::format("{}: '{}' is no KEY=VALUE, such as array.rows=16", option, shown_name(text)));
    }
    const std::string key = text.substr(0, equals);
    if (const std::string problem = key_problem(key); !problem.empty()) {
        throw InputError(fmt::format("{}: {}", option, problem));
    }
    return {key, YamlValue::of_option(option, key, text.substr(equals + 1))};
}

}  // namespace

std::string key_problem(const std::string& key) {
    const std::vector<std::string> names = key_names();
    if (std::find(names.begin(), names.end(), key) != names.end()) return "";
    const std::string shown = shown_name(key);
    if (const std::vector<std::string> inside = keys_of(key); !inside.empty()) {
        return fmt::format("'{}' is a section (allowed: its keys {})", shown, fmt::join(inside, ", "));
    }
    const std::vector<std::string> siblings = keys_of(key.substr(0, key.find('.')));
    const std::string allowed =
        siblings.empty() ? "those that `widthwise schema --table` lists" : fmt::format("{}", fmt::join(siblings, ", "));
    return fmt::format("unknown key '{}' (allowed: {}){}", shown, allowed, meant(key));
}

std::vector<KeySetting> parse_key_settings(const std::string& option, const std::vector<std::string>& texts) {
    std::vector<KeySetting> settings;
    for (const std::string& text : texts) {
        KeySetting setting = parse_key_setting(option, text);
        const auto same = [&](const KeySetting& other) { return other.key == setting.key; };
        if (std::any_of(settings.begin(), settings.end(), same)) {
            throw InputError(fmt::format("{}: the key {} is given twice", option, setting.key));
        }
        RunConfig tried;
        set_key(tried, setting, "");
        settings.push_back(std::move(setting));
    }
    return settings;
}

void set_key(RunConfig& config, const KeySetting& setting, const std::filesystem::path& folder) {
    KeyReader reader(setting.key, setting.value, folder);
    describe(reader, config);
}

std::string key_text(const RunConfig& config, const std::string& key) {
    for (const KeyText& text : key_texts(config)) {
        if (text.key == key) return text.shown;
    }
    return "";
}

}  // namespace widthwise
