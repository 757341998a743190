// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace widthwise {

/// A rising clock edge of a batch, counted from 0, as the units of the clocked model see it.
using Edge = std::int64_t;

}  // namespace widthwise
