// SPDX-License-Identifier: Apache-2.0
// What whoever runs a test may choose, such as WIDTHWISE_SEED.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace widthwise::test {

/// The number that the environment variable holds, if there is one.
inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace widthwise::test
