// SPDX-License-Identifier: Apache-2.0
// The kernels that use AVX-512 with its dot-product instructions (VNNI).
#pragma once

#include "engine/fast/kernels.h"

namespace widthwise::fast {

/// Null where the processor does not have them.
const Kernels* avx512_kernels();

}  // namespace widthwise::fast
