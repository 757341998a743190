// SPDX-License-Identifier: Apache-2.0
// What a failure that is not the user's fault is called.
#pragma once

#include <exception>
#include <string>

namespace widthwise {

/// One sentence for whoever ran the command. Exceptions of the standard library that stand for a resource of the
/// machine, such as std::bad_alloc, name it instead of themselves.
std::string failure_text(const std::exception& error);

}  // namespace widthwise
