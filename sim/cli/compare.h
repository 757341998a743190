// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace widthwise {

/// "20,18,16": accumulator widths, each once. Throws InputError.
std::vector<int> parse_widths(const std::string& text);

}  // namespace widthwise
