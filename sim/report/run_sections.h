// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/section.h"

namespace widthwise {

/// Layers of a run: cycles, energy, overflow, psums, utilisation.
std::vector<Section> run_sections(const ResultSet& set, const std::string& id);

}  // namespace widthwise
