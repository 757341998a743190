// SPDX-License-Identifier: Apache-2.0
// Sweep files for LeNet-5 on some of its images.
#pragma once

#include <fmt/format.h>

#include <string>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise::test {

/// A sweep file in `folder` over a shipped configuration.
inline std::string write_sweep(const TemporaryFolder& folder, const std::string& axes, int first = 0, int end = 40,
                               const std::string& config = repository("configs/widthwise-8x8.yaml")) {
    return folder.write("sweep.yaml", fmt::format("config: {}\nimages: [{}, {}]\naxes:\n{}", config, first, end, axes));
}

/// 32 points that need eight evaluations.
inline constexpr const char* kMixedAxes =
    "  accumulator_bits: [20, 17, 15, 13]\n"
    "  array: [[8, 8], [4, 16]]\n"
    "  overflow: [saturate, wrap]\n"
    "  energy_table: [horowitz-45nm, course]\n";

}  // namespace widthwise::test
