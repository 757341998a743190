// SPDX-License-Identifier: Apache-2.0
#include "common/failure.h"

#include <fmt/format.h>

#include <new>
#include <stdexcept>

namespace widthwise {

std::string failure_text(const std::exception& error) {
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
        return "the memory ran out: the machine, or a limit set for this process, has less than this run needs";
    }
    if (dynamic_cast<const std::length_error*>(&error) != nullptr) {
        return fmt::format("the memory ran out: something would be larger than any memory ({})", error.what());
    }
    return error.what();
}

}  // namespace widthwise
