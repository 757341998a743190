// SPDX-License-Identifier: Apache-2.0
// Random small networks on random hardware, for tests that hold two engines to the same answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "network/network.h"

namespace widthwise::test {

struct RandomCase {
    std::uint64_t seed = 0;
    Network network;
    HardwareParams hardware;
    std::vector<std::vector<std::uint8_t>> images;
    /// Everything needed to make the case by hand.
    [[nodiscard]] std::string describe() const;
};

/// The case of this seed; always one that compiles.
RandomCase make_random_case(std::uint64_t seed);

}  // namespace widthwise::test
