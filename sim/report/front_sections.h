// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/section.h"

namespace widthwise {

/// Accuracy against energy of a search.
std::vector<Section> search_sections(const ResultSet& set, const std::string& id);

}  // namespace widthwise
