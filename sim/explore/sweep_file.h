// SPDX-License-Identifier: Apache-2.0
// A sweep file: a configuration and the axes along which it varies. See configs/sweeps/README.md.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/run_config.h"
#include "config/yaml_reader.h"
#include "explore/sweep_axes.h"

namespace widthwise {

struct SweepFile {
    std::string path;
    std::string config;  ///< path of the accelerator file, resolved against the sweep file's folder
    struct Images {
        int first = 0;
        int end = 0;
        YamlValue place;
    };
    std::optional<Images> images;  ///< none: all there are
    std::vector<Axis> axes;        ///< in the order of the file; the last one varies fastest

    /// Whether some axis changes one of these keys.
    [[nodiscard]] bool varies(const std::vector<std::string_view>& keys) const;
    [[nodiscard]] std::size_t points() const;
    /// Which value of each axis a point has.
    [[nodiscard]] std::vector<std::size_t> choices(std::size_t point) const;
    void apply(const AxisValue& value, RunConfig& changed) const;
    /// The configuration of a point.
    [[nodiscard]] RunConfig apply(const RunConfig& base, std::size_t point) const;
    /// Each configuration that the axes of these keys alone make of `base`. What `action` refuses is refused at the value
    /// of the last of them; as it is where no axis changes such a key.
    void for_each_choice(const RunConfig& base, const std::vector<std::string_view>& keys,
                         const std::function<void(const RunConfig&)>& action) const;
    /// "accumulator_bits 18, array 8x8".
    [[nodiscard]] std::string describe(std::size_t point) const;
};

/// Runs `action`; what it refuses is refused at `place`.
void at(const YamlValue& place, const std::function<void()>& action);

/// Reads and strictly checks what can be checked without network, images and tables. Throws InputError with file, line,
/// column, key and what is allowed.
SweepFile load_sweep(const std::string& path);

}  // namespace widthwise
