// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "report/section.h"

namespace widthwise {

/// Accuracy, overflow and energy against the accumulator's width, and accuracy against energy: whatever the points of
/// all folders allow. Empty when no two widths can be compared.
std::vector<Section> width_sections(const std::vector<ResultSet>& sets);

}  // namespace widthwise
