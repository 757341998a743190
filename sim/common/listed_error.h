// SPDX-License-Identifier: Apache-2.0
// Several things that are wrong with one input, told at once.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <utility>
#include <vector>

#include "common/error.h"

namespace widthwise {

/// what() has them all in one line; the command line gives each a line of its own.
class ListedError : public InputError {
public:
    ListedError(const std::string& head, std::vector<std::string> items)
        : InputError(fmt::format("{}: {}", head, fmt::join(items, "; "))), head_(head), items_(std::move(items)) {}
    [[nodiscard]] const std::string& head() const { return head_; }
    [[nodiscard]] const std::vector<std::string>& items() const { return items_; }

private:
    std::string head_;
    std::vector<std::string> items_;
};

}  // namespace widthwise
