// SPDX-License-Identifier: Apache-2.0
// Where two run records differ, as text: key, expected, actual.
#pragma once

#include <string>

#include "record/record.h"

namespace widthwise {

/// Empty when equal.
std::string record_difference(const RunRecord& expected, const RunRecord& actual);

}  // namespace widthwise
