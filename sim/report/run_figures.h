// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "report/json_node.h"
#include "report/result_set.h"

namespace widthwise {

/// Layers with stalls, energies, overflow and psums, and what psums.csv and utilisation.csv add.
RunFigures read_run_figures(const std::string& folder, const JsonNode& summary);

}  // namespace widthwise
