// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace widthwise {

/// The text as one word of a shell: as it is, in single quotes, or, where a screen would not show it as it is
/// (text/printable.h), as $'...' with escapes, which bash, ksh and zsh read.
std::string shell_word(const std::string& text);

}  // namespace widthwise
