// SPDX-License-Identifier: Apache-2.0
// The axes of a sweep. Each changes one key of the accelerator file, or several together; see configs/sweeps/README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/key_settings.h"
#include "config/run_config.h"
#include "config/yaml_reader.h"

namespace widthwise {

struct AxisValue {
    std::string text;  ///< as results show it
    YamlValue place;   ///< for messages
    std::vector<KeySetting> settings;
};

struct Axis {
    std::string name;
    YamlValue place;                ///< of the name
    bool comes_first = false;       ///< applied before the others, whatever the order in the file
    std::vector<std::string> keys;  ///< that its values change, in the order of accelerator files
    std::vector<AxisValue> values;
    [[nodiscard]] bool changes(std::string_view key) const;
};

inline constexpr std::size_t kMaxSweepPoints = 100000;

/// Names of axes beside the keys and sections of accelerator files.
std::vector<std::string> short_axis_names();

/// In the order of the file. Paths count from `folder`. Throws InputError with file, line, column, key and what is
/// allowed, for keys that two axes change as well.
std::vector<Axis> read_axes(const YamlValue& axes, const std::filesystem::path& folder);

}  // namespace widthwise
