// SPDX-License-Identifier: Apache-2.0
// Names are compared in lower case: those of layers in configurations and networks, and words of files.
#pragma once

#include <string>
#include <string_view>

namespace widthwise {

/// ASCII letters alone change.
std::string lower_case(std::string_view text);
std::string upper_case(std::string_view text);

}  // namespace widthwise
