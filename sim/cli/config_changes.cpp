// SPDX-License-Identifier: Apache-2.0
#include "cli/config_changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.h"
#include "config/config_keys.h"
#include "config/validate.h"

namespace widthwise {
namespace {

constexpr const char* kSet = "--set";
constexpr const char* kTableKey = "energy.table";

/// An option of its own that changes keys.
struct KeyOption {
    const char* option;
    std::vector<std::string> keys;
};

const std::vector<KeyOption>& key_options() {
    static const std::vector<KeyOption> kOptions = {{"accumulator", {"accumulator.bits", "accumulator.layers"}},
                                                    {"energy", {kTableKey}},
                                                    {"output", {"network_output"}}};
    return kOptions;
}

bool holds(const std::vector<std::string>& keys, const std::string& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// Two options that say the same would leave open which one counts.
void check_given_once(const std::string& key, const ParsedOptions& options, const std::string& widths) {
    for (const KeyOption& other : key_options()) {
        if (!options.has(other.option) || !holds(other.keys, key)) continue;
        throw InputError(
            fmt::format("{}: the key {} is changed by --{} too; give one of them", kSet, key, other.option));
    }
    if (!widths.empty() && holds(key_options().front().keys, key)) {
        throw InputError(
            fmt::format("{}: the key {} has no effect here: {} replaces the widths of all layers", kSet, key, widths));
    }
}

}  // namespace

OptionSpec set_option() {
    OptionSpec option{"set", "KEY=VALUE",
                      "Change a key of the configuration, such as array.rows=16; may be repeated. The value is YAML; "
                      "paths count from the working directory. Keys: widthwise schema --table."};
    option.repeats = true;
    for (const ConfigKey& key : config_keys()) option.choices.push_back(key.key + "=");
    return option;
}

ConfigChanges chosen_changes(const ParsedOptions& options, const std::string& widths) {
    ConfigChanges changes{parse_key_settings(kSet, options.texts("set")), options.text("accumulator"),
                          options.text("energy")};
    for (const KeySetting& setting : changes.settings) check_given_once(setting.key, options, widths);
    return changes;
}

ConfigFile changed(ConfigFile file, const ConfigChanges& changes) {
    for (const KeySetting& setting : changes.settings) {
        set_key(file.config, setting, "");
        if (!holds(file.keys, setting.key)) file.keys.push_back(setting.key);
    }
    if (!changes.accumulator.empty()) {
        apply_accumulator_option(file.config.hardware.accumulator, changes.accumulator);
    }
    if (!changes.energy.empty()) file.config.energy_table = changes.energy;
    validate(file.config.hardware);
    return file;
}

std::string energy_table_place(const RunConfig& config, const ConfigChanges& changes) {
    if (!changes.energy.empty()) return "--energy";
    const bool is_set = std::any_of(changes.settings.begin(), changes.settings.end(),
                                    [](const KeySetting& setting) { return setting.key == kTableKey; });
    return fmt::format("{}: {}", is_set ? kSet : config.path, kTableKey);
}

}  // namespace widthwise
