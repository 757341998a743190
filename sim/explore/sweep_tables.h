// SPDX-License-Identifier: Apache-2.0
// A sweep's results as files and on the screen. The same results give the same bytes, however they were computed.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "explore/sweep.h"

namespace widthwise {

/// One row per point.
std::string points_csv(const Sweep& sweep, const std::vector<PointResult>& results);
/// One row per point and layer.
std::string sweep_layers_csv(const Sweep& sweep, const std::vector<PointResult>& results);
/// `command` repeats the sweep.
nlohmann::ordered_json sweep_json(const Sweep& sweep, const std::vector<PointResult>& results,
                                  const std::string& command);
/// The axes that vary and the main results; lines of 100 columns at most.
std::string sweep_text(const Sweep& sweep, const std::vector<PointResult>& results);

}  // namespace widthwise
