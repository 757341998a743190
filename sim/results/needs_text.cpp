// SPDX-License-Identifier: Apache-2.0
#include "results/needs_text.h"

#include <fmt/format.h>

#include <vector>

#include "results/tables.h"

namespace widthwise {

bool is_short(const BufferNeed& need) { return need.has > 0 && need.has < need.needs; }

std::string needs_text(const BufferNeeds& needs) {
    std::vector<std::string> parts;
    for (const BufferNeed& need : needs.capacities) {
        if (need.needs == 0) continue;  // nothing is ever whole in it
        parts.push_back(fmt::format("{} {}{}", need.key, grouped(need.needs),
                                    is_short(need) ? fmt::format(" (has {})", grouped(need.has)) : ""));
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace widthwise
