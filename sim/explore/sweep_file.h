// SPDX-License-Identifier: Apache-2.0
// A sweep file: a configuration and the axes along which it varies. See configs/sweeps/README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "config/run_config.h"
#include "config/yaml_reader.h"

namespace widthwise {

struct AxisValue {
    std::string text;  ///< as results show it
    YamlValue place;   ///< for messages
    std::function<void(RunConfig&)> apply;
};

struct Axis {
    std::string name;
    int rank = 0;  ///< values are applied in this order, whatever the order in the file
    std::vector<AxisValue> values;
};

/// Names of all axes there are, in order of rank.
std::vector<std::string> axis_names();

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

    [[nodiscard]] const Axis* find(const std::string& name) const;
    [[nodiscard]] std::size_t points() const;
    /// Which value of each axis a point has.
    [[nodiscard]] std::vector<std::size_t> choices(std::size_t point) const;
    /// The configuration of a point.
    [[nodiscard]] RunConfig apply(const RunConfig& base, std::size_t point) const;
    /// "accumulator_bits 18, array 8x8".
    [[nodiscard]] std::string describe(std::size_t point) const;
};

inline constexpr std::size_t kMaxSweepPoints = 100000;

/// Reads and strictly checks what can be checked without network, images and tables. Throws InputError with file, line,
/// column, key and what is allowed.
SweepFile load_sweep(const std::string& path);

}  // namespace widthwise
