// SPDX-License-Identifier: Apache-2.0
// The same images at several accumulator widths, side by side.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "results/quality.h"
#include "results/run_report.h"

namespace widthwise {

struct WidthRun {
    WidthRun(int width, RunReport of_run) : bits(width), report(std::move(of_run)) {}
    int bits;
    RunReport report;
    std::optional<Quality> quality;  ///< against the widest, if asked for
};

/// What the user asked for: accuracy, overflow and energy at each width, and the saving against the widest.
struct Comparison {
    std::vector<WidthRun> runs;  ///< at least one
    std::string command;         ///< that repeats the comparison

    [[nodiscard]] const WidthRun& widest() const;
    /// Part of the images that the widest gives the same class, 0..1.
    [[nodiscard]] double agreement(const WidthRun& run) const;
    /// Part of the widest one's energy that this width saves; negative when it costs more.
    [[nodiscard]] double saving(const WidthRun& run) const;
};

/// Part of the outputs that overflowed, for good or on the way.
double overflowed_outputs(const RunReport& report);

std::string comparison_text(const Comparison& comparison);
std::string comparison_csv(const Comparison& comparison);
nlohmann::ordered_json comparison_json(const Comparison& comparison);

}  // namespace widthwise
