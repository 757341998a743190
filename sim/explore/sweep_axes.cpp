// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep_axes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "config/config_keys.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

constexpr const char* kWidths = "accumulator_bits";
constexpr const char* kArray = "array";

/// Names that are shorter than their key.
struct ShortName {
    const char* name;
    const char* key;
};
constexpr std::array<ShortName, 9> kShortNames{{{kWidths, "accumulator.bits"},
                                                {"layer_accumulators", "accumulator.layers"},
                                                {"overflow", "accumulator.overflow"},
                                                {"check", "accumulator.check"},
                                                {"bias", "accumulator.bias"},
                                                {"interconnect", "array.interconnect"},
                                                {"mapping", "array.mapping"},
                                                {"lanes", "requantization.lanes"},
                                                {"energy_table", "energy.table"}}};

/// The key that an axis of this name has to itself; null when it has several.
const ConfigKey* key_of(const std::string& name) {
    const auto alias = std::find_if(kShortNames.begin(), kShortNames.end(),
                                    [&](const ShortName& known) { return known.name == name; });
    const std::string dotted = alias == kShortNames.end() ? name : alias->key;
    const std::vector<ConfigKey>& keys = config_keys();
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& known) { return known.key == dotted; });
    return key == keys.end() ? nullptr : &*key;
}

bool is_section(const std::string& name) {
    const std::vector<ConfigKey>& keys = config_keys();
    return std::any_of(keys.begin(), keys.end(), [&](const ConfigKey& key) { return key.key.starts_with(name + "."); });
}

/// What an axis may be called when its values say themselves which keys they change.
bool is_free_name(const std::string& name) {
    const auto is_plain = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
    };
    return !name.empty() && std::all_of(name.begin(), name.end(), is_plain);
}

std::string nearest_axis(const std::string& name) {
    std::vector<std::string> names = short_axis_names();
    for (const ConfigKey& key : config_keys()) names.push_back(key.key);
    return suggestion(name, names);
}

/// All points of a sweep run on the same images.
void refuse_data_files(const YamlValue& place, const std::string& key) {
    if (key != "images" && key != "labels") return;
    place.fail(
        fmt::format("{} cannot vary: all points of a sweep run on the same images (one sweep file for each)", key));
}

/// One axis being read.
class AxisReader {
public:
    AxisReader(const YamlEntry& entry, const std::filesystem::path& folder)
        : entry_(entry), folder_(folder), axis_{entry.name, entry.name_value, entry.name == kWidths, {}, {}} {}

    Axis read() && {
        const ConfigKey* key = key_of(axis_.name);
        if (key != nullptr) read_key(*key);
        else if (is_section(axis_.name)) read_maps(axis_.name + ".");
        else if (is_free_name(axis_.name) && has_maps()) read_maps("");
        else refuse_name();
        if (axis_.values.empty()) entry_.value.fail("the list is empty (allowed: one value or more)");
        sort_keys();
        return std::move(axis_);
    }

private:
    void read_key(const ConfigKey& key) {
        refuse_data_files(entry_.name_value, key.key);
        axis_.keys = {key.key};
        if (key.integers && entry_.value.is_map()) {
            read_range(key);
            return;
        }
        for (const YamlValue& item : entry_.value.items()) {
            KeySetting setting{key.key, item};
            const std::string text = shown(key, setting);
            add(item, text, {std::move(setting)});
        }
    }

    /// {from: 10, to: 32, step: 2}
    void read_range(const ConfigKey& key) {
        YamlMap map(entry_.value);
        const auto from = map.require("from");
        const auto to = map.require("to");
        const auto step = map.find("step");
        map.finish();
        const std::int64_t first = from->integer(*key.integers);
        const std::int64_t last = to->integer({first, key.integers->high});
        const std::int64_t by = step ? step->integer({1, key.integers->high}) : 1;
        const std::int64_t count = (last - first) / by + 1;
        if (count > static_cast<std::int64_t>(kMaxSweepPoints)) {
            entry_.value.fail(fmt::format("spans {} points (allowed: up to {})", count, kMaxSweepPoints));
        }
        for (std::int64_t number = first; number <= last; number += by) {
            const std::string digits = fmt::format("{}", number);
            add(entry_.value, digits, {{key.key, entry_.value.with(digits)}});
        }
    }

    /// Each value is a map of keys, whose names lack `prefix`.
    void read_maps(const std::string& prefix) {
        for (const YamlValue& item : entry_.value.items()) {
            if (axis_.name == kArray && !item.is_map()) read_pair(item);
            else read_map(item, prefix);
        }
    }

    void read_map(const YamlValue& item, const std::string& prefix) {
        std::vector<KeySetting> settings;
        for (const YamlEntry& entry : item.entries()) {
            const std::string key = prefix + entry.name;
            if (const std::string problem = key_problem(key); !problem.empty()) {
                entry.name_value.fail(problem + other_axis(prefix));
            }
            refuse_data_files(entry.name_value, key);
            settings.push_back({key, entry.value});
        }
        if (settings.empty()) item.fail("names nothing (allowed: one key or more)");
        // Two maps that differ in the order of their keys are the same value.
        std::vector<std::string> parts;
        for (const ConfigKey& key : config_keys()) {
            const auto same = [&](const KeySetting& setting) { return setting.key == key.key; };
            const auto setting = std::find_if(settings.begin(), settings.end(), same);
            if (setting == settings.end()) continue;
            parts.push_back(fmt::format("{}={}", key.key.substr(prefix.size()), shown(key, *setting)));
        }
        add(item, fmt::format("{}", fmt::join(parts, ",")), std::move(settings));
    }

    /// [rows, columns]
    void read_pair(const YamlValue& item) {
        const std::vector<YamlValue> pair = item.items();
        if (pair.size() != 2) item.fail(fmt::format("has {} entries (allowed: [rows, columns])", pair.size()));
        const std::vector<KeySetting> settings = {{"array.rows", pair[0]}, {"array.columns", pair[1]}};
        const auto text = [&](const KeySetting& setting) { return shown(*key_of(setting.key), setting); };
        add(item, fmt::format("{}x{}", text(settings[0]), text(settings[1])), settings);
    }

    /// Reads the value, so that it is refused where it stands. Paths and names of tables are shown as they are given.
    [[nodiscard]] std::string shown(const ConfigKey& key, const KeySetting& setting) const {
        RunConfig config;
        set_key(config, setting, folder_);
        return key.type == "path" || key.type == "text" ? setting.value.text() : key_text(config, key.key);
    }

    void add(const YamlValue& place, const std::string& text, std::vector<KeySetting> settings) {
        if (!texts_.insert(text).second) place.fail(fmt::format("the value '{}' is given twice", text));
        for (const KeySetting& setting : settings) {
            if (!axis_.changes(setting.key)) axis_.keys.push_back(setting.key);
        }
        if (axis_.name == kWidths) {  // as --accumulator does; axes of single layers come after
            settings.push_back({"accumulator.layers", YamlValue::parse("{}", place.position())});
        }
        axis_.values.push_back({text, place, std::move(settings)});
    }

    [[nodiscard]] bool has_maps() const {
        if (!entry_.value.is_list()) return false;
        const std::vector<YamlValue> items = entry_.value.items();
        return std::all_of(items.begin(), items.end(), [](const YamlValue& item) { return item.is_map(); });
    }

    /// Behind a message about a key of a map: the axis's own name may be the mistake.
    [[nodiscard]] std::string other_axis(const std::string& prefix) const {
        const std::string nearest = prefix.empty() ? nearest_axis(axis_.name) : "";
        return nearest.empty() ? "" : fmt::format("; the axis '{}' is a name of your own{}", axis_.name, nearest);
    }

    [[noreturn]] void refuse_name() const {
        if (axis_.name.find('.') != std::string::npos) entry_.name_value.fail(key_problem(axis_.name));
        entry_.name_value.fail(
            fmt::format("unknown key '{}' (allowed: {}, each key that `widthwise schema --table` lists, and a name of "
                        "your own where "
                        "the values are maps of such keys){}",
                        axis_.name, fmt::join(short_axis_names(), ", "), nearest_axis(axis_.name)));
    }

    void sort_keys() {
        std::vector<std::string> sorted;
        for (const ConfigKey& key : config_keys()) {
            if (axis_.changes(key.key)) sorted.push_back(key.key);
        }
        axis_.keys = std::move(sorted);
    }

    const YamlEntry& entry_;
    const std::filesystem::path& folder_;
    Axis axis_;
    std::set<std::string> texts_;
};

void refuse_keys_of_two_axes(const std::vector<Axis>& axes) {
    for (auto axis = axes.begin(); axis != axes.end(); ++axis) {
        for (const std::string& key : axis->keys) {
            const auto other =
                std::find_if(axes.begin(), axis, [&](const Axis& before) { return before.changes(key); });
            if (other != axis) axis->place.fail(fmt::format("changes {}, as the axis '{}' does", key, other->name));
        }
    }
}

}  // namespace

bool Axis::changes(std::string_view key) const { return std::find(keys.begin(), keys.end(), key) != keys.end(); }

std::vector<std::string> short_axis_names() {
    std::vector<std::string> names;
    names.reserve(kShortNames.size());
    for (const ShortName& known : kShortNames) names.emplace_back(known.name);
    return names;
}

std::vector<Axis> read_axes(const YamlValue& value, const std::filesystem::path& folder) {
    std::vector<Axis> axes;
    for (const YamlEntry& entry : value.entries()) axes.push_back(AxisReader(entry, folder).read());
    if (axes.empty()) {
        value.fail(fmt::format("names no axis (allowed: {}, and each key that `widthwise schema --table` lists)",
                               fmt::join(short_axis_names(), ", ")));
    }
    refuse_keys_of_two_axes(axes);
    return axes;
}

}  // namespace widthwise
