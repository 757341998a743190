// SPDX-License-Identifier: Apache-2.0
// Axes as a sweep file gives them.
#pragma once

#include <string>
#include <vector>

#include "explore/sweep_file.h"
#include "kit/temporary_files.h"

namespace widthwise::test {

/// Of a sweep file with these axes.
inline SweepFile load_axes(const std::string& axes) {
    const TemporaryFolder folder;
    return load_sweep(folder.write("s.yaml", "config: c.yaml\naxes:\n" + axes));
}

inline std::vector<std::string> texts(const Axis& axis) {
    std::vector<std::string> all;
    for (const AxisValue& value : axis.values) all.push_back(value.text);
    return all;
}

}  // namespace widthwise::test
