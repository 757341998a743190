// SPDX-License-Identifier: Apache-2.0
// Random pauses of the ends of links.
#pragma once

#include <cstdint>
#include <string_view>

#include "kit/random.h"

namespace widthwise::test {

/// When one end of a link holds back. Seed 0: never. Otherwise seed and link decide how often and for how long, up to
/// links that nearly stand still and pauses that let units fall asleep.
class Stalls {
public:
    Stalls(std::uint64_t seed, std::string_view link) : never_(seed == 0), random_(seed, link) {
        static constexpr int kPercent[] = {0, 10, 30, 50, 80};
        percent_ = kPercent[random_.in(0, 4)];
    }
    /// Asked once a cycle.
    bool hold() {
        if (never_) return false;
        if (left_ > 0) {
            --left_;
            return true;
        }
        if (!random_.percent(percent_)) return false;
        left_ = random_.percent(10) ? random_.in(5, 20) : random_.in(0, 2);
        return true;
    }

private:
    bool never_;
    Random random_;
    int percent_ = 0;
    int left_ = 0;
};

}  // namespace widthwise::test
