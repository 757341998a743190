// SPDX-License-Identifier: Apache-2.0
// Values of single keys that come from elsewhere than the accelerator file: from an option, or from an axis of a sweep.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "config/yaml_reader.h"

namespace widthwise {

struct KeySetting {
    std::string key;  ///< dotted
    YamlValue value;
};

/// "" when there is such a key, otherwise what is wrong with it, and which key was probably meant.
std::string key_problem(const std::string& key);

/// What behind `option` each read "array.rows=16", the value being YAML. Throws InputError for keys that do not exist,
/// keys that are given twice, and values that the key cannot have, as an accelerator file's are refused.
std::vector<KeySetting> parse_key_settings(const std::string& option, const std::vector<std::string>& texts);

/// Changes one key. Paths count from `folder`. Throws InputError at the place of the value when it is none of the key's.
void set_key(RunConfig& config, const KeySetting& setting, const std::filesystem::path& folder);

/// The key's value as results show it; "" where there is none.
std::string key_text(const RunConfig& config, const std::string& key);

}  // namespace widthwise
